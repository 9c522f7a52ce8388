//go:build race

package presence

const raceDetector = true // everything is ten times slower
