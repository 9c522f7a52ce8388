package ingest

import (
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// item is one heartbeat as a request spells it, before its vehicle is looked up.
type item struct {
	vehicle  []byte // a part of the request's body; nil when it names none
	sentAt   event.Time
	sequence int64
	buffered bool
	fault    string // why it cannot be stored, for the sender; "" when nothing is wrong
}

// What can be wrong with one heartbeat while the others are fine.
const (
	faultObject   = "a heartbeat must be an object"
	faultVehicle  = "vehicle must be a string of 1 to 64 visible ASCII characters without '/'"
	faultMissing  = "vehicle is missing"
	faultSentAt   = "sent_at must be an RFC 3339 time with its zone"
	faultSequence = "sequence must be a whole number from 0 to 9007199254740991"
	faultBuffered = "buffered must be true or false"
	faultUnknown  = "unknown vehicle"
)

// The times a vehicle may say: years 0 to 9999, as RFC 3339 can write them.
const (
	firstSentAt event.Time = -62_167_219_200_000
	lastSentAt  event.Time = 253_402_300_799_999
)

// blame notes what is wrong with an item; the first fault stands.
func (it *item) blame(fault string) {
	if it.fault == "" {
		it.fault = fault
	}
}

// setSentAt takes the time a vehicle said. The log keeps 0 for "not said", so the epoch itself, which is what a
// clock without a battery says, moves by a millisecond.
func (it *item) setSentAt(t event.Time) {
	if t < firstSentAt || t > lastSentAt {
		it.blame(faultSentAt)
	}
	if t == 0 {
		t = 1
	}
	it.sentAt = t
}

func (it *item) setSequence(sequence uint64) {
	if sequence > uint64(event.MaxSequence) {
		it.blame(faultSequence)
		return
	}
	it.sequence = int64(sequence)
}

// row is the heartbeat to store.
func (it *item) row(v event.VehicleID) event.Heartbeat {
	hb := event.Heartbeat{Vehicle: v, SentAt: it.sentAt, Sequence: it.sequence}
	if it.buffered {
		hb.Flags = event.Buffered
	}
	return hb
}

// malformedError says that a body cannot be read at all, and where that shows. Nothing of the body is stored.
type malformedError struct {
	line   int // from 1; 0 in a body without lines
	offset int // bytes from the start of the line or body
	item   int // heartbeats read before it
	what   string
}

func (e *malformedError) Error() string {
	if e.line > 0 {
		return fmt.Sprintf("line %d, byte %d: %s", e.line, e.offset, e.what)
	}
	return fmt.Sprintf("byte %d, after %d heartbeats: %s", e.offset, e.item, e.what)
}

// tooManyError says that a body holds more heartbeats than one request may.
type tooManyError struct{ limit int }

func (e tooManyError) Error() string {
	return fmt.Sprintf("one request may hold %d heartbeats", e.limit)
}
