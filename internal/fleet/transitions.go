package fleet

import (
	"fmt"
	"strconv"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Transition is a change of presence of a listed vehicle.
type Transition struct {
	event.Transition
	VIN        string
	CustomerID string // the public one
}

// TransitionQuery asks for recent transitions. The zero TransitionQuery asks for the newest 50 of all.
type TransitionQuery struct {
	VIN       string           // empty means all
	Customers []string         // public ids: any of them; none means all
	To        []event.Presence // any of them; none means all
	Since     event.Position   // only those that later batches showed
	Limit     int              // transitions on the page, up to MaxLimit; 0 means DefaultLimit
	Cursor    string           // NextCursor of the page before; empty for the newest
}

// TransitionPage holds recent transitions, newest first.
type TransitionPage struct {
	Items      []Transition
	NextCursor string // empty when memory holds no more
	Position   event.Position
}

// Transitions finds recent transitions of vehicles that are listed now. Errors are ErrInvalidQuery and
// ErrInvalidCursor.
func (v *View) Transitions(q TransitionQuery) (TransitionPage, error) {
	limit, before, err := q.bounds()
	if err != nil {
		return TransitionPage{}, err
	}
	defer v.read()()
	wanted := v.wanted(&q)
	page := TransitionPage{Position: v.checkpoint}
	for n := min(v.recent.last, before-1); n >= v.recent.first() && n > 0; n-- {
		t := v.recent.at(n)
		if t.Position <= q.Since {
			break
		}
		if !wanted(t) {
			continue
		}
		if len(page.Items) == limit {
			page.NextCursor = strconv.FormatUint(n+1, 36)
			break
		}
		page.Items = append(page.Items, v.transition(*t))
	}
	return page, nil
}

// bounds is the limit of a page and the number before which it begins.
func (q *TransitionQuery) bounds() (limit int, before uint64, err error) {
	limit, before = q.Limit, 1<<63
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return 0, 0, fmt.Errorf("%w: limit %d is not from 1 to %d", ErrInvalidQuery, limit, MaxLimit)
	}
	if len(q.Customers) > maxChoices {
		return 0, 0, fmt.Errorf("%w: more than %d customers", ErrInvalidQuery, maxChoices)
	}
	for _, p := range q.To {
		if p >= event.Presences {
			return 0, 0, fmt.Errorf("%w: %v", ErrInvalidQuery, p)
		}
	}
	if q.Cursor != "" {
		if before, err = strconv.ParseUint(q.Cursor, 36, 64); err != nil || before == 0 {
			return 0, 0, fmt.Errorf("%w: it is not one that was given out", ErrInvalidCursor)
		}
	}
	return limit, before, nil
}

// wanted says which transitions a query asks for.
func (v *View) wanted(q *TransitionQuery) func(*event.Transition) bool {
	var vehicle event.VehicleID
	if q.VIN != "" {
		vehicle = v.dir.find(q.VIN)
	}
	var to [event.Presences]bool
	for _, p := range q.To {
		to[p] = true
	}
	owned := v.dir.ownedBy(q.Customers)
	return func(t *event.Transition) bool {
		return v.where[t.Vehicle] != unlisted &&
			(q.VIN == "" || t.Vehicle == vehicle) &&
			(len(q.To) == 0 || to[t.To]) &&
			(owned == nil || owned.Has(uint32(t.Vehicle)))
	}
}

// transition adds the texts to a transition of a listed vehicle. The caller holds both locks.
func (v *View) transition(t event.Transition) Transition {
	return Transition{t, string(v.dir.vin(t.Vehicle)), v.dir.customers[v.dir.owner[t.Vehicle]].ID}
}

// Gaps lists the recent gaps, newest first.
func (v *View) Gaps() []event.Gap {
	v.mu.RLock()
	defer v.mu.RUnlock()
	gaps := make([]event.Gap, 0, len(v.gaps.items))
	for n := v.gaps.last; n >= v.gaps.first() && n > 0; n-- {
		gaps = append(gaps, *v.gaps.at(n))
	}
	return gaps
}

// Lists says whether a vehicle is listed now.
func (v *View) Lists(id event.VehicleID) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return int(id) < len(v.where) && v.where[id] != unlisted
}

// VINs names vehicles; those that are not listed now are left out.
func (v *View) VINs(ids []event.VehicleID) map[event.VehicleID]string {
	defer v.read()()
	vins := make(map[event.VehicleID]string, len(ids))
	for _, id := range ids {
		if int(id) < len(v.where) && v.where[id] != unlisted {
			vins[id] = string(v.dir.vin(id))
		}
	}
	return vins
}

// CustomerNumbers are the numbers of customers by their public ids; unknown ones have none.
func (v *View) CustomerNumbers(ids []string) map[event.CustomerID]bool {
	v.dirMu.RLock()
	defer v.dirMu.RUnlock()
	numbers := make(map[event.CustomerID]bool, len(ids))
	for _, id := range ids {
		if c, ok := v.dir.numbers[id]; ok {
			numbers[c] = true
		}
	}
	return numbers
}
