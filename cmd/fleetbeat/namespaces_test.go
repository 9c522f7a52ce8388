//go:build linux

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// namespaces are network namespaces on one bridge, which can be cut off one by one. The tests' own processes are at the bridge.
type namespaces struct {
	t    *testing.T
	name string
}

func newNamespaces(t *testing.T, n int) *namespaces {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	s := &namespaces{t: t, name: fmt.Sprintf("fb%d", os.Getpid()%10_000)}
	t.Cleanup(func() {
		for i := range n {
			_ = exec.Command("ip", "netns", "delete", s.space(i)).Run()
		}
		_ = exec.Command("ip", "link", "delete", s.name).Run()
	})
	s.ip("link", "add", s.name, "type", "bridge")
	s.ip("address", "add", "10.77.0.254/24", "dev", s.name)
	s.ip("link", "set", s.name, "up")
	for i := range n {
		s.ip("netns", "add", s.space(i))
		s.ip("link", "add", s.space(i), "type", "veth", "peer", "name", "eth0", "netns", s.space(i))
		s.ip("link", "set", s.space(i), "master", s.name, "up")
		s.ip("-n", s.space(i), "address", "add", s.address(i)+"/24", "dev", "eth0")
		s.ip("-n", s.space(i), "link", "set", "eth0", "up")
		s.ip("-n", s.space(i), "link", "set", "lo", "up")
	}
	return s
}

func (s *namespaces) ip(args ...string) {
	s.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		s.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (s *namespaces) space(i int) string { return fmt.Sprintf("%s-%d", s.name, i) }

func (s *namespaces) address(i int) string { return fmt.Sprintf("10.77.0.%d", i+1) }

// within is a command that runs another one in a namespace.
func (s *namespaces) within(i int, path string, args []string) (string, []string) {
	return "ip", append([]string{"netns", "exec", s.space(i), path}, args...)
}

// cut takes a namespace off the bridge, and mend puts it back.
func (s *namespaces) cut(i int)  { s.ip("link", "set", s.space(i), "down") }
func (s *namespaces) mend(i int) { s.ip("link", "set", s.space(i), "up") }
