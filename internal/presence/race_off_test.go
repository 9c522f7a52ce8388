//go:build !race

package presence

const raceDetector = false
