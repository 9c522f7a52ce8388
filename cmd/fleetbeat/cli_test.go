//go:build linux

package main_test

import (
	"regexp"
	"testing"
)

func TestVersionIsOneLine(t *testing.T) {
	p := run(t, nil, "version")
	if p.code() != 0 || !regexp.MustCompile(`^fleetbeat \S+ go\S+ linux/\S+\n$`).MatchString(p.stdout.String()) {
		t.Errorf("exit code %d, output %q", p.code(), p.stdout)
	}
}

func TestServeStartsStopsAndStartsAgain(t *testing.T) {
	s := serve(t, t.TempDir())
	for range 2 {
		if code := s.stop(t); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		s.start(t)
		s.kill()
		s.start(t)
		s.suspend(t)
		s.resume(t)
		s.waitReady(t)
	}
}
