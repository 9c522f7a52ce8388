package history

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// walk takes batches apart into the parts of the time. Times in the log never go back, so a moment cuts it in two.
type walk struct {
	state  *state
	open   *part          // nil before the first event
	sealed event.Time     // what was received before is in files already, and in the state
	cuts   []event.Time   // moments at which a part must end, ascending
	limit  int            // bytes at which a part is full before its time is over
	full   func(*part)    // takes a closed part
	entry  [1]event.Entry // reused
}

// batch takes in one batch.
func (w *walk) batch(s event.Stored) error {
	for run := range s.Runs {
		if err := w.stretch(&s, run.From, run.To, run.Entry); err != nil {
			return err
		}
	}
	return nil
}

// stretch takes in heartbeats and the entry behind them, part by part.
func (w *walk) stretch(s *event.Stored, from, to int, entry *event.Entry) error {
	times := s.Heartbeats.ReceivedAt
	if w.sealed != 0 {
		from += earlier(times[from:to], w.sealed)
		if entry != nil && entry.ReceivedAt < w.sealed && !isLost(entry.Fact) {
			entry = nil
		}
	}
	for from < to {
		if err := w.reach(times[from], s.Position); err != nil {
			return err
		}
		until := from + earlier(times[from:to], w.open.until)
		if until == to && entry != nil && entry.ReceivedAt < w.open.until {
			w.take(s, from, to, entry)
			return nil
		}
		w.take(s, from, until, nil)
		from = until
	}
	if entry == nil {
		return nil
	}
	if err := w.reach(entry.ReceivedAt, s.Position); err != nil {
		return err
	}
	w.take(s, to, to, entry)
	return nil
}

// isLost says whether a fact stands for a batch that was lost: it bears the time of the batch before, and says something of
// what came after.
func isLost(f event.Fact) bool {
	_, lost := f.(event.Lost)
	return lost
}

// earlier is how many of ascending times are before t.
func earlier(times []event.Time, t event.Time) int {
	if n := len(times); n == 0 || times[n-1] < t {
		return n
	}
	n, _ := slices.BinarySearchFunc(times, t, func(a, b event.Time) int { return cmp.Compare(a, b) })
	return n
}

// reach makes sure that the open part holds a moment, and closes the one before.
func (w *walk) reach(at event.Time, position event.Position) error {
	if w.open != nil && at >= w.open.from && at < w.open.until && (w.open.bytes < w.limit || at <= w.open.newest) {
		return nil
	}
	if w.open != nil && at < w.open.from {
		return nil // a log that goes back, which is none of ours: it stays where it stands in the log
	}
	begin := max(at-at%hour, w.sealed)
	end := begin - begin%hour + hour
	for _, cut := range w.cuts {
		if cut <= at {
			begin = max(begin, cut)
		} else {
			end = min(end, cut)
		}
	}
	if w.open != nil {
		if at < w.open.until { // full before its time is over
			begin, w.open.until = at, at
		}
		var saved bytes.Buffer
		if err := w.state.save(&saved); err != nil {
			return fmt.Errorf("saving the state at %v: %w", begin, err)
		}
		w.open.next, w.open.after = position, saved.Bytes()
		w.open.close()
		w.full(w.open)
	}
	w.open = newPart(begin, end)
	return nil
}

// take takes in a stretch that lies in the open part.
func (w *walk) take(s *event.Stored, from, to int, entry *event.Entry) {
	stretch := event.Stored{Position: s.Position, Epoch: s.Epoch}
	stretch.Heartbeats = s.Heartbeats.Slice(from, to)
	if entry != nil {
		w.entry[0] = *entry
		w.entry[0].After = to - from
		stretch.Entries = w.entry[:]
	}
	p := w.open
	p.touch(s.Position, stretch.EndTime())
	p.add(&stretch.Heartbeats, s.Position, from)
	changes := w.state.apply(stretch)
	for _, t := range changes.Transitions {
		shown := t.At
		if entry != nil && (t.To == event.Late || t.To == event.Offline) {
			shown = entry.ReceivedAt // a deadline that passed before
		}
		p.transitions = append(p.transitions, Transition{Transition: t, Customer: w.state.rule.Customer(t.Vehicle), ShownAt: shown})
	}
	p.gaps = append(p.gaps, changes.Gaps...)
	if entry != nil {
		p.facts = append(p.facts, Fact{entry.Fact, entry.ReceivedAt, s.Position, uint32(entry.After)})
	}
	p.bytes += len(changes.Transitions)*transitionBytes + (to-from)*beatBytes + factBytes*len(stretch.Entries)
}

// About what each takes in memory.
const (
	beatBytes       = 5
	transitionBytes = 64
	factBytes       = 48
)
