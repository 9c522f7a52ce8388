package record_test

import (
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/presence"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

// ledger is a log in memory, and the rows that the real rule makes of it.
type ledger struct {
	now      event.Time
	position event.Position
	rule     *presence.Rule
	vehicles map[event.VehicleID]*record.Vehicle
	observer record.Observer
}

func newLedger() *ledger {
	return &ledger{now: scripttest.Start, rule: presence.New(), vehicles: map[event.VehicleID]*record.Vehicle{}}
}

func (l *ledger) vehicle(v event.VehicleID) *record.Vehicle {
	if l.vehicles[v] == nil {
		l.vehicles[v] = &record.Vehicle{Holds: event.DefaultPolicy.OfflineAfter}
	}
	return l.vehicles[v]
}

func (l *ledger) heartbeat(h event.Heartbeat) {
	h.ReceivedAt = l.now
	var b event.Batch
	b.Heartbeats.Append(h)
	l.apply(b)
	v := l.vehicle(h.Vehicle)
	v.Heartbeats = append(v.Heartbeats, h)
}

func (l *ledger) fact(f event.Fact) {
	switch f := f.(type) {
	case event.Canary:
		l.observer.Proof = l.now
	case event.VehicleAdded:
		v := l.vehicle(f.Vehicle)
		if open := l.open(v); open == nil || open.Customer != f.Customer {
			l.leave(v)
			v.Memberships = append(v.Memberships, record.Membership{Customer: f.Customer, From: l.now})
		}
	case event.VehicleRemoved:
		l.leave(l.vehicle(f.Vehicle))
	}
	l.apply(event.Batch{Entries: []event.Entry{{ReceivedAt: l.now, Fact: f}}})
}

// open is the membership that lasts.
func (*ledger) open(v *record.Vehicle) *record.Membership {
	if n := len(v.Memberships); n > 0 && v.Memberships[n-1].To == 0 {
		return &v.Memberships[n-1]
	}
	return nil
}

func (l *ledger) leave(v *record.Vehicle) {
	if open := l.open(v); open != nil {
		open.To = l.now
	}
}

func (l *ledger) apply(b event.Batch) {
	var out presence.Changes
	l.position++
	l.rule.Apply(event.Stored{Position: l.position, Epoch: 1, Batch: b}, &out)
	l.observer.Gaps = append(l.observer.Gaps, out.Gaps...)
	for _, t := range out.Transitions {
		v := l.vehicle(t.Vehicle)
		v.Transitions = append(v.Transitions, record.Transition{From: t.From, To: t.To, At: t.At, Known: l.now})
	}
}

// listen lets time pass, proven by a canary every step.
func (l *ledger) listen(d, step time.Duration, each func()) {
	for end := l.now.Add(d); l.now < end; {
		l.now = min(l.now.Add(step), end)
		if each != nil {
			each()
		}
		l.fact(event.Canary{Door: "http"})
	}
}
