package presence

import (
	"cmp"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// maxGapCeiling bounds the time between two canaries that still counts as listening, however long the policies are.
const maxGapCeiling = 10 * time.Second

// maxDoors bounds the doors in service at a time; what further ones prove is not asked for.
const maxDoors = 1 << 10

// clock is the listening clock: the stretch of time up to now in which we can prove that we were listening.
//
// Several doors may listen for one log. A vehicle reaches us through any of them, so its silence is proven only as far as
// every door in service is: the proof is the oldest of the doors' newest canaries.
type clock struct {
	start  event.Time // the canary that ended the last gap; deadlines begin here at the earliest
	proof  event.Time // up to here all doors in service were listening
	proven bool       // there was a canary
	broken bool       // since the newest canary, something happened that ends the stretch
	reason event.GapReason
	doors  []Door // those in service, by name; none while broken by a stop, or before the first canary
}

// Door is a door in service: it sent a canary, and neither did it stop since nor has its newest canary grown too old.
type Door struct {
	Name  string
	Proof event.Time // its newest canary
}

// broke notes that the observer was stopped, started or damaged. The first of these names the gap, because a stop
// explains the start that follows it; only damage, which may have taken others away, outweighs it.
func (c *clock) broke(reason event.GapReason) {
	if !c.broken || reason == event.Damaged {
		c.broken, c.reason = true, reason
	}
}

// started notes that a process began to listen at a door. If that was in service, the process before died, and nobody knows
// what it heard last. A door that joins others takes nothing from what they prove.
func (c *clock) started(name string) {
	if c.leave(name) || len(c.doors) == 0 {
		c.broke(event.Crashed)
	}
}

// stopped notes that a door was closed in order. While others are in service, the clock goes on by them.
func (c *clock) stopped(name string) {
	c.leave(name)
	if len(c.doors) == 0 {
		c.broke(event.Stopped)
	}
}

// leave takes a door out of service and says whether it was in.
func (c *clock) leave(name string) bool {
	i, found := c.find(name)
	if found {
		c.doors = slices.Delete(c.doors, i, i+1)
	}
	return found
}

func (c *clock) find(name string) (int, bool) {
	return slices.BinarySearchFunc(c.doors, name, func(d Door, name string) int { return cmp.Compare(d.Name, name) })
}

// advance moves the clock to a canary of a door at t. When the time since the proof before is not proven, it says so, with the
// reason, and the stretch starts anew at t. A door whose newest canary is older than maxGap is out of service from then on:
// what it missed is in that gap.
func (c *clock) advance(name string, t event.Time, maxGap time.Duration) (reason event.GapReason, gap bool) {
	late := func(d Door) bool { return t.Sub(d.Proof) > maxGap }
	switch {
	case !c.proven:
		c.start, c.proven = t, true
	case c.broken:
		reason, gap = c.reason, true
	case len(c.doors) == 0 || slices.ContainsFunc(c.doors, late):
		reason, gap = event.Silent, true
	}
	if gap {
		c.start = t
	}
	c.doors = slices.DeleteFunc(c.doors, late)
	c.heard(name, t)
	c.broken, c.reason = false, event.Silent
	oldest := t
	for _, d := range c.doors {
		oldest = min(oldest, d.Proof)
	}
	c.proof = max(c.start, c.proof, oldest)
	return reason, gap
}

// heard notes the newest canary of a door, which is in service by it.
func (c *clock) heard(name string, t event.Time) {
	i, found := c.find(name)
	switch {
	case found:
		c.doors[i].Proof = t
	case len(c.doors) < maxDoors:
		c.doors = slices.Insert(c.doors, i, Door{name, t})
	}
}

// Listening describes the listening clock.
type Listening struct {
	Since  event.Time    // the canary that began the present stretch of listening, 0 before the first one
	Proof  event.Time    // up to here all doors in service were listening; 0 before the first canary
	Broken bool          // the observer was stopped, started or damaged since then: the next canary ends a gap
	MaxGap time.Duration // how far apart two canaries of a door may be for the time between them to count
}

// Proof is the moment up to which all doors in service were listening, 0 before the first canary.
func (r *Rule) Proof() event.Time { return r.clock.proof }

// Listening says how far the listening clock has come.
func (r *Rule) Listening() Listening {
	return Listening{Since: r.clock.start, Proof: r.clock.proof, Broken: r.clock.broken, MaxGap: r.maxGap()}
}

// Doors are those in service, by name.
func (r *Rule) Doors() []Door { return slices.Clone(r.clock.doors) }

// maxGap is a quarter of the shortest LateAfter in force, so that no verdict rests on fewer than four canaries.
func (r *Rule) maxGap() time.Duration {
	return min(maxGapCeiling, r.policies.shortest()/4)
}

// canary moves the listening clock by a canary of a door at t and makes the transitions whose deadline lies before the proof.
// After a gap there are none: every deadline has just started anew.
func (r *Rule) canary(door string, t event.Time, out *Changes) {
	if r.clock.proven && t < r.clock.proof {
		return // proves nothing new; the log's times never go back
	}
	before := r.clock.proof
	if reason, gap := r.clock.advance(door, t, r.maxGap()); gap {
		out.Gaps = append(out.Gaps, event.Gap{From: before, To: t, Reason: reason, Position: out.position})
	}
	if r.recalling {
		return
	}
	first := len(out.Transitions)
	r.ring.advance(r.clock.proof, func(v event.VehicleID) { r.expire(v, out) })
	slices.SortFunc(out.Transitions[first:], func(a, b event.Transition) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Vehicle, b.Vehicle), cmp.Compare(a.To, b.To))
	})
}

// expire makes the transitions of v whose deadline the clock has passed, and files v for the next one.
func (r *Rule) expire(v event.VehicleID, out *Changes) {
	to, deadline := r.next(v)
	for to != event.Unknown && deadline < r.clock.proof {
		// A policy that changed after the canary before may set a deadline before the change. A vehicle's
		// transitions still follow one another in time.
		r.move(v, to, max(deadline, r.since[v]), out)
		to, deadline = r.next(v)
	}
	if to != event.Unknown {
		r.ring.file(v, deadline)
	}
}

// next is the presence that silence leads v to, and the moment at which it does. Unknown stands for none.
func (r *Rule) next(v event.VehicleID) (event.Presence, event.Time) {
	base, policy := max(r.heard[v], r.clock.start), r.policies.at(r.policy[v])
	switch r.state[v].presence() {
	case event.Online:
		if policy.LateAfter < policy.OfflineAfter {
			return event.Late, base.Add(policy.LateAfter)
		}
		return event.Offline, base.Add(policy.OfflineAfter) // a policy without a stage of being late
	case event.Late:
		return event.Offline, base.Add(policy.OfflineAfter)
	}
	return event.Unknown, 0
}

// schedule files v under its next deadline. A vehicle that has none may stay where it is: expire will not file it again.
func (r *Rule) schedule(v event.VehicleID) {
	if r.recalling {
		return
	}
	if to, deadline := r.next(v); to != event.Unknown {
		r.ring.file(v, deadline)
	}
}
