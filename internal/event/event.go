// Package event holds the words of Fleetbeat: what the log says, in types that every other package shares.
//
// It knows no storage, no encoding and no clock. Everything in it is plain data; the log (package eventlog) gives
// each batch its position, and the read side (packages presence and fleet) derives everything else from batches.
package event

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// VehicleID is a vehicle's number in the log. The registry assigns it, from 1 upward and dense, and never uses one
// again. The log holds these numbers and never a VIN: it holds no personal data. 0 is no vehicle.
type VehicleID uint32

// CustomerID is a customer's number in the log, assigned like a VehicleID. 0 is no customer.
type CustomerID uint32

// Position is a batch's place in the log: the first batch has position 1, the next 2, without holes, and no position
// is ever used twice, even after damage. 0 is before the first batch.
type Position uint64

// ID names one event: the position of its batch and its index there. Heartbeats and facts of one batch share the
// index space: a batch's heartbeats come first.
type ID struct {
	Position Position
	Index    uint32
}

// String writes an id as "position-index", for instance "1204-17".
func (id ID) String() string {
	buf := make([]byte, 0, 24)
	buf = strconv.AppendUint(buf, uint64(id.Position), 10)
	buf = append(buf, '-')
	return string(strconv.AppendUint(buf, uint64(id.Index), 10))
}

// ParseID reads what String wrote.
func ParseID(s string) (ID, error) {
	position, index, ok := strings.Cut(s, "-")
	p, err := strconv.ParseUint(position, 10, 64)
	i, err2 := strconv.ParseUint(index, 10, 32)
	if !ok || err != nil || err2 != nil {
		return ID{}, fmt.Errorf("event id %q is not of the form position-index", s)
	}
	return ID{Position: Position(p), Index: uint32(i)}, nil
}

// Time is a moment in milliseconds since the Unix epoch, UTC. 0 stands for "none": never heard, or not said.
type Time int64

// At is the Time of t, cut to the millisecond.
func At(t time.Time) Time { return Time(t.UnixMilli()) }

// Std is t as a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add is the moment d after t; d is cut to the millisecond.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Sub is the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// String writes t as RFC 3339 UTC with milliseconds, and "" for none.
func (t Time) String() string {
	if t == 0 {
		return ""
	}
	return t.Std().Format("2006-01-02T15:04:05.000Z")
}

// Flags say what is unusual about one heartbeat.
type Flags uint8

const (
	// ClockAhead: the vehicle says it sent the heartbeat more than ClockTolerance after we received it.
	ClockAhead Flags = 1 << iota
	// ClockBehind: the vehicle says it sent the heartbeat more than ClockTolerance before we received it.
	ClockBehind
	// Buffered: the vehicle says it recorded the heartbeat earlier and delivers it late. It is kept for history and
	// does not move presence.
	Buffered
	// Repeat: the vehicle sent this sequence number before. The heartbeat itself is in the log already and is not
	// counted again; that the vehicle was heard again is true, and moves presence.
	Repeat
)

// ClockTolerance is how far a vehicle's clock may differ from ours before its heartbeats are flagged.
const ClockTolerance = 5 * time.Minute

// NoSequence stands for a heartbeat whose vehicle sent no sequence number. Real ones are 0 to MaxSequence.
const NoSequence int64 = -1

// MaxSequence is the largest sequence number a vehicle may send: the largest integer that every JSON reader keeps exact.
const MaxSequence int64 = 1<<53 - 1

// Heartbeat is one message from a vehicle: "I am connected".
type Heartbeat struct {
	Vehicle    VehicleID
	ReceivedAt Time  // our clock, stamped when the heartbeat enters its batch; presence uses this one
	SentAt     Time  // the vehicle's clock as it said, untrusted; 0 when it said none
	Sequence   int64 // the vehicle's own count, or NoSequence
	Flags      Flags
}

// Heartbeats holds the heartbeats of a batch as columns of one length, in the order of the log, which is the order of
// ReceivedAt. SentAt, Sequence and Flags are nil when no heartbeat of the batch has one.
type Heartbeats struct {
	Vehicle    []VehicleID
	ReceivedAt []Time
	SentAt     []Time
	Sequence   []int64
	Flags      []Flags
}

