package registry

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strconv"

	"github.com/pressly/goose/v3"
)

// engine is the database below a registry: what SQLite and PostgreSQL do each in a way of its own. All other statements of
// this package keep to what both understand.
type engine interface {
	fmt.Stringer // where it is, without a password

	// open makes the tables when there are none, brings them up to date, and gives one connection that writes, and those
	// that read. What a newer version wrote is ErrNewerSchema.
	open(ctx context.Context) (writer, reader *sql.DB, err error)
	// close lets go of everything that open took, also of one that failed.
	close() error

	migrations() (dialect goose.Dialect, folder string)
	// snapshot are the options of a transaction that reads one unchanging state.
	snapshot() *sql.TxOptions
	// placeholders are those of so many rows of one width, each in parentheses.
	placeholders(rows, width int) string
	// prepares says whether statements that run often are to be prepared.
	prepares() bool
	// committed hears of each commit of this process.
	committed(ctx context.Context, revision int64)
	// relayer gives the connection on which facts are relayed, where others may relay too; else nil.
	relayer() *sql.DB
	// watcher gives the connection on which to learn what others do, and whether the database is there; else nil.
	watcher() *sql.DB
	// scrub takes out of the database's own files what was deleted. ErrBusy: readers kept it from being done.
	scrub(ctx context.Context) error
	// fault is the error, or one that is ErrUnavailable when it comes of a database that is away.
	fault(err error) error
}

func newEngine(config Config, logger *slog.Logger) (engine, error) {
	if config.URL == "" {
		return newSQLite(config.Path, logger), nil
	}
	p, err := newPostgres(config.URL, logger)
	if err != nil {
		return nil, err
	}
	p.noWait = config.NoWait
	return p, nil
}

// Check waits until the registry can be opened, as Open does, and refuses what Open would refuse before it changes anything:
// above all ErrNewerSchema.
func Check(ctx context.Context, config Config) error {
	if config.URL == "" {
		return RefuseNewer(ctx, config.Path)
	}
	logger := config.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	p, err := newPostgres(config.URL, logger)
	if err != nil {
		return err
	}
	return errors.Join(p.look(ctx), p.close())
}

//go:embed migrations/*/*.sql
var migrationFiles embed.FS

// newMigrations makes the ladder of versions: each has a step up and one down, and runs in a transaction.
func newMigrations(db *sql.DB, e engine, logger *slog.Logger) (*goose.Provider, error) {
	dialect, folder := e.migrations()
	files, err := fs.Sub(migrationFiles, folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true), goose.WithSlog(logger))
}

func migrate(ctx context.Context, db *sql.DB, e engine, logger *slog.Logger) error {
	migrations, err := newMigrations(db, e, logger)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if _, err := migrations.Up(ctx); err != nil {
		return fmt.Errorf("bringing the tables up to date: %w", err)
	}
	return nil
}

// refuseNewer returns ErrNewerSchema for tables of a version that this program does not know.
func refuseNewer(has int64) error {
	knows, err := newestMigration()
	if err != nil {
		return err
	}
	if has > knows {
		return fmt.Errorf("%w: its tables are of version %d, this program knows %d", ErrNewerSchema, has, knows)
	}
	return nil
}

// newestMigration is the highest number that a migration's file name begins with: the same for every engine.
func newestMigration() (newest int64, err error) {
	entries, err := fs.Glob(migrationFiles, "migrations/sqlite/*.sql")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		version, err := goose.NumericComponent(path.Base(entry))
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", strconv.Quote(entry), err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}

// read runs look in a transaction that sees one unchanging state.
func (r *Registry) read(ctx context.Context, look func(context.Context, *sql.Tx) error) error {
	return r.whileThere(ctx, func(ctx context.Context) error {
		t, err := r.reader.BeginTx(ctx, r.engine.snapshot())
		if err != nil {
			return err
		}
		defer t.Rollback()
		return look(ctx, t)
	})
}

// Scrub makes sure that no file of the registry's own holds what was deleted. ErrBusy: readers kept it from being done. With
// PostgreSQL the rows are gone from its tables; its write-ahead log and its backups are another's to keep.
func (r *Registry) Scrub(ctx context.Context) error { return r.engine.fault(r.engine.scrub(ctx)) }
