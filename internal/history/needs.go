package history

import "github.com/fleetbeat/fleetbeat/internal/event"

// Needs is the position from which the log is still needed: for the newest state, for the one before in case that is damaged,
// and for the files that are to be made again. It is 1 until there are two states.
func (h *History) Needs() event.Position {
	h.mu.RLock()
	defer h.mu.RUnlock()
	states := h.manifest.of(stateFiles, 0, h.manifest.SealedUntil+1)
	if len(h.manifest.Missing) > 0 || len(states) < 2 {
		return 1
	}
	return states[len(states)-2].First
}
