package presence

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// TestARuleAfterItsFactsWatchesTheSame: a new rule that is told the facts of another watches the same vehicles of the same
// customers, under the same policies, now and after any change of them, and with the same pauses.
func TestARuleAfterItsFactsWatchesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, told := New(), New()
		var changes Changes
		for _, s := range drawHistory(t) {
			changes.Reset()
			rule.Apply(s, &changes)
		}
		at := rule.Listening().Proof
		for _, f := range rule.Facts() {
			changes.Reset()
			told.Apply(event.Stored{Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: at, Fact: f}}}}, &changes)
		}
		same := func(when string) {
			for v := range event.VehicleID(rule.Cap()) {
				policy, scope := rule.Policy(v)
				toldPolicy, toldScope := told.Policy(v)
				paused, toldPaused := rule.Presence(v) == event.Paused, told.Presence(v) == event.Paused
				if rule.Known(v) != told.Known(v) || policy != toldPolicy || scope != toldScope || paused != toldPaused || rule.Known(v) && rule.Customer(v) != told.Customer(v) {
					t.Fatalf("%s, vehicle %d: %v %v %v, told %v %v %v", when, v, policy, scope, paused, toldPolicy, toldScope, toldPaused)
				}
			}
		}
		same("after the facts")
		other := event.Batch{Entries: []event.Entry{{ReceivedAt: at, Fact: event.PolicyChanged{Policy: event.Policy{LateAfter: 7e9, OfflineAfter: 9e9}}}}}
		for _, r := range []*Rule{rule, told} {
			changes.Reset()
			r.Apply(event.Stored{Batch: other}, &changes)
		}
		same("after another default")
	})
}
