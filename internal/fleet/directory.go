package fleet

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
	"github.com/fleetbeat/fleetbeat/internal/fleet/text"
)

// directory is what the registry says of vehicles and customers: their texts, who owns what, and the orders and indexes
// by which they are found. Columns are indexed by number and hold no pointers, so that the garbage collector does not
// look at a million vehicles again and again.
//
// Changes come in two steps. Set and drop change the columns and note which numbers are dirty; settle brings the orders
// and indexes up to date, when the next reader needs them. So a load in many parts sorts once.
type directory struct {
	// Guarded by View.dirMu and View.mu together: written under both, read under either.
	owner []event.CustomerID // by vehicle; 0 when nothing is said of it
	named bitset.Set         // customers of whom something is said

	// All that follows is guarded by View.dirMu.
	revision int64
	arena    []byte // all VINs and registration numbers
	garbage  int    // bytes of arena that no span refers to
	spans    []span // by vehicle
	tagSet   []uint32
	tags     tagSets

	customers []customer // by number
	numbers   map[string]event.CustomerID

	dirty       bitset.Set // vehicles that came, went or changed since settle
	dirtyIDs    []event.VehicleID
	dirtyOwners map[event.CustomerID]struct{} // whose lists may hold dirty vehicles
	namesDirty  bool                          // some customer changed

	byVIN   []event.VehicleID
	byPlate []event.VehicleID
	byName  []event.CustomerID // customers in the order of their names
	names   haystack           // the customers' folded texts
	index   *text.Index        // of the vehicles' texts
}

// span is the place of a vehicle's VIN in the arena; its registration number follows it.
type span struct {
	start      uint32
	vin, plate uint8
}

type customer struct {
	Customer
	folded   string            // the name
	address  string            // folded
	vehicles []event.VehicleID // ordered by VIN
}

func newDirectory() directory {
	return directory{
		owner:       make([]event.CustomerID, 1),
		spans:       make([]span, 1),
		tagSet:      make([]uint32, 1),
		tags:        newTagSets(),
		customers:   make([]customer, 1),
		numbers:     make(map[string]event.CustomerID),
		dirtyOwners: make(map[event.CustomerID]struct{}),
	}
}

// has says whether anything is said of a vehicle.
func (d *directory) has(id event.VehicleID) bool { return int(id) < len(d.owner) && d.owner[id] != 0 }

// complete says whether a vehicle and its customer are both described.
func (d *directory) complete(id event.VehicleID) bool {
	return d.has(id) && d.named.Has(uint32(d.owner[id]))
}

func (d *directory) vin(id event.VehicleID) []byte {
	s := d.spans[id]
	return d.arena[s.start:][:s.vin]
}

func (d *directory) plate(id event.VehicleID) []byte {
	s := d.spans[id]
	return d.arena[s.start+uint32(s.vin):][:s.plate]
}

func (d *directory) compareVIN(a, b event.VehicleID) int {
	return cmp.Or(bytes.Compare(d.vin(a), d.vin(b)), cmp.Compare(a, b))
}

func (d *directory) comparePlate(a, b event.VehicleID) int {
	return cmp.Or(bytes.Compare(d.plate(a), d.plate(b)), cmp.Compare(a, b))
}

// compareNames orders customers by name, whatever its case and diacritics.
func (d *directory) compareNames(a, b event.CustomerID) int {
	return cmp.Or(cmp.Compare(d.customers[a].folded, d.customers[b].folded), cmp.Compare(a, b))
}

// find is the number of the vehicle with a VIN, and 0 when there is none.
func (d *directory) find(vin string) event.VehicleID {
	at, _ := slices.BinarySearchFunc(d.byVIN, vin, func(id event.VehicleID, vin string) int {
		return cmp.Compare(string(d.vin(id)), vin)
	})
	if at < len(d.byVIN) && string(d.vin(d.byVIN[at])) == vin {
		return d.byVIN[at]
	}
	return 0
}

// texts gives the index the texts of a vehicle.
func (d *directory) texts(i uint32) (vin, plate []byte) {
	return d.vin(event.VehicleID(i)), d.plate(event.VehicleID(i))
}

// haystack holds the folded texts of all customers one after the other, so that one search goes through all of them.
type haystack struct {
	text []byte // each text ends in a NUL, which no folded text holds
	ends []uint32
	ids  []event.CustomerID
}

func (h *haystack) add(id event.CustomerID, texts ...string) {
	for _, text := range texts {
		h.text = append(append(h.text, text...), 0)
	}
	h.ends = append(h.ends, uint32(len(h.text)))
	h.ids = append(h.ids, id)
}

// find yields the customers one of whose texts contains needle.
func (h *haystack) find(needle string, yield func(event.CustomerID)) {
	needleBytes, from, place := []byte(needle), 0, 0
	for {
		at := bytes.Index(h.text[from:], needleBytes)
		if at < 0 {
			return
		}
		n, found := slices.BinarySearch(h.ends[place:], uint32(from+at))
		if found {
			n++ // the text that ends there is the one before
		}
		place += n
		yield(h.ids[place])
		from = int(h.ends[place])
		place++
	}
}
