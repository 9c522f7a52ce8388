package presence

import (
	"cmp"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// maxGapCeiling bounds the time between two canaries that still counts as listening, however long the policies are.
const maxGapCeiling = 10 * time.Second

// clock is the listening clock: the stretch of time up to now in which we can prove that we were listening.
type clock struct {
	start  event.Time // the canary that ended the last gap; deadlines begin here at the earliest
	proof  event.Time // the newest canary
	proven bool       // there was a canary
	broken bool       // since the newest canary, something happened that ends the stretch
	reason event.GapReason
}

// broke notes that the observer was stopped, started or damaged. The first of these names the gap, because a stop
// explains the start that follows it; only damage, which may have taken others away, outweighs it.
func (c *clock) broke(reason event.GapReason) {
	if !c.broken || reason == event.Damaged {
		c.broken, c.reason = true, reason
	}
}

// advance moves the clock to a canary at t. When the time since the canary before is not proven, it says so, with the
// reason, and the stretch starts anew at t.
func (c *clock) advance(t event.Time, maxGap time.Duration) (reason event.GapReason, gap bool) {
	switch {
	case !c.proven:
		c.start, c.proven = t, true
	case c.broken:
		reason, gap = c.reason, true
	case t.Sub(c.proof) > maxGap:
		reason, gap = event.Silent, true
	}
	if gap {
		c.start = t
	}
	c.proof, c.broken, c.reason = t, false, event.Silent
	return reason, gap
}

// Listening describes the listening clock.
type Listening struct {
	Since  event.Time    // the canary that began the present stretch of listening, 0 before the first one
	Proof  event.Time    // the newest canary: up to here we were listening; 0 before the first one
	Broken bool          // the observer was stopped, started or damaged since then: the next canary ends a gap
	MaxGap time.Duration // how far apart two canaries may be for the time between them to count
}

// Listening says how far the listening clock has come.
func (r *Rule) Listening() Listening {
	return Listening{Since: r.clock.start, Proof: r.clock.proof, Broken: r.clock.broken, MaxGap: r.maxGap()}
}

// maxGap is a quarter of the shortest LateAfter in force, so that no verdict rests on fewer than four canaries.
func (r *Rule) maxGap() time.Duration {
	return min(maxGapCeiling, r.policies.shortest()/4)
}

// canary moves the listening clock to t and makes the transitions whose deadline lies before t. After a gap there are
// none: every deadline has just started anew.
func (r *Rule) canary(t event.Time, out *Changes) {
	if r.clock.proven && t < r.clock.proof {
		return // proves nothing new; the log's times never go back
	}
	before := r.clock.proof
	if reason, gap := r.clock.advance(t, r.maxGap()); gap {
		out.Gaps = append(out.Gaps, event.Gap{From: before, To: t, Reason: reason, Position: out.position})
	}
	if r.recalling {
		return
	}
	first := len(out.Transitions)
	r.ring.advance(t, func(v event.VehicleID) { r.expire(v, out) })
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
