package registry

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Summary says what a registry holds.
type Summary struct {
	Engine    string // SQLite or PostgreSQL
	Where     string // without a password
	Version   int64  // of its tables; 0: there are none
	Newest    int64  // the version that this program knows
	Revision  int64
	Customers int64
	Vehicles  int64
	Outbox    int64 // facts that wait for the log
}

// Inspect looks at a registry without changing it; a server may have it open. It does not wait for a database.
func Inspect(ctx context.Context, config Config) (s Summary, err error) {
	if s.Newest, err = newestMigration(); err != nil {
		return s, err
	}
	if config.URL == "" {
		s.Engine, s.Where = "SQLite", config.Path
		if some, err := holdsSomething(config.Path); err != nil || !some {
			return s, cmp.Or(err, fmt.Errorf("there is no registry at %s", config.Path))
		}
		return s, untouched(config.Path, func(db *sql.DB) error {
			if s.Version, err = schemaVersion(ctx, db); err != nil {
				return fmt.Errorf("reading its version: %s", oneLine(err))
			}
			return s.count(ctx, db)
		})
	}
	p, err := newPostgres(config.URL, slog.New(slog.DiscardHandler))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	s.Engine, s.Where = "PostgreSQL", p.String()
	db := p.pool(1)
	if err := db.PingContext(ctx); err != nil {
		return s, fmt.Errorf("%s: %s", p, oneLine(err))
	}
	if s.Version, err = p.version(ctx, db); err != nil {
		return s, fmt.Errorf("%s: reading the version of its tables: %s", p, oneLine(err))
	}
	return s, s.count(ctx, db)
}

// count reads what tables of this version or an older one hold.
func (s *Summary) count(ctx context.Context, db *sql.DB) error {
	if s.Version == 0 {
		return nil
	}
	err := db.QueryRowContext(ctx, `SELECT revision, (SELECT count(*) FROM customers), (SELECT count(*) FROM vehicles), (SELECT count(*) FROM outbox)
		FROM state`).Scan(&s.Revision, &s.Customers, &s.Vehicles, &s.Outbox)
	if err != nil {
		return fmt.Errorf("counting: %s", oneLine(err))
	}
	return nil
}

// tables are all that a registry consists of, in an order in which they can be filled.
func tables() []string {
	return []string{"state", "customers", "vehicles", "removed_customers", "removed_vehicles", "outbox", "moments", "past_customers", "past_vehicles"}
}

// TableCount is how many rows a table has in the one registry and in the other.
type TableCount struct {
	Table    string
	From, To int64
}

// CopyAll copies one registry into another into which nothing was ever written, in one transaction, and compares how many
// rows each table has in both. Only when these are the same, the copy is kept. Nobody may write to either meanwhile.
func CopyAll(ctx context.Context, from, to *Registry) ([]TableCount, error) {
	counts, err := copyAll(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("copying %s to %s: %w", from.Where(), to.Where(), to.engine.fault(err))
	}
	p, err := loadProgress(ctx, to.reader)
	if err != nil {
		return nil, to.engine.fault(err)
	}
	to.advance(p)
	return counts, nil
}

func copyAll(ctx context.Context, from, to *Registry) (counts []TableCount, err error) {
	target, err := to.writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer target.Rollback() // does nothing after the commit
	var revision int64
	if err := target.QueryRowContext(ctx, `UPDATE state SET revision = revision + 1 RETURNING revision`).Scan(&revision); err != nil {
		return nil, err
	}
	if revision != 1 {
		return nil, fmt.Errorf("%w: it is at revision %d", ErrNotEmpty, revision-1)
	}
	for _, made := range []string{`DELETE FROM state`, `DELETE FROM moments`} { // what its making put there
		if _, err := target.ExecContext(ctx, made); err != nil {
			return nil, err
		}
	}
	err = from.read(ctx, func(ctx context.Context, source *sql.Tx) error {
		for _, table := range tables() {
			if err := copyTable(ctx, source, target, table, to.engine); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			count := TableCount{Table: table}
			query := `SELECT count(*) FROM ` + table
			err := errors.Join(source.QueryRowContext(ctx, query).Scan(&count.From), target.QueryRowContext(ctx, query).Scan(&count.To))
			if err != nil {
				return err
			}
			counts = append(counts, count)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(counts, func(c TableCount) bool { return c.From != c.To }); i >= 0 {
		return nil, fmt.Errorf("table %s has %d rows and its copy %d", counts[i].Table, counts[i].From, counts[i].To)
	}
	return counts, target.Commit()
}

// copyTable copies the rows of a table, some at a time.
func copyTable(ctx context.Context, source, target *sql.Tx, table string, e engine) error {
	rows, err := source.QueryContext(ctx, `SELECT * FROM `+table) //nolint:gosec // one of ours
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	into := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES `
	var args []any
	flush := func() error {
		if len(args) == 0 {
			return nil
		}
		_, err := target.ExecContext(ctx, into+e.placeholders(len(args)/len(columns), len(columns)), args...)
		args = args[:0]
		return err
	}
	for rows.Next() {
		row := make([]any, len(columns))
		places := make([]any, len(columns))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if args = append(args, row...); len(args) >= 200*len(columns) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return errors.Join(rows.Err(), flush())
}
