package registry

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestAnotherServerLearnsOfAChangeWithinASecond(t *testing.T) {
	config := onPostgres(t).config(t, Config{})
	a, b := openWith(t, config), openWith(t, config)
	follow(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m := newMirror()
	for i := range 5 {
		mustCustomer(t, a, fmt.Sprint("c", i))
		wrote := time.Now()
		if revision, err := b.Wait(ctx, int64(i)); err != nil || revision != int64(i+1) {
			t.Fatal(revision, err)
		}
		if took := time.Since(wrote); took > time.Second {
			t.Errorf("it took %v", took)
		}
		m.pull(t, b)
	}
	if len(m.customers) != 5 {
		t.Errorf("the other server knows %v", m.customers)
	}
}

// TestServersThatWriteAtOnceCountTogether: revisions, numbers and facts have no holes and come in the order of commits.
func TestServersThatWriteAtOnceCountTogether(t *testing.T) {
	const each, servers = 25, 3
	config := onPostgres(t).config(t, Config{})
	nodes := make([]*Registry, servers)
	var opening sync.WaitGroup
	for i := range nodes { // all at once: one brings the tables up to date, the others wait for it
		opening.Go(func() {
			r, err := Open(t.Context(), config)
			if err != nil {
				t.Error(err)
				return
			}
			nodes[i] = r
		})
	}
	opening.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, r := range nodes {
		t.Cleanup(func() { r.Close() })
	}
	mustCustomer(t, nodes[0], "kalles")
	var mu sync.Mutex
	byRevision := map[int64]event.VehicleID{}
	var writing sync.WaitGroup
	for i, r := range nodes {
		writing.Go(func() {
			for n := range each {
				v, revision, err := r.CreateVehicle(t.Context(), NewVehicle{VIN: fmt.Sprintf("v%d-%d", i, n), CustomerID: "kalles"})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				byRevision[revision] = v.Number
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	for n := range event.VehicleID(each * servers) {
		if got := byRevision[int64(n)+2]; got != n+1 {
			t.Fatalf("revision %d gave the number %d", n+2, got)
		}
	}
	for i, fact := range outbox(t, nodes[0]) {
		if fact.(event.VehicleAdded).Vehicle != event.VehicleID(i+1) {
			t.Fatalf("fact %d is %v", i, fact)
		}
	}
}

// TestRelaysThatAreCutNeitherLoseNorReorderFacts relays from two servers while both write. Every other append is the end of
// the relay that made it: its connection is broken before it could take the facts from the outbox, as a crash does.
func TestRelaysThatAreCutNeitherLoseNorReorderFacts(t *testing.T) {
	on := onPostgres(t)
	config := on.config(t, Config{})
	watcher := openWith(t, config)
	mustCustomer(t, watcher, "kalles")
	var log fakeLog
	var cuts atomic.Int64
	nodes := []*Registry{openWith(t, config), openWith(t, config)}
	for _, r := range nodes {
		follow(t, r)
		relay(t, r, func(ctx context.Context, facts []event.Fact) (event.Position, error) {
			position, err := log.append(ctx, facts)
			if position%2 == 0 {
				cuts.Add(1)
				_, err = watcher.writer.ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
					WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE 'SELECT seq, fact%'`)
			}
			return position, err
		})
	}
	const each = 60
	var writing sync.WaitGroup
	for i, r := range nodes {
		writing.Go(func() {
			for n := range each {
				vin := fmt.Sprintf("v%d-%d", i, n)
				mustVehicle(t, r, vin, "kalles")
				for _, paused := range []bool{true, false, n%2 == 0} {
					if _, _, err := r.UpdateVehicle(t.Context(), vin, VehiclePatch{Paused: &paused}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writing.Wait()
	m := newMirror()
	if err := watcher.Changes(t.Context(), 0, m.apply); err != nil {
		t.Fatal(err)
	}
	soon(t, 30*time.Second, func() error { // a relay that finds out that it was overtaken tells everything again
		facts := log.folded()
		if diff := cmp.Diff(foldedOf(m, event.DefaultPolicy), facts, cmp.AllowUnexported(folded{}, watched{})); diff != "" {
			return fmt.Errorf("the log says something else (-registry +log) %s", diff)
		}
		if waiting := len(outbox(t, watcher)); waiting > 0 {
			return fmt.Errorf("%d facts wait", waiting)
		}
		return nil
	})
	if cuts.Load() == 0 {
		t.Error("no relay was cut")
	}
}

// folded is what the log says.
func (l *fakeLog) folded() folded {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := newFolded()
	for _, fact := range l.facts {
		f.apply(fact)
	}
	return f
}

// TestFactsThatCameTooLateAreToldAgain lets a server lose its turn while its append is under way, because its connection
// breaks, or because the append takes too long. Another relays the same facts and newer ones; then the late ones reach the log.
func TestFactsThatCameTooLateAreToldAgain(t *testing.T) {
	on := onPostgres(t)
	t.Run("the connection breaks", func(t *testing.T) {
		loseTurn(t, on.config(t, Config{}), turnLasts, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND state = 'idle in transaction'`)
	})
	t.Run("the log takes too long", func(t *testing.T) {
		loseTurn(t, on.config(t, Config{}), 50*time.Millisecond, `SELECT 1`)
	})
}

func loseTurn(t *testing.T, config Config, turnLasts time.Duration, breaking string) {
	slow, other := openWith(t, config), openWith(t, config)
	slow.turnLasts = turnLasts
	mustCustomer(t, slow, "kalles")
	mustVehicle(t, slow, "v1", "kalles")
	pause := func(paused bool) {
		if _, _, err := other.UpdateVehicle(t.Context(), "v1", VehiclePatch{Paused: &paused}); err != nil {
			t.Fatal(err)
		}
	}
	pause(true)
	var log fakeLog
	var stored appended
	err := slow.relaySome(t.Context(), func(ctx context.Context, facts []event.Fact) (event.Position, error) {
		if _, err := other.writer.ExecContext(ctx, breaking); err != nil {
			return 0, err
		}
		pause(false)
		soon(t, 10*time.Second, func() error { return other.relaySome(ctx, log.append, new(appended)) })
		return log.append(ctx, facts)
	}, &stored)
	if err == nil || !log.folded().vehicles[1].paused {
		t.Fatalf("%v; the test shows nothing: %v", err, log.facts)
	}
	for range 3 {
		if err := slow.relaySome(t.Context(), log.append, &stored); err != nil {
			t.Fatal(err)
		}
	}
	if log.folded().vehicles[1].paused {
		t.Errorf("the log says that the vehicle is paused: %v", log.facts)
	}
}

// TestARelayEndsThoughTheDatabaseDoesNotAnswer: a server can be stopped while its registry is frozen.
func TestARelayEndsThoughTheDatabaseDoesNotAnswer(t *testing.T) {
	on := onPostgres(t)
	r := on.open(t)
	mustCustomer(t, r, "kalles")
	mustVehicle(t, r, "v1", "kalles")
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	err := r.Relay(ctx, func(context.Context, []event.Fact) (event.Position, error) {
		on.server.Freeze(t)
		cancel()
		return 1, nil
	})
	on.server.Thaw(t)
	if took := time.Since(began); err != nil || took > 2*noteWithin {
		t.Errorf("it took %v: %v", took, err)
	}
}
