package fleet

import (
	"iter"
	"strings"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
	"github.com/fleetbeat/fleetbeat/internal/fleet/text"
)

// OnlineWithin is how recent the last heartbeat of a vehicle must be for Search to call it online. It is the rule of
// the original contract, and knows nothing of policies, pauses and gaps: presence is the better answer.
const OnlineWithin = 60 * time.Second

// SearchQuery is the query of the original contract. The zero SearchQuery asks for all vehicles.
type SearchQuery struct {
	CustomerName string     // part of it, whatever its case and diacritics
	Online       *bool      // nil means both
	Now          event.Time // what "within 60 s" counts from
}

// searchStep is how many vehicle numbers Search looks at under one lock.
const searchStep = 1024

// Search yields all vehicles that the query asks for, by number, and whether each is online. It holds no lock while the
// caller works on a vehicle: each is true as of the moment it is yielded, and the log is not held up by a slow reader.
func (v *View) Search(q SearchQuery) iter.Seq2[Row, bool] {
	return func(yield func(Row, bool) bool) {
		type found struct {
			row    Row
			online bool
		}
		var part []found
		customers := v.customersNamed(q.CustomerName)
		for from := 1; ; from += searchStep {
			part = part[:0]
			end := v.searchPart(q, customers, from, func(row Row, online bool) { part = append(part, found{row, online}) })
			for _, f := range part {
				if !yield(f.row, f.online) {
					return
				}
			}
			if end {
				return
			}
		}
	}
}

// customersNamed is the set of customers whose name contains a text; nil, for all, when there is none.
func (v *View) customersNamed(name string) bitset.Set {
	name = strings.TrimSpace(text.Fold(name))
	if name == "" {
		return nil
	}
	v.dirMu.RLock()
	defer v.dirMu.RUnlock()
	found := bitset.New(len(v.dir.customers))
	for c := range v.dir.named.All {
		if strings.Contains(v.dir.customers[c].folded, name) {
			found.Add(c)
		}
	}
	return found
}

// searchPart finds what the query asks for among searchStep numbers, and says whether they are the last.
func (v *View) searchPart(q SearchQuery, customers bitset.Set, from int, found func(Row, bool)) (end bool) {
	v.dirMu.RLock()
	defer v.dirMu.RUnlock()
	v.mu.RLock()
	defer v.mu.RUnlock()
	to := min(from+searchStep, len(v.where))
	for id := event.VehicleID(from); int(id) < to; id++ {
		if v.where[id] == unlisted || customers != nil && !customers.Has(uint32(v.dir.owner[id])) {
			continue
		}
		last := v.rule.LastHeartbeat(id)
		online := last != 0 && q.Now.Sub(last) < OnlineWithin
		if q.Online == nil || *q.Online == online {
			found(v.row(id), online)
		}
	}
	return to == len(v.where)
}
