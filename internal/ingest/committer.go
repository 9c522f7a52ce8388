package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

var (
	// ErrBusy says that the queue is full. Nothing was stored; trying again in a few seconds may work.
	ErrBusy = errors.New("too many heartbeats are waiting")
	// ErrUnavailable says that the log cannot be written at present. What was submitted is not known to be stored:
	// it may be sent again, best with a sequence number.
	ErrUnavailable = errors.New("the log cannot be written")
)

const (
	maxBatchRows      = 16_384
	defaultQueueRows  = 262_144
	defaultPaceRows   = 32
	defaultPacePeriod = 2 * time.Millisecond
	firstRetry        = 100 * time.Millisecond
	lastRetry         = 2 * time.Second
)

// CommitterConfig says what a Committer needs.
type CommitterConfig struct {
	Log    *eventlog.Log
	Window *Window // the repeats of everything in Log; the Committer owns it from now on
	Door   string  // the name that this process has to itself among those that write a shared log; default none

	QueueRows  int           // rows that may wait; more are refused with ErrBusy. Default 262,144
	PaceRows   int           // a commit waits for so many rows, default 32 ...
	PacePeriod time.Duration // ... or until so long after the commit before began. Default 2 ms; negative: never waits

	Clock      Clock
	Logger     *slog.Logger          // default none
	Registerer prometheus.Registerer // default none
}

// Receipt says where the log holds what was submitted.
type Receipt struct {
	Position   event.Position
	First      uint32     // index of the first event in its batch; the others follow
	ReceivedAt event.Time // of all of it
	Repeats    int        // how many of the heartbeats were repeats
}

// ID is the id of the first event.
func (r Receipt) ID() event.ID { return event.ID{Position: r.Position, Index: r.First} }

// Committer is the one writer of a log, or one of those that share it. Callers add rows to the open batch and wait; one goroutine (Run) takes what
// has gathered, appends it as one batch, and wakes everybody who waited for it. The next batch gathers meanwhile.
type Committer struct {
	log     *eventlog.Log
	config  CommitterConfig
	logger  *slog.Logger
	metrics *committerMetrics
	wake    chan struct{} // holds a token when Run should look at the queue

	mu     sync.Mutex // guards the five below
	stamps *stamper
	queue  []*batch // oldest first; the last one is open
	rows   int      // in queue
	free   []*batch
	state  state

	commitMu sync.Mutex // held while the log's head and window differ; taken before mu
	window   *Window
	cursor   *eventlog.Cursor // reads what other nodes wrote
	marked   []mark           // what the batch at hand changed in window
	tally    tally            // of the batch at hand
	unsure   bool             // an append failed, and what the log holds is not known yet
	columns  event.Heartbeats
}

// state says whether rows are taken.
type state uint8

const (
	open       state = iota
	recovering       // the log is broken
	stopped          // Run has ended, or is about to
)

// NewCommitter makes a Committer for a log. The window must have been brought up to the log's head.
func NewCommitter(config CommitterConfig) (*Committer, error) {
	if config.Log == nil || config.Window == nil {
		return nil, errors.New("a committer needs a log and a window of repeats")
	}
	if at, head := config.Window.Position(), config.Log.Head(); at != head {
		return nil, fmt.Errorf("the window of repeats is at position %d, the log at %d", at, head)
	}
	if config.QueueRows == 0 {
		config.QueueRows = defaultQueueRows
	}
	if config.PaceRows == 0 {
		config.PaceRows = defaultPaceRows
	}
	if config.PacePeriod == 0 {
		config.PacePeriod = defaultPacePeriod
	}
	c := &Committer{
		log:    config.Log,
		config: config,
		logger: config.Logger,
		wake:   make(chan struct{}, 1),
		stamps: newStamper(config.Clock, config.Log.LastTime().Std()),
		window: config.Window,
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.metrics = newCommitterMetrics(config.Registerer, c)
	return c, nil
}

// Submit stores heartbeats, at most 16,384, all of them in one batch or none, and returns when they are durable. It
// stamps them: ReceivedAt and the flags ClockAhead, ClockBehind and Repeat need not be set. The errors are ErrBusy,
// ErrUnavailable, and that of ctx; after the last two the heartbeats may be stored nevertheless.
func (c *Committer) Submit(ctx context.Context, rows []event.Heartbeat) (Receipt, error) {
	return c.submit(ctx, rows, nil)
}

// SubmitFacts stores facts in the order given, among the heartbeats in the order of calls, and returns the position
// of the last when all are durable. More than 16,384 take several batches. The errors are those of Submit.
func (c *Committer) SubmitFacts(ctx context.Context, facts []event.Fact) (event.Position, error) {
	var receipt Receipt
	for len(facts) > 0 {
		n := min(len(facts), maxBatchRows)
		var err error
		if receipt, err = c.submit(ctx, nil, facts[:n]); err != nil {
			return 0, err
		}
		facts = facts[n:]
	}
	return receipt.Position, nil
}

// Refuses is the error that Submit would give at this moment, before any work is put into a request.
func (c *Committer) Refuses() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refuses(1)
}

