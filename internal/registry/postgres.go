package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// postgres is the engine of servers that share a registry. It needs a database of its own, or a schema; what a session
// remembers is not used, nor prepared statements, so that a pool such as PgBouncer's may lend a connection for each
// transaction.
type postgres struct {
	config *pgx.ConnConfig
	logger *slog.Logger
	noWait bool // for a database that is not there

	pools              []*sql.DB // all those below
	writing, reading   *sql.DB
	relaying, watching *sql.DB
}

// The keys of advisory locks. The unlikely stranger with the same key in the same database would be waited for.
const (
	relayLock   = 0x666c656574620001 // held by the one server that relays facts, for as long as it does
	migrateLock = 0x666c656574620002 // held by the one that brings the tables up to date
)

// connectWithin is how long a connection may take to come about, unless the URL says connect_timeout.
const connectWithin = 5 * time.Second

// CheckURL says what is wrong with the URL of a registry, without repeating a password.
func CheckURL(url string) error {
	_, err := parseURL(url)
	return err
}

func parseURL(url string) (*pgx.ConnConfig, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("the registry's URL is not of the form postgres://user:password@host/database")
	}
	config, err := pgx.ParseConfig(url)
	if err != nil { // its text may hold parts of a password
		return nil, errors.New("the registry's URL cannot be read: is it of the form postgres://user:password@host/database, with % before what has a meaning in URLs?")
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.StatementCacheCapacity, config.DescriptionCacheCapacity = 0, 0
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "fleetbeat"
	}
	config.DialFunc = dialer().DialContext
	return config, nil
}

func newPostgres(url string, logger *slog.Logger) (*postgres, error) {
	config, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	return &postgres{config: config, logger: logger}, nil
}

func (p *postgres) String() string {
	address := p.config.Host
	if !strings.HasPrefix(address, "/") {
		address = net.JoinHostPort(address, strconv.Itoa(int(p.config.Port)))
	}
	return fmt.Sprintf("postgres://%s@%s/%s", p.config.User, address, p.config.Database)
}

// pool opens connections of one purpose, at most so many.
func (p *postgres) pool(most int) *sql.DB {
	db := stdlib.OpenDB(*p.config, stdlib.OptionAfterConnect(func(_ context.Context, conn *pgx.Conn) error {
		for _, number := range []any{event.VehicleID(0), event.CustomerID(0), event.Position(0), event.Time(0)} {
			conn.TypeMap().RegisterDefaultPgType(number, "int8")
		}
		return nil
	}))
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	db.SetConnMaxLifetime(time.Hour) // another address behind the name gets its turn
	db.SetConnMaxIdleTime(5 * time.Minute)
	p.pools = append(p.pools, db)
	return db
}

func (p *postgres) open(ctx context.Context) (writer, reader *sql.DB, err error) {
	if err := p.look(ctx); err != nil {
		return nil, nil, err
	}
	p.writing, p.reading, p.relaying = p.pool(1), p.pool(maxReaders), p.pool(1)
	return p.writing, p.reading, p.migrate(ctx)
}

// look waits for the database and refuses one that is of no use.
func (p *postgres) look(ctx context.Context) error {
	p.watching = p.pool(1)
	if err := p.await(ctx); err != nil {
		return err
	}
	return p.check(ctx)
}

func (p *postgres) close() error {
	errs := make([]error, 0, len(p.pools))
	for _, db := range p.pools {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// The pauses between two attempts to reach a database that is not there at the start, and between two lines about it.
const (
	awaitPause = 250 * time.Millisecond
	awaitLine  = 5 * time.Second
)

// await returns when the database answers, or refuses us for good.
func (p *postgres) await(ctx context.Context) error {
	var said time.Time
	for {
		err := p.watching.PingContext(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("waiting for PostgreSQL: %w", ctx.Err())
		case p.noWait || !isAway(err) || isRefused(err):
			return errors.New(oneLine(err)) // it may have several
		}
		if time.Since(said) >= awaitLine {
			said = time.Now()
			p.logger.Warn("waiting for PostgreSQL", "registry", p.String(), "error", oneLine(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(awaitPause):
		}
	}
}

// check refuses a database in which not every text can stand, or that a newer version wrote.
func (p *postgres) check(ctx context.Context) error {
	var encoding, durable string
	err := p.watching.QueryRowContext(ctx, `SELECT current_setting('server_encoding'), current_setting('synchronous_commit')`).
		Scan(&encoding, &durable)
	if err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database's encoding is %s, and must be UTF8", encoding)
	}
	if durable == "off" {
		p.logger.Warn("PostgreSQL answers before a change is on disk: set synchronous_commit to on", "registry", p.String())
	}
	has, err := p.version(ctx, p.watching)
	if err != nil {
		return err
	}
	return refuseNewer(has)
}

// version is that of the tables; 0 when there are none.
func (p *postgres) version(ctx context.Context, q querier) (version int64, err error) {
	var some bool
	err = q.QueryRowContext(ctx, `SELECT to_regclass('`+goose.DefaultTablename+`') IS NOT NULL`).Scan(&some)
	if err != nil || !some {
		return 0, err
	}
	err = q.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+goose.DefaultTablename).Scan(&version)
	return version, err
}

// migrate brings the tables up to date, one server at a time. The lock is held by a transaction beside: a session is not
// ours to hold one.
func (p *postgres) migrate(ctx context.Context) error {
	knows, err := newestMigration()
	if err != nil {
		return err
	}
	if has, err := p.version(ctx, p.watching); err != nil || has == knows {
		return err
	}
	var may bool
	err = p.watching.QueryRowContext(ctx, `SELECT COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)`).Scan(&may)
	if err != nil {
		return err
	}
	if !may {
		return fmt.Errorf("permission denied: %s may not create tables", p.config.User)
	}
	lock, err := p.relaying.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer lock.Rollback() // which lets go of it
	if _, err := lock.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrateLock)); err != nil {
		return err
	}
	return migrate(ctx, p.writing, p, p.logger)
}

func (p *postgres) migrations() (goose.Dialect, string) {
	return goose.DialectPostgres, "migrations/postgres"
}

func (p *postgres) snapshot() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// placeholders writes ($1,$2),($3,$4) for 2 rows of width 2.
func (p *postgres) placeholders(rows, width int) string {
	var text []byte
	for i := range rows * width {
		switch {
		case i == 0:
			text = append(text, "($"...)
		case i%width == 0:
			text = append(text, "),($"...)
		default:
			text = append(text, ",$"...)
		}
		text = strconv.AppendInt(text, int64(i+1), 10)
	}
	return string(append(text, ')'))
}

// prepares: a prepared statement belongs to a session.
func (p *postgres) prepares() bool { return false }

func (p *postgres) committed(context.Context, int64) {}

func (p *postgres) relayer() *sql.DB { return p.relaying }
func (p *postgres) watcher() *sql.DB { return p.watching }

func (p *postgres) scrub(ctx context.Context) error {
	_, err := p.writing.ExecContext(ctx, `VACUUM vehicles, past_vehicles`)
	return err
}
