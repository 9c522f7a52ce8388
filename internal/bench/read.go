package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

const (
	canaryEvery = 250 * time.Millisecond
	// historyOf the log's time passes before a measurement: longer than the default policy, after which the calendar of
	// deadlines has every vehicle where it stays.
	historyOf = 2 * time.Minute
)

// measureRead writes a log as a fleet that reports once a minute makes it grow, and measures what the reading side takes:
// following the log, presence, indexes. The reader is a goroutine with a thread of its own, whose processor time the
// system tells; what the garbage collector does for it beside is not in it.
func (b *bench) measureRead(ctx context.Context) error {
	return b.withReading(ctx, func(r *reading) error {
		for _, shape := range []struct {
			name, what string
			every      time.Duration
		}{
			{"read-single", "reading side, batches of 2 ms as single heartbeats make them", 2 * time.Millisecond},
			{"read-batch", "reading side, batches of 1,000", min(time.Duration(batchSize/b.perSecond()*float64(time.Second)), b.steady/4)},
		} {
			for range b.rounds {
				watch, before := b.watch(), r.time()
				if err := r.writer.live(ctx, shape.every, b.steady); err != nil {
					return err
				}
				if err := r.reach(ctx, r.writer.log.Head()); err != nil {
					return err
				}
				used := r.time() - before
				b.add(shape.name, shape.what, "% of a core", atMost(12), 100*used.Seconds()/time.Since(watch.began).Seconds(), watch.busy())
			}
		}
		return nil
	})
}

// withReading makes a log of a fleet that has reported for some time, follows it into a view, and tears it all down after
// what is to be done with it.
func (b *bench) withReading(ctx context.Context, do func(*reading) error) (err error) {
	dir := filepath.Join(b.dir, "read")
	log, err := eventlog.Open(ctx, eventlog.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, log.Close(), os.RemoveAll(dir))
		debug.FreeOSMemory()
	}()
	view := fleet.New(fleet.Config{})
	roster := simulate.NewRoster(1, b.Vehicles, false)
	if err := view.Update(directory(roster)); err != nil {
		return err
	}
	w := &logWriter{log: log, vehicles: b.Vehicles, rate: b.perSecond(), now: event.At(time.Now().Add(-historyOf - time.Minute))}
	if err := w.history(ctx); err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	r := follow(following, log, view)
	r.writer, r.roster = w, roster
	err = r.reach(ctx, log.Head())
	if err == nil {
		err = do(r)
	}
	stop()
	return errors.Join(err, r.wait())
}

// directory is what the registry says of a roster.
func directory(roster *simulate.Roster) fleet.Update {
	u := fleet.Update{Revision: 1, Vehicles: make([]fleet.Vehicle, roster.Vehicles())}
	numbers := make(map[string]event.CustomerID)
	for i := range u.Vehicles {
		v := roster.Vehicle(i)
		number, known := numbers[v.Customer.ID]
		if !known {
			number = event.CustomerID(len(numbers) + 1)
			numbers[v.Customer.ID] = number
			u.Customers = append(u.Customers, fleet.Customer{Number: number, ID: v.Customer.ID, Name: v.Customer.Name, Address: v.Customer.Address})
		}
		u.Vehicles[i] = fleet.Vehicle{
			Number: event.VehicleID(i + 1), VIN: v.VIN, RegistrationNumber: v.RegistrationNumber, Customer: number, Tags: v.Tags,
		}
	}
	return u
}

// logWriter writes a log in which every vehicle reports once a minute.
type logWriter struct {
	log      *eventlog.Log
	vehicles int
	rate     float64 // heartbeats a second
	now      event.Time
	sent     int     // heartbeats
	owed     float64 // heartbeats, the part of one included
	canary   event.Time
}

// history writes who is watched, and what went before, without taking its time.
func (w *logWriter) history(ctx context.Context) error {
	for from := 0; from < w.vehicles; from += 10_000 {
		var batch event.Batch
		for v := from; v < min(from+10_000, w.vehicles); v++ {
			batch.Entries = append(batch.Entries, event.Entry{ReceivedAt: w.now, Fact: event.VehicleAdded{Vehicle: event.VehicleID(v + 1), Customer: 1}})
		}
		if _, err := w.log.Append(ctx, &batch); err != nil {
			return fmt.Errorf("writing a log: %w", err)
		}
	}
	for end := w.now.Add(historyOf); w.now < end; {
		if err := w.append(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// live writes for a while, a batch at a time, as time goes by.
func (w *logWriter) live(ctx context.Context, every, duration time.Duration) error {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	began, before := time.Now(), w.now
	for time.Since(began) < duration && ctx.Err() == nil {
		<-ticks.C
		if err := w.append(ctx, time.Since(began)-w.now.Sub(before)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// append writes what came in the next stretch of time, and the canary when it is its turn.
func (w *logWriter) append(ctx context.Context, stretch time.Duration) error {
	var batch event.Batch
	w.owed += w.rate * stretch.Seconds()
	n := int(w.owed)
	w.owed -= float64(n)
	for i := range n {
		batch.Heartbeats.Append(event.Heartbeat{
			Vehicle:    event.VehicleID(1 + vehicleOf(w.sent, w.vehicles)),
			ReceivedAt: w.now + event.Time(float64(i)/float64(n)*float64(stretch.Milliseconds())),
			Sequence:   event.NoSequence,
		})
		w.sent++
	}
	w.now = w.now.Add(stretch)
	if w.now.Sub(w.canary) >= canaryEvery {
		batch.Entries = []event.Entry{{After: n, ReceivedAt: w.now, Fact: event.Canary{Door: "http"}}}
		w.canary = w.now
	}
	if n == 0 && len(batch.Entries) == 0 {
		return nil
	}
	if _, err := w.log.Append(ctx, &batch); err != nil {
		return fmt.Errorf("writing a log: %w", err)
	}
	return nil
}

// reading is a view that follows a log, on a thread of its own.
type reading struct {
	writer *logWriter
	view   *fleet.View
	roster *simulate.Roster

	used    atomic.Int64  // processor time of the thread after the last batch, nanoseconds
	applied atomic.Uint64 // position
	done    chan error
}

func follow(ctx context.Context, log *eventlog.Log, view *fleet.View) *reading {
	r := &reading{view: view, done: make(chan error, 1)}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		r.done <- log.Follow(ctx, 1, func(batch event.Stored) error {
			if err := view.Apply(batch); err != nil {
				return err
			}
			used, err := threadTime()
			r.used.Store(int64(used))
			r.applied.Store(uint64(batch.Position))
			return err
		})
	}()
	return r
}

func (r *reading) time() time.Duration { return time.Duration(r.used.Load()) }

// reach waits until the view has applied a position.
func (r *reading) reach(ctx context.Context, position event.Position) error {
	for event.Position(r.applied.Load()) < position {
		select {
		case err := <-r.done:
			r.done <- err
			return fmt.Errorf("reading the log: %w", err)
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// wait waits for the end of following, which its context brings about.
func (r *reading) wait() error {
	if err := <-r.done; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
