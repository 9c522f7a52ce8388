package presence

import "github.com/fleetbeat/fleetbeat/internal/event"

// Heard takes in all heartbeats of v from one moment up to and with another, buffered ones left out, when between any two
// that follow each other is no longer time than the shortest LateAfter in force before the last. They make the same transitions
// as one by one, and leave the same behind: until the last of them, no deadline passes.
func (r *Rule) Heard(v event.VehicleID, from, until event.Time, out *Changes) {
	if !r.Known(v) {
		r.ignored++
		return
	}
	if until <= r.heard[v] {
		return
	}
	r.heard[v] = until
	if p := r.state[v].presence(); p != event.Online && p != event.Paused {
		r.move(v, event.Online, from, out)
		r.schedule(v)
	}
}
