package fleet

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// keyed is a vehicle with eight bytes of the text by which it is sorted.
type keyed struct {
	key uint64
	id  event.VehicleID
}

// sortByText sorts vehicles by a text of theirs that holds no NUL, and by number where that is the same. It compares
// eight bytes at a time as numbers, because a million comparisons of texts that begin alike take seconds.
func sortByText(ids []event.VehicleID, text func(event.VehicleID) []byte) {
	items := make([]keyed, len(ids))
	for i, id := range ids {
		items[i].id = id
	}
	sortKeyed(items, 0, text)
	for i, item := range items {
		ids[i] = item.id
	}
}

// sortKeyed sorts items whose texts are the same before the byte at depth.
func sortKeyed(items []keyed, depth int, text func(event.VehicleID) []byte) {
	for i := range items {
		items[i].key = eightBytes(text(items[i].id), depth)
	}
	slices.SortFunc(items, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].key == items[0].key {
			n++
		}
		switch ended := byte(items[0].key) == 0; {
		case n > 1 && ended:
			slices.SortFunc(items[:n], func(a, b keyed) int { return cmp.Compare(a.id, b.id) })
		case n > 1:
			sortKeyed(items[:n], depth+8, text)
		}
		items = items[n:]
	}
}

// eightBytes is the part of text that begins at depth, as a number that sorts like it; behind its end stand zeros.
func eightBytes(text []byte, depth int) uint64 {
	if depth >= len(text) {
		return 0
	}
	text = text[depth:]
	if len(text) >= 8 {
		return binary.BigEndian.Uint64(text)
	}
	var padded [8]byte
	copy(padded[:], text)
	return binary.BigEndian.Uint64(padded[:])
}

// merged puts the sorted ids into the sorted list.
func merged(list, ids []event.VehicleID, compare func(a, b event.VehicleID) int) []event.VehicleID {
	old := len(list)
	list = slices.Grow(list, len(ids))[:old+len(ids)]
	for n, id := range slices.Backward(ids) {
		at, _ := slices.BinarySearchFunc(list[:old], id, compare)
		copy(list[at+n+1:], list[at:old])
		list[at+n] = id
		old = at
	}
	return list
}

// without takes the marked vehicles out of the list.
func without(list []event.VehicleID, marked bitset.Set) []event.VehicleID {
	kept := list[:0]
	for _, id := range list {
		if !marked.Has(uint32(id)) {
			kept = append(kept, id)
		}
	}
	return kept
}
