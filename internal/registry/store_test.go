package registry

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/postgrestest"
)

// shared is the PostgreSQL of all tests of this package.
var shared postgrestest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	shared.Close()
	os.Exit(code)
}

// store is the kind of database in which a test keeps registries.
type store struct {
	server *postgrestest.Server // nil: SQLite
}

// onBoth runs a test on SQLite and on a real PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, on store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, store{}) })
	t.Run("postgres", func(t *testing.T) { test(t, store{server: shared.Server(t)}) })
}

// config names a database in which there is nothing, unless the configuration says where.
func (on store) config(t testing.TB, config Config) Config {
	t.Helper()
	if config.Path == "" {
		config.Path = filepath.Join(t.TempDir(), "registry.db")
	}
	if on.server != nil {
		config.URL = on.server.Database(t)
	}
	return config
}

// open opens a registry in a place of its own, and closes it with the test.
func (on store) open(t testing.TB) *Registry {
	t.Helper()
	return openWith(t, on.config(t, Config{}))
}

// openInMemory does the same for a test that writes thousands of times.
func (on store) openInMemory(t testing.TB) *Registry {
	t.Helper()
	return openWith(t, on.config(t, Config{Path: filepath.Join(memoryDir(t), "registry.db")}))
}

// postgresRounds are how many random histories run on PostgreSQL, where each takes a database, which is slow to make.
const postgresRounds = 12

// eachRound is rapid.Check with fewer rounds on PostgreSQL. Once one has failed, all are run that rapid asks for to find a
// smaller failure.
func (on store) eachRound(t *testing.T, check func(*rapid.T)) {
	round, failed := 0, false
	rapid.Check(t, func(t *rapid.T) {
		if round++; on.server != nil && round > postgresRounds && !failed {
			return
		}
		passed := false
		defer func() { failed = failed || !passed }()
		check(t)
		passed = true
	})
}

// stuckOutbox is a statement after which nothing can be taken from the outbox, and freeOutbox ends that.
func (on store) stuckOutbox() string {
	if on.server == nil {
		return `CREATE TRIGGER stuck BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'stuck'); END`
	}
	return `DO $do$ BEGIN
		CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''stuck''; END';
		CREATE TRIGGER stuck BEFORE DELETE ON outbox EXECUTE FUNCTION stuck();
		END $do$`
}

func (on store) freeOutbox() string {
	if on.server == nil {
		return `DROP TRIGGER stuck`
	}
	return `DROP TRIGGER stuck ON outbox`
}

// onSQLite is the engine of a registry in SQLite.
func onSQLite(r *Registry) *sqlite { return r.engine.(*sqlite) }
