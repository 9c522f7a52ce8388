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
	chosen := s.inDirectory(len(v.tallies.Watched))
	found := make(bitset.Set, len(chosen))
	for presence := range v.listed {
		n, take := 0, s.presences[presence]
		for i, w := range v.listed[presence] {
			if w &= chosen[i]; w != 0 {
				n += bits.OnesCount64(w)
				if take {
					found[i] |= w
				}
			}
		}
		p.Presences[presence] = n
		if take {
			p.Total += n
		}
	}
	return found
}

// inDirectory is the set of vehicles, in so many words, that a search finds whatever their presence.
func (s *search) inDirectory(words int) bitset.Set {
	chosen := make(bitset.Set, words)
	switch {
	case s.vehicles == nil && s.owned == nil:
		for i := range chosen {
			chosen[i] = ^uint64(0)
		}
	case s.vehicles == nil:
		copy(chosen, s.owned)
	default:
		copy(chosen, s.vehicles)
		if s.owned != nil {
			chosen.And(s.owned)
		}
	}
	return chosen
}
