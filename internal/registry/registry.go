// Package registry keeps the customers, their vehicles and the policies: the only truth of Fleetbeat that changes in
// place, in SQL: on SQLite in a file of one server, or on PostgreSQL, where several servers share it.
//
// What enters is checked field by field and stored in one transaction, durable when the call returns. What leaves:
//
//   - Changes, the feed by which the read side and the doors learn what is registered. Every write takes the next
//     revision; a reader that has everything up to one asks for what came after.
//   - facts, by which the log learns what presence depends on. They are written to an outbox in the transaction of
//     the change itself and relayed to the log in order, at least once: a change and its facts come both or neither.
//
// Damage to SQLite's file is seen at the next Open: every page of the database is held against a checksum beside it, and
// the last revision against a second place. A damaged database is refused and left as it is. PostgreSQL looks after its
// files itself; while it cannot be reached, methods that need it return ErrUnavailable, and later ones succeed again.
//
// Numbers of customers and vehicles are dense from 1 and never used twice, so that the log, which knows vehicles by
// number only, can never speak of another vehicle than it meant.
package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Config says where the registry is.
type Config struct {
	// Path of the SQLite database. Its folder must exist; the file is made when it does not. With URL only the folder is
	// used, for files that are being imported.
	Path string
	// URL of a PostgreSQL database, as postgres://user:password@host/database. Default: the registry is in SQLite.
	URL string
	// NoWait makes a database that is not there an error at once.
	NoWait bool
	// Logger hears of trouble with the log. Default: none.
	Logger *slog.Logger
	// Registerer takes the metrics. Default: none.
	Registerer prometheus.Registerer
	// Now stamps the moments of changes, by the clock that stamps the log, so that the past of both fits together. It may
	// go back. Default: the machine's clock.
	Now func() event.Time
	// MaxPast is how many past rows of customers and vehicles are kept, give or take those of one write; the oldest are
	// dropped. Default 2,000,000.
	MaxPast int64
	// MaxOutbox is how many facts may wait for the log before writes are refused. Default 4,000,000.
	MaxOutbox int64
}

// Registry is an open registry. Its methods may be called concurrently.
type Registry struct {
	config  Config
	logger  *slog.Logger
	engine  engine
	writer  *sql.DB // one connection: the queue before the registry's only write lock
	reader  *sql.DB
	exports chan struct{} // one for each that is under way, see maxExports
	imports chan struct{} // one for each that is under way, see maxImports
	metrics metrics

	turnLasts time.Duration // for which a server that cannot reach the log keeps others from relaying

	mu       sync.Mutex
	progress progress      // guarded by mu; behind the database for an instant, never ahead
	there    presence      // guarded by mu; what the last look at the database found
	news     chan struct{} // guarded by mu; closed and replaced at every progress
}

// progress says how far writing and relaying have come.
type progress struct {
	revision int64          // of the last write
	fact     int64          // the last fact put into the outbox
	relayed  int64          // the last fact the log has
	position event.Position // a position at which the log has it
	past     past
}

// Open opens the registry, makes it when there is none, and brings its tables up to date. A registry that a newer
// version wrote is ErrNewerSchema, one that is damaged is ErrDamaged; both are left as they are. While there is no
// PostgreSQL at the URL, it waits for it, until ctx ends; that it refuses the user or has no such database is an error at
// once.
func Open(ctx context.Context, config Config) (*Registry, error) {
	r := &Registry{
		config: config, logger: config.Logger, news: make(chan struct{}), there: newPresence(), turnLasts: turnLasts,
		exports: make(chan struct{}, maxExports), imports: make(chan struct{}, maxImports),
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if r.config.MaxOutbox <= 0 {
		r.config.MaxOutbox = 4_000_000
	}
	if r.config.MaxPast <= 0 {
		r.config.MaxPast = 2_000_000
	}
	if r.config.Now == nil {
		r.config.Now = func() event.Time { return event.At(time.Now()) }
	}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening registry %s: %w", r.Where(), err), r.Close())
	}
	return r, nil
}

func (r *Registry) open(ctx context.Context) (err error) {
	if r.engine, err = newEngine(r.config, r.logger); err != nil {
		return err
	}
	if r.writer, r.reader, err = r.engine.open(ctx); err != nil {
		return err
	}
	if r.progress, err = loadProgress(ctx, r.reader); err != nil {
		return err
	}
	if r.progress.past, err = loadPast(ctx, r.reader); err != nil {
		return err
	}
	return r.metrics.register(r)
}

// Where says where the registry is, without a password.
func (r *Registry) Where() string {
	if r.engine == nil {
		return "in PostgreSQL"
	}
	return r.engine.String()
}

func loadProgress(ctx context.Context, db querier) (p progress, err error) {
	err = db.QueryRowContext(ctx, `SELECT revision, last_fact, relayed_fact, relayed_position FROM state`).
		Scan(&p.revision, &p.fact, &p.relayed, &p.position)
	return p, err
}

// Close closes the database. No other method may be running or be called afterwards.
func (r *Registry) Close() error {
	r.metrics.unregister(r.config.Registerer)
	if r.engine == nil {
		return nil
	}
	return r.engine.close()
}

// Revision is the revision of the last write, and 0 before the first.
func (r *Registry) Revision() int64 {
	p, _ := r.now()
	return p.revision
}

// Wait blocks until a write has taken a revision after since, and returns the newest.
func (r *Registry) Wait(ctx context.Context, since int64) (revision int64, err error) {
	p, err := r.await(ctx, func(p progress) bool { return p.revision > since })
	return p.revision, err
}

// await blocks until enough holds for the progress.
func (r *Registry) await(ctx context.Context, enough func(progress) bool) (progress, error) {
	for {
		p, news := r.now()
		if enough(p) {
			return p, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return p, ctx.Err()
		}
	}
}

// now returns the progress, and a channel that closes when there is more.
func (r *Registry) now() (progress, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress, r.news
}

// advance takes in what a transaction committed, here or at another server. Two that committed in one order may call it
// in the other.
func (r *Registry) advance(p progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.progress
	r.progress.revision = max(r.progress.revision, p.revision)
	r.progress.fact = max(r.progress.fact, p.fact)
	r.progress.past.firstPast = max(r.progress.past.firstPast, p.past.firstPast)
	r.progress.past.lastPast = max(r.progress.past.lastPast, p.past.lastPast)
	if p.relayed > r.progress.relayed { // the position may be lower: a log that was lost begins anew
		r.progress.relayed, r.progress.position = p.relayed, p.position
	}
	if r.progress == before {
		return
	}
	close(r.news)
	r.news = make(chan struct{})
}
