package registry

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// fakeLog keeps what is appended, one position per append.
type fakeLog struct {
	mu    sync.Mutex
	facts []event.Fact
	sizes []int
	fail  error // what the next appends answer
}

func (l *fakeLog) append(_ context.Context, facts []event.Fact) (event.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return 0, l.fail
	}
	l.facts = append(l.facts, facts...)
	l.sizes = append(l.sizes, len(facts))
	return event.Position(len(l.sizes)), nil
}

func (l *fakeLog) setFail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

// relay runs Relay until the test ends.
func relay(t *testing.T, r *Registry, store func(context.Context, []event.Fact) (event.Position, error)) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Relay(ctx, store) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestRelayHandsOverFactsInOrderAndInBatches(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		var log fakeLog
		relay(t, r, log.append)
		if p, err := r.WaitRelayed(ctx, r.Revision()); p != 0 || err != nil {
			t.Errorf("position %d, %v, before there was any fact", p, err)
		}
		const n = 2*MaxFacts + 100
		result := mustImport(t, r, fleetCSV(n))
		p, err := r.WaitRelayed(ctx, result.Revision)
		if p != 3 || err != nil {
			t.Errorf("position %d, %v, want 3", p, err)
		}
		if diff := cmp.Diff([]int{MaxFacts, MaxFacts, 100}, log.sizes); diff != "" {
			t.Error(diff)
		}
		for i, fact := range log.facts {
			if added, ok := fact.(event.VehicleAdded); !ok || added.Vehicle != event.VehicleID(i+1) {
				t.Fatalf("fact %d is %#v", i, fact)
			}
		}
		if left := outbox(t, r); len(left) != 0 {
			t.Errorf("%d facts are left", len(left))
		}
		c := mustCustomer(t, r, "no-facts")
		if p, err := r.WaitRelayed(ctx, r.Revision()); p != 3 || err != nil {
			t.Errorf("position %d, %v, after a change without facts, want 3", p, err)
		}
		mustVehicle(t, r, "v1", c.ID)
		if p, err := r.WaitRelayed(ctx, r.Revision()); p != 4 || err != nil {
			t.Errorf("position %d, %v, want 4", p, err)
		}
	})
}

func TestRelayGoesOnAfterReopening(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		config := on.config(t, Config{})
		r := openWith(t, config)
		var log fakeLog
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		if err := r.relaySome(ctx, log.append, new(appended)); err != nil {
			t.Fatal(err)
		}
		mustVehicle(t, r, "v2", "kalles")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = openWith(t, config)
		if p, err := r.WaitRelayed(ctx, 2); p != 1 || err != nil {
			t.Errorf("position %d, %v, of what was relayed before, want 1", p, err)
		}
		relay(t, r, log.append)
		if p, err := r.WaitRelayed(ctx, 3); p != 2 || err != nil {
			t.Errorf("position %d, %v, want 2", p, err)
		}
	})
}

// TestALogThatBeginsAnewIsWaitedForFromItsBeginning relays to a log, loses it, and relays to another.
func TestALogThatBeginsAnewIsWaitedForFromItsBeginning(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		var log fakeLog
		for _, vin := range []string{"v1", "v2", "v3"} {
			mustVehicle(t, r, vin, "kalles")
			if err := r.relaySome(t.Context(), log.append, new(appended)); err != nil {
				t.Fatal(err)
			}
		}
		revision, err := r.Resend(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		relay(t, r, new(fakeLog).append)
		if p, err := r.WaitRelayed(t.Context(), revision); p != 1 || err != nil {
			t.Errorf("position %d, %v, want 1", p, err)
		}
	})
}

