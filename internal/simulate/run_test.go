package simulate

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fleetbeat/fleetbeat/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func simulation(t *testing.T, cfg Config) *Simulation {
	t.Helper()
	if cfg.Interval == 0 {
		cfg.Interval = 100 * time.Millisecond
	}
	cfg.Format = client.NDJSON
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func runFor(t *testing.T, cfg Config) Result {
	t.Helper()
	result, err := simulation(t, cfg).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sum := result.Accepted + result.Rejected + result.Dropped + result.Unsent; sum != result.Sent {
		t.Errorf("%d heartbeats sent, %d accounted for: %+v", result.Sent, sum, result)
	}
	return result
}

// ledger remembers what was acknowledged.
type ledger struct {
	mu       sync.Mutex
	receipts []Receipt
}

func (l *ledger) add(r Receipt) {
	l.mu.Lock()
	l.receipts = append(l.receipts, r)
	l.mu.Unlock()
}

func TestAllThatIsAcknowledgedIsAtTheServerOnce(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"single":     {Vehicles: 20},
		"batches":    {Vehicles: 20, BatchSize: 8},
		"one a time": {Vehicles: 20, Connections: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, book := newDoor(t), &ledger{}
			cfg.BaseURL, cfg.Duration, cfg.Acknowledged = d.url(), 500*time.Millisecond, book.add
			result := runFor(t, cfg)
			if result.Accepted < 80 || result.Accepted > 120 || result.Accepted != result.Sent || result.Repeats != 0 {
				t.Errorf("20 vehicles in 5 intervals: %+v", result)
			}
			if d.stored() != result.Accepted || int64(len(book.receipts)) != result.Accepted {
				t.Errorf("%d accepted, %d at the server, %d in the ledger", result.Accepted, d.stored(), len(book.receipts))
			}
			at := map[string]map[int64]client.NewHeartbeat{}
			for vin, heartbeats := range d.accepted {
				at[vin] = map[int64]client.NewHeartbeat{}
				for _, h := range heartbeats {
					at[vin][*h.Sequence] = h
				}
			}
			for _, r := range book.receipts {
				h, there := at[r.VIN][r.Sequence]
				if !there || h.SentAt.UnixMilli() != int64(r.SentAt) || r.Buffered || r.Position != 1 {
					t.Errorf("%+v is in the ledger, %+v at the server", r, h)
				}
			}
		})
	}
}

func TestPlainHeartbeatsSayNothing(t *testing.T) {
	t.Parallel()
	d, book := newDoor(t), &ledger{}
	runFor(t, Config{
		BaseURL: d.url(), Vehicles: 5, Duration: 150 * time.Millisecond, NoSequence: true, NoSentAt: true, Acknowledged: book.add,
	})
	for vin, heartbeats := range d.accepted {
		for _, h := range heartbeats {
			if h != (client.NewHeartbeat{Vehicle: vin}) {
				t.Errorf("%s said %+v", vin, h)
			}
		}
	}
	if r := book.receipts[0]; r.Sequence != -1 || r.SentAt != 0 {
		t.Errorf("the ledger has %+v", r)
	}
}

func TestRepeatsAreCounted(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	result := runFor(t, Config{BaseURL: d.url(), Vehicles: 20, Duration: time.Second, Behaviour: Behaviour{Duplicates: 0.5}})
	if result.Repeats == 0 || result.Accepted-result.Repeats != d.stored() {
		t.Errorf("%d of %d accepted are repeats, %d are at the server", result.Repeats, result.Accepted, d.stored())
	}
}

func TestRefusedHeartbeatsAreTriedAgainAfterTheTimeAsked(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	refusals := 1
	d.inject = func(w http.ResponseWriter) bool {
		if refusals == 0 {
			return false
		}
		refusals--
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable)
		return true
	}
	result := runFor(t, Config{BaseURL: d.url(), Vehicles: 3, Connections: 1, Duration: 300 * time.Millisecond})
	if result.Retries["503 Service Unavailable"] != 1 || result.Accepted != result.Sent || d.stored() != result.Sent {
		t.Errorf("one refusal: %+v, %d at the server", result, d.stored())
	}
	if wait := d.calls[1].Sub(d.calls[0]); wait < time.Second {
		t.Errorf("asked to wait for 1 s, tried again after %s", wait)
	}
	late := 0
	for _, heartbeats := range d.accepted {
		for _, h := range heartbeats {
			if h.Buffered {
				late++
			}
		}
	}
	if late == 0 {
		t.Error("heartbeats of more than a second ago do not say that they were buffered")
	}
}