// Len is the number of heartbeats.
func (h *Heartbeats) Len() int { return len(h.Vehicle) }

// At is heartbeat i.
func (h *Heartbeats) At(i int) Heartbeat {
	hb := Heartbeat{Vehicle: h.Vehicle[i], ReceivedAt: h.ReceivedAt[i], Sequence: NoSequence}
	if h.SentAt != nil {
		hb.SentAt = h.SentAt[i]
	}
	if h.Sequence != nil {
		hb.Sequence = h.Sequence[i]
	}
	if h.Flags != nil {
		hb.Flags = h.Flags[i]
	}
	return hb
}

// Slice is the heartbeats from one on, before another. It shares their memory.
func (h *Heartbeats) Slice(from, to int) Heartbeats {
	s := Heartbeats{Vehicle: h.Vehicle[from:to], ReceivedAt: h.ReceivedAt[from:to]}
	if h.SentAt != nil {
		s.SentAt = h.SentAt[from:to]
	}
	if h.Sequence != nil {
		s.Sequence = h.Sequence[from:to]
	}
	if h.Flags != nil {
		s.Flags = h.Flags[from:to]
	}
	return s
}

// Append adds one heartbeat at the end, making an optional column when it is the first to need it.
func (h *Heartbeats) Append(hb Heartbeat) {
	n := len(h.Vehicle)
	h.Vehicle = append(h.Vehicle, hb.Vehicle)
	h.ReceivedAt = append(h.ReceivedAt, hb.ReceivedAt)
	if h.SentAt != nil || hb.SentAt != 0 {
		h.SentAt = append(padded(h.SentAt, n, 0), hb.SentAt)
	}
	if h.Sequence != nil || hb.Sequence != NoSequence {
		h.Sequence = append(padded(h.Sequence, n, NoSequence), hb.Sequence)
	}
	if h.Flags != nil || hb.Flags != 0 {
		h.Flags = append(padded(h.Flags, n, 0), hb.Flags)
	}
}

func padded[T any](column []T, n int, none T) []T {
	for len(column) < n {
		column = append(column, none)
	}
	return column
}

// Batch is what one append writes: heartbeats, and the other facts at their places among them.
type Batch struct {
	Heartbeats Heartbeats
	Entries    []Entry
}

// Entry is a fact at its place: after the first After heartbeats of its batch, and after the entries before it.
type Entry struct {
	After      int
	ReceivedAt Time
	Fact       Fact
}

// Run is a stretch of a batch: the heartbeats From to To (half open, may be empty), then the entry that follows them.
// The last run of a batch has no entry.
type Run struct {
	From, To int
	Entry    *Entry
}

// Runs walks the batch in the order of the log.
func (b *Batch) Runs(yield func(Run) bool) {
	from := 0
	for i := range b.Entries {
		e := &b.Entries[i]
		if !yield(Run{From: from, To: e.After, Entry: e}) {
			return
		}
		from = e.After
	}
	yield(Run{From: from, To: b.Heartbeats.Len()})
}

// StartTime is the received-at of the first event in the batch, and 0 when it has none.
func (b *Batch) StartTime() Time {
	switch {
	case len(b.Entries) > 0 && (b.Heartbeats.Len() == 0 || b.Entries[0].After == 0):
		return b.Entries[0].ReceivedAt
	case b.Heartbeats.Len() > 0:
		return b.Heartbeats.ReceivedAt[0]
	}
	return 0
}

// EndTime is the received-at of the last event in the batch, and 0 when it has none.
func (b *Batch) EndTime() Time {
	var end Time
	if n := b.Heartbeats.Len(); n > 0 {
		end = b.Heartbeats.ReceivedAt[n-1]
	}
	if n := len(b.Entries); n > 0 {
		end = max(end, b.Entries[n-1].ReceivedAt)
	}
	return end
}

// Stored is a batch as the log gives it back.
type Stored struct {
	Position Position
	Epoch    uint64 // how often the log had been opened for writing when the batch was written, from 1
	Batch
}
