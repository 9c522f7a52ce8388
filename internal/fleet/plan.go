package fleet

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// A page in the order of a text can be found in two ways. To walk is to go along the order and keep what is found: quick
// when much is found. To gather is to look at each vehicle found and keep the first: quick when little is. A gathered
// vehicle costs about as much as this many steps of a walk.
const stepsPerGathered = 16

// first lists the first vehicles of found, of which there are total, that come after the cursor or the offset, up to the
// limit; and says whether there are more.
func (v *View) first(s *search, found bitset.Set, total int) (ids []event.VehicleID, more bool) {
	limit := s.limit + 1 // one more, to know whether there are more
	switch {
	case s.offset >= total:
	case s.sort.byTime() && s.offset > 0:
		ids = v.selectByTime(s, found, limit, total)
	case s.sort.byTime():
		ids = v.gatherByTime(s, found, limit)
	default:
		ids = v.walkOrGather(s, found, limit, total)
	}
	if len(ids) > s.limit {
		return ids[:s.limit], true
	}
	return ids, false
}

// walkOrGather walks if that promises to be quicker, and gathers if it does not, or turns out not to be.
func (v *View) walkOrGather(s *search, found bitset.Set, limit, total int) (ids []event.VehicleID) {
	budget := total * stepsPerGathered
	if expected := (s.offset + limit) * len(v.dir.byVIN) / total; expected > budget {
		return v.gather(s, found, limit)
	}
	skip := s.offset
	for id := range v.dir.walk(s) {
		if found.Has(uint32(id)) {
			if skip--; skip < 0 {
				ids = append(ids, id)
			}
			if len(ids) == limit {
				return ids
			}
		}
		if budget--; budget == 0 {
			return v.gather(s, found, limit)
		}
	}
	return ids
}

func (v *View) gather(s *search, found bitset.Set, limit int) []event.VehicleID {
	if s.sort == byCustomer {
		return v.gatherByCustomer(s, found, limit)
	}
	compare := v.dir.comparison(s)
	first := firsts[event.VehicleID]{limit: s.offset + limit, compare: compare}
	for i := range found.All {
		id := event.VehicleID(i)
		if s.after == nil || s.isAfter(v.dir.compareToPlace(s.sort, id, s.after)) {
			first.add(id)
		}
	}
	return first.sorted()[min(s.offset, len(first.items)):]
}

// gatherByCustomer walks, but only through the customers of whom something is found.
func (v *View) gatherByCustomer(s *search, found bitset.Set, limit int) (ids []event.VehicleID) {
	owners := bitset.New(len(v.dir.customers))
	for id := range found.All {
		owners.Add(uint32(v.dir.owner[id]))
	}
	skip := s.offset
	for id := range v.dir.walkCustomers(s, owners) {
		if !found.Has(uint32(id)) {
			continue
		}
		if skip--; skip < 0 {
			ids = append(ids, id)
		}
		if len(ids) == limit {
			break
		}
	}
	return ids
}

// comparison is the order of a search by VIN or registration number.
func (d *directory) comparison(s *search) func(a, b event.VehicleID) int {
	compare := d.compareVIN
	if s.sort == byPlate {
		compare = d.comparePlate
	}
	if s.descending {
		return func(a, b event.VehicleID) int { return compare(b, a) }
	}
	return compare
}

// isAfter says whether what compares so to the place of the cursor comes after it.
func (s *search) isAfter(comparison int) bool {
	if s.descending {
		return comparison < 0
	}
	return comparison > 0
}

// timed is a vehicle in the order of a time. For a descending order both are turned round.
type timed struct {
	key int64
	id  uint32
}

func (s *search) timed(at event.Time, id event.VehicleID) timed {
	if s.descending {
		return timed{-int64(at), ^uint32(id)}
	}
	return timed{int64(at), uint32(id)}
}

func compareTimed(a, b timed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id)) }

func (v *View) gatherByTime(s *search, found bitset.Set, limit int) []event.VehicleID {
	first := firsts[timed]{limit: limit, compare: compareTimed}
	worst := int64(math.MaxInt64)
	for i, w := range found { // by hand: twice as quick as All, and there may be a million
		for ; w != 0; w &= w - 1 {
			id := event.VehicleID(i<<6 + bits.TrailingZeros64(w))
			item := s.timed(v.time(s.sort, id), id)
			if item.key > worst || s.after != nil && compareTimed(item, s.timed(s.after.time, s.after.id)) <= 0 {
				continue
			}
			if first.add(item); len(first.items) == limit {
				worst = first.items[0].key
			}
		}
	}
	return s.ids(first.sorted())
}

