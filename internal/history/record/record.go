// Package record derives a vehicle's history from what the log said about it: its periods of connection and outage, its
// uptime, and what its sequence numbers tell about silence.
//
// What enters are plain rows in the order of the log: transitions, the observer's gaps, memberships, heartbeats. What leaves are
// periods that follow one another without a hole, sums of them, and findings. It is a pure function of its rows: it reads
// no clock and no storage.
//
// Two clocks run through all of it. Every row says when it happened, and when the log showed it. A buffered
// heartbeat that arrives today repairs yesterday's record: the outage becomes "alive, out of coverage". But a Window with a KnownAt
// ignores what the log did not show by then, and so gives what Fleetbeat said at that moment. What is derived is never
// rewritten otherwise: two answers about one moment differ only by such repairs.
package record

import (
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Transition is a change of presence of one vehicle, and when the log showed it: for a heartbeat or an operator's word at
// once, for silence at the canary that proved it.
type Transition struct {
	From, To event.Presence
	At       event.Time
	Known    event.Time
}

// Membership is a stretch of time in which a vehicle was watched, for one customer. To is 0 while it lasts. A vehicle
// that moves to another customer has two that touch.
type Membership struct {
	Customer event.CustomerID
	From, To event.Time
}

// Vehicle is what the log said about one vehicle, each kind of row in the order of the log. Rows from before a window are
// welcome: they tell what held at its begin, and since when.
type Vehicle struct {
	Memberships []Membership
	Before      event.Presence // where the rows begin in the midst of the first membership: the presence before them
	Transitions []Transition
	Heartbeats  []event.Heartbeat // at least the buffered ones received since the window's begin, and the live ones next to them
	Holds       time.Duration     // how long one heartbeat shows that the vehicle is alive: its policy's offline-after
}

// Observer is what the log proves of our own listening.
type Observer struct {
	Gaps  []event.Gap // in order
	Proof event.Time  // the newest canary: nothing later is proven
}

// Window is the time that a question is about, From up to but without To, and the moment as of which it is answered.
type Window struct {
	From, To event.Time
	KnownAt  event.Time // what the log showed later is ignored; 0 stands for now
}

// knew says whether something that the log showed at a moment counts.
func (w *Window) knew(shown event.Time) bool { return w.KnownAt == 0 || shown <= w.KnownAt }

// Clip shortens a window to what the observer had proven by its KnownAt: nothing is said about the time after that. The
// window may become empty, with To not after From.
func (o *Observer) Clip(w Window) Window {
	w.To = min(w.To, o.horizon(&w))
	return w
}

// horizon is up to where listening was proven at the window's KnownAt. While we listen, that moment itself stands for
// the canary before it, a fraction of a second earlier.
func (o *Observer) horizon(w *Window) event.Time {
	if w.KnownAt == 0 || w.KnownAt >= o.Proof {
		return o.Proof
	}
	for _, g := range o.Gaps {
		if g.From < w.KnownAt && w.KnownAt < g.To {
			return g.From
		}
	}
	return w.KnownAt
}
