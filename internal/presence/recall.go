package presence

import "github.com/fleetbeat/fleetbeat/internal/event"

// BeginRecall begins to bring the rule forward without heartbeats, by what came of them: from now on Apply takes in facts
// alone and makes no transitions, and Recall says which there were. Then the rule says the same as one that read all of
// the log, but for LastHeartbeat, which stays what it was; it is for looking at, and not to be applied to or saved any more.
func (r *Rule) BeginRecall() { r.recalling = true }

// Recall takes in a transition that the rule itself made when it read the log.
func (r *Rule) Recall(t event.Transition) {
	if r.Known(t.Vehicle) {
		r.set(t.Vehicle, t.To, t.At)
	}
}
