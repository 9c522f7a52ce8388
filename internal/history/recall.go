package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// stretch is what is kept of a time but its heartbeats, in the order of the log.
type stretch struct {
	from, at    event.Time     // from the first on, up to and with the second
	last        event.Position // of the last batch of which something was received by then
	facts       []Fact
	transitions []Transition // by ShownAt
}

// recall makes a past of the newest state before it and what is kept since. ErrAmbiguous says that this does not tell all.
func (h *History) recall(ctx context.Context, at event.Time) (*Past, error) {
	h.mu.RLock()
	m, parts := h.manifest, h.parts()
	s := stretch{at: at}
	f := m.sealedState(at)
	if f != nil {
		s.from, s.last = f.From, f.Last
	}
	begins := m.firstPosition()
	for _, p := range parts { // under the lock: the open part grows
		if begins == 0 {
			begins = p.first
		}
		s.takePart(p)
	}
	h.mu.RUnlock()
	if f == nil && begins > 1 {
		return nil, fmt.Errorf("%w: the history begins at position %d", ErrAmbiguous, begins)
	}
	if err := m.covers(s.from, at+1); err != nil {
		return nil, err
	}
	if err := h.takeFiles(ctx, &s, m); err != nil {
		return nil, err
	}
	state := newState()
	if f != nil {
		var err error
		if state, err = h.readState(f, presence.LoadToRecall); err != nil {
			return nil, h.unreadable(f, err)
		}
	}
	r := recaller{stretch: &s, state: state, past: &Past{At: at, Position: s.last}, began: map[event.VehicleID]event.Time{}}
	if err := r.run(); err != nil {
		return nil, err
	}
	past := r.past
	past.Rule, past.Tallies = state.rule, state.tallies
	past.Heard = func(v event.VehicleID) (event.Time, tally.Tally, error) { return h.heard(&r, v) }
	if past.LastGap == (event.Gap{}) {
		var err error
		if past.LastGap, err = h.lastGap(at); err != nil {
			return nil, err
		}
	}
	return past, nil
}

// firstPosition is the position of the first batch that is in files, and 0 when there is none.
func (m *manifest) firstPosition() (first event.Position) {
	for i := range m.Files {
		if f := &m.Files[i]; f.Kind != stateFiles && f.First != 0 && (first == 0 || f.First < first) {
			first = f.First
		}
	}
	return first
}

// takePart takes in what is in memory.
func (s *stretch) takePart(p *part) {
	if p.until <= s.from || p.from > s.at {
		return
	}
	for i := range p.facts {
		if p.facts[i].ReceivedAt <= s.at {
			s.facts = append(s.facts, p.facts[i])
		}
	}
	for i := range p.transitions {
		if p.transitions[i].ShownAt <= s.at {
			s.transitions = append(s.transitions, p.transitions[i])
		}
	}
	s.last = max(s.last, p.lastBy(s.at))
}

// lastBy is the position of the last batch of which a heartbeat in the part was received by a moment, and 0 for none.
func (p *part) lastBy(at event.Time) (last event.Position) {
	for i := range slices.Backward(p.raw) {
		if p.raw[i].ReceivedAt <= at {
			return p.raw[i].id.Position
		}
	}
	for i := len(p.chunks) - 1; i >= 0 && last == 0; i-- {
		for b := range p.chunks[i].batches.all {
			if b.first > at {
				break
			}
			last = b.position
		}
	}
	return last
}

