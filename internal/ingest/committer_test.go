package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

func row(v event.VehicleID, sequence int64) event.Heartbeat {
	return event.Heartbeat{Vehicle: v, Sequence: sequence}
}

func TestSubmitAnswersWhenTheLogHasIt(t *testing.T) {
	h := newHouse(t, options{})
	for i := range 20 {
		receipt, err := h.committer.Submit(t.Context(), []event.Heartbeat{row(1, int64(i)), row(2, event.NoSequence)})
		if err != nil {
			t.Fatal(err)
		}
		stored := h.stored(t) // read from the files, while the log goes on
		if len(stored) != int(receipt.Position) {
			t.Fatalf("answered with position %d, the log has %d batches", receipt.Position, len(stored))
		}
		if hb := stored[receipt.Position-1].Heartbeats.At(int(receipt.First)); hb.Vehicle != 1 || hb.Sequence != int64(i) || hb.ReceivedAt != receipt.ReceivedAt {
			t.Fatalf("at %s stands %+v", receipt.ID(), hb)
		}
	}
}

// TestOrderOfTheLogIsOrderOfTime submits from many callers while the wall clock jumps.
func TestOrderOfTheLogIsOrderOfTime(t *testing.T) {
	start := time.Now()
	var offset atomic.Int64 // of the wall clock
	clock := Clock{
		Wall:      func() time.Time { return time.Now().Add(time.Duration(offset.Load())) },
		Monotonic: func() time.Duration { return time.Since(start) },
	}
	h := newHouse(t, options{committer: CommitterConfig{Clock: clock}})
	var callers sync.WaitGroup
	var accepted atomic.Int64
	for caller := range 8 {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller)))
			var last Receipt
			for i := range 100 {
				offset.Store(random.Int64N(int64(time.Hour)) - int64(30*time.Minute))
				receipt, err := h.committer.submit(t.Context(), []event.Heartbeat{row(event.VehicleID(caller+1), int64(i))}, []event.Fact{event.VehiclePaused{Vehicle: 9}})
				if err != nil {
					t.Error(err)
					return
				}
				if receipt.Position < last.Position || receipt.ReceivedAt < last.ReceivedAt {
					t.Errorf("%+v was answered after %+v", receipt, last)
				}
				last = receipt
				accepted.Add(1)
			}
		})
	}
	callers.Wait()
	var now event.Time
	var heartbeats, facts int64
	for _, s := range h.stored(t) {
		for run := range s.Runs {
			for _, at := range s.Heartbeats.ReceivedAt[run.From:run.To] {
				if at < now {
					t.Fatalf("position %d: %s stands after %s", s.Position, at, now)
				}
				now = at
				heartbeats++
			}
			if run.Entry != nil {
				if run.Entry.ReceivedAt < now {
					t.Fatalf("position %d: a fact of %s stands after %s", s.Position, run.Entry.ReceivedAt, now)
				}
				now = run.Entry.ReceivedAt
				facts++
			}
		}
	}
	if heartbeats != accepted.Load() || facts != accepted.Load() {
		t.Errorf("%d were accepted, the log has %d heartbeats and %d facts", accepted.Load(), heartbeats, facts)
	}
}

func TestVehicleClocksFarOffAreFlagged(t *testing.T) {
	h := newHouse(t, options{})
	now := event.At(time.Now())
	for sent, want := range map[event.Time]event.Flags{
		0:                              0,
		now:                            0,
		now.Add(4 * time.Minute):       0,
		now.Add(6 * time.Minute):       event.ClockAhead,
		now.Add(-6 * time.Minute):      event.ClockBehind,
		now.Add(100 * 365 * time.Hour): event.ClockAhead,
		1:                              event.ClockBehind,
	} {
		receipt, err := h.committer.Submit(t.Context(), []event.Heartbeat{{Vehicle: 1, SentAt: sent, Sequence: event.NoSequence, Flags: event.Buffered}})
		if err != nil {
			t.Fatal(err)
		}
		hb := h.stored(t)[receipt.Position-1].Heartbeats.At(int(receipt.First))
		if hb.SentAt != sent || hb.Flags != want|event.Buffered {
			t.Errorf("sent at %s: stored %+v", sent, hb)
		}
	}
}

