//go:build !race

package app_test

const (
	manyVehicles = 100_000 // imported at once
	someVehicles = 300     // simulated
)
