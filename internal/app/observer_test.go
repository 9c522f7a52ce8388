package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
	"github.com/fleetbeat/fleetbeat/internal/projection"
)

// policy is what the tests of the observer watch vehicles by; they report every reportEvery.
var policy = event.Policy{LateAfter: 2 * time.Second, OfflineAfter: 3500 * time.Millisecond}

const reportEvery = 500 * time.Millisecond

// wirePolicy is policy as clients know it.
func wirePolicy() client.Policy {
	return client.Policy{LateAfter: client.SecondsOf(policy.LateAfter), OfflineAfter: client.SecondsOf(policy.OfflineAfter)}
}

// watched is a server with vehicles that report to it, and a witness of what it tells of them.
type watched struct {
	*fleettest.Server
	vins     []string
	vehicles *fleettest.Vehicles
	witness  *fleettest.Witness
}

func watch(t *testing.T, vehicles int, edit ...func(*app.Config)) *watched {
	t.Helper()
	w := &watched{Server: fleettest.Start(t, append(edit, func(c *app.Config) { c.DefaultPolicy = policy })...)}
	for n := range vehicles {
		w.vins = append(w.vins, fleettest.VIN(n))
	}
	fleettest.Register(t, w.Client, w.vins...)
	w.witness = fleettest.Watch(t, w.Client)
	w.vehicles = fleettest.Drive(t, w.Client, reportEvery, w.vins...)
	fleettest.Eventually(t, "all are online", func() error { return presences(t, w.Client, client.Counts{Online: vehicles}) })
	return w
}

// listens returns when the server has proven that it listened for some more time.
func (w *watched) listens(t *testing.T, more time.Duration) {
	t.Helper()
	var until time.Time
	fleettest.Eventually(t, "the server listens", func() error {
		summary, err := w.Summary(t.Context())
		if err != nil {
			return err
		}
		proven := summary.Observer.ProvenUntil
		if until.IsZero() {
			until = proven.Add(more)
		}
		if proven.Before(until) {
			return fmt.Errorf("until %s", proven)
		}
		return nil
	})
}

// die silences vehicles and waits until they are found.
func (w *watched) die(t *testing.T, vins ...string) {
	t.Helper()
	w.vehicles.Silence(vins...)
	for _, vin := range vins {
		fleettest.Silent(t, w.Client, w.witness, wirePolicy(), vin)
	}
}

func (w *watched) gaps(t *testing.T) []client.Gap {
	t.Helper()
	gaps, err := w.Gaps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return gaps.Items
}

// heldReader is a view of the fleet that is held back for a while.
type heldReader struct {
	*fleet.View
	held sync.Mutex
}

// Apply waits while the reader is held back.
func (h *heldReader) Apply(batch event.Stored) error {
	h.held.Lock()
	defer h.held.Unlock()
	return h.View.Apply(batch)
}

// follow starts a second reader of a server's log, which knows the test's vehicles as the server's own does.
func (w *watched) follow(t *testing.T) (*heldReader, *projection.Runner) {
	t.Helper()
	reader := &heldReader{View: fleet.New(fleet.Config{})}
	directory := fleet.Update{Revision: 1, Customers: []fleet.Customer{{Number: 1, ID: "test"}}}
	for i, vin := range w.vins {
		directory.Vehicles = append(directory.Vehicles, fleet.Vehicle{Number: event.VehicleID(i + 1), VIN: vin, Customer: 1})
	}
	if err := reader.Update(directory); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	runner := projection.New(projection.Config{
		Log: w.App.Log(), Projection: reader, Logger: logger,
		Snapshots: &projection.Snapshots{Dir: t.TempDir(), Name: "held", Logger: logger},
	})
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return reader, runner
}

