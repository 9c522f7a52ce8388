package history

import (
	"context"
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// dropOld drops the files that hold nothing but what is older than Config.Keep, counted back from the newest event applied. What
// is to be kept shares no file with it. The manifest goes first: after a crash, what it does not name is removed by the next start.
func (h *History) dropOld(context.Context) (bool, error) {
	if h.config.Keep == 0 {
		return false, nil
	}
	h.mu.RLock()
	m, newest := h.manifest.clone(), h.proof
	h.mu.RUnlock()
	until := m.droppable(newest.Add(-h.config.Keep))
	if until <= m.Begin {
		return false, nil
	}
	old := m.drop(until)
	if err := h.replace(m, func() {}); err != nil {
		return false, err
	}
	h.discard(old)
	h.config.Logger.Info("history dropped, as it is old", "before", until, "files", len(old))
	return true, nil
}

// droppable is the latest moment, no later than one, before which all can be dropped: no file reaches across it, and the newest
// state from before it has everything that is dropped in it. It is 0 when there is none.
func (m *manifest) droppable(at event.Time) event.Time {
	for at = min(at, m.SealedUntil); ; {
		at = m.uncut(at)
		state := m.sealedState(at)
		if state == nil {
			return 0
		}
		if m.saysAll(state, at) {
			return at
		}
		at = state.From
	}
}

// uncut is the latest moment, no later than one, that lies within no file, and nothing that is missing.
func (m *manifest) uncut(at event.Time) event.Time {
	for {
		before := at
		for i := range m.Files {
			if f := &m.Files[i]; f.From < at && f.To > at {
				at = f.From
			}
		}
		for _, s := range m.Missing {
			if s.From < at && s.To > at {
				at = s.From
			}
		}
		if at == before {
			return at
		}
	}
}

// saysAll says whether no file from before a moment has anything that a state does not know.
func (m *manifest) saysAll(state *file, at event.Time) bool {
	for i := range m.Files {
		if f := &m.Files[i]; f.Kind != stateFiles && f.To <= at && f.Last > state.First {
			return false
		}
	}
	return true
}

// drop takes everything from before a moment off the lists, but the newest state, and gives the files.
func (m *manifest) drop(until event.Time) (old []file) {
	state := m.sealedState(until).Name
	var kept []file
	for _, f := range m.Files {
		switch {
		case f.Name == state, f.Kind != stateFiles && f.To > until, f.Kind == stateFiles && f.From > until:
			kept = append(kept, f)
		default:
			old = append(old, f)
		}
	}
	m.Files, m.Begin, m.Kept = kept, until, until
	m.Missing, m.Gone = after(m.Missing, until), after(m.Gone, until)
	return old
}

// after is what of some stretches lies behind a moment.
func after(all []missing, at event.Time) (out []missing) {
	for _, s := range all {
		if s.To > at {
			out = append(out, s)
		}
	}
	return out
}

// reaches is ErrNotKept when everything before a moment was dropped; it names the oldest that there is.
func (m *manifest) reaches(to event.Time) error {
	if m.Kept != 0 && to <= m.Kept {
		return fmt.Errorf("%w: it was dropped as it was old; the oldest that is kept is of %v", ErrNotKept, m.Kept)
	}
	return nil
}

// Reaches is ErrNotKept when everything that was received before a moment was dropped, because it was old. The error
// names the oldest that there is.
func (h *History) Reaches(to event.Time) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.manifest.reaches(to)
}
