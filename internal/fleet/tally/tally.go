// Package tally counts what the log says of a vehicle beyond its presence: its heartbeats, and what the last one said.
//
// What enters is the log in order; what leaves is a few numbers per vehicle. The fleet counts the present by it, and
// history every hour of the past, so that both mean the same.
package tally

import (
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// Tally is what the log says of a vehicle since it is watched.
type Tally struct {
	Heartbeats uint64     // repeats not counted
	Sequence   uint64     // one more than the last heartbeat's, repeated and buffered ones left out; 0 when none had one
	SentAt     event.Time // by the vehicle's clock, in the last heartbeat but repeats and buffered ones; 0 when it said none
}

// Tallies holds the tallies of all vehicles. The zero Tallies is that of the beginning of a log.
type Tallies struct {
	Watched bitset.Set // vehicles that the log knows
	Of      []Tally    // by vehicle
}

// Grow makes room for vehicles with numbers below n.
func (t *Tallies) Grow(n int) {
	t.Watched = t.Watched.Grow(n)
	if more := n - len(t.Of); more > 0 {
		t.Of = append(t.Of, make([]Tally, more)...)
	}
}

// Watch begins to count for a vehicle, for which there must be room.
func (t *Tallies) Watch(id event.VehicleID) { t.Watched.Add(uint32(id)) }

// Forget ends what Watch began, and says whether there was something to end.
func (t *Tallies) Forget(id event.VehicleID) bool {
	if !t.Watched.Has(uint32(id)) {
		return false
	}
	t.Watched.Remove(uint32(id))
	t.Of[id] = Tally{}
	return true
}

// Count counts the heartbeats from one index up to, but not with, another. Those of vehicles that are not watched count
// for nothing.
func (t *Tallies) Count(h *event.Heartbeats, from, to int) {
	for i, id := range h.Vehicle[from:to] {
		if t.Watched.Has(uint32(id)) {
			t.count(id, h, from+i)
		}
	}
}

func (t *Tallies) count(id event.VehicleID, h *event.Heartbeats, i int) {
	var flags event.Flags
	if h.Flags != nil {
		flags = h.Flags[i]
	}
	of := &t.Of[id]
	if flags&event.Repeat == 0 {
		of.Heartbeats++
	}
	if flags&(event.Repeat|event.Buffered) != 0 {
		return
	}
	if h.Sequence != nil && h.Sequence[i] != event.NoSequence {
		of.Sequence = uint64(h.Sequence[i]) + 1
	}
	of.SentAt = 0
	if h.SentAt != nil {
		of.SentAt = h.SentAt[i]
	}
}
