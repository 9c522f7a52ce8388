package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// mendOne makes a file again that was set aside, from the log.
func (h *History) mendOne(ctx context.Context) (bool, error) {
	h.mu.RLock()
	m := h.manifest.clone()
	h.mu.RUnlock()
	if len(m.Missing) == 0 {
		return false, nil
	}
	lack := m.Missing[0]
	m.Missing = m.Missing[1:]
	made, err := h.makeAgain(ctx, m, lack)
	switch {
	case errors.Is(err, errUnreachable):
		h.config.Logger.Error("a part of the history is lost: the log does not reach there", "kind", lack.Kind, "from", lack.From, "to", lack.To, "error", err)
		if lack.Kind != stateFiles { // who asks for a state takes the one before
			m.Gone = append(m.Gone, lack)
		}
	case err != nil:
		return false, fmt.Errorf("making %s from %v to %v again: %w", lack.Kind, lack.From, lack.To, err)
	default:
		h.config.Logger.Info("a part of the history was made again from the log", "kind", lack.Kind, "from", lack.From, "to", lack.To)
	}
	m.Files, m.Next = append(m.Files, made.files...), max(m.Next, made.next)
	sortFiles(m.Files)
	return true, h.replace(m, func() {})
}

var (
	errUnreachable = errors.New("the log does not reach there")
	errMade        = errors.New("made")
)

// makeAgain walks through the log from the newest state before what is lacking, and keeps the files of its kind.
func (h *History) makeAgain(ctx context.Context, m *manifest, lack missing) (made sealer, err error) {
	made = h.sealer(ctx, m)
	if h.config.Log == nil {
		return made, errUnreachable
	}
	w := walk{state: newState(), cuts: []event.Time{lack.From, lack.To}, limit: h.config.PartBytes}
	from := event.Position(1)
	before := m.sealedState(lack.From - 1)
	if before != nil {
		if w.state, err = h.readState(before, presence.Load); err != nil {
			if errors.Is(err, errCorrupt) {
				h.suspect(before, err)
			}
			return made, err
		}
		w.sealed, from = before.From, before.First
	}
	var failed error
	done := false
	w.full = func(p *part) {
		if failed == nil {
			failed = made.keep(p, lack)
		}
		done = done || p.until >= lack.To
	}
	first := true
	err = h.config.Log(ctx, from, func(s event.Stored) error {
		if first && s.Position != from {
			return fmt.Errorf("%w: it begins at position %d, not %d", errUnreachable, s.Position, from)
		}
		first = false
		err := w.batch(s)
		switch {
		case err != nil || failed != nil:
			return errors.Join(err, failed)
		case done:
			return errMade
		}
		return nil
	})
	if errors.Is(err, errMade) {
		return made, nil
	}
	if err == nil {
		err = fmt.Errorf("%w: it ends before", errUnreachable)
	}
	return made, err
}

// keep writes what is lacking of a part, if it is of that time.
func (s *sealer) keep(p *part, lack missing) error {
	if lack.Kind == stateFiles {
		if p.until != lack.From {
			return nil
		}
	} else if p.from < lack.From || p.until > lack.To {
		return nil
	}
	kept := s.files
	s.files = nil
	if err := s.seal(p); err != nil {
		return err
	}
	for _, f := range s.files {
		if f.Kind == lack.Kind {
			kept = append(kept, f)
		} else if err := s.disk.remove(f.Name); err != nil {
			return err
		}
	}
	s.files = kept
	return nil
}

// lacks says whether something is missing of a time.
func (m *manifest) lacks(from, to event.Time) bool {
	return slices.ContainsFunc(m.Missing, func(l missing) bool { return l.From < to && l.To > from })
}
