package fleet

import (
	"slices"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// set writes the texts and tags of a vehicle into the columns. The caller has written its owner.
func (d *directory) set(v *Vehicle, tags []string) {
	d.garbage += int(d.spans[v.Number].vin) + int(d.spans[v.Number].plate)
	d.spans[v.Number] = span{uint32(len(d.arena)), uint8(len(v.VIN)), uint8(len(v.RegistrationNumber))}
	d.arena = append(append(d.arena, v.VIN...), v.RegistrationNumber...)
	d.retag(v.Number, tags)
}

func (d *directory) retag(id event.VehicleID, tags []string) {
	before := d.tagSet[id]
	d.tagSet[id] = d.tags.use(tags)
	d.tags.release(before)
}

// drop takes the texts and tags of a vehicle out of the columns.
func (d *directory) drop(id event.VehicleID) {
	d.garbage += int(d.spans[id].vin) + int(d.spans[id].plate)
	d.spans[id] = span{}
	d.retag(id, nil)
}

// soil notes that a vehicle must leave its places in the orders and find its new ones.
func (d *directory) soil(id event.VehicleID) {
	if d.owner[id] != 0 {
		d.dirtyOwners[d.owner[id]] = struct{}{}
	}
	if !d.dirty.Has(uint32(id)) {
		d.dirty.Add(uint32(id))
		d.dirtyIDs = append(d.dirtyIDs, id)
	}
}

func (d *directory) settled() bool { return len(d.dirtyIDs) == 0 && !d.namesDirty }

// settle brings the orders and indexes up to date with the columns.
func (d *directory) settle() {
	if d.namesDirty {
		d.settleNames()
	}
	if len(d.dirtyIDs) > 0 {
		d.compact()
		d.settleVehicles()
	}
}

// settleVehicles takes the dirty vehicles out of all orders, and puts those of whom something is said in again. The
// orders do not depend on one another, and a load is worth both of the processors that the smallest machine has.
func (d *directory) settleVehicles() {
	fresh := slices.DeleteFunc(slices.Clone(d.dirtyIDs), func(id event.VehicleID) bool { return d.owner[id] == 0 })
	var both sync.WaitGroup
	both.Go(func() {
		changed := make([]uint32, len(d.dirtyIDs))
		for i, id := range d.dirtyIDs {
			changed[i] = uint32(id)
		}
		d.index.Changed(changed, len(d.spans))
	})
	if len(d.dirtyOwners) > 0 { // else no dirty vehicle had a place before
		d.byPlate, d.byVIN = without(d.byPlate, d.dirty), without(d.byVIN, d.dirty)
	}
	byPlate := slices.Clone(fresh)
	sortByText(byPlate, d.plate)
	d.byPlate = merged(d.byPlate, byPlate, d.comparePlate)
	sortByText(fresh, d.vin)
	d.byVIN = merged(d.byVIN, fresh, d.compareVIN)
	d.settleOwners(fresh)
	both.Wait()
	clear(d.dirty)
	clear(d.dirtyOwners)
	d.dirtyIDs = nil
}

// settleOwners does the same for the customers' lists. The fresh vehicles are ordered by VIN.
func (d *directory) settleOwners(fresh []event.VehicleID) {
	for c := range d.dirtyOwners {
		d.customers[c].vehicles = without(d.customers[c].vehicles, d.dirty)
	}
	ends := make([]uint32, len(d.customers)+1) // of each customer's part of sorted
	for _, id := range fresh {
		ends[d.owner[id]+1]++
	}
	for c := range d.customers {
		ends[c+1] += ends[c]
	}
	sorted := make([]event.VehicleID, len(fresh))
	for _, id := range fresh {
		end := &ends[d.owner[id]]
		sorted[*end] = id
		*end++
	}
	start := uint32(0)
	for c := range d.customers {
		if part := sorted[start:ends[c]]; len(part) > 0 {
			d.customers[c].vehicles = merged(d.customers[c].vehicles, part, d.compareVIN)
		}
		start = ends[c]
	}
}

func (d *directory) settleNames() {
	d.byName = d.byName[:0]
	d.names = haystack{text: make([]byte, 0, len(d.names.text))}
	for c := range d.named.All {
		customer := &d.customers[c]
		d.byName = append(d.byName, event.CustomerID(c))
		d.names.add(event.CustomerID(c), customer.folded, customer.address)
	}
	slices.SortFunc(d.byName, d.compareNames)
	d.namesDirty = false
}

// compact writes the arena anew when much of it is garbage.
func (d *directory) compact() {
	if d.garbage <= len(d.arena)/4 {
		return
	}
	arena := make([]byte, 0, len(d.arena)-d.garbage)
	for id := range d.spans {
		s := &d.spans[id]
		texts := d.arena[s.start:][:int(s.vin)+int(s.plate)]
		s.start = uint32(len(arena))
		arena = append(arena, texts...)
	}
	d.arena, d.garbage = arena, 0
}

// growVehicles makes room in the columns for numbers below n.
func (d *directory) growVehicles(n int) {
	d.owner = grown(d.owner, n)
	d.spans = grown(d.spans, n)
	d.tagSet = grown(d.tagSet, n)
	d.dirty = d.dirty.Grow(n)
}

func (d *directory) growCustomers(n int) {
	d.customers = grown(d.customers, n)
	d.named = d.named.Grow(n)
}

// grown extends a column with zeros to length n.
func grown[T any](column []T, n int) []T {
	if n <= len(column) {
		return column
	}
	return append(column, make([]T, n-len(column))...)
}
