// Package scripts has the tests of the Makefile and its scripts on a machine that has nothing but Go, make and git.
package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMakeAloneShowsWhatThereIs(t *testing.T) {
	help := mustRun(t, "..", "make")
	for _, target := range []string{"demo", "build", "test", "check", "bench"} {
		if !strings.Contains(help, "  make "+target+" ") {
			t.Errorf("make says nothing about make %s:\n%s", target, help)
		}
	}
}

func TestTestsRunWithoutACompiler(t *testing.T) {
	output := mustRun(t, "..", "make", "test", "PACKAGES=./internal/event", "TESTFLAGS=-run=^$")
	if strings.Count(output, "race detector") != 1 || strings.Contains(output, "-race") {
		t.Errorf("make test does not say that it leaves the race detector out, or does not leave it out:\n%s", output)
	}
	if !strings.Contains(output, "\nok ") {
		t.Errorf("make test does not end with go test's own lines:\n%s", output)
	}
}

func TestUnformattedCodeIsFound(t *testing.T) {
	script, err := filepath.Abs("check-format")
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	write(t, filepath.Join(tree, "good.go"), "package good\n")
	mustRun(t, tree, script)

	write(t, filepath.Join(tree, "bad.go"), "package   bad\n")
	if output, err := run(t, tree, script); err == nil || !strings.Contains(output, "bad.go") {
		t.Errorf("bad.go was not found: %v\n%s", err, output)
	}
}

// run executes a command in a folder, on a machine with no more than Go, make, git and the basic tools of a shell.
func run(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range []string{"go", "make", "git", "sh", "sed", "expand", "find", "mktemp", "rm"} {
		found, err := exec.LookPath(tool)
		if err != nil {
			t.Skipf("needs %s", tool)
		}
		if err := os.Symlink(found, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = dir
	command.Env = []string{"PATH=" + bin}
	for _, kept := range []string{"HOME", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOTOOLCHAIN", "TMPDIR"} {
		if value, ok := os.LookupEnv(kept); ok {
			command.Env = append(command.Env, kept+"="+value)
		}
	}
	output, err := command.CombinedOutput()
	return string(output), err
}

func mustRun(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	output, err := run(t, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
	return output
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
