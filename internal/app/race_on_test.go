//go:build race

package app_test

const manyVehicles = 10_000 // to import ten times as many takes the better part of a minute here
