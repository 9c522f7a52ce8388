package bench

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// measureStart fills the log and times starts: after a stop in order, and after the process was killed. Then it replays
// all of it. What it reads is in the memory of the system, as after a restart of the process and not of the machine.
func (b *bench) measureStart(ctx context.Context) error {
	f, err := b.needServer(ctx)
	if err != nil {
		return err
	}
	made := newTemplates(batchForm{client.Protobuf, true}, f.roster)
	if err := f.fill(ctx, made, b.logged-int(f.sent.Load())); err != nil {
		return err
	}
	goal := atMost(3)
	for range b.rounds {
		if err := b.stop(f.process); err != nil {
			return err
		}
		if err := b.timeStart(ctx, f, "start", "start, ready after a stop in order", goal); err != nil {
			return err
		}
	}
	for range b.rounds {
		if err := f.fill(ctx, made, b.tail); err != nil {
			return err
		}
		if err := b.kill(f.process); err != nil {
			return err
		}
		what := fmt.Sprintf("start, ready after a kill, with %s heartbeats behind the snapshot", number(float64(b.tail)))
		if err := b.timeStart(ctx, f, "start-killed", what, goal); err != nil {
			return err
		}
		if err := f.restart(ctx); err != nil { // writes a snapshot
			return err
		}
	}
	if err := b.stop(f.process); err != nil {
		return err
	}
	b.server = nil
	return b.replay(ctx, f)
}

// fill sends so many heartbeats, as fast as it goes.
func (f *server) fill(ctx context.Context, made templates, heartbeats int) error {
	l := f.batchesOf(made)
	l.requests = max(heartbeats/batchSize, 1)
	_, err := l.run(ctx)
	return err
}

func (b *bench) timeStart(ctx context.Context, f *server, name, what string, goal *Goal) error {
	w := b.watch()
	if err := f.start(ctx); err != nil {
		return err
	}
	b.add(name, what, "s", goal, time.Since(w.began).Seconds(), w.busy())
	return nil
}

var replayed = regexp.MustCompile(`(\d+) batches, .* (\d+) heartbeats: whole and in order; (\S+) million heartbeats/s`)

// replay rebuilds everything from the log.
func (b *bench) replay(ctx context.Context, f *server) error {
	for range b.rounds {
		w := b.watch()
		command := exec.CommandContext(ctx, b.Program, "replay", "--data", f.dir) //nolint:gosec // the program is ours
		command.Env = b.Env
		said, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("replaying: %w: %s", err, said)
		}
		match := replayed.FindSubmatch(said)
		if match == nil || bytes.Contains(said, []byte("DIFFERS")) {
			return fmt.Errorf("replaying: the program said %q", said)
		}
		batches, _ := strconv.ParseFloat(string(match[1]), 64)
		heartbeats, _ := strconv.ParseFloat(string(match[2]), 64)
		millions, _ := strconv.ParseFloat(string(match[3]), 64)
		b.add("replay", "replay from nothing", "heartbeats/s", atLeast(5_000_000), 1e6*millions, w.busy())
		b.add("replay-heartbeats", "  heartbeats in the log", "", nil, heartbeats, w.busy())
		b.add("replay-batch", "  of which in a batch", "", nil, heartbeats/batches, w.busy())
	}
	return nil
}
