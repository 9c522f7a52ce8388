package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startWithin = 5 * time.Minute
	stopWithin  = time.Minute
	keptLines   = 20 // of what a process wrote, to be shown when it fails
)

// process is a fleetbeat process that serves HTTP.
type process struct {
	command *exec.Cmd
	address string        // host:port
	ended   chan struct{} // closed when it has ended and its output is read
	err     error         // how it ended, valid then

	mu    sync.Mutex // guards lines
	lines []string   // the last it wrote
}

// start runs the program with arguments, and waits until it says where it listens.
func (b *bench) start(ctx context.Context, args ...string) (*process, error) {
	p := &process{command: exec.Command(b.Program, args...), ended: make(chan struct{})} //nolint:gosec,noctx // the program is ours, and ended in order
	output, err := p.command.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", b.Program, err)
	}
	p.command.Env = b.Env
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", b.Program, err)
	}
	b.live = append(b.live, p)
	listening := make(chan string, 1)
	go p.follow(output, listening)
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	select {
	case url := <-listening:
		p.address = strings.TrimPrefix(url, "http://")
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s %s ended at its start: %w\n%s", b.Program, args[0], p.err, p.said())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("waiting for %s %s to listen: %w", b.Program, args[0], ctx.Err()), b.kill(p))
	}
}

// follow reads what the process logs until it ends.
func (p *process) follow(output io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			listening <- line.URL
		}
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		p.lines = p.lines[max(0, len(p.lines)-keptLines):]
		p.mu.Unlock()
	}
	p.err = p.command.Wait()
	close(p.ended)
}

// said is the last that the process wrote.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

func (p *process) processorTime() time.Duration { return processTime(p.command.Process.Pid) }

// stop ends a process in order.
func (b *bench) stop(p *process) error {
	return b.end(p, syscall.SIGTERM)
}

// kill ends a process at once.
func (b *bench) kill(p *process) error {
	return b.end(p, syscall.SIGKILL)
}

func (b *bench) end(p *process, signal syscall.Signal) error {
	b.live = slices.DeleteFunc(b.live, func(other *process) bool { return other == p })
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping a process: %w", err)
	}
	select {
	case <-p.ended:
	case <-time.After(stopWithin):
		_ = p.command.Process.Kill() // it has ended, or ends now
		<-p.ended
		return fmt.Errorf("a process did not stop within %s and was killed\n%s", stopWithin, p.said())
	}
	if p.err != nil && signal == syscall.SIGTERM {
		return fmt.Errorf("a process ended badly: %w\n%s", p.err, p.said())
	}
	return nil
}

// stopAll ends what is left running, the last started first.
func (b *bench) stopAll() error {
	var errs []error
	for _, p := range slices.Backward(slices.Clone(b.live)) {
		errs = append(errs, b.stop(p))
	}
	return errors.Join(errs...)
}