// TestFactsAreResentWhenTheNoteOfThemIsLost is what a crash between the append and the note leads to.
func TestFactsAreResentWhenTheNoteOfThemIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		var log fakeLog
		crash := errors.New("crash")
		err := r.relaySome(ctx, func(ctx context.Context, facts []event.Fact) (event.Position, error) {
			_, err := log.append(ctx, facts)
			return 0, errors.Join(err, crash)
		}, new(appended))
		if !errors.Is(err, crash) {
			t.Fatal(err)
		}
		if err := r.relaySome(ctx, log.append, new(appended)); err != nil {
			t.Fatal(err)
		}
		added := event.VehicleAdded{Vehicle: 1, Customer: 1}
		if diff := cmp.Diff([]event.Fact{added, added}, log.facts); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFactsAreStoredOnceWhenOnlyTheNoteOfThemFails(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		if _, err := r.writer.ExecContext(ctx, on.stuckOutbox()); err != nil {
			t.Fatal(err)
		}
		var log fakeLog
		var stored appended
		for range 3 {
			if err := r.relaySome(ctx, log.append, &stored); err == nil {
				t.Fatal("the note did not fail")
			}
		}
		if _, err := r.writer.ExecContext(ctx, on.freeOutbox()); err != nil {
			t.Fatal(err)
		}
		if err := r.relaySome(ctx, log.append, &stored); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]event.Fact{event.VehicleAdded{Vehicle: 1, Customer: 1}}, log.facts); diff != "" {
			t.Error(diff)
		}
		if p, err := r.WaitRelayed(ctx, r.Revision()); p != 1 || err != nil || len(outbox(t, r)) != 0 {
			t.Errorf("position %d, %v, %d facts wait", p, err, len(outbox(t, r)))
		}
	})
}

// TestRelayTriesAgainWithPauses runs in a bubble whose time is not the clock's: SQLite in it does not block on others.
func TestRelayTriesAgainWithPauses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	synctest.Test(t, func(t *testing.T) {
		r, err := Open(t.Context(), Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		ctx, cancel := context.WithTimeout(t.Context(), 60*lastPause)
		defer cancel()
		attempts := 0
		err = r.Relay(ctx, func(context.Context, []event.Fact) (event.Position, error) {
			attempts++
			return 0, errors.New("the log is away")
		})
		if err != nil || attempts < 60 || attempts > 70 {
			t.Errorf("%d attempts, %v", attempts, err)
		}
	})
}

func TestRelayRecoversWhenTheLogIsBack(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		log := fakeLog{fail: errors.New("the log is away")}
		tried := make(chan struct{}, 100)
		relay(t, r, func(ctx context.Context, facts []event.Fact) (event.Position, error) {
			tried <- struct{}{}
			return log.append(ctx, facts)
		})
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		<-tried
		<-tried
		log.setFail(nil)
		if p, err := r.WaitRelayed(ctx, 2); p != 1 || err != nil {
			t.Errorf("position %d, %v", p, err)
		}
	})
}

func TestWaitsEndWithTheirContext(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error)
		go func() {
			_, err := r.WaitRelayed(ctx, 2) // nothing relays
			errs <- err
		}()
		go func() {
			_, err := r.Wait(ctx, 2)
			errs <- err
		}()
		cancel()
		for range 2 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
}

func TestWaitWakesAtTheNextWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		woken := make(chan int64)
		go func() {
			revision, err := r.Wait(t.Context(), 0)
			if err != nil {
				t.Error(err)
			}
			woken <- revision
		}()
		mustCustomer(t, r, "kalles")
		if revision := <-woken; revision != 1 {
			t.Errorf("woken at revision %d", revision)
		}
	})
}

func TestFullOutboxRefusesWritesAndKeepsItsFacts(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r, err := Open(ctx, on.config(t, Config{MaxOutbox: 2}))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		mustVehicle(t, r, "v2", "kalles")
		_, _, err = r.CreateVehicle(ctx, NewVehicle{VIN: "v3", CustomerID: "kalles"})
		if !errors.Is(err, ErrOutboxFull) {
			t.Error(err)
		}
		var log fakeLog
		if err := r.relaySome(ctx, log.append, new(appended)); err != nil || len(log.facts) != 2 {
			t.Error(err, log.facts)
		}
		if v := mustVehicle(t, r, "v3", "kalles"); v.Number != 3 {
			t.Errorf("number %d", v.Number)
		}
	})
}
