package fleet

import (
	"container/list"
	"slices"
	"strings"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// match is what a text and tags find in the directory, listed or not. It must not be changed: it is remembered until the
// directory changes.
type match struct {
	vehicles bitset.Set // those with the text in theirs or their customer's, and all of the tags; nil for all
	owners   bitset.Set // all of their customers, and perhaps others; nil for all

	// Which customers have the text, so that all of their vehicles are found, and which vehicles have it themselves; with
	// tags, which take some of them out again, both are nil.
	whole bitset.Set
	alone bitset.Set

	tagged  func() []uint32 // how many of the vehicles have each set of tags; nil for all vehicles
	tagSets int             // how many counts those are
}

// match finds a folded text and tags. The caller holds dirMu.
func (v *View) match(text string, tags []string) match {
	if text == "" && len(tags) == 0 {
		return match{}
	}
	key := text + "\x00" + tagKey(tags)
	if m, ok := v.matches.get(key); ok {
		return m
	}
	d := &v.dir
	m := match{vehicles: bitset.New(len(d.owner))}
	if text != "" {
		d.index.Search(text, m.vehicles)
		m.owners = d.ownersOf(m.vehicles)
		m.whole, m.alone = bitset.New(len(d.customers)), slices.Clone(m.vehicles)
		d.names.find(text, func(c event.CustomerID) {
			addAll(m.vehicles, d.customers[c].vehicles)
			m.whole.Add(uint32(c))
			if m.owners != nil {
				m.owners.Add(uint32(c))
			}
		})
	}
	if len(tags) > 0 {
		d.keepTagged(m.vehicles, tags, text == "")
		m.whole, m.alone = nil, nil
	}
	m.tagSets = len(d.tags.sets)
	m.tagged = sync.OnceValue(func() []uint32 { return d.countTagSets(m.vehicles) })
	v.matches.put(key, m)
	return m
}

// countTagSets says how many of the vehicles have each set of tags.
func (d *directory) countTagSets(vehicles bitset.Set) []uint32 {
	counts := make([]uint32, len(d.tags.sets))
	for id := range vehicles.All {
		counts[d.tagSet[id]]++
	}
	return counts
}

// ownersOf is the set of the vehicles' customers; nil, for all, when there are so many vehicles that it is hardly less.
func (d *directory) ownersOf(vehicles bitset.Set) bitset.Set {
	if vehicles.Len() > len(d.owner)/16 {
		return nil
	}
	owners := bitset.New(len(d.customers))
	for id := range vehicles.All {
		owners.Add(uint32(d.owner[id]))
	}
	return owners
}

// keepTagged takes out of found the vehicles that do not have all tags; with all, it begins with all vehicles.
func (d *directory) keepTagged(found bitset.Set, tags []string, all bool) {
	wanted := d.tags.withAll(tags)
	if all {
		for id, set := range d.tagSet {
			if wanted[set] {
				found.Add(uint32(id))
			}
		}
		return
	}
	for id := range found.All {
		if !wanted[d.tagSet[id]] {
			found.Remove(id)
		}
	}
}

// only keeps of a match the vehicles with some VINs.
func (d *directory) only(m match, vins []string) match {
	vehicles := bitset.New(len(d.owner))
	for _, vin := range vins {
		if id := d.find(vin); id != 0 && (m.vehicles == nil || m.vehicles.Has(uint32(id))) {
			vehicles.Add(uint32(id))
		}
	}
	return match{vehicles: vehicles, owners: d.ownersOf(vehicles)}
}

// ownedBy is the set of the vehicles of some customers; nil, for all, when none is named.
func (d *directory) ownedBy(customers []string) bitset.Set {
	if len(customers) == 0 {
		return nil
	}
	found := bitset.New(len(d.owner))
	for _, id := range customers {
		if c, ok := d.numbers[id]; ok {
			addAll(found, d.customers[c].vehicles)
		}
	}
	return found
}

func addAll(set bitset.Set, ids []event.VehicleID) {
	for _, id := range ids {
		set.Add(uint32(id))
	}
}

// matches remembers what recent search texts found. The least recently asked for goes first.
type matches struct {
	limit int // bytes

	mu    sync.Mutex
	bytes int
	byKey map[string]*list.Element
	order list.List // of remembered, the most recently asked for in front
}

type remembered struct {
	key string
	match
}

func (r remembered) size() int {
	return 8*(len(r.vehicles)+len(r.owners)+len(r.whole)+len(r.alone)) + 4*r.tagSets + len(r.key) + 300
}

func (m *matches) get(key string) (match, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byKey[key]
	if !ok {
		return match{}, false
	}
	m.order.MoveToFront(e)
	return e.Value.(remembered).match, true
}

func (m *matches) put(key string, found match) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.byKey[key]; ok {
		return // another reader was quicker
	}
	if m.byKey == nil {
		m.byKey = make(map[string]*list.Element)
	}
	r := remembered{strings.Clone(key), found}
	m.byKey[r.key] = m.order.PushFront(r)
	for m.bytes += r.size(); m.bytes > m.limit; {
		oldest := m.order.Remove(m.order.Back()).(remembered)
		delete(m.byKey, oldest.key)
		m.bytes -= oldest.size()
	}
}

func (m *matches) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes, m.byKey = 0, nil
	m.order.Init()
}
