package simulate

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const (
	// planAhead is how much of the plan is asked for at a time.
	planAhead = time.Second
	// singleTick and batchTick are how often due heartbeats are handed to the senders; a batch gathers what is due in one.
	singleTick = 5 * time.Millisecond
	batchTick  = 100 * time.Millisecond
	// drainFor is how long what waits is still delivered after the duration.
	drainFor = 10 * time.Second
)

// run is one Run of a Simulation: one goroutine takes messages from the plan as they are due and puts them into the
// backlog, and one for each connection takes them out and sends them.
type run struct {
	*Simulation
	backlog *backlog
	tally   *tally

	begin   time.Time
	planned event.Time // up to when the plan was asked
	window  []Message  // what it said last
	next    int        // the first in window that is not in the backlog yet
}

func newRun(s *Simulation) *run {
	now := time.Now()
	return &run{
		Simulation: s, backlog: newBacklog(s.cfg.MaxWaiting), tally: newTally(now), begin: now, planned: event.At(now),
	}
}

// now is the time of the simulation: the wall clock's at the beginning, and steady from there, whatever is done to that.
func (r *run) now() event.Time { return event.At(r.begin.Add(time.Since(r.begin))) }

func (r *run) do(ctx context.Context) {
	sending, stop := context.WithCancel(ctx)
	defer stop()
	var senders, progress sync.WaitGroup
	for range r.cfg.Connections {
		senders.Go(func() { r.send(sending) })
	}
	finished := make(chan struct{})
	progress.Go(func() { r.report(finished) })

	r.produce(ctx)
	r.backlog.close()
	drained := time.AfterFunc(drainFor, stop)
	senders.Wait()
	drained.Stop()
	close(finished)
	progress.Wait()
}

// produce fills the backlog with what is due, until ctx ends or the duration has passed.
func (r *run) produce(ctx context.Context) {
	every := batchTick
	if r.cfg.BatchSize == 1 {
		every = singleTick
	}
	tick := time.NewTicker(min(every, r.cfg.Interval/4))
	defer tick.Stop()
	end := event.Time(math.MaxInt64)
	if r.cfg.Duration > 0 {
		end = r.planned.Add(r.cfg.Duration)
	}
	for {
		now := min(r.now(), end)
		r.advance(now)
		if now == end {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// advance puts everything that leaves its vehicle before now into the backlog.
func (r *run) advance(now event.Time) {
	if asleep := now.Add(-r.cfg.Interval - planAhead); r.planned < asleep {
		r.planned, r.window, r.next = asleep, r.window[:0], 0 // this process slept for longer: so did its vehicles
	}
	for {
		due := r.next
		for due < len(r.window) && r.window[due].At < now {
			due++
		}
		if due > r.next {
			r.tally.left(due-r.next, r.backlog.put(r.window[r.next:due]))
			r.next = due
		}
		if r.next < len(r.window) || r.planned >= now {
			return
		}
		to := r.planned.Add(planAhead)
		r.window, r.next = r.plan.Window(r.planned, to, r.window[:0]), 0
		r.planned = to
	}
}
