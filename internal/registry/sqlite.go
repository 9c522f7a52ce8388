package registry

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// The statements of this package keep to what SQLite and PostgreSQL both understand; what only SQLite knows is here
// and in the migrations.

//go:embed migrations/*.sql
var migrationFiles embed.FS

// busyTimeout is how long to wait for another process that holds the file for a backup, in milliseconds.
const busyTimeout = "10000"

// openWriter opens the one connection that writes. Transactions take the write lock at their beginning.
func openWriter(ctx context.Context, path string) (*sql.DB, error) {
	db, err := openSQLite(path, url.Values{
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"}, // a commit is on disk when it returns; NORMAL would lose the last ones with the power
		"_foreign_keys": {"on"},
		"_txlock":       {"immediate"},
		"_pragma":       {"cache_size(-32768)", "wal_autocheckpoint(0)", "secure_delete(on)"}, // 32 MiB; checkpoint does it; what was removed is to be gone
	})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, errors.Join(
		checkPragma(ctx, db, "journal_mode", "wal"),
		checkPragma(ctx, db, "synchronous", "2"),
		checkPragma(ctx, db, "foreign_keys", "1"),
		checkPragma(ctx, db, "secure_delete", "1"),
	)
}

// maxReaders is how many may read at a time.
const maxReaders = 4

// openReader opens connections that read, each transaction one unchanging state, beside the writer.
func openReader(path string) (*sql.DB, error) {
	db, err := openSQLite(path, url.Values{"_query_only": {"on"}})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(maxReaders)
	db.SetMaxIdleConns(maxReaders)
	return db, nil
}

func openSQLite(path string, options url.Values) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	options.Set("_busy_timeout", busyTimeout)
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: options.Encode()}
	return sql.Open("sqlite", name.String())
}

// checkPragma makes sure that a setting is in force: SQLite ignores what it cannot do, or does not know, in silence.
func checkPragma(ctx context.Context, db *sql.DB, pragma, want string) error {
	var is string
	if err := db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&is); err != nil {
		return fmt.Errorf("reading SQLite's %s: %w", pragma, err)
	}
	if is != want {
		return fmt.Errorf("SQLite's %s is %s on this file system, and must be %s", pragma, is, want)
	}
	return nil
}

// newMigrations makes the ladder of versions: each has a step up and one down, and runs in a transaction.
func newMigrations(db *sql.DB, logger *slog.Logger) (*goose.Provider, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithSlog(logger))
}

func migrate(ctx context.Context, db *sql.DB, logger *slog.Logger) error {
	migrations, err := newMigrations(db, logger)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if _, err := migrations.Up(ctx); err != nil {
		return fmt.Errorf("bringing the tables up to date: %w", err)
	}
	return nil
}

// RefuseNewer returns ErrNewerSchema when a newer version of the program wrote the database at path. It does not touch
// the database. No database is nothing newer.
func RefuseNewer(ctx context.Context, path string) error {
	if some, err := holdsSomething(path); !some {
		return err
	}
	return untouched(path, func(db *sql.DB) error {
		has, err := schemaVersion(ctx, db)
		if err != nil {
			return fmt.Errorf("reading its version: %s", oneLine(err))
		}
		knows, err := newestMigration()
		if err != nil {
			return err
		}
		if has > knows {
			return fmt.Errorf("%w: its tables are of version %d, this program knows %d", ErrNewerSchema, has, knows)
		}
		return nil
	})
}

// holdsSomething says whether there is a database. A file without a byte is one that was about to be made.
func holdsSomething(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Size() > 0, err
}

// untouched lets look at a database without changing it, as far as it and its WAL are readable.
func untouched(path string, look func(*sql.DB) error) error {
	options := url.Values{"mode": {"ro"}}
	if _, err := os.Stat(path + walSuffix); errors.Is(err, fs.ErrNotExist) {
		options.Set("immutable", "1") // closed in order: there is nothing beside the file, and nothing is to be put there
	}
	db, err := openSQLite(path, options)
	if err != nil {
		return err
	}
	return errors.Join(look(db), db.Close())
}

// verify makes sure that the database is what was written, before anything is changed.
func (r *Registry) verify(ctx context.Context) error {
	path := r.config.Path
	var err error
	r.checksums, err = openChecksums(path)
	if errors.Is(err, errNoChecksums) || errors.Is(err, errBadChecksums) {
		if some, err := holdsSomething(path); !some {
			return err // nil when it is new
		}
		r.logger.Warn("the registry's pages cannot be checked, only how they fit together", "path", path+checksumsSuffix, "error", err)
		return untouched(path, func(db *sql.DB) error { return checkStructure(ctx, db) })
	}
	if err == nil {
		err = r.checksums.verify()
	}
	if err == nil {
		err = untouched(path, func(db *sql.DB) error { return r.checkRevision(ctx, db) })
	}
	if errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w; put the whole data folder back from a backup, or remove %s to use it as it is", err, path+checksumsSuffix)
	}
	return err
}

// checkRevision makes sure that the last write is still there.
func (r *Registry) checkRevision(ctx context.Context, db *sql.DB) error {
	p, err := loadProgress(ctx, db)
	if err != nil {
		return fmt.Errorf("%w: reading its revision: %s", ErrDamaged, oneLine(err))
	}
	if was := r.checksums.revision; p.revision < was {
		return fmt.Errorf("%w: it is at revision %d and was at %d, so %s has lost its end", ErrDamaged, p.revision, was,
			r.config.Path+walSuffix)
	}
	return nil
}

// checkStructure lets SQLite say whether the pages fit together.
func checkStructure(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return fmt.Errorf("%w: %s", ErrDamaged, oneLine(err))
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// oneLine is what SQLite says of damage: it quotes whole statements, over several lines.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func schemaVersion(ctx context.Context, db *sql.DB) (version int64, err error) {
	var tables int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = $1`, goose.DefaultTablename).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+goose.DefaultTablename).Scan(&version)
	return version, err
}

// newestMigration is the highest number that a migration's file name begins with.
func newestMigration() (newest int64, err error) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		version, err := goose.NumericComponent(entry.Name())
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", strconv.Quote(entry.Name()), err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}
