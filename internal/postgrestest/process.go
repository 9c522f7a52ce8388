package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// process is a server's process.
type process struct {
	command *exec.Cmd
	log     string
	ended   chan struct{}
}

// runAs runs a command to its end, as account says.
func runAs(command *exec.Cmd) error {
	who, err := account()
	if err != nil {
		return err
	}
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", command.Path, err, out)
	}
	return nil
}

// launch starts a command, as account says. The kernel ends it with the test.
func launch(command *exec.Cmd, log string) (*process, error) {
	who, err := account()
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	command.Dir = "/"
	command.Stdout, command.Stderr = out, out
	command.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, log: log, ended: make(chan struct{})}
	go func() {
		_ = command.Wait() // its outcome is in ProcessState
		close(p.ended)
	}()
	return p, nil
}

// waitFor returns when attempt gives no error.
func (p *process) waitFor(attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.failed(err)
		case <-ctx.Done():
			return p.failed(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *process) failed(err error) error {
	said, _ := os.ReadFile(p.log) // better than nothing
	return fmt.Errorf("%s does not answer: %w\n%s", p.command.Path, err, said)
}

// stop asks the process to end and returns when it has.
func (p *process) stop(signal syscall.Signal) error {
	_ = p.command.Process.Signal(signal) // one that has ended bears it
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s does not end", p.command.Path)
	}
}

// signalAll signals the process and its children.
func (p *process) signalAll(signal syscall.Signal) error {
	parent := p.command.Process.Pid
	if err := syscall.Kill(parent, signal); err != nil {
		return err
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		fields := bytes.Fields(rest)
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(parent) {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			_ = syscall.Kill(child, signal)
		}
	}
	return nil
}
