package ingest

import (
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// maxFree is how many batches are kept for use again: one gathers, one commits, two are being answered.
const maxFree = 4

// batch is what one append will write, and where those who wait for it meet.
type batch struct {
	rows    []event.Heartbeat
	entries []event.Entry

	done     chan struct{}  // closed when the two below are set
	position event.Position // where the log has it
	err      error          // why it has not

	traced trace.Span // of the first caller that is traced; nil when none is

	holders atomic.Int32 // callers that have not left, and the committer
}

// open makes an empty batch ready.
func (b *batch) open() {
	b.done = make(chan struct{})
	b.holders.Store(1)
}

// reset empties the batch and keeps its memory.
func (b *batch) reset() {
	clear(b.entries)
	b.rows, b.entries = b.rows[:0], b.entries[:0]
	b.done, b.position, b.err, b.traced = nil, 0, nil, nil
}

func (b *batch) len() int { return len(b.rows) + len(b.entries) }

// raise makes what is stamped before floor be of floor, and says whether there was any: other nodes' later stamps are in the
// log already. It is the safe direction, for deadlines come later by it.
func (b *batch) raise(floor event.Time) (raised bool) {
	for i := range b.rows {
		if b.rows[i].ReceivedAt >= floor {
			break
		}
		b.rows[i].ReceivedAt, raised = floor, true
	}
	for i := range b.entries {
		if b.entries[i].ReceivedAt >= floor {
			break
		}
		b.entries[i].ReceivedAt, raised = floor, true
	}
	return raised
}

// ticket is one caller's place in a batch.
type ticket struct {
	batch      *batch
	row, rows  int // the caller's heartbeats
	entry      int // the caller's first fact, if it has facts
	hasEntries bool
}

// add appends rows and facts with their stamp, and holds the batch for the caller.
func (b *batch) add(rows []event.Heartbeat, facts []event.Fact, at event.Time) ticket {
	b.holders.Add(1)
	t := ticket{batch: b, row: len(b.rows), rows: len(rows), entry: len(b.entries), hasEntries: len(facts) > 0}
	for i := range rows {
		b.rows = append(b.rows, stamped(rows[i], at))
	}
	for _, fact := range facts {
		b.entries = append(b.entries, event.Entry{After: len(b.rows), ReceivedAt: at, Fact: fact})
	}
	return t
}

// stamped is a heartbeat with its received-at, and with flags when its vehicle's clock is far from ours.
func stamped(hb event.Heartbeat, at event.Time) event.Heartbeat {
	hb.ReceivedAt = at
	switch tolerance := event.Time(event.ClockTolerance.Milliseconds()); {
	case hb.SentAt == 0:
	case hb.SentAt > at+tolerance:
		hb.Flags |= event.ClockAhead
	case hb.SentAt < at-tolerance:
		hb.Flags |= event.ClockBehind
	}
	return hb
}

// receipt is the outcome for one caller, once the batch is done.
func (t *ticket) receipt() (Receipt, error) {
	if t.batch.err != nil {
		return Receipt{}, t.batch.err
	}
	r := Receipt{Position: t.batch.position, First: uint32(t.row)}
	if t.hasEntries {
		r.First = uint32(len(t.batch.rows) + t.entry) // facts are numbered after all heartbeats of the batch
		r.ReceivedAt = t.batch.entries[t.entry].ReceivedAt
	} else {
		r.ReceivedAt = t.batch.rows[t.row].ReceivedAt
	}
	for _, hb := range t.batch.rows[t.row : t.row+t.rows] {
		if hb.Flags&event.Repeat != 0 {
			r.Repeats++
		}
	}
	return r, nil
}
