package fleet

import (
	"math/bits"

	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// page answers a search. The caller holds both locks.
func (v *View) page(s *search) Page {
	p := Page{Position: v.checkpoint}
	found := v.found(s, &p)
	v.facets(s, found, &p)
	if p.Total == 0 {
		return p
	}
	ids, more := v.first(s, found, p.Total)
	p.Rows = make([]Row, len(ids))
	for i, id := range ids {
		p.Rows[i] = v.row(id)
	}
	if more {
		p.NextCursor = s.cursor(v.placeOf(s.sort, ids[len(ids)-1]))
	}
	return p
}

// found is the set of vehicles that a search finds; it fills in the counts.
func (v *View) found(s *search, p *Page) bitset.Set {
	found := make(bitset.Set, len(v.listed[0]))
	for i := range found {
		filter := ^uint64(0)
		if s.match != nil {
			filter &= word(s.match, i)
		}
		if s.owned != nil {
			filter &= word(s.owned, i)
		}
		if filter == 0 {
			continue
		}
		for presence := range v.listed {
			w := v.listed[presence][i] & filter
			p.Presences[presence] += bits.OnesCount64(w)
			if s.presences[presence] {
				found[i] |= w
			}
		}
	}
	for presence, n := range p.Presences {
		if s.presences[presence] {
			p.Total += n
		}
	}
	return found
}

func word(s bitset.Set, i int) uint64 {
	if i < len(s) {
		return s[i]
	}
	return 0
}
