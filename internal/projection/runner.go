// Package projection drives what is derived from the log: it gives a projection every batch in order, knows how far it
// is behind, lets readers wait until it has reached a position, and keeps snapshots so that a start reads only the tail.
//
// It guarantees that a projection sees each batch once and in order, from one goroutine. It does not know what a
// projection makes of a batch.
package projection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// Projection is state derived from the log. Apply is called for each batch after Checkpoint, in order, by one
// goroutine; Save writes the state that covers Checkpoint.
type Projection interface {
	Apply(batch event.Stored) error
	Checkpoint() event.Position
	Save(w io.Writer) error
}

// Config says what a Runner drives.
type Config struct {
	Log           *eventlog.Log
	Projection    Projection
	Snapshots     *Snapshots
	SnapshotEvery time.Duration // default 5 minutes
	Logger        *slog.Logger
	Registerer    prometheus.Registerer // nil: no metrics
}

// Runner brings one projection up to date and keeps it there.
type Runner struct {
	config     Config
	checkpoint atomic.Uint64
	metrics    metrics

	asked chan chan error // Replace asks Run, which answers

	mu      sync.Mutex
	reached chan struct{} // guarded by mu; closed and replaced when the checkpoint moves and somebody waits
	waiting bool          // guarded by mu
}

// New makes a Runner for a projection that stands at its checkpoint, empty or loaded from a snapshot.
func New(config Config) *Runner {
	if config.SnapshotEvery == 0 {
		config.SnapshotEvery = 5 * time.Minute
	}
	r := &Runner{config: config, reached: make(chan struct{}), asked: make(chan chan error)}
	r.checkpoint.Store(uint64(config.Projection.Checkpoint()))
	r.metrics = newMetrics(config, r)
	return r
}

// Run applies batches until ctx ends, then writes a last snapshot. What was dropped from the log is passed over. It returns
// early, with an error, when the log is found damaged.
func (r *Runner) Run(ctx context.Context) error {
	saver := saver{runner: r, last: time.Now()}
	defer saver.wait()
	err := r.config.Log.Follow(ctx, max(r.Checkpoint()+1, r.config.Log.First()), func(batch event.Stored) error {
		r.apply(batch)
		select {
		case answer := <-r.asked:
			answer <- saver.replace()
		default:
			if time.Since(saver.last) >= r.config.SnapshotEvery {
				saver.save()
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("following the log for %s: %w", r.config.Snapshots.Name, err)
	}
	saver.wait()
	saver.save()
	return nil
}

// apply gives one batch to the projection. A batch that it refuses is counted and skipped: one bad event must not stop
// the view of all others.
func (r *Runner) apply(batch event.Stored) {
	if err := r.config.Projection.Apply(batch); err != nil {
		r.metrics.refused.Inc()
		r.config.Logger.Error("batch refused and skipped", "projection", r.config.Snapshots.Name, "position", batch.Position, "error", err)
	}
	r.checkpoint.Store(uint64(batch.Position))
	r.mu.Lock()
	if r.waiting {
		close(r.reached)
		r.reached, r.waiting = make(chan struct{}), false
	}
	r.mu.Unlock()
}

// Checkpoint is the position of the last batch applied.
func (r *Runner) Checkpoint() event.Position { return event.Position(r.checkpoint.Load()) }

// Lag is how many batches of the log are not applied yet.
func (r *Runner) Lag() uint64 {
	checkpoint, head := r.Checkpoint(), r.config.Log.Head()
	if head < checkpoint {
		return 0
	}
	return uint64(head - checkpoint)
}

// Wait returns when the projection has applied everything up to position, or with ctx's error.
func (r *Runner) Wait(ctx context.Context, position event.Position) error {
	for {
		r.mu.Lock()
		reached := r.reached
		r.waiting = true
		r.mu.Unlock()
		if r.Checkpoint() >= position {
			return nil
		}
		select {
		case <-reached:
		case <-ctx.Done():
			return fmt.Errorf("waiting for position %d: %w", position, ctx.Err())
		}
	}
}

// Replace puts a new snapshot, of the projection as it is now, in the place of all that there are: what the projection has
// forgotten, they have too. It is done behind the next batch of the log, for which it waits until ctx ends.
func (r *Runner) Replace(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case r.asked <- answer:
		return <-answer
	case <-ctx.Done():
		return fmt.Errorf("waiting to replace the snapshots of %s: %w", r.config.Snapshots.Name, ctx.Err())
	}
}

// saver writes snapshots: the state is written between two batches, the slow sync to disk runs beside them.
type saver struct {
	runner  *Runner
	last    time.Time
	pending sync.WaitGroup
	busy    atomic.Bool
}

func (s *saver) save() {
	s.last = time.Now()
	if !s.busy.CompareAndSwap(false, true) {
		return // the disk is slower than SnapshotEvery: the next one will do
	}
	r := s.runner
	pending, err := r.config.Snapshots.Write(func(w io.Writer) (uint64, error) {
		return uint64(r.Checkpoint()), r.config.Projection.Save(w)
	})
	if err != nil {
		s.done(0, err)
		return
	}
	s.pending.Go(func() { s.done(pending.Size, pending.Commit()) })
}

// replace is Replace, between two batches.
func (s *saver) replace() error {
	s.wait()
	s.last = time.Now()
	r := s.runner
	size, err := r.config.Snapshots.Replace(func(w io.Writer) (uint64, error) {
		return uint64(r.Checkpoint()), r.config.Projection.Save(w)
	})
	s.done(size, err)
	return err
}

func (s *saver) done(size int64, err error) {
	r := s.runner
	if err != nil {
		r.metrics.snapshotFailures.Inc()
		r.config.Logger.Error("snapshot not written; the next start reads more of the log", "projection", r.config.Snapshots.Name, "error", err)
	} else {
		r.metrics.snapshotBytes.Set(float64(size))
		r.metrics.snapshotTime.SetToCurrentTime()
	}
	s.busy.Store(false)
}

func (s *saver) wait() { s.pending.Wait() }

// CatchUp applies what the log holds from a position on, or from where it begins, up to its present head, for state that
// its owner then keeps up to date by itself.
func CatchUp(ctx context.Context, log *eventlog.Log, from event.Position, apply func(event.Stored) error) error {
	head := log.Head()
	from = max(from, log.First())
	if from > head {
		return nil
	}
	errReached := errors.New("head reached")
	err := log.Follow(ctx, from, func(batch event.Stored) error {
		if err := apply(batch); err != nil {
			return fmt.Errorf("applying position %d: %w", batch.Position, err)
		}
		if batch.Position >= head {
			return errReached
		}
		return nil
	})
	if errors.Is(err, errReached) {
		return nil
	}
	return err
}
