//go:build !linux

package eventlog

import (
	"math"
	"runtime"
)

// untriedFileSystem says that on systems other than Linux the log was tried on none.
func untriedFileSystem(string) (name string, untried bool, err error) { return runtime.GOOS, true, nil }

// DiskSpace is not known on systems other than Linux: a full disk shows when an append fails.
func DiskSpace(string) (free, total uint64, err error) { return math.MaxUint64, math.MaxUint64, nil }
