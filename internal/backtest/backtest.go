// Package backtest says what another policy would have meant: it replays the log under the policies that were in force
// and, beside it, under the one that is asked about, by the very rule that judges vehicles live.
//
// What enters is the log from its begin, batch by batch, heartbeats and canaries as they came. What leaves are the transitions
// and outages of both side by side, and which outages the other policy would have found later, earlier, or
// not at all, and which it would have added. Every batch counts: nothing is sampled or estimated. It is a pure function
// of the log and the question; it reads no clock, takes no lock and starts no goroutine.
//
// An outage begins with the transition to offline, at its exact deadline, and ends when the vehicle is heard, paused or
// removed, or when a change of policy calls it connected. One of each side are the same outage when they overlap in time.
package backtest

import (
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Query asks what would have been.
type Query struct {
	Policy   event.Policy     // for every vehicle that is asked about, whatever other policies say of it
	Customer event.CustomerID // whose vehicles are asked about; 0 for all
	From, To event.Time       // count what began in this time, To left out; 0 for the log's begin and end
	Examples int              // outages to name of each verdict
}

// Report says what was and what would have been.
type Report struct {
	Position event.Position // of the last batch that counts
	From, To event.Time     // of the window, no longer than the log
	Vehicles int            // that were watched in the window and are asked about

	Present, Tested Side // under the policies in force, and under the one asked about

	// What became of the outages of Present, and New for those of Tested that are none of them.
	Same, Later, Earlier, Missed, New Found
}

// Side is one of the two replays.
type Side struct {
	Transitions [event.Presences]uint64 // to each presence, in the window
	Outages     uint64                  // that began in the window
	Offline     time.Duration           // how long they lasted, up to the window's end
}

// Found sums up outages with one verdict.
type Found struct {
	Outages  uint64
	Offline  time.Duration // how long they lasted, up to the window's end: as they were, and the new ones as they would have been
	Shift    time.Duration // between the two begins, all summed up; 0 for missed and new ones
	Longest  time.Duration // of the shifts
	Examples []Outage      // those that lasted longest, the longest first
}

// Outage is one of either side or both.
type Outage struct {
	Vehicle event.VehicleID
	From    event.Time // when it was found; 0 for a new one
	Tested  event.Time // when it would have been found; 0 for one that is missed
	To      event.Time // when it ended, of a new one when it would have; 0 when it lasts beyond the window
	lasted  time.Duration
}

// Lasted is how long the outage lasted, up to the window's end.
func (o *Outage) Lasted() time.Duration { return o.lasted }
