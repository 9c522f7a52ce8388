package event

import "fmt"

// Presence says whether a vehicle is connected.
type Presence uint8

// The presences, in the order in which they are shown.
const (
	Unknown Presence = iota // never heard
	Online                  // heard within its policy
	Late                    // silent longer than its policy's LateAfter
	Offline                 // silent longer than its policy's OfflineAfter, and we were listening all that time
	Paused                  // an operator stopped watching it
)

// Presences is how many there are: valid ones are below it.
const Presences = 5

var presenceNames = [Presences]string{"unknown", "online", "late", "offline", "paused"}

// String is the word used on the wire and on the screen.
func (p Presence) String() string {
	if p < Presences {
		return presenceNames[p]
	}
	return fmt.Sprintf("presence(%d)", uint8(p))
}

// ParsePresence reads what String wrote.
func ParsePresence(s string) (Presence, error) {
	for p, name := range presenceNames {
		if s == name {
			return Presence(p), nil
		}
	}
	return 0, fmt.Errorf("presence %q is none of unknown, online, late, offline, paused", s)
}

// Transition is a change of a vehicle's presence.
type Transition struct {
	Vehicle  VehicleID
	From, To Presence
	At       Time     // the exact moment: the heartbeat's, the deadline's, or the operator's
	Position Position // of the batch that showed it
}

// Gap is a time in which we cannot prove that we were listening: unobserved.
type Gap struct {
	From, To Time // last proof before, first proof after
	Reason   GapReason
	Position Position // of the batch whose canary ended it
}

// GapReason says what the log knows about why a gap came to be.
type GapReason uint8

// The reasons for a gap.
const (
	Silent  GapReason = iota // no canary came through: suspended, stalled, unreachable, disk full
	Stopped                  // the observer was stopped in order
	Crashed                  // the observer started anew without having stopped
	Damaged                  // batches of the log were lost to damage
)

var gapReasonNames = [...]string{"silent", "stopped", "crashed", "damaged"}

// String is the word used on the wire.
func (r GapReason) String() string {
	if int(r) < len(gapReasonNames) {
		return gapReasonNames[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// ParseGapReason reads what String wrote.
func ParseGapReason(s string) (GapReason, error) {
	for r, name := range gapReasonNames {
		if s == name {
			return GapReason(r), nil
		}
	}
	return 0, fmt.Errorf("reason %q is none of silent, stopped, crashed, damaged", s)
}
