package fleet

import (
	"cmp"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// facets fills in the counts per customer and per tag that a search asks for. The caller holds both locks.
func (v *View) facets(s *search, found bitset.Set, p *Page) {
	if s.facets&FacetCustomers != 0 {
		p.Customers = v.customerFacets(s)
	}
	if s.facets&FacetTags != 0 {
		p.Tags = v.tagFacets(s, found, p.Total)
	}
}

func (v *View) customerFacets(s *search) []CustomerCount {
	type counted struct {
		customer event.CustomerID
		vehicles int
	}
	most := firsts[counted]{limit: maxFacets, compare: func(a, b counted) int {
		if a.vehicles != b.vehicles {
			return cmp.Compare(b.vehicles, a.vehicles)
		}
		return v.dir.compareNames(a.customer, b.customer)
	}}
	for c, n := range v.vehiclesByCustomer(s) {
		if n > 0 {
			most.add(counted{event.CustomerID(c), n})
		}
	}
	facets := make([]CustomerCount, 0, maxFacets)
	for _, c := range most.sorted() {
		facets = append(facets, CustomerCount{v.dir.customers[c.customer].Customer, c.vehicles})
	}
	return facets
}

// vehiclesByCustomer counts what the search finds without its choice of customers. Where it finds all vehicles of a
// customer, their number by presence is there already.
func (v *View) vehiclesByCustomer(s *search) []int {
	counts := make([]int, len(v.byCustomer))
	switch {
	case s.vehicles == nil:
		for c := range counts {
			counts[c] = v.vehiclesOf(uint32(c), s)
		}
	case s.whole == nil:
		v.countOwners(s.vehicles, s, counts)
	default:
		v.countOwners(s.alone, s, counts)
		for c := range s.whole.All {
			counts[c] = v.vehiclesOf(c, s)
		}
	}
	return counts
}

// vehiclesOf is how many vehicles a customer has of the presences chosen.
func (v *View) vehiclesOf(c uint32, s *search) (n int) {
	for presence, chosen := range s.presences {
		if chosen {
			n += int(v.byCustomer[c][presence])
		}
	}
	return n
}

// countOwners counts the customers of those of the vehicles that are of the presences chosen.
func (v *View) countOwners(vehicles bitset.Set, s *search, counts []int) {
	for presence, chosen := range s.presences {
		if !chosen {
			continue
		}
		found := slices.Clone(v.listed[presence])
		found.And(vehicles)
		for id := range found.All {
			counts[v.dir.owner[id]]++
		}
	}
}

func (v *View) tagFacets(s *search, found bitset.Set, total int) []TagCount {
	byTag := make(map[string]int)
	for set, n := range v.vehiclesByTagSet(s, found, total) {
		if n > 0 {
			for _, tag := range v.dir.tags.of(uint32(set)) {
				byTag[tag] += int(n)
			}
		}
	}
	most := firsts[TagCount]{limit: maxFacets, compare: func(a, b TagCount) int {
		return cmp.Or(cmp.Compare(b.Vehicles, a.Vehicles), cmp.Compare(a.Tag, b.Tag))
	}}
	for tag, n := range byTag {
		most.add(TagCount{tag, n})
	}
	return most.sorted()
}

// vehiclesByTagSet counts what is found, of which there are total. When that is most of what text and tags find in the
// directory, whose counts are remembered, it is quicker to take off those that are not found.
func (v *View) vehiclesByTagSet(s *search, found bitset.Set, total int) []uint32 {
	if s.tagged == nil || 2*total < s.vehicles.Len() {
		return v.dir.countTagSets(found)
	}
	counts := slices.Clone(s.tagged())
	others := slices.Clone(s.vehicles)
	others.AndNot(found)
	for id := range others.All {
		counts[v.dir.tagSet[id]]--
	}
	return counts
}

// CustomerCounts says how many listed vehicles of each presence a customer has; false when its public id is not known.
func (v *View) CustomerCounts(id string) ([event.Presences]int, bool) {
	v.dirMu.RLock()
	defer v.dirMu.RUnlock()
	c, ok := v.dir.numbers[id]
	if !ok {
		return [event.Presences]int{}, false
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	var counts [event.Presences]int
	for presence, n := range v.byCustomer[c] {
		counts[presence] = int(n)
	}
	return counts, true
}
