package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
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
	calls := map[string]func(context.Context) error{
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
	}
	leave(t)
	for range 2 { // at first nobody knows that it is away
		ctx, cancel := context.WithTimeout(t.Context(), within)
		var calling sync.WaitGroup
		for name, call := range calls {
			calling.Go(func() {
				if err := call(ctx); !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "127.0.0.1") {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		calling.Wait()
		cancel()
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
