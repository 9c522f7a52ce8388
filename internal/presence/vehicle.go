package presence

import "github.com/fleetbeat/fleetbeat/internal/event"

// state is a vehicle's presence, in the low bits, and two flags. 0 is a number that is not watched.
type state uint8

const (
	presenceBits state = 7
	watched      state = 1 << 3
	ownPolicy    state = 1 << 4 // its policy is its own, not its customer's or the default
)

func (s state) presence() event.Presence { return event.Presence(s & presenceBits) }

// add begins to watch v, or moves it to another customer when it is watched already.
func (r *Rule) add(v event.VehicleID, c event.CustomerID, at event.Time, out *Changes) {
	if v == 0 || v > MaxVehicle {
		r.ignored++
		return
	}
	if r.Known(v) {
		r.customer[v] = c
		r.inherit(v, at, out)
		return
	}
	r.grow(int(v) + 1)
	r.state[v] = watched | state(event.Unknown)
	r.since[v] = at
	r.customer[v] = c
	r.policy[v] = r.policies.use(r.policies.inherited(c))
	r.counts[event.Unknown]++
}

// remove forgets v.
func (r *Rule) remove(v event.VehicleID) {
	if !r.Known(v) {
		return
	}
	r.counts[r.state[v].presence()]--
	r.policies.release(r.policy[v])
	if !r.recalling {
		r.ring.drop(v)
	}
	r.state[v], r.heard[v], r.since[v], r.customer[v], r.policy[v] = 0, 0, 0, 0, 0
}

func (r *Rule) pause(v event.VehicleID, at event.Time, out *Changes) {
	if !r.Known(v) {
		r.ignored++
		return
	}
	if r.state[v].presence() != event.Paused && !r.recalling {
		r.move(v, event.Paused, at, out)
	}
}

func (r *Rule) resume(v event.VehicleID, at event.Time, out *Changes) {
	if !r.Known(v) {
		r.ignored++
		return
	}
	if r.state[v].presence() == event.Paused {
		r.judge(v, at, out)
	}
}

// judge decides the presence of v anew, because it was resumed or its policy changed at the moment at. What counts as
// silence is, as ever, only the time up to the newest canary.
func (r *Rule) judge(v event.VehicleID, at event.Time, out *Changes) {
	if r.recalling {
		return
	}
	was, heard, policy := r.state[v].presence(), r.heard[v], r.policies.at(r.policy[v])
	base, proof := max(heard, r.clock.start), r.clock.proof
	to := event.Online
	switch {
	case heard == 0:
		to = event.Unknown
	case heard.Add(policy.LateAfter) >= proof:
		to = event.Online
	case base.Add(policy.OfflineAfter) < proof, was == event.Offline && heard.Add(policy.OfflineAfter) < proof:
		to = event.Offline
	case was != event.Online, base.Add(policy.LateAfter) < proof:
		to = event.Late // silent for long, but a gap began the deadline anew: offline is not proven
	}
	if to != was {
		r.move(v, to, at, out)
	}
	r.schedule(v)
}

// move gives v a new presence.
func (r *Rule) move(v event.VehicleID, to event.Presence, at event.Time, out *Changes) {
	from := r.state[v].presence()
	r.set(v, to, at)
	out.Transitions = append(out.Transitions, event.Transition{
		Vehicle: v, From: from, To: to, At: at, Position: out.position,
	})
}

func (r *Rule) set(v event.VehicleID, to event.Presence, at event.Time) {
	r.counts[r.state[v].presence()]--
	r.counts[to]++
	r.state[v] = r.state[v]&^presenceBits | state(to)
	r.since[v] = at
}

// grow makes room for vehicles with numbers below n.
func (r *Rule) grow(n int) {
	r.state = grown(r.state, n)
	r.heard = grown(r.heard, n)
	r.since = grown(r.since, n)
	r.customer = grown(r.customer, n)
	r.policy = grown(r.policy, n)
	if !r.recalling {
		r.ring.grow(n)
	}
}

// Customer is the customer of v, and 0 for a vehicle that is not watched.
func (r *Rule) Customer(v event.VehicleID) event.CustomerID {
	if !r.Known(v) {
		return 0
	}
	return r.customer[v]
}