func TestUnknownVehiclesAreRejectedAndCountedByReason(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		batchSize int
		reason    string
	}{"single": {1, "404 Not Found"}, "batch": {8, "unknown vehicle"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, book := newDoor(t), &ledger{}
			s := simulation(t, Config{
				BaseURL: d.url(), Vehicles: 10, Duration: 300 * time.Millisecond, BatchSize: c.batchSize, Acknowledged: book.add,
			})
			stranger := s.Roster().VIN(4)
			d.refuse = func(vin string) int {
				if vin == stranger {
					return http.StatusNotFound
				}
				return 0
			}
			result, err := s.Run(t.Context())
			if err != nil || result.Rejected == 0 || result.Reasons[c.reason] != result.Rejected || len(result.Retries) > 0 {
				t.Errorf("%+v, %v", result, err)
			}
			if result.Accepted != d.stored() || result.Accepted+result.Rejected != result.Sent {
				t.Errorf("%d accepted, %d at the server", result.Accepted, d.stored())
			}
			for _, r := range book.receipts {
				if r.VIN == stranger {
					t.Fatalf("%+v was rejected, and is in the ledger", r)
				}
			}
		})
	}
}

func TestServerThatComesBackGetsWhatWaited(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	address := d.address
	s := simulation(t, Config{BaseURL: d.url(), Vehicles: 10, Connections: 2, BatchSize: 4})
	r := newRun(s)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.do(ctx); close(done) }()

	until(t, "heartbeats arrive", func() bool { return d.stored() > 20 })
	d.close()
	until(t, "requests fail", func() bool { return r.tally.result().Retries["no connection"] > 3 })
	before := d.stored()
	d.open(address)
	until(t, "all that waited arrives", func() bool {
		now := r.tally.result()
		return d.stored() > before+50 && now.Sent-now.Accepted < 5
	})
	stop()
	<-done
	s.client.Close()
	for vin, heartbeats := range d.accepted {
		have := map[int64]bool{}
		var least, most int64 = 1 << 62, 0
		for _, h := range heartbeats {
			have[*h.Sequence] = true
			least, most = min(least, *h.Sequence), max(most, *h.Sequence)
		}
		if missing := most - least + 1 - int64(len(have)); missing > 1 { // what was under way at the very end
			t.Errorf("%s: %d of %d heartbeats are missing", vin, missing, most-least+1)
		}
	}
}

func TestWhatCannotBeKeptIsDroppedOldestFirst(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.close()
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	result, err := simulation(t, Config{
		BaseURL: d.url(), Vehicles: 100, Interval: 50 * time.Millisecond, MaxWaiting: 30, Connections: 2,
	}).Run(ctx)
	if err != nil || result.Accepted != 0 || result.Dropped == 0 || result.Unsent < 30 || result.Unsent > 100 || result.Sent != result.Dropped+result.Unsent {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestServerThatNeverAnswersDoesNotHoldTheEnd(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	held := make(chan struct{})
	d.inject = func(http.ResponseWriter) bool { <-held; return true }
	defer close(held)
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	result, err := simulation(t, Config{BaseURL: d.url(), Vehicles: 10}).Run(ctx)
	if err != nil || result.Unsent != result.Sent || result.Elapsed > 5*time.Second {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestProgressIsALineASecond(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	var out bytes.Buffer
	runFor(t, Config{BaseURL: d.url(), Vehicles: 10, Duration: 1700 * time.Millisecond, Progress: &out})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "/s (mean ") || !strings.Contains(lines[0], "accepted ") {
		t.Errorf("progress was\n%s", out.String())
	}
}

func TestRegisterBringsTheWholeFleetInPieces(t *testing.T) {
	d := newDoor(t)
	s := simulation(t, Config{BaseURL: d.url(), Vehicles: importSize + 10, Original: true})
	if err := s.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.imported) != s.Roster().Vehicles() || len(d.calls) != 0 {
		t.Errorf("%d of %d vehicles are registered", len(d.imported), s.Roster().Vehicles())
	}
	d.close()
	if err := s.Register(t.Context()); err == nil {
		t.Error("registering at a closed door is no error")
	}
	s.client.Close()
}

func TestConfigsThatCannotBeAreRefused(t *testing.T) {
	for _, cfg := range []Config{
		{}, {Vehicles: -1}, {Vehicles: maxVehicles + 1}, {Vehicles: 1, Interval: time.Millisecond}, {Vehicles: 1, Jitter: 31 * time.Second},
		{Vehicles: 1, BatchSize: 10_001}, {Vehicles: 1, Connections: -1}, {Vehicles: 1, Duration: -1}, {Vehicles: 1, MaxWaiting: -1},
		{Vehicles: 1, BaseURL: "localhost"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// until waits for a condition that other goroutines make true.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
