package app

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
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

	mu  sync.Mutex // guards the following
	log []event.Stored
}

// follow is history.Config.Log.
func (p *drawnPast) follow(_ context.Context, from event.Position, fn func(event.Stored) error) error {
	p.mu.Lock()
	log := p.log
	p.mu.Unlock()
	for _, s := range log[min(int(from)-1, len(log)):] {
		if err := fn(s); err != nil {
			return err
		}
	}
	return nil
}

// drawPast draws one; a part of the history is sealed when it has so many bytes.
func drawPast(t *rapid.T, partBytes int) *drawnPast {
	dir, err := os.MkdirTemp("/dev/shm", "record") // in memory where the system has it: syncing is not what it is about
	if err != nil {
		dir, err = os.MkdirTemp("", "record")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &drawnPast{t: t, now: event.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	kept, err := history.Open(history.Config{Dir: dir, Log: p.follow, PartBytes: partBytes})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var sealing sync.WaitGroup
	sealing.Go(func() { kept.Run(ctx) })
	t.Cleanup(func() {
		stop()
		sealing.Wait()
		_ = kept.Close()
	})
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
	p.mu.Lock()
	p.log = append(p.log, s)
	p.mu.Unlock()
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
		p := drawPast(t, 0)
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

// TestASeriesIsTheSummaryOfEachMoment: what one walk counts is what the log said at each moment, of the fleet and of a customer,
// whatever of it is in files.
func TestASeriesIsTheSummaryOfEachMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPast(t, rapid.SampledFrom([]int{0, 0, 2_500}).Draw(t, "bytes of a part"))
		var at []event.Time
		for range rapid.IntRange(1, 8).Draw(t, "points") {
			at = append(at, p.window().From-event.Time(rapid.IntRange(0, 9).Draw(t, "earlier")))
		}
		slices.Sort(at)
		q := api.SeriesQuery{Listed: func(v event.VehicleID) bool { return v != 3 }, To: at[len(at)-1] + 1}
		if rapid.Bool().Draw(t, "of a customer") {
			q.Customers = map[event.CustomerID]bool{1: true}
		}
		for p.history.Stats().Waiting > 0 { // else nothing would ever be in files
			runtime.Gosched()
		}
		past, points, err := p.series(t.Context(), q, func(*api.Past) ([]event.Time, error) { return at, nil })
		if err != nil || len(points) != len(at) {
			t.Fatalf("%d points of %d (%v)", len(points), len(at), err)
		}
		for i, point := range points {
			then, err := p.history.At(t.Context(), at[i])
			if err != nil {
				t.Fatal(err)
			}
			want := record.Point{At: at[i], Observed: true}
			for v := event.VehicleID(1); int(v) < then.Rule.Cap(); v++ {
				if c := then.Rule.Customer(v); c != 0 && q.Listed(v) && (q.Customers == nil || q.Customers[c]) {
					want.Presences[then.Rule.Presence(v)]++
				}
			}
			until := at[min(i+1, len(at)-1)]
			for _, g := range append([]event.Gap{{To: p.log[0].EndTime()}}, past.Observer.Gaps...) {
				want.Observed = want.Observed && (at[i] <= g.From || g.To <= at[i])
				for ms := max(at[i], g.From); ms < min(until, g.To); ms++ {
					want.Unobserved += time.Millisecond
				}
			}
			if diff := cmp.Diff(want, point); diff != "" {
				t.Fatalf("at %d (-log +series):\n%s", at[i], diff)
			}
		}
	})
}
