package presence

import (
	"maps"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Facts are those of the registry after which a new rule watches the same vehicles, under the same policies and with the same
// pauses. What was heard of them is not in it.
func (r *Rule) Facts() []event.Fact {
	p := &r.policies
	facts := []event.Fact{event.PolicyChanged{Policy: p.fallback}}
	for _, c := range slices.Sorted(maps.Keys(p.customers)) {
		facts = append(facts, event.PolicyChanged{Customer: c, Policy: p.customers[c]})
	}
	for v := range event.VehicleID(r.Cap()) {
		if !r.Known(v) {
			continue
		}
		facts = append(facts, event.VehicleAdded{Vehicle: v, Customer: r.customer[v]})
		if policy, scope := r.Policy(v); scope == OfVehicle {
			facts = append(facts, event.PolicyChanged{Vehicle: v, Policy: policy})
		}
		if r.state[v].presence() == event.Paused {
			facts = append(facts, event.VehiclePaused{Vehicle: v})
		}
	}
	return facts
}
