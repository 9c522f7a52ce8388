package record

import (
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// State is what a vehicle's record says about a period: its presence, or why there is none to tell.
type State uint8

// The states. Late is connected: the policy calls a vehicle disconnected only after offline-after.
const (
	NeverHeard    State = iota // watched, and not heard yet
	Online                     // heard within its policy
	Late                       // silent longer than late-after
	Offline                    // silent longer than offline-after: an outage
	Paused                     // an operator stopped watching it
	OutOfCoverage              // an outage in which it was alive, as heartbeats show that it recorded then and delivered later
	Unobserved                 // we cannot prove that we were listening
	Unwatched                  // not registered
)

// States is how many there are: valid ones are below it.
const States = 8

var stateNames = [States]string{"unknown", "online", "late", "offline", "paused", "out_of_coverage", "unobserved", "unwatched"}

// String is the word used on the wire.
func (s State) String() string {
	if s < States {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// stateOf is the state of a vehicle that is watched and observed.
func stateOf(p event.Presence) State {
	switch p {
	case event.Online:
		return Online
	case event.Late:
		return Late
	case event.Offline:
		return Offline
	case event.Paused:
		return Paused
	default:
		return NeverHeard
	}
}

// Cause is what made a period what it is.
type Cause uint8

// The causes. Those of unobserved time follow the order of the reasons for a gap.
const (
	ByHeartbeat  Cause = iota // it was heard
	BySilence                 // it was not heard, and we were listening
	ByNothing                 // it was never heard
	ByOperator                // it was paused
	ByBuffered                // heartbeats that it delivered later
	ByNoRegistry              // it was not registered
	ByObserverSilent
	ByObserverStopped
	ByObserverCrashed
	ByObserverDamaged
)

var causeNames = [...]string{
	"heartbeat", "silence", "never_heard", "operator", "buffered_heartbeats", "not_registered",
	"observer_silent", "observer_stopped", "observer_crashed", "observer_damaged",
}

// String is the word used on the wire.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return fmt.Sprintf("cause(%d)", uint8(c))
}

// cause is that of a state which has only one.
func (s State) cause() Cause {
	switch s {
	case Online:
		return ByHeartbeat
	case Late, Offline:
		return BySilence
	case Paused:
		return ByOperator
	case OutOfCoverage:
		return ByBuffered
	case Unwatched:
		return ByNoRegistry
	default:
		return ByNothing
	}
}

func causeOf(reason event.GapReason) Cause {
	if reason > event.Damaged {
		return ByObserverSilent
	}
	return ByObserverSilent + Cause(reason)
}