// TestReaderHeldBackCallsNobodyOffline holds a reader of the log back for longer than every deadline, while heartbeats
// come. When it reads what heaped up, it finds what the server's own reader found, which was not held back.
func TestReaderHeldBackCallsNobodyOffline(t *testing.T) {
	t.Parallel()
	w := watch(t, 12)
	reader, runner := w.follow(t)
	reader.held.Lock()
	release := time.Now().Add(policy.OfflineAfter + 1500*time.Millisecond)
	w.die(t, w.vins[:3]...)
	time.Sleep(time.Until(release))
	if runner.Lag() == 0 {
		t.Error("the reader was not held back")
	}
	reader.held.Unlock()
	w.listens(t, policy.OfflineAfter)

	w.witness.CatchUp(t)
	fleettest.JustVerdicts(t, w.witness, w.vehicles, wirePolicy())
	told := w.witness.Transitions()
	if err := runner.Wait(t.Context(), event.Position(told[len(told)-1].Position)); err != nil {
		t.Fatal(err)
	}
	page, err := reader.Transitions(fleet.TransitionQuery{Limit: fleet.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	var read []client.Transition
	for _, tr := range page.Items {
		read = append([]client.Transition{{
			VIN: tr.VIN, From: client.Presence(tr.From.String()), To: client.Presence(tr.To.String()),
			At: client.At(tr.At.Std()), Position: uint64(tr.Position),
		}}, read...)
	}
	if diff := cmp.Diff(told, read[:min(len(told), len(read))]); diff != "" {
		t.Errorf("told live -, read late +\n%s", diff)
	}
}

// steppedClock is the machine's clock, put forward or back.
type steppedClock struct{ ahead atomic.Int64 }

func (c *steppedClock) step(by time.Duration) { c.ahead.Add(int64(by)) }

func (c *steppedClock) wall() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// TestClockStepsCallNobodyOffline puts the server's wall clock forward and back.
func TestClockStepsCallNobodyOffline(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &steppedClock{}
			w := watch(t, 12, func(c *app.Config) { c.Clock = ingest.Clock{Wall: clock.wall} })
			w.die(t, w.vins[:2]...)
			w.vehicles.Silence(w.vins[2:4]...)
			before := clock.wall()
			clock.step(by)
			after := clock.wall()
			w.listens(t, policy.OfflineAfter)
			w.die(t, w.vins[2:6]...)

			fleettest.JustVerdicts(t, w.witness, w.vehicles, wirePolicy())
			checkStepGap(t, w.gaps(t), before, after)
		})
	}
}

// TestSearchGoesByTheClockThatStamps puts the wall clock back. The log's time does not go back with it, and the rule of
// the original contract is about that time: a vehicle that was heard too long ago is not online for another hour.
func TestSearchGoesByTheClockThatStamps(t *testing.T) {
	t.Parallel()
	clock, passed := &steppedClock{}, &atomic.Int64{}
	start := time.Now()
	s := fleettest.Start(t, func(c *app.Config) {
		c.Clock = ingest.Clock{Wall: clock.wall, Monotonic: func() time.Duration { return time.Since(start) + time.Duration(passed.Load()) }}
	})
	vin := fleettest.VIN(0)
	fleettest.Register(t, s.Client, vin)
	if _, err := s.Heartbeat(t.Context(), vin, client.NewHeartbeat{}); err != nil {
		t.Fatal(err)
	}
	clock.step(-time.Hour)
	if found := search(t, s, vin); !found.Online {
		t.Errorf("right after its heartbeat, the vehicle is %+v", found)
	}
	clock.step(80 * time.Second)
	passed.Add(int64(80 * time.Second))
	if found := search(t, s, vin); found.Online {
		t.Errorf("80 s after its heartbeat, the vehicle is %+v", found)
	}
}

// checkStepGap looks for the hour that nobody can have observed. Time that would pass a second time is not seen twice.
func checkStepGap(t *testing.T, gaps []client.Gap, before, after time.Time) {
	t.Helper()
	const margin = time.Second
	found := !after.After(before)
	for _, gap := range gaps {
		if gap.To.Sub(gap.From.Time) < time.Minute {
			continue // the machine was busy
		}
		if found || gap.Reason != "silent" || gap.From.Before(before.Add(-margin)) || gap.From.After(before) ||
			gap.To.Before(after) || gap.To.After(after.Add(margin)) {
			t.Errorf("the clock stepped from %v to %v, a gap is %+v", before, after, gap)
		}
		found = true
	}
	if !found {
		t.Errorf("the clock stepped from %v to %v, gaps are %+v", before, after, gaps)
	}
}
