package backtest

import "github.com/fleetbeat/fleetbeat/internal/event"

// override turns the facts of the log into those under which the policy asked about is in force: for all vehicles, or for
// those of one customer.
type override struct {
	policy   event.Policy
	customer event.CustomerID
	own      map[event.VehicleID]event.Policy     // policies of vehicles, to be put back when one leaves the customer
	of       map[event.VehicleID]event.CustomerID // with customer: the customers of the vehicles that have one
}

func newOverride(q Query) override {
	return override{
		policy: q.Policy, customer: q.Customer,
		own: map[event.VehicleID]event.Policy{}, of: map[event.VehicleID]event.CustomerID{},
	}
}

// first is what the log would begin with.
func (o *override) first() []event.Entry {
	return []event.Entry{{Fact: event.PolicyChanged{Customer: o.customer, Policy: o.policy}}}
}

// facts are those that stand in for one of the log.
func (o *override) facts(f event.Fact) []event.Fact {
	if o.customer == 0 {
		if _, changes := f.(event.PolicyChanged); changes {
			return nil
		}
		return []event.Fact{f}
	}
	switch f := f.(type) {
	case event.PolicyChanged:
		return o.changed(f)
	case event.VehicleAdded:
		return o.added(f)
	case event.VehicleRemoved:
		delete(o.own, f.Vehicle)
		delete(o.of, f.Vehicle)
	}
	return []event.Fact{f}
}

func (o *override) changed(f event.PolicyChanged) []event.Fact {
	customer, watched := o.of[f.Vehicle]
	switch {
	case f.Vehicle == 0 && f.Customer == o.customer:
		return nil
	case f.Vehicle == 0 || !watched: // one that is not watched has no policy
		return []event.Fact{f}
	case f.Policy == event.Policy{}:
		delete(o.own, f.Vehicle)
	default:
		o.own[f.Vehicle] = f.Policy
	}
	if customer == o.customer {
		return nil
	}
	return []event.Fact{f}
}

// added follows a vehicle to or from the customer: its own policy counts only while it is another's.
func (o *override) added(f event.VehicleAdded) []event.Fact {
	own, has := o.own[f.Vehicle]
	was := o.of[f.Vehicle]
	o.of[f.Vehicle] = f.Customer
	switch {
	case !has || (was == o.customer) == (f.Customer == o.customer):
		return []event.Fact{f}
	case f.Customer == o.customer:
		return []event.Fact{f, event.PolicyChanged{Vehicle: f.Vehicle}}
	default:
		return []event.Fact{f, event.PolicyChanged{Vehicle: f.Vehicle, Policy: own}}
	}
}
