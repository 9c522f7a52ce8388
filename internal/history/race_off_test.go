//go:build !race

package history

// How often a property is checked. The race detector makes everything ten times slower.
const checks = "60"