// selectByTime gives the vehicles after the offset: it puts all that are found on the right side of the two ends of the
// page, and sorts the page alone.
func (v *View) selectByTime(s *search, found bitset.Set, limit, total int) []event.VehicleID {
	items := make([]timed, 0, total)
	for i := range found.All {
		id := event.VehicleID(i)
		items = append(items, s.timed(v.time(s.sort, id), id))
	}
	partition(items, s.offset)
	items = items[s.offset:]
	if len(items) > limit {
		partition(items, limit)
		items = items[:limit]
	}
	slices.SortFunc(items, compareTimed)
	return s.ids(items)
}

// partition brings the n smallest items to the front, in any order (quickselect, with the median of three as pivot). The
// items differ from each other.
func partition(items []timed, n int) {
	for from, to := 0, len(items); to-from > 1; {
		middle := from + (to-from)/2
		three := []timed{items[from], items[middle], items[to-1]}
		slices.SortFunc(three, compareTimed)
		pivot, low, high := three[1], from, to-1
		for low <= high {
			switch {
			case compareTimed(items[low], pivot) < 0:
				low++
			case compareTimed(items[high], pivot) > 0:
				high--
			default:
				items[low], items[high] = items[high], items[low]
				low, high = low+1, high-1
			}
		}
		switch {
		case n <= high:
			to = high + 1
		case n >= low:
			from = low
		default:
			return
		}
	}
}

// ids are the items' vehicles.
func (s *search) ids(items []timed) []event.VehicleID {
	ids := make([]event.VehicleID, len(items))
	for i, item := range items {
		if s.descending {
			item.id = ^item.id
		}
		ids[i] = event.VehicleID(item.id)
	}
	return ids
}

func (v *View) time(sort sortKey, id event.VehicleID) event.Time {
	if sort == bySince {
		return v.rule.Since(id)
	}
	return v.rule.LastHeartbeat(id)
}

// walk yields the vehicles of the directory in the order of a search by text, from the cursor on.
func (d *directory) walk(s *search) func(yield func(event.VehicleID) bool) {
	switch s.sort {
	case byPlate:
		return along(d.rest(s, d.byPlate), s.descending)
	case byCustomer:
		return d.walkCustomers(s, s.owners)
	}
	return along(d.rest(s, d.byVIN), s.descending)
}

// walkCustomers yields the vehicles of some customers, or of all when that is nil.
func (d *directory) walkCustomers(s *search, owners bitset.Set) func(yield func(event.VehicleID) bool) {
	return func(yield func(event.VehicleID) bool) {
		for c := range along(d.byName, s.descending) {
			if owners != nil && !owners.Has(uint32(c)) {
				continue
			}
			vehicles := d.customers[c].vehicles
			if s.after != nil {
				switch comparison := d.compareNameToPlace(c, s.after); {
				case comparison == 0:
					vehicles = d.rest(s, vehicles)
				case !s.isAfter(comparison):
					continue
				}
			}
			for id := range along(vehicles, s.descending) {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// rest is the part of a sorted list that comes after the cursor.
func (d *directory) rest(s *search, list []event.VehicleID) []event.VehicleID {
	if s.after == nil {
		return list
	}
	at, same := slices.BinarySearchFunc(list, s.after, func(id event.VehicleID, place *place) int {
		return d.compareToPlace(s.sort, id, place)
	})
	switch {
	case s.descending:
		return list[:at]
	case same:
		return list[at+1:]
	}
	return list[at:]
}

// along yields the items of a list, from behind when it is to be read so.
func along[T any](list []T, backward bool) func(yield func(T) bool) {
	return func(yield func(T) bool) {
		for i := range list {
			if backward {
				i = len(list) - 1 - i
			}
			if !yield(list[i]) {
				return
			}
		}
	}
}

// firsts keeps the first few of many items, in a heap with the last of them on top.
type firsts[T any] struct {
	items   []T
	limit   int
	compare func(a, b T) int
}

func (f *firsts[T]) add(item T) {
	switch {
	case len(f.items) < f.limit:
		f.items = append(f.items, item)
		for i := len(f.items) - 1; i > 0 && f.compare(f.items[i], f.items[(i-1)/2]) > 0; i = (i - 1) / 2 {
			f.items[i], f.items[(i-1)/2] = f.items[(i-1)/2], f.items[i]
		}
	case f.compare(item, f.items[0]) < 0:
		f.items[0] = item
		f.sink()
	}
}

// sink moves the item on top to its place.
func (f *firsts[T]) sink() {
	for i := 0; ; {
		last := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(f.items); child++ {
			if f.compare(f.items[child], f.items[last]) > 0 {
				last = child
			}
		}
		if last == i {
			return
		}
		f.items[i], f.items[last] = f.items[last], f.items[i]
		i = last
	}
}

// sorted gives what was kept, in order.
func (f *firsts[T]) sorted() []T {
	slices.SortFunc(f.items, f.compare)
	return f.items
}
