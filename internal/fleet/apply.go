package fleet

import (
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// manyChanges is how many changes the buffer of Apply holds between batches. One canary may bring a transition of every
// vehicle to light; such a buffer is not kept.
const manyChanges = 1 << 16

// Apply takes in the next batch of the log. Batches come in the order of their positions, from one caller. A batch that
// is not after the Checkpoint is refused with ErrOldBatch and changes nothing.
func (v *View) Apply(s event.Stored) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.Position <= v.checkpoint {
		return fmt.Errorf("%w: position %d, applied up to %d", ErrOldBatch, s.Position, v.checkpoint)
	}
	v.changes.Reset()
	v.rule.Apply(s, &v.changes)
	v.tally(&s.Batch)
	for _, t := range v.changes.Transitions {
		v.recent.add(t)
		v.place(t.Vehicle)
	}
	for _, g := range v.changes.Gaps {
		v.gaps.add(g)
	}
	if cap(v.changes.Transitions) > manyChanges {
		v.changes = presence.Changes{}
	}
	v.checkpoint = s.Position
	return nil
}

// tally counts the batch's heartbeats and follows which vehicles the log knows. The rule has applied the batch already.
func (v *View) tally(b *event.Batch) {
	for run := range b.Runs {
		v.tallies.Count(&b.Heartbeats, run.From, run.To)
		if run.Entry == nil {
			continue
		}
		switch f := run.Entry.Fact.(type) {
		case event.VehicleAdded:
			v.watch(f.Vehicle)
		case event.VehicleRemoved:
			v.forget(f.Vehicle)
		}
	}
}

// watch begins to count for a vehicle, if the rule accepts it.
func (v *View) watch(id event.VehicleID) {
	if id == 0 || id > presence.MaxVehicle {
		return
	}
	v.grow(int(id) + 1)
	v.tallies.Watch(id)
	v.place(id)
}

// forget takes a vehicle off the list, with all that was counted for it. It does not ask the rule, which may know the
// vehicle anew by the end of the batch.
func (v *View) forget(id event.VehicleID) {
	if !v.tallies.Forget(id) {
		return
	}
	if v.where[id] != unlisted {
		v.unlist(id)
		v.layout++
	}
}