// Now is the present moment by the clock that stamps received-at, which is ahead of the machine's after that was put back.
func (c *Committer) Now() event.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return event.At(c.stamps.now())
}

// Snapshot writes the window of repeats as of the position returned. Commits wait only while it is copied.
func (c *Committer) Snapshot(w io.Writer) (event.Position, error) {
	c.commitMu.Lock()
	if c.unsure {
		c.commitMu.Unlock()
		return 0, fmt.Errorf("copying the window of repeats: %w", ErrUnavailable)
	}
	copied := c.window.clone()
	c.commitMu.Unlock()
	return copied.Position(), copied.Save(w)
}

// submit adds rows and facts to the open batch and waits for its commit, or until ctx ends.
func (c *Committer) submit(ctx context.Context, rows []event.Heartbeat, facts []event.Fact) (receipt Receipt, err error) {
	if len(rows)+len(facts) == 0 {
		return Receipt{}, nil
	}
	ctx, end := traceCommit(ctx, len(rows)+len(facts))
	defer func() { end(receipt, err) }()
	t, err := c.enter(ctx, rows, facts)
	if err != nil {
		return Receipt{}, err
	}
	defer c.leave(t.batch)
	// Doors wait in any case: an outcome comes soon, and waiting for two things costs twice as much as for one.
	if ctx.Done() != nil {
		select {
		case <-t.batch.done:
		case <-ctx.Done():
			return Receipt{}, ctx.Err()
		}
	}
	<-t.batch.done
	return t.receipt()
}

// enter stamps rows and facts and adds them to the open batch.
func (c *Committer) enter(ctx context.Context, rows []event.Heartbeat, facts []event.Fact) (ticket, error) {
	n := len(rows) + len(facts)
	if n > maxBatchRows {
		return ticket{}, fmt.Errorf("%d rows are more than a batch of %d holds", n, maxBatchRows)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refuses(n); err != nil {
		return ticket{}, err
	}
	b := c.openBatch(n)
	t := b.add(rows, facts, event.At(c.stamps.now()))
	if span := trace.SpanFromContext(ctx); b.traced == nil && span.IsRecording() {
		b.traced = span
	}
	before := c.rows
	c.rows += n
	if before == 0 || before < c.config.PaceRows && c.rows >= c.config.PaceRows {
		c.nudge()
	}
	return t, nil
}

// refuses is why n more rows cannot be taken. The caller holds mu.
func (c *Committer) refuses(n int) error {
	switch {
	case c.state != open:
		return ErrUnavailable
	case c.rows+n > c.config.QueueRows:
		return ErrBusy
	}
	return nil
}

// openBatch is the batch that takes n more rows. The caller holds mu.
func (c *Committer) openBatch(n int) *batch {
	if last := len(c.queue) - 1; last >= 0 && c.queue[last].len()+n <= maxBatchRows {
		return c.queue[last]
	}
	b := new(batch)
	if last := len(c.free) - 1; last >= 0 {
		b, c.free = c.free[last], c.free[:last]
	}
	b.open()
	c.queue = append(c.queue, b)
	return b
}

// leave gives up a caller's hold on a batch. The last one to leave keeps its memory for another batch.
func (c *Committer) leave(b *batch) {
	if b.holders.Add(-1) > 0 {
		return
	}
	b.reset()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.free) < maxFree {
		c.free = append(c.free, b)
	}
}

func (c *Committer) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
