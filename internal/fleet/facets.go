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
		p.Tags = v.tagFacets(found)
	}
}

func (v *View) customerFacets(s *search) []CustomerCount {
	most := firsts[CustomerCount]{limit: maxFacets, compare: func(a, b CustomerCount) int {
		return cmp.Or(cmp.Compare(b.Vehicles, a.Vehicles), v.dir.compareNames(a.Customer.Number, b.Customer.Number))
	}}
	for c, n := range v.vehiclesByCustomer(s) {
		if n > 0 {
			most.add(CustomerCount{v.dir.customers[c].Customer, n})
		}
	}
	return most.sorted()
}

// vehiclesByCustomer counts what the search finds without its choice of customers. Without text and tags the counts are
// there already.
func (v *View) vehiclesByCustomer(s *search) []int {
	counts := make([]int, len(v.byCustomer))
	for presence, chosen := range s.presences {
		switch {
		case !chosen:
		case s.vehicles == nil:
			for c := range counts {
				counts[c] += int(v.byCustomer[c][presence])
			}
		default:
			found := slices.Clone(v.listed[presence])
			found.And(s.vehicles)
			for id := range found.All {
				counts[v.dir.owner[id]]++
			}
		}
	}
	return counts
}

func (v *View) tagFacets(found bitset.Set) []TagCount {
	bySet := make([]int, len(v.dir.tags.sets))
	for id := range found.All {
		bySet[v.dir.tagSet[id]]++
	}
	byTag := make(map[string]int)
	for set, n := range bySet {
		if n > 0 {
			for _, tag := range v.dir.tags.of(uint32(set)) {
				byTag[tag] += n
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
