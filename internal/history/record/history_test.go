package record_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

const (
	historyVehicles  = 3
	historyCustomers = 3
)

// history draws a log: silences, gaps, facts, heartbeats live, repeated and buffered.
type history struct {
	*ledger
	t       *rapid.T
	numbers [historyVehicles + 1]int64
}

func drawHistory(t *rapid.T) *history {
	h := &history{ledger: newLedger(), t: t}
	h.fact(event.Canary{})
	for range rapid.IntRange(0, historyVehicles).Draw(t, "vehicles at first") {
		h.add()
	}
	for range rapid.IntRange(0, 60).Draw(t, "steps") {
		rapid.SampledFrom(historySteps).Draw(t, "step")(h)
	}
	h.fact(event.Canary{})
	return h
}

var historySteps = []func(h *history){
	func(h *history) { h.pass(5_000) },
	func(h *history) { h.pass(30_000) },
	func(h *history) { h.listen(h.some(400_000), 2*time.Second, nil) },
	func(h *history) { h.listen(h.some(400_000), 5*time.Second, nil) },
	func(h *history) { h.listen(h.some(400_000), 5*time.Second, nil) },
	func(h *history) { h.beats() },
	func(h *history) { h.beats() },
	func(h *history) { h.beat(event.Buffered, -h.some(900_000)) },
	func(h *history) { h.beat(event.Buffered, -h.some(900_000)) },
	func(h *history) { h.beat(event.Repeat, 0) },
	func(h *history) { h.beat(0, 0) },
	func(h *history) { h.beat(event.ClockAhead, 10*time.Minute) },
	func(h *history) { h.beat(event.Buffered, 10*time.Minute-h.some(900_000)) },
	func(h *history) { h.beat(event.Buffered|event.Repeat, -h.some(900_000)) },
	func(h *history) { h.add() },
	func(h *history) { h.add() },
	func(h *history) { h.pass(1); h.fact(event.VehicleRemoved{Vehicle: h.draw()}) },
	func(h *history) { h.fact(event.VehiclePaused{Vehicle: h.draw()}) },
	func(h *history) { h.fact(event.VehicleResumed{Vehicle: h.draw()}) },
	func(h *history) {
		h.fact(event.PolicyChanged{Vehicle: h.draw(), Policy: event.Policy{LateAfter: 20 * time.Second, OfflineAfter: 30 * time.Second}})
	},
	func(h *history) {
		h.fact(rapid.SampledFrom([]event.Fact{event.ObserverStarted{}, event.ObserverStopped{}, event.Lost{}}).Draw(h.t, "observer"))
	},
}

func (h *history) draw() event.VehicleID {
	return event.VehicleID(rapid.IntRange(1, historyVehicles).Draw(h.t, "vehicle"))
}

func (h *history) some(most int) time.Duration {
	return time.Duration(rapid.IntRange(0, most).Draw(h.t, "milliseconds")) * time.Millisecond
}

func (h *history) pass(most int) { h.now = h.now.Add(time.Millisecond + h.some(most)) }

// add adds a vehicle or moves it. A moment passes, so that who was removed and is added again was away.
func (h *history) add() {
	h.pass(1)
	h.fact(event.VehicleAdded{Vehicle: h.draw(), Customer: event.CustomerID(rapid.IntRange(1, historyCustomers).Draw(h.t, "customer"))})
}

func (h *history) beat(flags event.Flags, sent time.Duration) {
	v := h.draw()
	h.numbers[v] += int64(rapid.IntRange(0, 3).Draw(h.t, "number further"))
	h.heartbeat(event.Heartbeat{Vehicle: v, SentAt: h.now.Add(sent), Sequence: h.numbers[v], Flags: flags})
}

// beats lets a vehicle send while we listen.
func (h *history) beats() {
	v, i := h.draw(), 0
	h.listen(h.some(300_000), 5*time.Second, func() {
		if i++; i%5 == 1 {
			h.numbers[v]++
			h.heartbeat(event.Heartbeat{Vehicle: v, SentAt: h.now, Sequence: h.numbers[v]})
		}
	})
}

// drawTime is any moment of the history, or one at which something happened, or one just around it.
func (h *history) drawTime(label string) event.Time {
	if rapid.Bool().Draw(h.t, label+" where something happens") {
		v := h.vehicle(h.draw())
		if all := h.moments(v, record.Window{From: scripttest.Start - 1, To: h.now + 2}); len(all) > 0 {
			return rapid.SampledFrom(all).Draw(h.t, label)
		}
	}
	return scripttest.Start.Add(-time.Minute) + event.Time(rapid.Int64Range(0, int64(h.now-scripttest.Start)+120_000).Draw(h.t, label))
}

// drawWindow is a window with From before To.
func (h *history) drawWindow() record.Window {
	from, to := h.drawTime("from"), h.drawTime("to")
	w := record.Window{From: min(from, to), To: max(from, to) + 1}
	if rapid.Bool().Draw(h.t, "as of a moment") {
		w.KnownAt = h.drawTime("known at")
	}
	return w
}

// moments are those of the window at which something may change, and those beside them.
func (h *history) moments(v *record.Vehicle, w record.Window) []event.Time {
	var all []event.Time
	put := func(t event.Time) {
		for _, near := range []event.Time{t - 1, t, t + 1} {
			if near >= w.From && near < w.To {
				all = append(all, near)
			}
		}
	}
	put(w.From)
	put(w.To)
	for _, m := range v.Memberships {
		put(m.From)
		put(m.To)
	}
	for _, t := range v.Transitions {
		put(t.At)
		put(t.Known)
	}
	for _, g := range h.observer.Gaps {
		put(g.From)
		put(g.To)
	}
	for _, beat := range v.Heartbeats {
		put(beat.SentAt)
		put(beat.SentAt.Add(v.Holds))
		put(beat.ReceivedAt)
	}
	return all
}
