// Package roster remembers which vehicles were watched, when, and for which customer.
//
// What enters is the log; of it, only vehicles that are added and removed count. What leaves is the memberships of a vehicle, and
// the vehicles that a customer ever had. It is small: it grows with what operators change, not with heartbeats, so all of it
// stays in memory, and in a snapshot that outlives the part of the log it came from.
package roster

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
)

// Roster is the projection. Apply has one caller; all other methods may be called at once.
type Roster struct {
	mu       sync.RWMutex // guards the following
	position event.Position
	vehicles map[event.VehicleID][]record.Membership
	members  map[event.CustomerID][]event.VehicleID // each vehicle once, in the order in which they came
}

// New is the roster before the first batch.
func New() *Roster {
	return &Roster{vehicles: map[event.VehicleID][]record.Membership{}, members: map[event.CustomerID][]event.VehicleID{}}
}

// Checkpoint is the position of the last batch applied.
func (r *Roster) Checkpoint() event.Position {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.position
}

// Apply takes in the next batch of the log. One that is not after the Checkpoint is refused and changes nothing.
func (r *Roster) Apply(s event.Stored) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.Position <= r.position {
		return fmt.Errorf("batch %d is not after %d", s.Position, r.position)
	}
	r.position = s.Position
	for i := range s.Entries {
		switch f := s.Entries[i].Fact.(type) {
		case event.VehicleAdded:
			r.add(f.Vehicle, f.Customer, s.Entries[i].ReceivedAt)
		case event.VehicleRemoved:
			r.leave(f.Vehicle, s.Entries[i].ReceivedAt)
		}
	}
	return nil
}

// add begins a membership. Facts may come twice: one that says what is so already changes nothing.
func (r *Roster) add(v event.VehicleID, c event.CustomerID, at event.Time) {
	all := r.vehicles[v]
	if n := len(all); n > 0 && all[n-1].To == 0 && all[n-1].Customer == c {
		return
	}
	r.leave(v, at)
	r.vehicles[v] = append(r.vehicles[v], record.Membership{Customer: c, From: at})
	r.enlist(c, v)
}

func (r *Roster) enlist(c event.CustomerID, v event.VehicleID) {
	for _, m := range r.vehicles[v][:len(r.vehicles[v])-1] {
		if m.Customer == c {
			return // it was there before
		}
	}
	r.members[c] = append(r.members[c], v)
}

func (r *Roster) leave(v event.VehicleID, at event.Time) {
	if all := r.vehicles[v]; len(all) > 0 && all[len(all)-1].To == 0 {
		all[len(all)-1].To = at
	}
}

// Memberships are those of a vehicle, in order.
func (r *Roster) Memberships(v event.VehicleID) []record.Membership {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.vehicles[v])
}

// Members are the vehicles that were a customer's at some moment from one on and before another, ascending.
func (r *Roster) Members(c event.CustomerID, from, to event.Time) []event.VehicleID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []event.VehicleID
	for _, v := range r.members[c] {
		if slices.ContainsFunc(r.vehicles[v], func(m record.Membership) bool {
			return m.Customer == c && m.From < to && (m.To == 0 || m.To > from)
		}) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// Moves are those of all vehicles before a moment, in their order.
func (r *Roster) Moves(before event.Time) []record.Move {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []record.Move
	for v, all := range r.vehicles {
		for i, m := range all {
			if m.From < before {
				out = append(out, record.Move{At: m.From, Vehicle: v, Customer: m.Customer})
			}
			if m.To != 0 && m.To < before && (i+1 == len(all) || all[i+1].From != m.To) {
				out = append(out, record.Move{At: m.To, Vehicle: v})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b record.Move) int { return cmp.Compare(a.At, b.At) })
	return out
}
