package registry

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func TestReopenKeepsEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		config := on.config(t, Config{Path: filepath.Join(t.TempDir(), "odd name?#%41.db")})
		r := openWith(t, config)
		mustImport(t, r, fleetCSV(300))
		mustCustomer(t, r, "empty")
		before, revision, facts := exported(t, r), r.Revision(), outbox(t, r)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = openWith(t, config)
		if got := exported(t, r); got != before {
			t.Error("the export differs after reopening")
		}
		if r.Revision() != revision {
			t.Errorf("revision %d, want %d", r.Revision(), revision)
		}
		if diff := cmp.Diff(facts, outbox(t, r)); diff != "" {
			t.Error("the outbox differs", diff)
		}
		if v := mustVehicle(t, r, "next", "empty"); v.Number != 301 {
			t.Errorf("the next vehicle is number %d, want 301", v.Number)
		}
		if _, err := r.Customer(ctx, "empty"); err != nil {
			t.Error(err)
		}
	})
}

// TestCrashKeepsWhatWasAnswered copies the files of a registry that is open, which is what a killed process leaves.
func TestCrashKeepsWhatWasAnswered(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	r := openAt(t, filepath.Join(dir, "registry.db"))
	mustImport(t, r, fleetCSV(300))
	mustCustomer(t, r, "last")
	for _, name := range []string{"registry.db", "registry.db-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	after := openAt(t, filepath.Join(copied, "registry.db"))
	if exported(t, after) != exported(t, r) {
		t.Error("the export differs after the crash")
	}
	if _, err := after.Customer(t.Context(), "last"); err != nil {
		t.Error(err)
	}
	if after.Revision() != r.Revision() {
		t.Errorf("revision %d, want %d", after.Revision(), r.Revision())
	}
}

func TestMigrationsGoUpDownAndUp(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		migrations, err := newMigrations(r.writer, r.engine, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		up := on.schema(t, r.writer)
		if _, err := migrations.DownTo(ctx, 0); err != nil {
			t.Fatal(err)
		}
		if down := on.schema(t, r.writer); len(down) != 0 {
			t.Errorf("going down leaves %v", down)
		}
		if _, err := migrations.Up(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(up, on.schema(t, r.writer)); diff != "" {
			t.Error(diff)
		}
		mustCustomer(t, r, "works")
	})
}

func (on store) schema(t *testing.T, db *sql.DB) (statements []string) {
	t.Helper()
	query := `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%goose%'
		AND name NOT LIKE 'sqlite_%' ORDER BY name`
	if on.server != nil {
		query = `SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, collation_name) FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name NOT LIKE '%goose%'
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename NOT LIKE '%goose%'
			ORDER BY 1`
	}
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var statement string
		if err := rows.Scan(&statement); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, statement)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return statements
}

func TestNewerRegistryIsRefusedAndLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	r := openAt(t, path)
	mustCustomer(t, r, "kalles")
	if _, err := r.writer.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Config{Path: path})
	if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "999") {
		t.Errorf("opening gives %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Error("the file has changed", err)
	}
	if files, _ := filepath.Glob(path + "*"); len(files) != 2 { // with its checksums
		t.Errorf("there are other files now: %v", files)
	}
}

func TestOpenSaysWhatIsWrongAndKeepsTheFile(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, dir, filepath.Join(dir, "missing", "registry.db")} {
		if _, err := Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("opening %s gives %v", path, err)
		}
	}
	if data, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(data), "not a database") {
		t.Error("the file that is no database was changed", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made", err)
	}
}

func TestSettingsOfSQLiteAreChecked(t *testing.T) {
	ctx := t.Context()
	r := open(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		if err := checkPragma(ctx, r.writer, pragma, want); err != nil {
			t.Error(err)
		}
	}
	if err := checkPragma(ctx, r.writer, "synchronous", "3"); err == nil {
		t.Error("a setting that differs passes")
	}
	if _, err := r.reader.Exec(`DELETE FROM state`); err == nil {
		t.Error("the reader can write")
	}
}

func TestMetricsAreRegisteredAndTakenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		registry := prometheus.NewPedanticRegistry()
		for range 2 {
			r, err := Open(t.Context(), on.config(t, Config{Registerer: registry}))
			if err != nil {
				t.Fatal(err)
			}
			mustCustomer(t, r, "kalles")
			mustVehicle(t, r, "v1", "kalles")
			if got := gauge(t, registry, "fleetbeat_registry_outbox_length"); got != 1 {
				t.Errorf("outbox length %v, want 1", got)
			}
			if got := gauge(t, registry, "fleetbeat_registry_revision"); got != 2 {
				t.Errorf("revision %v, want 2", got)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func gauge(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