// takeFiles takes in what is in files, before what is in memory already.
func (h *History) takeFiles(ctx context.Context, s *stretch, m *manifest) error {
	var inFiles stretch
	for _, f := range m.of(factFiles, s.from, s.at+1) {
		err := h.readFile(&f, func(t *table) error {
			from, to, err := t.find(int64(s.from), int64(s.at))
			if err != nil {
				return err
			}
			from = max(from-1, 0) // a loss bears the time of the batch before it
			return readAll(t, from, to, func(r *factRow) error {
				fact, err := r.fact()
				inFiles.facts = append(inFiles.facts, fact)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	if n := len(inFiles.facts); n > 0 && inFiles.facts[0].ReceivedAt < s.from && !isLost(inFiles.facts[0].Fact) {
		inFiles.facts = inFiles.facts[1:]
	}
	for _, f := range m.of(timelineFiles, s.from, s.at+1) {
		err := h.readFile(&f, func(t *table) error {
			return t.timeline(ctx, s.from, s.at, func(item *Transition) { inFiles.transitions = append(inFiles.transitions, *item) })
		})
		if err != nil {
			return err
		}
	}
	s.facts, s.transitions = append(inFiles.facts, s.facts...), append(inFiles.transitions, s.transitions...)
	return h.lastInFiles(s, m)
}

// lastInFiles finds the last batch by the files of batches, which have all that hold heartbeats.
func (h *History) lastInFiles(s *stretch, m *manifest) error {
	for _, f := range m.of(batchFiles, s.from, s.at+1) {
		err := h.readFile(&f, func(t *table) error {
			row, err := t.lower(int64(s.at) + 1)
			if err != nil || row == 0 {
				return err
			}
			values, err := t.column(columnPosition, row-1, row)
			if err == nil {
				s.last = max(s.last, event.Position(values[0].Int64()))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// recaller brings a state to the end of a stretch.
type recaller struct {
	*stretch
	state *state
	past  *Past
	began map[event.VehicleID]event.Time // when vehicles began or ceased to be watched in the stretch
}

// run takes in facts in their order, and before each the transitions that were shown earlier. What is shown in the same
// millisecond comes after it: a fact makes transitions, or comes before the heartbeats that do.
func (r *recaller) run() error {
	rule := r.state.rule
	rule.BeginRecall()
	next := 0
	for i := range r.facts {
		f := &r.facts[i]
		for ; next < len(r.transitions) && r.transitions[next].ShownAt < f.ReceivedAt; next++ {
			rule.Recall(r.transitions[next].Transition)
		}
		if err := r.fact(f, r.transitions[next:]); err != nil {
			return err
		}
	}
	for ; next < len(r.transitions); next++ {
		rule.Recall(r.transitions[next].Transition)
		r.past.Position = max(r.past.Position, r.transitions[next].Position)
	}
	return nil
}

func (r *recaller) fact(f *Fact, later []Transition) error {
	switch of := f.Fact.(type) {
	case event.Lost:
		return fmt.Errorf("%w: batches were lost", ErrAmbiguous)
	case event.VehicleAdded:
		if !r.state.rule.Known(of.Vehicle) {
			r.began[of.Vehicle] = f.ReceivedAt
		}
	case event.VehicleRemoved:
		end, _ := slices.BinarySearchFunc(later, f.ReceivedAt+1, func(t Transition, at event.Time) int { return cmp.Compare(t.ShownAt, at) })
		if slices.ContainsFunc(later[:end], func(t Transition) bool { return t.Vehicle == of.Vehicle }) {
			return fmt.Errorf("%w: vehicle %d was removed in the millisecond of a transition", ErrAmbiguous, of.Vehicle)
		}
		r.began[of.Vehicle] = f.ReceivedAt
	}
	changes := r.state.apply(event.Stored{Position: f.Position, Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: f.ReceivedAt, Fact: f.Fact}}}})
	if n := len(changes.Gaps); n > 0 {
		r.past.LastGap = changes.Gaps[n-1]
	}
	r.past.Position = max(r.past.Position, f.Position)
	return nil
}

// heard says what the heartbeats of a stretch make of a vehicle's last one and of its tally.
func (h *History) heard(r *recaller, v event.VehicleID) (last event.Time, t tally.Tally, err error) {
	if !r.state.rule.Known(v) {
		return 0, t, nil
	}
	beats, err := h.Received(v, r.from, r.at+1)
	if err != nil {
		return 0, t, err
	}
	last, t = r.state.rule.LastHeartbeat(v), r.state.tallies.Of[v]
	began, anew := r.began[v]
	one := tally.Tallies{Of: []tally.Tally{t}}
	one.Grow(1)
	one.Watch(0)
	var counted event.Heartbeats
	for _, b := range beats {
		switch {
		case anew && b.ReceivedAt == began:
			return 0, t, fmt.Errorf("%w: vehicle %d came in the millisecond of a heartbeat", ErrAmbiguous, v)
		case anew && b.ReceivedAt < began:
			continue // it was not watched, or another time
		}
		if b.Flags&event.Buffered == 0 {
			last = max(last, b.ReceivedAt)
		}
		b.Vehicle = 0
		counted.Append(b)
	}
	one.Count(&counted, 0, counted.Len())
	return last, one.Of[0], nil
}