func TestFactsKeepTheirPlaceAmongHeartbeats(t *testing.T) {
	h := newHouse(t, options{idle: true})
	var waiting sync.WaitGroup
	enter := func(rows []event.Heartbeat, facts []event.Fact, want string) {
		ticket, err := h.committer.enter(t.Context(), rows, facts)
		if err != nil {
			t.Fatal(err)
		}
		waiting.Go(func() {
			<-ticket.batch.done
			receipt, err := ticket.receipt()
			if got := receipt.ID().String(); err != nil || got != want {
				t.Errorf("got id %s, %v, want %s", got, err, want)
			}
		})
	}
	enter([]event.Heartbeat{row(1, 1), row(2, 1)}, nil, "1-0")
	enter(nil, []event.Fact{event.VehicleAdded{Vehicle: 5}}, "1-3")
	enter([]event.Heartbeat{row(3, 1)}, nil, "1-2")
	enter(nil, []event.Fact{event.VehicleRemoved{Vehicle: 5}, event.VehiclePaused{Vehicle: 1}}, "1-4")
	h.run(t)
	waiting.Wait()
	var got string
	for run := range h.stored(t)[0].Runs {
		got += fmt.Sprintf("%d-%d ", run.From, run.To)
		if run.Entry != nil {
			got += fmt.Sprintf("%T ", run.Entry.Fact)
		}
	}
	if want := "0-2 event.VehicleAdded 2-3 event.VehicleRemoved 3-3 event.VehiclePaused 3-3 "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestManyFactsTakeSeveralBatchesInOrder(t *testing.T) {
	h := newHouse(t, options{})
	facts := make([]event.Fact, maxBatchRows+10)
	for i := range facts {
		facts[i] = event.VehicleAdded{Vehicle: event.VehicleID(i + 1), Customer: 1}
	}
	position, err := h.committer.SubmitFacts(t.Context(), facts)
	if err != nil || position != 2 {
		t.Fatalf("got %d, %v", position, err)
	}
	i := 0
	for _, s := range h.stored(t) {
		for _, e := range s.Entries {
			if e.Fact != facts[i] {
				t.Fatalf("fact %d is %v", i, e.Fact)
			}
			i++
		}
	}
	if i != len(facts) {
		t.Errorf("%d of %d are stored", i, len(facts))
	}
	if position, err := h.committer.SubmitFacts(t.Context(), nil); position != 0 || err != nil {
		t.Errorf("no facts: %d, %v", position, err)
	}
}

func TestRepeatsAreKnownAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	var snapshot bytes.Buffer
	{
		h := newHouse(t, options{dir: dir})
		for i := range 10 {
			mustSubmit(t, h, row(1, int64(i)), 0)
		}
		mustSubmit(t, h, row(1, 5), 1)
		position, err := h.committer.Snapshot(&snapshot)
		if err != nil || position != 11 {
			t.Fatalf("snapshot at %d, %v", position, err)
		}
		mustSubmit(t, h, row(1, 10), 0) // after the snapshot
		h.server.Close()
		h.stop()
		if err := h.log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	window, err := LoadWindow(&snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eventlog.Read(dir, window.Position()+1, window.Apply); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, options{dir: dir, committer: CommitterConfig{Window: window}})
	mustSubmit(t, h, row(1, 5), 1)
	mustSubmit(t, h, row(1, 10), 1)
	mustSubmit(t, h, row(1, 11), 0)
	if got := h.metric(t, "repeats_total"); got != 2 {
		t.Errorf("%v repeats are counted", got)
	}
	if got := h.metric(t, "heartbeats_total"); got != 1 {
		t.Errorf("%v heartbeats are counted", got)
	}
}

func mustSubmit(t *testing.T, h *house, hb event.Heartbeat, repeats int) {
	t.Helper()
	receipt, err := h.committer.Submit(t.Context(), []event.Heartbeat{hb})
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Repeats != repeats {
		t.Errorf("vehicle %d, sequence %d: %d repeats, want %d", hb.Vehicle, hb.Sequence, receipt.Repeats, repeats)
	}
}

func TestCommitterRefusesAWindowOfAnotherPosition(t *testing.T) {
	h := newHouse(t, options{})
	mustSubmit(t, h, row(1, 1), 0)
	if _, err := NewCommitter(CommitterConfig{Log: h.log, Window: NewWindow()}); err == nil {
		t.Error("a window without the log's first batch was taken")
	}
}

func TestFullQueueIsBusyAtOnceAndEmptiesAgain(t *testing.T) {
	h := newHouse(t, options{idle: true, committer: CommitterConfig{QueueRows: 40_000}})
	rows := make([]event.Heartbeat, 10_000)
	for i := range rows {
		rows[i] = row(1, event.NoSequence)
	}
	var tickets []ticket
	for range 4 {
		ticket, err := h.committer.enter(t.Context(), rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, ticket)
	}
	if _, err := h.committer.Submit(t.Context(), rows[:1]); !errors.Is(err, ErrBusy) {
		t.Errorf("a row too many: %v", err)
	}
	if err := h.committer.Refuses(); !errors.Is(err, ErrBusy) {
		t.Errorf("asked beforehand: %v", err)
	}
	if queue, limit := h.metric(t, "queue_rows"), h.metric(t, "queue_rows_limit"); queue != 40_000 || limit != 40_000 {
		t.Errorf("the queue is shown as %v of %v", queue, limit)
	}
	h.run(t)
	for i, ticket := range tickets {
		<-ticket.batch.done
		receipt, err := ticket.receipt()
		if err != nil || receipt.Position != event.Position(i+1) || receipt.First != 0 {
			t.Errorf("request %d is at %+v, %v: not whole in one batch", i, receipt, err)
		}
	}
	mustSubmit(t, h, rows[0], 0)
}

func TestCallerThatGivesUpIsLetGo(t *testing.T) {
	h := newHouse(t, options{idle: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.committer.Submit(ctx, []event.Heartbeat{row(1, 1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	h.run(t)
	mustSubmit(t, h, row(1, 2), 0)
}

// TestStopLosesNothing stops the committer under load: each submit either is in the log or was refused.
func TestStopLosesNothing(t *testing.T) {
	h := newHouse(t, options{})
	accepted := make([]int64, 16) // per caller, how many came through
	var callers sync.WaitGroup
	for caller := range accepted {
		callers.Go(func() {
			for {
				_, err := h.committer.Submit(t.Context(), []event.Heartbeat{row(event.VehicleID(caller+1), accepted[caller])})
				if err != nil {
					if !errors.Is(err, ErrUnavailable) {
						t.Error(err)
					}
					return
				}
				accepted[caller]++
			}
		})
	}
	if err := h.log.Wait(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	h.stop()
	callers.Wait()
	next := make([]int64, len(accepted))
	for _, hb := range h.heartbeats(t) {
		if caller := hb.Vehicle - 1; hb.Sequence != next[caller] {
			t.Fatalf("vehicle %d: %d stands where %d should", hb.Vehicle, hb.Sequence, next[caller])
		}
		next[hb.Vehicle-1]++
	}
	for caller := range accepted {
		if next[caller] != accepted[caller] {
			t.Errorf("vehicle %d: %d accepted, %d in the log", caller+1, accepted[caller], next[caller])
		}
	}
	if _, err := h.committer.Submit(t.Context(), []event.Heartbeat{row(1, 1)}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after the stop: %v", err)
	}
}

// TestFailedAppendsLoseAndInventNothing lets appends time out at random, so that some that failed are in the log
// nevertheless, and compares what was answered and remembered with the log.
func TestFailedAppendsLoseAndInventNothing(t *testing.T) {
	var accepted, failed int
	// How long an append takes depends on the machine: one of these lets some pass and some fail.
	for timeout := 200 * time.Microsecond; timeout < 20*time.Millisecond; timeout *= 2 {
		a, f := failingAppends(t, timeout)
		accepted, failed = accepted+a, failed+f
	}
	if accepted == 0 || failed == 0 {
		t.Errorf("%d were accepted and %d failed: this showed nothing", accepted, failed)
	}
}

// failingAppends submits from some callers to a log whose appends time out, until 10 have failed or 200 came through.
func failingAppends(t *testing.T, timeout time.Duration) (accepted, failed int) {
	t.Helper()
	h := newHouse(t, options{log: eventlog.Config{Timeout: timeout}})
	const callers = 4
	var came [callers]int64 // through, of each caller
	var failures atomic.Int64
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for failures.Load() < 10 && came[caller] < 50 {
				_, err := h.committer.Submit(t.Context(), []event.Heartbeat{row(event.VehicleID(caller+1), came[caller])})
				switch {
				case err == nil:
					came[caller]++
				case errors.Is(err, ErrUnavailable):
					failures.Add(1)
					eventually(t, func() bool { return h.committer.Refuses() == nil })
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	h.stop()

	replayed := NewWindow()
	stored := map[[2]int64]int{}
	for _, s := range h.stored(t) {
		if err := replayed.Apply(s); err != nil {
			t.Fatal(err)
		}
		for i := range s.Heartbeats.Len() {
			if hb := s.Heartbeats.At(i); hb.Flags&event.Repeat == 0 {
				stored[[2]int64{int64(hb.Vehicle), hb.Sequence}]++
			}
		}
	}
	for caller := range callers {
		for sequence := range came[caller] {
			if n := stored[[2]int64{int64(caller + 1), sequence}]; n != 1 {
				t.Errorf("vehicle %d, sequence %d was accepted and is stored %d times", caller+1, sequence, n)
			}
		}
		accepted += int(came[caller])
	}
	requireEqualWindows(t, h.committer.window, replayed)
	return accepted, int(failures.Load())
}
