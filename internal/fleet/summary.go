package fleet

import (
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Summary is the fleet in one glance.
type Summary struct {
	Vehicles  int // listed
	Customers int // that the directory describes
	Presences [event.Presences]int
	Listening presence.Listening // until when presence is proven
	LastGap   event.Gap          // zero when there was none
	Position  event.Position
	Revision  int64 // of the directory
}

// Summary is the fleet in one glance, as of one moment.
func (v *View) Summary() Summary {
	v.dirMu.RLock()
	defer v.dirMu.RUnlock()
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.summary()
}

// Doors are those in service, by name.
func (v *View) Doors() []presence.Door {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.rule.Doors()
}

// summary is Summary for a caller that holds both locks.
func (v *View) summary() Summary {
	s := Summary{
		Customers: v.dir.named.Len(),
		Presences: v.counts,
		Listening: v.rule.Listening(),
		Position:  v.checkpoint,
		Revision:  v.dir.revision,
	}
	for _, n := range v.counts {
		s.Vehicles += n
	}
	if v.gaps.last > 0 {
		s.LastGap = *v.gaps.at(v.gaps.last)
	}
	return s
}
