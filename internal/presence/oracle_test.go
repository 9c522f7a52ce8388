package presence

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// oracle is the same rule, written a second time to be obviously right: it keeps no ring, no table and no counts, and
// looks at every vehicle at every canary. It shares no code with Rule.
type oracle struct {
	vehicles  map[event.VehicleID]*oracleVehicle
	customers map[event.CustomerID]event.Policy
	fallback  event.Policy

	canaries    int
	start, last event.Time // of the unbroken listening; the last canary
	since       []event.Fact
	out         Changes
}

type oracleVehicle struct {
	number   event.VehicleID
	customer event.CustomerID
	own      *event.Policy
	presence event.Presence
	heard    event.Time
	since    event.Time
}

func newOracle() *oracle {
	return &oracle{
		vehicles:  map[event.VehicleID]*oracleVehicle{},
		customers: map[event.CustomerID]event.Policy{},
		fallback:  event.DefaultPolicy,
	}
}

// apply takes in a batch event by event, in the order of the log.
func (o *oracle) apply(s event.Stored) Changes {
	o.out = Changes{position: s.Position}
	next := 0
	for i := range s.Heartbeats.Len() + 1 {
		for ; next < len(s.Entries) && s.Entries[next].After == i; next++ {
			o.fact(s.Entries[next].Fact, s.Entries[next].ReceivedAt)
		}
		if i < s.Heartbeats.Len() {
			o.heartbeat(s.Heartbeats.At(i))
		}
	}
	return o.out
}

func (o *oracle) heartbeat(h event.Heartbeat) {
	v := o.vehicles[h.Vehicle]
	if v == nil || h.Flags&event.Buffered != 0 {
		return
	}
	v.heard = h.ReceivedAt
	if v.presence != event.Paused {
		o.set(v, event.Online, h.ReceivedAt)
	}
}

func (o *oracle) fact(f event.Fact, at event.Time) {
	before := o.policies()
	switch f := f.(type) {
	case event.Canary:
		o.canary(at)
	case event.ObserverStarted, event.ObserverStopped, event.Lost:
		o.since = append(o.since, f)
	case event.VehicleAdded:
		if v := o.vehicles[f.Vehicle]; v != nil {
			v.customer = f.Customer
		} else {
			o.vehicles[f.Vehicle] = &oracleVehicle{number: f.Vehicle, customer: f.Customer, since: at}
		}
	case event.VehicleRemoved:
		delete(o.vehicles, f.Vehicle)
	case event.VehiclePaused:
		if v := o.vehicles[f.Vehicle]; v != nil {
			o.set(v, event.Paused, at)
		}
	case event.VehicleResumed:
		if v := o.vehicles[f.Vehicle]; v != nil && v.presence == event.Paused {
			o.judge(v, at)
		}
	case event.PolicyChanged:
		o.changePolicy(f)
	}
	for _, v := range o.all() {
		was, known := before[v.number]
		if known && was != o.policy(v) && v.presence != event.Paused {
			o.judge(v, at)
		}
	}
}

func (o *oracle) changePolicy(f event.PolicyChanged) {
	none := f.Policy == event.Policy{}
	if f.Vehicle != 0 {
		if v := o.vehicles[f.Vehicle]; v != nil {
			v.own = &f.Policy
			if none {
				v.own = nil
			}
		}
		return
	}
	if f.Customer != 0 {
		o.customers[f.Customer] = f.Policy
		if none {
			delete(o.customers, f.Customer)
		}
		return
	}
	o.fallback = f.Policy
	if none {
		o.fallback = event.DefaultPolicy
	}
}

func (o *oracle) canary(t event.Time) {
	shortest := time.Duration(1 << 62)
	for _, v := range o.vehicles {
		shortest = min(shortest, o.policy(v).LateAfter)
	}
	if len(o.vehicles) == 0 {
		shortest = o.fallback.LateAfter
	}
	first := o.canaries == 0
	silent := t.Sub(o.last) > min(10*time.Second, shortest/4)
	if !first && (silent || len(o.since) > 0) {
		o.out.Gaps = append(o.out.Gaps, event.Gap{From: o.last, To: t, Reason: o.reason(), Position: o.out.position})
	}
	if first || silent || len(o.since) > 0 {
		o.start = t
	}
	o.canaries++
	o.last, o.since = t, nil
	begin := len(o.out.Transitions)
	for _, v := range o.all() {
		o.fallSilent(v)
	}
	slices.SortStableFunc(o.out.Transitions[begin:], func(a, b event.Transition) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Vehicle, b.Vehicle))
	})
}

func (o *oracle) reason() event.GapReason {
	lost := func(f event.Fact) bool { _, ok := f.(event.Lost); return ok }
	if slices.ContainsFunc(o.since, lost) {
		return event.Damaged
	}
	if len(o.since) == 0 {
		return event.Silent
	}
	if _, stopped := o.since[0].(event.ObserverStopped); stopped {
		return event.Stopped
	}
	return event.Crashed
}

// fallSilent makes the transitions of v that are due at the last canary.
func (o *oracle) fallSilent(v *oracleVehicle) {
	policy, from := o.policy(v), max(v.heard, o.start)
	late, offline := from.Add(policy.LateAfter), from.Add(policy.OfflineAfter)
	if v.presence == event.Online && late < o.last && late < offline {
		o.set(v, event.Late, max(late, v.since))
	}
	if (v.presence == event.Online || v.presence == event.Late) && offline < o.last {
		o.set(v, event.Offline, max(offline, v.since))
	}
}

// judge is the table of what a resumed vehicle, or one with another policy, is now.
func (o *oracle) judge(v *oracleVehicle, at event.Time) {
	policy := o.policy(v)
	silent := o.last.Sub(v.heard)               // by the clock on the wall
	proven := o.last.Sub(max(v.heard, o.start)) // by the listening clock
	silentLong := silent > policy.OfflineAfter  // whether or not we were listening
	provenLong := proven > policy.OfflineAfter  // while we were listening
	provenLate := proven > policy.LateAfter     // while we were listening
	heardLately := silent <= policy.LateAfter   // so it cannot be late
	wasOnline := v.presence == event.Online     //
	wasOffline := v.presence == event.Offline   //
	to := event.Online
	if v.heard == 0 {
		to = event.Unknown
	} else if heardLately {
		to = event.Online
	} else if provenLong || wasOffline && silentLong {
		to = event.Offline
	} else if provenLate || !wasOnline {
		to = event.Late
	}
	o.set(v, to, at)
}

func (o *oracle) set(v *oracleVehicle, to event.Presence, at event.Time) {
	if v.presence == to {
		return
	}
	o.out.Transitions = append(o.out.Transitions, event.Transition{
		Vehicle: v.number, From: v.presence, To: to, At: at, Position: o.out.position,
	})
	v.presence, v.since = to, at
}

func (o *oracle) policy(v *oracleVehicle) event.Policy {
	if v.own != nil {
		return *v.own
	}
	if p, ok := o.customers[v.customer]; ok {
		return p
	}
	return o.fallback
}

func (o *oracle) policies() map[event.VehicleID]event.Policy {
	all := map[event.VehicleID]event.Policy{}
	for number, v := range o.vehicles {
		all[number] = o.policy(v)
	}
	return all
}

func (o *oracle) all() []*oracleVehicle {
	return slices.SortedFunc(maps.Values(o.vehicles), func(a, b *oracleVehicle) int { return cmp.Compare(a.number, b.number) })
}
