package presence

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

// TestDoorsThatComeAndGoBlameNobody lets three doors start, stop and die as it pleases, with vehicles that always try: those at
// a door that died find another one after 20 s, and none of them is ever late.
func TestDoorsThatComeAndGoBlameNobody(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := &doorWorld{now: scripttest.Start, rule: New()}
		for v := range event.VehicleID(6) {
			w.fact(event.VehicleAdded{Vehicle: v + 1, Customer: 1})
			w.vehicles[v].door = int(v) % len(w.doors)
		}
		for range 20 {
			w.change(&w.doors[random.IntN(len(w.doors))], random.IntN(2) == 0)
			w.pass(time.Duration(random.IntN(120_000)) * time.Millisecond)
		}
		for _, tr := range w.out.Transitions {
			if tr.To != event.Online {
				t.Fatalf("seed %d: vehicle %d, which always tries, became %s at %s", seed, tr.Vehicle, tr.To, scripttest.Clock(tr.At))
			}
		}
	}
}

type doorWorld struct {
	now      event.Time
	rule     *Rule
	doors    [3]doorState
	vehicles [6]struct {
		door int
		sent event.Time
	}
	out Changes
}

type doorState struct {
	alive bool
	since event.Time // when it was not alive any more
}

func (w *doorWorld) name(d *doorState) string {
	for i := range w.doors {
		if d == &w.doors[i] {
			return string(rune('a' + i))
		}
	}
	return ""
}

// change starts a door, or ends it, in order or not.
func (w *doorWorld) change(d *doorState, dies bool) {
	switch {
	case !d.alive:
		*d = doorState{alive: true}
		w.fact(event.ObserverStarted{Door: w.name(d)})
		return
	case !dies:
		w.fact(event.ObserverStopped{Door: w.name(d)})
	}
	*d = doorState{since: w.now}
}

func (w *doorWorld) pass(d time.Duration) {
	for end := w.now.Add(d); w.now < end; {
		w.now = w.now.Add(canaryEvery)
		for i := range w.vehicles {
			w.send(event.VehicleID(i + 1))
		}
		for i := range w.doors {
			if w.doors[i].alive {
				w.fact(event.Canary{Door: w.name(&w.doors[i])})
			}
		}
	}
}

// send is a vehicle's attempt: a heartbeat each minute, at once where the last one failed.
func (w *doorWorld) send(number event.VehicleID) {
	v := &w.vehicles[number-1]
	if d := w.doors[v.door]; !d.alive && w.now.Sub(d.since) > 20*time.Second {
		v.door = (v.door + 1) % len(w.doors)
	}
	if !w.doors[v.door].alive || w.now.Sub(v.sent) < time.Minute {
		return
	}
	v.sent = w.now
	var b event.Batch
	b.Heartbeats.Append(event.Heartbeat{Vehicle: number, ReceivedAt: w.now, Sequence: event.NoSequence})
	w.rule.Apply(event.Stored{Batch: b}, &w.out)
}

func (w *doorWorld) fact(f event.Fact) {
	w.rule.Apply(event.Stored{Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: w.now, Fact: f}}}}, &w.out)
}
