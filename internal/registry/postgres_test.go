package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// onPostgres is a store on PostgreSQL, for what SQLite has no part in.
func onPostgres(t *testing.T) store { return store{server: shared.Server(t)} }

// follow runs Follow until the test ends.
func follow(t *testing.T, r *Registry) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Follow(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// soon tries until attempt gives no error.
func soon(t *testing.T, within time.Duration, attempt func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := attempt()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// lines are what a logger wrote.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

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

// TestItWorksThroughAPoolOfTransactions does what a server does, twice at once, through PgBouncer.
func TestItWorksThroughAPoolOfTransactions(t *testing.T) {
	on := onPostgres(t)
	config := on.config(t, Config{})
	config.URL = on.server.Pooled(t, config.URL)
	nodes := []*Registry{openWith(t, config), openWith(t, config)}
	var log fakeLog
	for _, r := range nodes {
		follow(t, r)
		relay(t, r, log.append)
	}
	mustImport(t, nodes[0], fleetCSV(3000))
	mustImport(t, nodes[1], strings.ReplaceAll(fleetCSV(3000), "ABC", "XYZ"))
	var working sync.WaitGroup
	for i, r := range nodes {
		working.Go(func() {
			for n := range 30 {
				vin := fmt.Sprintf("v%d-%d", i, n)
				mustVehicle(t, r, vin, "k1")
				if _, _, err := r.UpdateVehicle(t.Context(), vin, VehiclePatch{Tags: &[]string{"a", "b"}}); err != nil {
					t.Error(err)
				}
				if page, err := r.Customers(t.Context(), CustomerQuery{Search: "kalle"}); err != nil || page.Total != 30 {
					t.Error(page.Total, err)
				}
				if _, err := r.DeleteVehicle(t.Context(), vin); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	if err := nodes[0].Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	revision := max(nodes[0].Revision(), nodes[1].Revision())
	for _, r := range nodes {
		if _, err := r.WaitRelayed(t.Context(), revision); err != nil {
			t.Error(err)
		}
	}
	if exported(t, nodes[0]) != exported(t, nodes[1]) || strings.Count(exported(t, nodes[0]), "XYZ") != 3000 {
		t.Error("the exports differ, or lack something")
	}
}

// TestWhileTheDatabaseIsAway: every method that needs it says so, soon and without telling where it is; it all works again
// by itself.
func TestWhileTheDatabaseIsAway(t *testing.T) {
	on := onPostgres(t)
	t.Run("stopped", func(t *testing.T) {
		endureAbsence(t, on.config(t, Config{}), on.server.Stop, on.server.Start, 2*time.Second)
	})
	t.Run("stopped behind a pool", func(t *testing.T) {
		config := on.config(t, Config{})
		config.URL = on.server.Pooled(t, config.URL)
		endureAbsence(t, config, on.server.Stop, on.server.Start, followWithin+2*time.Second)
	})
	t.Run("frozen", func(t *testing.T) {
		endureAbsence(t, on.config(t, Config{}), on.server.Freeze, on.server.Thaw, followWithin+2*time.Second)
	})
}

// endureAbsence takes the database away and brings it back; each call is to be refused within some time.
func endureAbsence(t *testing.T, config Config, leave, comeBack func(testing.TB), within time.Duration) {
	var said logLines
	config.Logger = slog.New(slog.NewTextHandler(&said, nil))
	r := openWith(t, config)
	follow(t, r)
	var log fakeLog
	relay(t, r, log.append)
	mustCustomer(t, r, "kalles")
	leave(t)
	for name, call := range map[string]func(context.Context) error{
		"create": func(ctx context.Context) error {
			_, _, err := r.CreateVehicle(ctx, NewVehicle{VIN: "v1", CustomerID: "kalles"})
			return err
		},
		"customer":  func(ctx context.Context) error { _, err := r.Customer(ctx, "kalles"); return err },
		"customers": func(ctx context.Context) error { _, err := r.Customers(ctx, CustomerQuery{}); return err },
		"vehicle":   func(ctx context.Context) error { _, err := r.Vehicle(ctx, "v1"); return err },
		"policy":    func(ctx context.Context) error { _, err := r.DefaultPolicy(ctx); return err },
		"changes":   func(ctx context.Context) error { return r.Changes(ctx, 0, func(Changes) error { return nil }) },
		"past":      func(ctx context.Context) error { _, err := r.Past(ctx, 0); return err },
		"export":    func(ctx context.Context) error { return r.Export(ctx, new(strings.Builder)) },
		"import": func(ctx context.Context) error {
			_, err := r.Import(ctx, strings.NewReader(fleetCSV(1)), ImportOptions{})
			return err
		},
		"relayed": func(ctx context.Context) error { _, err := r.WaitRelayed(ctx, 1); return err },
	} {
		began := time.Now()
		err := call(t.Context())
		if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > within {
			t.Errorf("%s took %v", name, took)
		}
	}
	soon(t, 10*time.Second, func() error {
		if !strings.Contains(said.String(), "the registry is away") {
			return errors.New("the log does not say that the registry is away")
		}
		return nil
	})
	comeBack(t)
	soon(t, 10*time.Second, func() error {
		_, _, err := r.CreateVehicle(t.Context(), NewVehicle{VIN: "v1", CustomerID: "kalles"})
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := r.WaitRelayed(ctx, r.Revision()); err != nil || len(log.folded().vehicles) != 1 {
		t.Error(log.folded(), err)
	}
	if !strings.Contains(said.String(), "the registry is back") {
		t.Errorf("it said %s", &said)
	}
}

func TestOpenWaitsForADatabaseThatIsNotThereYet(t *testing.T) {
	on := onPostgres(t)
	var said logLines
	config := on.config(t, Config{Logger: slog.New(slog.NewTextHandler(&said, nil))})
	on.server.Stop(t)
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := Open(ctx, config)
		gaveUp <- err
	}()
	opened := make(chan error)
	go func() {
		r, err := Open(t.Context(), config)
		if err == nil {
			err = r.Close()
		}
		opened <- err
	}()
	soon(t, 10*time.Second, func() error {
		if strings.Count(said.String(), "waiting for PostgreSQL") < 2 {
			return fmt.Errorf("it said %s", &said)
		}
		return nil
	})
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	on.server.Start(t)
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// TestWhatWaitingCannotMendIsRefusedAtOnce, in one line that tells no password.
func TestWhatWaitingCannotMendIsRefusedAtOnce(t *testing.T) {
	on := onPostgres(t)
	good := on.config(t, Config{}).URL
	on.server.Execute(t, `CREATE USER visitor PASSWORD 'right'`)
	t.Cleanup(func() { on.server.Execute(t, `DROP USER visitor`) })
	at := func(user, database string) string {
		return "postgres://" + user + "@" + on.server.Address() + "/" + database
	}
	database := strings.TrimSuffix(good[strings.LastIndex(good, "/")+1:], "?sslmode=disable")
	for url, want := range map[string]string{
		at("visitor:secret", database):                    "password authentication failed",
		at("nobody:secret", database):                     "password authentication failed",
		at("postgres:secret", "nothing"):                  `database "nothing" does not exist`,
		at("visitor:right", database):                     "permission denied",
		"mysql://root:secret@db/x":                        "not of the form postgres://",
		"postgres://root:se%ZZcret@db/x":                  "cannot be read",
		"postgres://root:secret@db:port/x":                "cannot be read",
		at("postgres:secret", database+"?sslmode=always"): "cannot be read",
	} {
		began := time.Now()
		_, err := Open(t.Context(), Config{Path: t.TempDir() + "/registry.db", URL: url})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "cret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", url, err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: it took %v", url, took)
		}
	}
}

func TestTablesOfANewerVersionAreRefusedInPostgresToo(t *testing.T) {
	config := onPostgres(t).config(t, Config{})
	r := openWith(t, config)
	if _, err := r.writer.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config); !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "999") {
		t.Error(err)
	}
}

// TestADatabaseThatWentBackIsNotWrittenTo: numbers that the log knows would be given to others.
func TestADatabaseThatWentBackIsNotWrittenTo(t *testing.T) {
	r := onPostgres(t).open(t)
	mustCustomer(t, r, "kalles")
	mustVehicle(t, r, "v1", "kalles")
	if _, err := r.writer.Exec(`UPDATE state SET revision = 1`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.CreateVehicle(t.Context(), NewVehicle{VIN: "v2", CustomerID: "kalles"}); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

// TestTextsThatCannotBeStoredAreNotFound, on a database that takes no zero byte and no broken UTF-8 even in a question.
func TestTextsThatCannotBeStoredAreNotFound(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		for _, text := range []string{"\x00", "a\x00b", "\xff"} {
			_, customer := r.Customer(t.Context(), text)
			_, vehicle := r.Vehicle(t.Context(), text)
			_, deleted := r.DeleteVehicle(t.Context(), text)
			_, removed := r.DeleteCustomer(t.Context(), text)
			for _, err := range []error{customer, vehicle, deleted, removed} {
				if !errors.Is(err, ErrNotFound) {
					t.Errorf("%q: %v", text, err)
				}
			}
			cursor := place{nameKey: text, number: 1}.cursor()
			if _, err := r.Customers(t.Context(), CustomerQuery{Cursor: cursor}); !errors.Is(err, ErrInvalid) {
				t.Errorf("cursor of %q: %v", text, err)
			}
			if err := r.EraseVehicle(t.Context(), text); err != nil {
				t.Errorf("erasing %q: %v", text, err)
			}
		}
	})
}
