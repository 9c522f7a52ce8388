package history

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Presences tells how presences were at a moment at or before one, and every transition that the log showed from there
// on, up to and with another moment, in the order of the log. begin is called first, with the moment right before which the
// rule stood so; it is called again, to begin anew, when files were replaced meanwhile. Errors are ErrDamaged and
// ErrNotKept.
func (h *History) Presences(ctx context.Context, from, to event.Time, begin func(at event.Time, rule *presence.Rule), tell func(*Transition)) error {
	for {
		err := h.presences(ctx, from, to, begin, tell)
		if !errors.Is(err, os.ErrNotExist) { // else a file was compacted between looking at the list and opening it
			return err
		}
	}
}

func (h *History) presences(ctx context.Context, from, to event.Time, begin func(event.Time, *presence.Rule), tell func(*Transition)) error {
	h.mu.RLock()
	m := h.manifest
	var open [][]Transition // what is told already changes no more
	for _, p := range h.parts() {
		open = append(open, p.transitions)
	}
	h.mu.RUnlock()
	s, at := newState(), event.Time(0)
	if f := m.sealedState(from); f != nil {
		var err error
		if s, err = h.readState(f, presence.LoadToRecall); err != nil {
			return h.unreadable(f, err)
		}
		at = f.From
	}
	if err := m.covers(at, to+1); err != nil {
		return err
	}
	begin(at, s.rule)
	for _, f := range m.of(timelineFiles, at, to+1) {
		if err := h.readFile(&f, func(t *table) error { return t.timeline(ctx, at, to, tell) }); err != nil {
			return err
		}
	}
	for _, transitions := range open {
		for i := range transitions {
			if t := &transitions[i]; t.ShownAt >= at && t.ShownAt <= to {
				tell(t)
			}
		}
	}
	return ctx.Err()
}

// timeline tells the transitions of a file that the log showed from one moment up to and with another.
func (t *table) timeline(ctx context.Context, from, to event.Time, tell func(*Transition)) error {
	first, end, err := t.find(int64(from), int64(to))
	if err != nil {
		return err
	}
	return readAll(t, first, end, func(r *timelineRow) error {
		item, err := r.transition()
		tell(&item)
		return errors.Join(err, ctx.Err())
	})
}

// FirstProof is the first canary that is kept, 0 when there is none: nothing is proven of the time before. Errors are
// ErrDamaged.
func (h *History) FirstProof() (event.Time, error) {
	for {
		at, err := h.firstProof()
		if !errors.Is(err, os.ErrNotExist) {
			return at, err
		}
	}
}

func (h *History) firstProof() (at event.Time, err error) {
	h.mu.RLock()
	m := h.manifest
	for _, p := range slices.Backward(h.parts()) {
		for i := range slices.Backward(p.facts) {
			if _, is := p.facts[i].Fact.(event.Canary); is {
				at = p.facts[i].ReceivedAt
			}
		}
	}
	h.mu.RUnlock()
	for _, f := range m.of(factFiles, 0, endOfTime) {
		err := h.readFile(&f, func(t *table) error {
			return readAll(t, 0, t.rows(), func(r *factRow) error {
				if r.Fact != factCanary {
					return nil
				}
				at = event.Time(r.ReceivedAt)
				return errPassed
			})
		})
		if errors.Is(err, errPassed) {
			return at, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return at, nil
}
