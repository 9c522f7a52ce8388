package history

import "github.com/fleetbeat/fleetbeat/internal/event"

// Proven is the newest canary that was applied, up to which the history is told, and the position of the last batch.
func (h *History) Proven() (event.Time, event.Position) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.rule.Proof(), h.checkpoint
}

// Presence is that of a vehicle as of the last batch.
func (h *History) Presence(v event.VehicleID) event.Presence {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.rule.Presence(v)
}

// Policy is the one in force for a vehicle as of the last batch.
func (h *History) Policy(v event.VehicleID) event.Policy {
	h.mu.RLock()
	defer h.mu.RUnlock()
	policy, _ := h.state.rule.Policy(v)
	return policy
}

// Begin is the received-at from which everything is kept, 0 while there is nothing.
func (h *History) Begin() event.Time { return h.begin() }
