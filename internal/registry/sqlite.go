package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqlite is the engine of one server that keeps its registry in a file of its own.
type sqlite struct {
	path   string
	logger *slog.Logger
	writer *sql.DB // one connection: SQLite has one writer, and this is the queue before it
	reader *sql.DB

	checksums    *checksums
	checkpointAt int64 // bytes of the WAL from which on it is brought into the database
}

func newSQLite(path string, logger *slog.Logger) *sqlite {
	return &sqlite{path: path, logger: logger, checkpointAt: checkpointAt}
}

func (s *sqlite) String() string { return s.path }

func (s *sqlite) open(ctx context.Context) (writer, reader *sql.DB, err error) {
	if err := RefuseNewer(ctx, s.path); err != nil {
		return nil, nil, err
	}
	if err := s.verify(ctx); err != nil {
		return nil, nil, err
	}
	if s.writer, err = openWriter(ctx, s.path); err != nil {
		return nil, nil, err
	}
	if err := migrate(ctx, s.writer, s, s.logger); err != nil {
		return nil, nil, err
	}
	if s.reader, err = openReader(s.path); err != nil {
		return nil, nil, err
	}
	_, err = s.checkpoint(ctx, "PASSIVE")
	return s.writer, s.reader, err
}

func (s *sqlite) close() error {
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
		errs = append(errs, s.lastCheckpoint(context.Background()))
	}
	if s.writer != nil { // the last of SQLite: it takes the WAL away, which is empty by then
		errs = append(errs, s.writer.Close())
	}
	if s.checksums != nil {
		errs = append(errs, s.checksums.close())
	}
	return errors.Join(errs...)
}

func (s *sqlite) migrations() (goose.Dialect, string) {
	return goose.DialectSQLite3, "migrations/sqlite"
}

// snapshot needs no option: a transaction that reads always sees one state.
func (s *sqlite) snapshot() *sql.TxOptions { return nil }

// placeholders writes (?,?),(?,?) for 2 rows of width 2. SQLite looks numbered ones up in a list, one by one: with a
// thousand of them, that is most of the time.
func (s *sqlite) placeholders(rows, width int) string {
	row := "(" + strings.Repeat("?,", width-1) + "?)"
	return strings.Repeat(row+",", rows-1) + row
}

// prepares: an import runs some statements a hundred thousand times.
func (s *sqlite) prepares() bool { return true }

// fault is the error itself: a file is never away.
func (s *sqlite) fault(err error) error { return err }

// relayer and watcher: nobody else writes to the file.
func (s *sqlite) relayer() *sql.DB { return nil }
func (s *sqlite) watcher() *sql.DB { return nil }

// committed notes the revision in its second place, and keeps the WAL small.
func (s *sqlite) committed(ctx context.Context, revision int64) {
	if err := s.checksums.note(revision); err != nil {
		s.logger.Warn("the registry's revision has no second place", "path", s.path, "error", err)
	}
	s.checkpointWhenLarge(ctx)
}

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
		return refuseNewer(has)
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
func (s *sqlite) verify(ctx context.Context) error {
	path := s.path
	var err error
	s.checksums, err = openChecksums(path)
	if errors.Is(err, errNoChecksums) || errors.Is(err, errBadChecksums) {
		if some, err := holdsSomething(path); !some {
			return err // nil when it is new
		}
		s.logger.Warn("the registry's pages cannot be checked, only how they fit together", "path", path+checksumsSuffix, "error", err)
		return untouched(path, func(db *sql.DB) error { return checkStructure(ctx, db) })
	}
	if err == nil {
		err = s.checksums.verify()
	}
	if err == nil {
		err = untouched(path, func(db *sql.DB) error { return s.checkRevision(ctx, db) })
	}
	if errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w; put the whole data folder back from a backup, or remove %s to use it as it is", err, path+checksumsSuffix)
	}
	return err
}

// checkRevision makes sure that the last write is still there.
func (s *sqlite) checkRevision(ctx context.Context, db *sql.DB) error {
	p, err := loadProgress(ctx, db)
	if err != nil {
		return fmt.Errorf("%w: reading its revision: %s", ErrDamaged, oneLine(err))
	}
	if was := s.checksums.revision; p.revision < was {
		return fmt.Errorf("%w: it is at revision %d and was at %d, so %s has lost its end", ErrDamaged, p.revision, was,
			s.path+walSuffix)
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
