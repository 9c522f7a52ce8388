package presence

import (
	"fmt"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Scope says where a vehicle's policy comes from.
type Scope uint8

// The scopes, from the weakest to the strongest.
const (
	OfDefault  Scope = iota // the default for all
	OfCustomer              // its customer's
	OfVehicle               // its own
)

// String is the word used on the wire.
func (s Scope) String() string {
	switch s {
	case OfDefault:
		return "default"
	case OfCustomer:
		return "customer"
	case OfVehicle:
		return "vehicle"
	}
	return fmt.Sprintf("scope(%d)", uint8(s))
}

// slot is the place of a policy among those in force.
type slot uint32

// policies holds the default, the customers' policies, and a table of the policies in force: those of at least one
// watched vehicle. Vehicles refer to the table by slot.
type policies struct {
	fallback  event.Policy
	customers map[event.CustomerID]event.Policy

	table []inForce
	slots map[event.Policy]slot // the inverse of table
	free  []slot                // of table, not in use
	last  slot                  // that use gave last: vehicles with one policy often follow each other
	late  time.Duration         // the shortest LateAfter in table, 0 when it is empty
}

type inForce struct {
	event.Policy
	vehicles int // how many it holds for
}

func newPolicies() policies {
	return policies{
		fallback:  event.DefaultPolicy,
		customers: make(map[event.CustomerID]event.Policy),
		slots:     make(map[event.Policy]slot),
	}
}

// inherited is the policy of customer c's vehicles that have none of their own.
func (p *policies) inherited(c event.CustomerID) event.Policy {
	if policy, ok := p.customers[c]; ok {
		return policy
	}
	return p.fallback
}

func (p *policies) at(s slot) event.Policy { return p.table[s].Policy }

// use puts a policy in force for one more vehicle.
func (p *policies) use(policy event.Policy) slot {
	if int(p.last) < len(p.table) && p.table[p.last].Policy == policy && p.table[p.last].vehicles > 0 {
		p.table[p.last].vehicles++
		return p.last
	}
	s, ok := p.slots[policy]
	if !ok {
		s = p.place(inForce{Policy: policy})
		p.slots[policy] = s
		if p.late == 0 || policy.LateAfter < p.late {
			p.late = policy.LateAfter
		}
	}
	p.table[s].vehicles++
	p.last = s
	return s
}

func (p *policies) place(f inForce) slot {
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		p.table[s] = f
		return s
	}
	p.table = append(p.table, f)
	return slot(len(p.table) - 1)
}

// release ends what use began.
func (p *policies) release(s slot) {
	p.table[s].vehicles--
	if p.table[s].vehicles > 0 {
		return
	}
	gone := p.table[s].Policy
	delete(p.slots, gone)
	p.table[s] = inForce{}
	p.free = append(p.free, s)
	if gone.LateAfter > p.late {
		return
	}
	p.late = 0
	for policy := range p.slots {
		if p.late == 0 || policy.LateAfter < p.late {
			p.late = policy.LateAfter
		}
	}
}

// shortest is the shortest LateAfter in force, and the default's while there are no vehicles.
func (p *policies) shortest() time.Duration {
	if p.late == 0 {
		return p.fallback.LateAfter
	}
	return p.late
}

// Policy is the policy in force for v and where it comes from; for a vehicle that is not watched, the default.
func (r *Rule) Policy(v event.VehicleID) (event.Policy, Scope) {
	if !r.Known(v) {
		return r.policies.fallback, OfDefault
	}
	scope := OfDefault
	if r.state[v]&ownPolicy != 0 {
		scope = OfVehicle
	} else if _, ok := r.policies.customers[r.customer[v]]; ok {
		scope = OfCustomer
	}
	return r.policies.at(r.policy[v]), scope
}

// changePolicy sets or takes away the policy of a vehicle, a customer or the default, and judges the vehicles for which
// another one is in force now.
func (r *Rule) changePolicy(f event.PolicyChanged, at event.Time, out *Changes) {
	none := f.Policy == event.Policy{}
	switch {
	case !none && !valid(f.Policy), f.Vehicle != 0 && !r.Known(f.Vehicle):
		r.ignored++
	case f.Vehicle != 0 && none:
		r.state[f.Vehicle] &^= ownPolicy
		r.inherit(f.Vehicle, at, out)
	case f.Vehicle != 0:
		r.state[f.Vehicle] |= ownPolicy
		r.adopt(f.Vehicle, f.Policy, at, out)
	case f.Customer != 0 && none:
		delete(r.policies.customers, f.Customer)
		r.inheritAll(f.Customer, at, out)
	case f.Customer != 0:
		r.policies.customers[f.Customer] = f.Policy
		r.inheritAll(f.Customer, at, out)
	case none:
		r.policies.fallback = event.DefaultPolicy
		r.inheritAll(0, at, out)
	default:
		r.policies.fallback = f.Policy
		r.inheritAll(0, at, out)
	}
}

// valid says whether p is a policy as event.Policy describes it.
func valid(p event.Policy) bool {
	return p.LateAfter >= time.Millisecond && p.OfflineAfter >= p.LateAfter &&
		p.LateAfter%time.Millisecond == 0 && p.OfflineAfter%time.Millisecond == 0
}

// inheritAll lets the vehicles of one customer, or of all when c is 0, follow a policy that changed above them. It
// looks at every vehicle, which takes a tenth of a second for a million and happens only when an operator says so.
func (r *Rule) inheritAll(c event.CustomerID, at event.Time, out *Changes) {
	for v, s := range r.state {
		if s&watched != 0 && (c == 0 || r.customer[v] == c) {
			r.inherit(event.VehicleID(v), at, out)
		}
	}
}

// inherit gives v its customer's policy or the default, unless it has its own.
func (r *Rule) inherit(v event.VehicleID, at event.Time, out *Changes) {
	if r.state[v]&ownPolicy == 0 {
		r.adopt(v, r.policies.inherited(r.customer[v]), at, out)
	}
}

// adopt puts a policy in force for v.
func (r *Rule) adopt(v event.VehicleID, policy event.Policy, at event.Time, out *Changes) {
	if r.policies.at(r.policy[v]) == policy {
		return
	}
	r.policies.release(r.policy[v])
	r.policy[v] = r.policies.use(policy)
	if r.state[v].presence() != event.Paused {
		r.judge(v, at, out)
	}
}
