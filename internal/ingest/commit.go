package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// Run commits what is submitted until ctx ends. Then it refuses new rows, commits those that wait, and returns nil.
// It may be called once. ErrSuperseded ends it.
func (c *Committer) Run(ctx context.Context) error {
	pace := time.NewTimer(0)
	defer pace.Stop()
	defer c.closeCursor()
	var began time.Time // when the commit before began
	var failing bool
	for {
		b := c.take(ctx, pace, began)
		if b == nil {
			return nil
		}
		began = time.Now()
		err := c.commit(ctx, b)
		if errors.Is(err, ErrSuperseded) {
			c.stop()
			c.refuseAll(err)
			return err
		}
		if failing != (err != nil) {
			failing = err != nil
			c.reportState(err)
		}
		if failing {
			c.repair(ctx, err)
		}
	}
}

// reportState says that appends began to fail, or with nil that they succeed again.
func (c *Committer) reportState(err error) {
	if err != nil {
		c.metrics.unavailable.Set(1)
		c.logger.Error("the log cannot be written: heartbeats are refused", "error", err)
		return
	}
	c.metrics.unavailable.Set(0)
	c.logger.Info("the log can be written again")
}

// take waits for the next batch to commit; it is nil when ctx has ended and none waits.
func (c *Committer) take(ctx context.Context, pace *time.Timer, began time.Time) *batch {
	stop := ctx.Done()
	for {
		b, wait := c.next(time.Since(began))
		if b != nil {
			return b
		}
		var due <-chan time.Time
		if wait > 0 {
			pace.Reset(wait)
			due = pace.C
		}
		select {
		case <-c.wake:
		case <-due:
		case <-stop:
			stop = nil // once
			if !c.stop() {
				return nil
			}
		}
	}
}

// next takes the oldest batch off the queue when it is time to commit it. Otherwise it says after how long it will be
// time, 0 when nothing waits.
//
// A commit costs a sync of the disk whether it carries one heartbeat or a hundred. While few callers come, waiting
// until PacePeriod after the commit before saves most of the syncs; a heartbeat that comes after a quiet time never waits.
func (c *Committer) next(sinceLast time.Duration) (b *batch, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil, 0
	}
	if wait = c.config.PacePeriod - sinceLast; wait > 0 && c.rows < c.config.PaceRows && c.state == open {
		return nil, wait
	}
	b = c.queue[0]
	c.queue = append(c.queue[:0], c.queue[1:]...)
	c.rows -= b.len()
	return b, 0
}

// stop refuses new rows from now on. It says whether some wait.
func (c *Committer) stop() (waiting bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = stopped
	return len(c.queue) > 0
}

// commit appends a batch and answers those who wait for it. When that fails, it leaves the window unsure.
func (c *Committer) commit(ctx context.Context, b *batch) error {
	c.commitMu.Lock()
	// What was taken is committed even when ctx ends meanwhile.
	end := traceAppend(ctx, b)
	position, err := c.append(context.WithoutCancel(ctx), b)
	end(err)
	if err != nil {
		c.unsure = true
	} else {
		c.stored(position)
	}
	c.commitMu.Unlock()

	if err != nil {
		c.answer(b, 0, fmt.Errorf("%w: %w", ErrUnavailable, err))
		return err
	}
	c.answer(b, position, nil)
	return nil
}

// append appends a batch behind all that other nodes wrote before it.
func (c *Committer) append(ctx context.Context, b *batch) (event.Position, error) {
	for {
		if err := c.catchUp(); err != nil {
			return 0, err
		}
		c.raise(b, c.log.LastTime())
		c.tally = tally{all: b.len(), heartbeats: len(b.rows), repeats: c.markRepeats(b)}
		position, err := c.log.AppendAfter(ctx, c.window.position, c.columnsOf(b))
		if !errors.Is(err, eventlog.ErrBehind) {
			return position, err
		}
		c.unmark()
	}
}

// raise makes a batch begin at floor at the earliest, where the log is.
func (c *Committer) raise(b *batch, floor event.Time) {
	if !b.raise(floor) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamps.raise(floor.Std())
}

