//go:build !linux

package bench

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

var errUnknown = fmt.Errorf("processor time and memory are not known on %s: %w", runtime.GOOS, errors.ErrUnsupported)

func giveWay() (stop func()) { return func() {} }

// On systems other than Linux, nobody says what other programs use.

func machineTime() time.Duration         { return 0 }
func ownTime() time.Duration             { return 0 }
func threadTime() (time.Duration, error) { return 0, errUnknown }
func processTime(int) time.Duration      { return 0 }
func residentMemory(int) (int64, error)  { return 0, errUnknown }
func fileSystem(string) string           { return "" }
