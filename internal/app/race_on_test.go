//go:build race

package app_test

// The race detector makes everything ten times slower.
const (
	manyVehicles = 5_000 // imported at once
	someVehicles = 100   // simulated
)
