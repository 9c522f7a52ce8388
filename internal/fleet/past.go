package fleet

import (
	"maps"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Past is what the log said at some moment, of which a view can be made.
type Past struct {
	Rule     *presence.Rule
	Tallies  tally.Tallies
	LastGap  event.Gap // zero when there was none
	Position event.Position
}

// Past is a view of another moment, for reading alone: the vehicles that the log knew then, with the customers that it said,
// and the texts and tags that this view's directory has now. A vehicle that the directory no longer describes is not listed.
// It shares with this view what does not change, and takes the past over.
func (v *View) Past(p Past) *View {
	past := newView(Config{Transitions: 1, Gaps: 1}, p.Rule)
	past.checkpoint, past.tallies = p.Position, p.Tallies
	if p.LastGap != (event.Gap{}) {
		past.gaps.add(p.LastGap)
	}
	unlock := v.readDirectory()
	past.dir.copyOf(&v.dir)
	past.dir.index = v.dir.index.Clone(past.dir.texts)
	unlock()
	d := &past.dir
	for id := range event.VehicleID(len(d.owner)) {
		if c := p.Rule.Customer(id); c != 0 && d.has(id) && c != d.owner[id] {
			d.growCustomers(int(c) + 1)
			d.soil(id)
			d.owner[id] = c
		}
	}
	d.settle()
	past.grow(max(p.Rule.Cap(), len(d.owner)))
	past.byCustomer = grown(past.byCustomer, len(d.customers))
	for id := range event.VehicleID(len(d.owner)) {
		past.place(id)
	}
	return past
}

// copyOf makes of d a directory that says the same as another, which is settled and may change from then on. The arena is
// shared: what stands in it stays.
func (d *directory) copyOf(from *directory) {
	*d = directory{
		owner: slices.Clone(from.owner), named: slices.Clone(from.named), revision: from.revision,
		arena: slices.Clip(from.arena), spans: slices.Clone(from.spans), tagSet: slices.Clone(from.tagSet),
		tags:      tagSets{sets: slices.Clone(from.tags.sets), ids: maps.Clone(from.tags.ids), free: slices.Clone(from.tags.free)},
		customers: slices.Clone(from.customers), numbers: maps.Clone(from.numbers),
		dirty: slices.Clone(from.dirty), dirtyOwners: make(map[event.CustomerID]struct{}),
		byVIN: slices.Clone(from.byVIN), byPlate: slices.Clone(from.byPlate), byName: slices.Clone(from.byName),
		names: haystack{text: slices.Clone(from.names.text), ends: slices.Clone(from.names.ends), ids: slices.Clone(from.names.ids)},
	}
	all := make([]event.VehicleID, 0, len(from.byVIN)) // of all customers: one piece of memory
	for c := range d.customers {
		begin := len(all)
		all = append(all, d.customers[c].vehicles...)
		d.customers[c].vehicles = all[begin:len(all):len(all)]
	}
}
