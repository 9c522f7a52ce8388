package fleet

import (
	"bytes"
	"fmt"
	"io"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// The saved form. Numbers are uvarints, signed ones and times zigzag varints; texts have their length before them.
//
//	magic 8 bytes · version
//	checkpoint · what presence.Rule saves · for each watched vehicle, ascending: heartbeats, sequence + 1 or 0, sent at
//	transitions: number of the newest, how many, each from the oldest: vehicle, from << 4 | to, at, position
//	gaps: number of the newest, how many, each from the oldest: from, to, reason, position
//	revision
//	customers: how many numbers, each from 1: 0, or 1 · id · name · address
//	sets of tags in use: how many, each in the order of the first vehicle that has it: how many tags, each
//	vehicles: how many numbers, each from 1: customer or 0, and if not 0: VIN · registration number · set of tags + 1 or 0
//	the described vehicles by VIN, and by registration number: u32 little-endian each
//
// There is one way only to write a state: equal views have equal bytes. The other indexes follow from the rest. Whoever
// keeps the bytes guards them by a checksum: Load finds what cannot be, not every flipped bit.
const (
	saveMagic   = "fleet\r\n\x00"
	saveVersion = 2
)

// Save writes the view: what the log and the directory said, up to Checkpoint and Revision. While it copies what comes
// from the log into memory, Apply waits: some tens of milliseconds for a million vehicles. Then, until w
// has taken the directory, Update waits, and whoever reads after it.
func (v *View) Save(w io.Writer) error {
	defer v.readDirectory()()
	var state bytes.Buffer
	if err := v.saveState(&state); err != nil {
		return fmt.Errorf("saving the fleet: %w", err)
	}
	e := newEncoder(w)
	e.w.WriteString(saveMagic)
	e.uint(saveVersion)
	e.w.Write(state.Bytes())
	v.dir.save(e)
	if err := e.w.Flush(); err != nil {
		return fmt.Errorf("saving the fleet: %w", err)
	}
	return nil
}

// saveState writes what comes from the log.
func (v *View) saveState(w io.Writer) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	e := newEncoder(w)
	e.uint(uint64(v.checkpoint))
	if err := v.rule.Save(e.w); err != nil {
		return err
	}
	for id := range v.tallies.Watched.All {
		e.uint(v.tallies.Of[id].Heartbeats)
		e.uint(v.tallies.Of[id].Sequence)
		e.time(v.tallies.Of[id].SentAt)
	}
	saveRing(e, &v.recent, func(t *event.Transition) {
		e.uint(uint64(t.Vehicle))
		e.uint(uint64(t.From)<<4 | uint64(t.To))
		e.time(t.At)
		e.uint(uint64(t.Position))
	})
	saveRing(e, &v.gaps, func(g *event.Gap) {
		e.time(g.From)
		e.time(g.To)
		e.uint(uint64(g.Reason))
		e.uint(uint64(g.Position))
	})
	return e.w.Flush()
}

func saveRing[T any](e *encoder, r *ring[T], item func(*T)) {
	e.uint(r.last)
	e.uint(uint64(len(r.items)))
	for n := r.first(); n <= r.last && n > 0; n++ {
		item(r.at(n))
	}
}

func (d *directory) save(e *encoder) {
	e.int(d.revision)
	d.saveCustomers(e)
	vehicles, sets := d.numbersInUse()
	e.uint(uint64(len(sets.order)))
	for _, set := range sets.order {
		e.uint(uint64(len(d.tags.of(set))))
		for _, tag := range d.tags.of(set) {
			e.string(tag)
		}
	}
	e.uint(uint64(vehicles))
	for id := range event.VehicleID(vehicles + 1) {
		if id == 0 {
			continue
		}
		e.uint(uint64(d.owner[id]))
		if d.owner[id] != 0 {
			e.bytes(d.vin(id))
			e.bytes(d.plate(id))
			e.uint(uint64(sets.place[d.tagSet[id]]))
		}
	}
	e.vehicles(d.byVIN)
	e.vehicles(d.byPlate)
}

// saveCustomers writes the customers up to the highest number in use, by itself or as an owner's.
func (d *directory) saveCustomers(e *encoder) {
	last := uint32(0)
	for c := range d.named.All {
		last = c
	}
	for _, c := range d.owner {
		last = max(last, uint32(c))
	}
	e.uint(uint64(last))
	for c := uint32(1); c <= last; c++ {
		if !d.named.Has(c) {
			e.uint(0)
			continue
		}
		e.uint(1)
		e.string(d.customers[c].ID)
		e.string(d.customers[c].Name)
		e.string(d.customers[c].Address)
	}
}

// setsInUse numbers the sets of tags from 1 in the order of the first vehicle that has each.
type setsInUse struct {
	order []uint32
	place []uint32 // by set; 0 for the one without tags
}

// numbersInUse is the highest number of a described vehicle, and the sets of tags.
func (d *directory) numbersInUse() (last int, sets setsInUse) {
	sets.place = make([]uint32, len(d.tags.sets))
	for id, owner := range d.owner {
		if owner == 0 {
			continue
		}
		last = id
		if set := d.tagSet[id]; set != noTags && sets.place[set] == 0 {
			sets.order = append(sets.order, set)
			sets.place[set] = uint32(len(sets.order))
		}
	}
	return last, sets
}
