//go:build linux

// The tests of this package run the program as its users do: they build it, start it as a process, and come in by its
// public doors only. What they need of the system, such as signals and limits, is Linux's.
package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// program is the path of the binary under test.
var program string

// patience bounds every wait for a process, on a machine that has much else to do.
const patience = time.Minute

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fleetbeat-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	defer postgres.Close()
	program = filepath.Join(dir, "fleetbeat")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// process is the program, running.
type process struct {
	command *exec.Cmd
	stdout  *transcript
	stderr  *transcript
	ended   chan struct{} // closed when it has ended and everything it wrote is in the transcripts
}

// launch starts the program. It is killed when the test ends, if it has not ended by then; of a failed test, what it
// wrote is shown. The environment has nothing of FLEETBEAT_* but what env says.
func launch(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	// The kernel kills the process with the test, should that panic.
	return launchAs(t, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, env, args...)
}

// launchAs also says how the system is to see the process.
func launchAs(t testing.TB, attributes *syscall.SysProcAttr, env []string, args ...string) *process {
	t.Helper()
	return launchProgram(t, program, attributes, env, args...)
}

// launchProgram starts another program in the same way.
func launchProgram(t testing.TB, path string, attributes *syscall.SysProcAttr, env []string, args ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(path, args...), stdout: &transcript{}, stderr: &transcript{}, ended: make(chan struct{})}
	p.command.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "FLEETBEAT_") })
	p.command.Env = append(p.command.Env, env...)
	p.command.Stdout, p.command.Stderr = p.stdout, p.stderr
	p.command.SysProcAttr = attributes
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.command.Wait() // its outcome is in ProcessState
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s %s (%s) wrote:\n%s", filepath.Base(path), strings.Join(args, " "), p.command.ProcessState, p.stderr)
		}
	})
	return p
}

// run runs the program to its end.
func run(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, env, args...)
	p.wait(t)
	return p
}

// wait returns the exit code when the process has ended, -1 when a signal ended it.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.code()
	case <-time.After(patience):
		t.Fatalf("fleetbeat %s did not end", strings.Join(p.command.Args[1:], " "))
		return 0
	}
}

// code is the exit code of a process that has ended.
func (p *process) code() int { return p.command.ProcessState.ExitCode() }

// running says whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// kill ends the process as a crash does, and returns when it is gone. A process that has ended bears it.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// stop asks the process to end and returns its exit code.
func (p *process) stop(t testing.TB) int {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	return p.wait(t)
}

func (p *process) signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// suspend freezes the process, all of it, until resume.
func (p *process) suspend(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	stat := fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid)
	eventually(t, "the process is suspended", func() error {
		text, err := os.ReadFile(stat)
		if _, state, _ := bytes.Cut(text, []byte(") ")); err == nil && !bytes.HasPrefix(state, []byte("T")) {
			err = fmt.Errorf("its state is %.1s", state)
		}
		return err
	})
}

// resume lets a suspended process go on.
func (p *process) resume(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGCONT)
}

// server is "fleetbeat serve", running, and a client of it. Its address stays the same over restarts.
type server struct {
	*client.Client
	*process
	url  string
	data string
	args []string
}

// serve starts a server on a data folder and returns when it is ready.
func serve(t testing.TB, data string, args ...string) *server {
	t.Helper()
	address := freeAddress(t)
	s := &server{url: "http://" + address, data: data}
	s.args = append([]string{"serve", "--http", address, "--data", data}, args...)
	var err error
	if s.Client, err = client.New(client.Config{BaseURL: s.url}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Client.Close)
	s.start(t)
	return s
}

// start starts a server that has ended again, on the same folder and address.
func (s *server) start(t testing.TB) {
	t.Helper()
	s.process = launch(t, nil, s.args...)
	s.waitReady(t)
}

// waitReady returns when the server can answer everything.
func (s *server) waitReady(t testing.TB) {
	t.Helper()
	eventually(t, "the server is ready", func() error {
		if !s.running() {
			t.Fatalf("the server ended with exit code %d instead of getting ready", s.code())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return s.Ready(ctx)
	})
}

// eventually tries until attempt gives no error, and fails the test with its last one when that takes too long.
func eventually(t testing.TB, what string, attempt func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := attempt()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || errors.Is(err, context.Canceled) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// freeAddress is a loopback address that nobody listens at. Its port is below those that the kernel hands out, so that
// no outgoing connection takes it while a server is down, not even one to that very port.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("there is no free port")
	return ""
}

// transcript keeps what a process writes; it may be read meanwhile.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// Contains says whether the text was written.
func (t *transcript) Contains(text string) bool { return strings.Contains(t.String(), text) }
