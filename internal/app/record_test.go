package app

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/api"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/history/roster"
)

// drawnPast is a log in a history and a roster.
type drawnPast struct {
	records
	t        *rapid.T
	now      event.Time
	position event.Position
}

func drawPast(t *rapid.T) *drawnPast {
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	kept, err := history.Open(history.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	p := &drawnPast{t: t, now: event.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	p.records = records{history: kept, roster: roster.New(), reached: func(context.Context) error { return nil }}
	p.fact(event.Canary{})
	vehicle := rapid.Custom(func(t *rapid.T) event.VehicleID { return event.VehicleID(rapid.IntRange(1, 3).Draw(t, "number")) })
	for range rapid.IntRange(0, 30).Draw(t, "steps") {
		v := vehicle.Draw(t, "vehicle")
		switch rapid.IntRange(0, 7).Draw(t, "step") {
		case 0, 1:
			p.fact(event.VehicleAdded{Vehicle: v, Customer: event.CustomerID(rapid.IntRange(1, 2).Draw(t, "customer"))})
		case 2:
			p.fact(event.VehicleRemoved{Vehicle: v})
		case 3:
			p.fact(event.VehiclePaused{Vehicle: v})
		case 4:
			p.now = p.now.Add(time.Minute) // a gap
		case 5:
			p.heartbeat(v, event.Buffered, -time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds ago"))*time.Second)
		default:
			p.heartbeat(v, 0, 0)
			for range rapid.IntRange(1, 60).Draw(t, "canaries") {
				p.now += 5000
				p.fact(event.Canary{})
			}
		}
	}
	p.fact(event.Canary{})
	return p
}

func (p *drawnPast) apply(b event.Batch) {
	p.position++
	s := event.Stored{Position: p.position, Epoch: 1, Batch: b}
	if err := errors.Join(p.history.Apply(s), p.roster.Apply(s)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *drawnPast) fact(f event.Fact) {
	p.now++
	p.apply(event.Batch{Entries: []event.Entry{{ReceivedAt: p.now, Fact: f}}})
}

func (p *drawnPast) heartbeat(v event.VehicleID, flags event.Flags, sent time.Duration) {
	p.now++
	var b event.Batch
	b.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: p.now, SentAt: p.now.Add(sent), Sequence: event.NoSequence, Flags: flags})
	p.apply(b)
}

func (p *drawnPast) window() record.Window {
	at := rapid.Custom(func(t *rapid.T) event.Time {
		return p.now - event.Time(rapid.Int64Range(0, int64(p.now)-1_767_225_590_000).Draw(t, "before the end"))
	})
	a, b := at.Draw(p.t, "a"), at.Draw(p.t, "b")
	return record.Window{From: min(a, b), To: max(a, b) + 1}
}

// TestACustomersUptimeIsThatOfItsVehicles: what is gathered for a customer at once gives the sum of what is gathered for each
// vehicle alone, from all that is kept of it.
func TestACustomersUptimeIsThatOfItsVehicles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPast(t)
		w := p.window()
		for customer := event.CustomerID(1); customer <= 2; customer++ {
			var want, got []record.Uptime
			sums := func(past *api.Past) []record.Uptime {
				told := past.Observer.Clip(w)
				return record.Sums([]record.Bucket{{From: told.From, To: max(told.From, told.To)}})
			}
			for v := event.VehicleID(1); v <= 3; v++ {
				past, vehicle, err := p.of(t.Context(), v, w)
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = sums(&past)
				}
				record.AddMember(want, record.Periods(&vehicle, &past.Observer, w), customer)
			}
			past, err := p.ofCustomer(t.Context(), customer, w, func(past *api.Past, vehicle *record.Vehicle) {
				if got == nil {
					got = sums(past)
				}
				record.AddMember(got, record.Periods(vehicle, &past.Observer, w), customer)
			})
			if err != nil {
				t.Fatal(err)
			}
			if got == nil {
				got = sums(&past)
			}
			for i := range want {
				want[i].OutOfCoverage, got[i].OutOfCoverage = 0, 0
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("customer %d: of its vehicles (-) and at once (+):\n%s", customer, diff)
			}
		}
	})
}
