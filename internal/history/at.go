package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Past is what the log said at a moment: every vehicle that was watched then, its presence, its newest heartbeat and its
// tally. It belongs to whoever asked for it.
type Past struct {
	At       event.Time
	Position event.Position // of the last batch of which something was received by then
	Rule     *presence.Rule
	Tallies  tally.Tallies
	LastGap  event.Gap // zero when there was none

	// Heard, unless nil, says of a vehicle what Rule and Tallies do not say for this moment but for the hour's beginning:
	// when it was heard last, and its tally. Errors are ErrAmbiguous, ErrDamaged and ErrNotKept.
	Heard func(event.VehicleID) (last event.Time, t tally.Tally, err error)
}

// ErrAmbiguous says that only the log tells the order of what was received in a millisecond: see Replay.
var ErrAmbiguous = errors.New("the order within a millisecond is needed")

// At is the past at a moment: exactly what Replay gives, but for what Heard is for. It begins with the state at the end of the
// hour before, and goes on from there by the transitions and facts that are kept, without reading heartbeats; it is Replay
// where these do not tell all. Errors are ErrDamaged and ErrNotKept.
func (h *History) At(ctx context.Context, at event.Time) (*Past, error) {
	for {
		past, err := h.recall(ctx, at)
		if errors.Is(err, ErrAmbiguous) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotKept) {
			return h.Replay(ctx, at)
		}
		if !errors.Is(err, os.ErrNotExist) { // else a file was removed between looking at the list and opening it
			return past, err
		}
	}
}

// Replay is the past at a moment by the log: what a reading of it gives that ends behind the last event received by then. It
// begins with the state at the end of the hour before and reads the log from there, or the whole log where it has no
// state. Errors are ErrDamaged and ErrNotKept.
func (h *History) Replay(ctx context.Context, at event.Time) (*Past, error) {
	for {
		past, err := h.replay(ctx, at)
		if !errors.Is(err, os.ErrNotExist) {
			return past, err
		}
	}
}

var errPassed = errors.New("passed the moment")

func (h *History) replay(ctx context.Context, at event.Time) (*Past, error) {
	if h.config.Log == nil {
		return nil, fmt.Errorf("%w: there is no log to read", ErrNotKept)
	}
	h.mu.RLock()
	m := h.manifest
	h.mu.RUnlock()
	if err := m.reaches(at + 1); err != nil {
		return nil, err
	}
	s, from := newState(), event.Position(1)
	past := &Past{At: at}
	if f := m.sealedState(at); f != nil {
		var err error
		if s, err = h.readState(f, presence.Load); err != nil {
			return nil, h.unreadable(f, err)
		}
		from = f.First
		past.Position = f.Last
	}
	reader := pastReader{state: s, past: past}
	if f := m.sealedState(at); f != nil {
		reader.sealed = f.From
	}
	first := true
	err := h.config.Log(ctx, from, func(batch event.Stored) error {
		if first && batch.Position != from {
			return fmt.Errorf("%w: the log begins at position %d, not %d", ErrNotKept, batch.Position, from)
		}
		first = false
		return reader.batch(&batch)
	})
	if err != nil && !errors.Is(err, errPassed) {
		return nil, err
	}
	past.Rule, past.Tallies = s.rule, s.tallies
	if past.LastGap == (event.Gap{}) {
		if past.LastGap, err = h.lastGap(at); err != nil {
			return nil, err
		}
	}
	return past, nil
}

// pastReader applies the log to a state, up to a moment.
type pastReader struct {
	state  *state
	past   *Past
	sealed event.Time // what was received before is in the state
	entry  [1]event.Entry
}

func (r *pastReader) batch(s *event.Stored) error {
	for run := range s.Runs {
		times := s.Heartbeats.ReceivedAt[run.From:run.To]
		from, to := run.From+earlier(times, r.sealed), run.From+earlier(times, r.past.At+1)
		entry := run.Entry
		passed := to < run.To || entry != nil && entry.ReceivedAt > r.past.At
		if entry != nil && (entry.ReceivedAt > r.past.At || entry.ReceivedAt < r.sealed && !isLost(entry.Fact)) {
			entry = nil
		}
		if from < to || entry != nil {
			r.apply(s, min(from, to), to, entry)
		}
		if passed {
			return errPassed
		}
	}
	return nil
}

func (r *pastReader) apply(s *event.Stored, from, to int, entry *event.Entry) {
	stretch := event.Stored{Position: s.Position, Epoch: s.Epoch}
	stretch.Heartbeats = s.Heartbeats.Slice(from, to)
	if entry != nil {
		r.entry[0] = *entry
		r.entry[0].After = to - from
		stretch.Entries = r.entry[:]
	}
	changes := r.state.apply(stretch)
	if n := len(changes.Gaps); n > 0 {
		r.past.LastGap = changes.Gaps[n-1]
	}
	r.past.Position = s.Position
}

// lastGap is the newest gap that had ended at a moment.
func (h *History) lastGap(at event.Time) (event.Gap, error) {
	h.mu.RLock()
	m := h.manifest
	h.mu.RUnlock()
	files := m.of(gapFiles, 0, at+1)
	for _, f := range slices.Backward(files) {
		gaps, err := h.Gaps(f.Oldest, f.Newest+1)
		if err != nil {
			return event.Gap{}, err
		}
		for _, gap := range slices.Backward(gaps) {
			if gap.To <= at {
				return gap, nil
			}
		}
	}
	return event.Gap{}, nil
}
