//go:build !race

package app_test

const manyVehicles = 100_000
