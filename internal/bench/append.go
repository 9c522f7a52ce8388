package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
)

// appendCallers each wait for their heartbeat before they send the next.
const appendCallers = 512

// measureAppend loads the committer and the log without doors, in turns with a plain file.
func (b *bench) measureAppend(ctx context.Context) error {
	for i := range b.rounds {
		w := b.watch()
		plain, err := b.appendToFile(filepath.Join(b.dir, fmt.Sprintf("plain-%d", i)))
		if err != nil {
			return err
		}
		logged, err := b.appendToLog(ctx, filepath.Join(b.dir, fmt.Sprintf("append-%d", i)))
		if err != nil {
			return err
		}
		busy := w.busy()
		b.add("append-plain", "plain file with group commit, 512 callers", "heartbeats/s", nil, plain, busy)
		b.add("append", "committer and log, 512 callers", "heartbeats/s", nil, logged, busy)
		b.add("append-ratio", "  of the plain file", "", atLeast(0.7), logged/plain, busy)
	}
	return nil
}

// together has the callers submit for one round, and gives how much they did in a second.
func (b *bench) together(submit func(caller int) error) (float64, error) {
	var all sync.WaitGroup
	var done atomic.Int64
	errs := make([]error, appendCallers)
	began := time.Now()
	for caller := range appendCallers {
		all.Go(func() {
			n := int64(0)
			for errs[caller] == nil && time.Since(began) < b.round {
				errs[caller] = submit(caller)
				n++
			}
			done.Add(n)
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), firstOf(errs)
}

func (b *bench) appendToLog(ctx context.Context, dir string) (_ float64, err error) {
	log, err := eventlog.Open(ctx, eventlog.Config{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close(), os.RemoveAll(dir)) }()
	committer, err := ingest.NewCommitter(ingest.CommitterConfig{Log: log, Window: ingest.NewWindow()})
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	var run sync.WaitGroup
	run.Go(func() { _ = committer.Run(running) }) // it returns nil
	defer run.Wait()
	defer stop()
	return b.together(func(caller int) error {
		row := [...]event.Heartbeat{{Vehicle: event.VehicleID(1 + caller), Sequence: event.NoSequence}}
		_, err := committer.Submit(context.Background(), row[:])
		return err
	})
}

func (b *bench) appendToFile(path string) (_ float64, err error) {
	file, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("creating the plain file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(path)) }()
	g := newGroup(file)
	var run sync.WaitGroup
	run.Go(g.run)
	rate, err := b.together(func(caller int) error { return g.submit(uint32(1 + caller)) })
	g.stop()
	run.Wait()
	return rate, err
}
