package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is stamped by the Makefile; a plain go build leaves what the Go tool knows.
var version = ""

type versionCommand struct{}

// programVersion is the stamped version, or what the Go tool noted.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (versionCommand) Run(t *terminal) error {
	_, err := fmt.Fprintf(t.out, "fleetbeat %s %s %s/%s\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
