package backtest

import (
	"cmp"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Test is a back-test on its way through the log.
type Test struct {
	query    Query
	sides    [2]side
	override override

	pairs   []pair // by vehicle
	watched []bool // by vehicle: in the window, and asked about
	moves   []move // reused
	first   event.Time
	last    event.Time
	pending int // outages that count, last, and may still turn out to be the same as one of the other side
	report  Report
	began   bool // the window
	ended   bool
}

// The two sides.
const (
	present = iota
	tested
)

// side is one replay.
type side struct {
	rule    *presence.Rule
	changes presence.Changes
}

func (s *side) apply(batch event.Stored) {
	s.changes.Reset()
	s.rule.Apply(batch, &s.changes)
}

// New begins a back-test at the begin of a log.
func New(q Query) *Test {
	t := &Test{query: q, sides: [2]side{{rule: presence.New()}, {rule: presence.New()}}, override: newOverride(q)}
	t.sides[tested].apply(event.Stored{Batch: event.Batch{Entries: t.override.first()}})
	return t
}

// Apply takes in the next batch, and says whether a later one may count.
func (t *Test) Apply(s event.Stored) (more bool) {
	if t.ended {
		return false
	}
	t.report.Position = s.Position
	if !registers(&s) && (t.query.To == 0 || s.EndTime() < t.query.To) {
		t.stretch(s, s)
		return true
	}
	for run := range s.Runs {
		if run.From < run.To {
			beats := event.Stored{Position: s.Position, Epoch: s.Epoch}
			beats.Heartbeats = s.Heartbeats.Slice(run.From, run.To)
			t.stretch(beats, beats)
		}
		if run.Entry != nil {
			t.stretch(t.alone(&s, *run.Entry))
		}
		if t.ended {
			break
		}
	}
	return !t.ended
}

// Heard takes in a stretch of heartbeats of a vehicle, see presence.Rule.Heard: of the policies asked about and in force at
// the time, none may call the vehicle late in it. It says whether something later may count.
func (t *Test) Heard(v event.VehicleID, from, until event.Time) (more bool) {
	if t.ended {
		return false
	}
	t.enter(from, from)
	for i := range t.sides {
		side := &t.sides[i]
		side.changes.Reset()
		side.rule.Heard(v, from, until, &side.changes)
	}
	t.compare()
	return true
}

// registers says whether a batch holds facts of the registry, which say who is asked about and under which policy.
func registers(s *event.Stored) bool {
	for i := range s.Entries {
		switch s.Entries[i].Fact.(type) {
		case event.Canary, event.ObserverStarted, event.ObserverStopped, event.Lost:
		default:
			return true
		}
	}
	return false
}

// alone is an entry of a batch as a batch of its own, for either side. Whose a vehicle is and whether it is watched says the log
// up to the very event, so nothing that a fact may change comes with it.
func (t *Test) alone(s *event.Stored, entry event.Entry) (as, asTested event.Stored) {
	entry.After = 0
	as = event.Stored{Position: s.Position, Epoch: s.Epoch}
	asTested = as
	as.Entries = []event.Entry{entry}
	for _, f := range t.override.facts(entry.Fact) {
		entry.Fact = f
		asTested.Entries = append(asTested.Entries, entry)
	}
	return as, asTested
}

// stretch takes in a part of the log, with at most one fact of the registry, as either side sees it.
func (t *Test) stretch(as, asTested event.Stored) {
	t.enter(as.StartTime(), as.EndTime())
	t.sides[present].apply(as)
	t.sides[tested].apply(asTested)
	t.compare()
	for i := range as.Entries {
		switch f := as.Entries[i].Fact.(type) {
		case event.VehicleAdded:
			if t.within(as.Entries[i].ReceivedAt) {
				t.see(f.Vehicle)
			}
		case event.VehicleRemoved:
			t.end(present, f.Vehicle, as.Entries[i].ReceivedAt)
			t.end(tested, f.Vehicle, as.Entries[i].ReceivedAt)
		case event.Canary:
			// Every deadline before it is settled. An outage of one side may wait for that of the other beyond the window.
			t.ended = t.ended || t.query.To != 0 && t.sides[present].rule.Proof() >= t.query.To && t.pending == 0
		}
	}
}

// enter follows the time of the log, and sees who is there when the window begins.
func (t *Test) enter(begin, end event.Time) {
	if end == 0 {
		return
	}
	if t.first == 0 {
		t.first = begin
	}
	t.last = max(t.last, end)
	if t.began || end < t.query.From {
		return
	}
	t.began = true
	for v := range event.VehicleID(t.sides[present].rule.Cap()) {
		t.see(v)
	}
}

// see counts a vehicle that is watched in the window, if it is asked about.
func (t *Test) see(v event.VehicleID) {
	if !t.asks(v) {
		return
	}
	for int(v) >= len(t.watched) {
		t.watched = append(t.watched, false)
	}
	if !t.watched[v] {
		t.watched[v] = true
		t.report.Vehicles++
	}
}

// asks says whether the question is about a vehicle now.
func (t *Test) asks(v event.VehicleID) bool {
	rule := t.sides[present].rule
	return rule.Known(v) && (t.query.Customer == 0 || rule.Customer(v) == t.query.Customer)
}

// within says whether a moment lies in the window.
func (t *Test) within(at event.Time) bool {
	return at >= t.query.From && (t.query.To == 0 || at < t.query.To)
}

// move is a transition of one side.
type move struct {
	event.Transition
	side int
}

// compare takes in the transitions of both sides in the order of time, which for one vehicle and side is that of the log.
func (t *Test) compare() {
	if len(t.sides[present].changes.Transitions)+len(t.sides[tested].changes.Transitions) == 0 {
		return
	}
	t.moves = t.moves[:0]
	for i := range t.sides {
		for _, tr := range t.sides[i].changes.Transitions {
			t.moves = append(t.moves, move{tr, i})
		}
	}
	slices.SortStableFunc(t.moves, func(a, b move) int { return cmp.Compare(a.At, b.At) })
	for i := range t.moves {
		m := &t.moves[i]
		counts := t.within(m.At) && t.asks(m.Vehicle)
		if counts {
			t.of(m.side).Transitions[m.To]++
		}
		if m.From == event.Offline {
			t.end(m.side, m.Vehicle, m.At)
		}
		if m.To == event.Offline {
			t.begin(m.side, m.Vehicle, m.At, counts)
		}
	}
}

// of is the part of the report that is about a side.
func (t *Test) of(side int) *Side {
	if side == present {
		return &t.report.Present
	}
	return &t.report.Tested
}