// stored takes note that the batch at hand is in the log. The caller holds commitMu.
func (c *Committer) stored(position event.Position) {
	c.window.position = position
	c.marked = c.marked[:0]
	c.metrics.committed(c.tally)
}

// answer wakes everybody who waits for a batch, and lets go of it.
func (c *Committer) answer(b *batch, position event.Position, err error) {
	b.position, b.err = position, err
	close(b.done)
	c.leave(b)
}

// mark is a place in the window as it was before a batch changed it.
type mark struct {
	at     *seen
	before seen
}

// markRepeats flags the rows whose sequence number is in the window already, and counts them.
func (c *Committer) markRepeats(b *batch) (repeats int) {
	for i := range b.rows {
		hb := &b.rows[i]
		if hb.Sequence == event.NoSequence {
			continue
		}
		at := c.window.of(hb.Vehicle)
		c.marked = append(c.marked, mark{at, *at})
		hb.Flags &^= event.Repeat // of an attempt before
		if at.mark(hb.Sequence) {
			hb.Flags |= event.Repeat
			repeats++
		}
	}
	return repeats
}

// unmark takes the last batch's changes of the window back.
func (c *Committer) unmark() {
	for _, m := range slices.Backward(c.marked) {
		*m.at = m.before
	}
	c.marked = c.marked[:0]
}

// columnsOf turns a batch into the log's form. It is valid until the next call.
func (c *Committer) columnsOf(b *batch) *event.Batch {
	h := &c.columns
	*h = event.Heartbeats{
		Vehicle: h.Vehicle[:0], ReceivedAt: h.ReceivedAt[:0], SentAt: h.SentAt[:0], Sequence: h.Sequence[:0], Flags: h.Flags[:0],
	}
	var sent, sequence, flags bool
	for i := range b.rows {
		hb := &b.rows[i]
		h.Vehicle = append(h.Vehicle, hb.Vehicle)
		h.ReceivedAt = append(h.ReceivedAt, hb.ReceivedAt)
		h.SentAt = append(h.SentAt, hb.SentAt)
		h.Sequence = append(h.Sequence, hb.Sequence)
		h.Flags = append(h.Flags, hb.Flags)
		sent = sent || hb.SentAt != 0
		sequence = sequence || hb.Sequence != event.NoSequence
		flags = flags || hb.Flags != 0
	}
	out := &event.Batch{Heartbeats: *h, Entries: b.entries}
	if !sent {
		out.Heartbeats.SentAt = nil
	}
	if !sequence {
		out.Heartbeats.Sequence = nil
	}
	if !flags {
		out.Heartbeats.Flags = nil
	}
	return out
}

// repair waits until the log is whole again and brings the window in line with it. Meanwhile everything that waits
// or comes is refused: nothing is tried again blindly.
func (c *Committer) repair(ctx context.Context, cause error) {
	c.refuseAll(cause)
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		stored, err := c.log.Recover(ctx)
		if err == nil {
			c.resume(stored)
			return
		}
		c.logger.Debug("the log is still broken", "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return // what the log holds is read at the next start
		}
	}
}

// refuseAll answers all who wait with an error and takes no more rows.
func (c *Committer) refuseAll(cause error) {
	c.mu.Lock()
	if c.state == open {
		c.state = recovering
	}
	queue := c.queue
	c.queue, c.rows = nil, 0
	c.mu.Unlock()
	for _, b := range queue {
		c.answer(b, 0, fmt.Errorf("%w: %w", ErrUnavailable, cause))
	}
}

// resume takes rows again. stored says that the batch of the failed append is in the log after all.
func (c *Committer) resume(stored bool) {
	c.commitMu.Lock()
	if stored {
		c.stored(c.window.position + 1)
	} else {
		c.unmark()
	}
	c.unsure = false
	c.commitMu.Unlock()

	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamps.raise(c.log.LastTime().Std())
	if c.state == recovering {
		c.state = open
	}
}
