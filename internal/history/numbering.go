package history

import "github.com/fleetbeat/fleetbeat/internal/event"

// numbering gives heartbeats their nth, see beat.
type numbering struct {
	at      event.Time // the newest millisecond in which a batch began
	batches uint32     // how many did
	begun   bool       // the present batch has its first heartbeat
	first   event.Time // when that was
}

// begin is called before the heartbeats of each batch.
func (n *numbering) begin() { n.begun = false }

// nth is called for each heartbeat, in the order of the log.
func (n *numbering) nth(at event.Time) uint32 {
	if !n.begun {
		n.begun, n.first = true, at
		if n.batches == 0 || at != n.at {
			n.at, n.batches = at, 0
		}
		n.batches++
	}
	if at != n.first {
		return 0
	}
	return n.batches
}
