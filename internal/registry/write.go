package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// tx is one write: a transaction that holds the registry's only write lock, with the revision it takes.
type tx struct {
	*sql.Tx
	state
	began    state // as it was
	mayWait  int64 // facts of this write that the outbox takes beyond its limit
	changed  bool  // whether there is anything to commit; a write that changes nothing takes no revision
	engine   engine
	prepared map[string]*sql.Stmt // they close with the transaction
}

// state is what writes count on: the row of the table state, and how far the past is written.
type state struct {
	revision     int64
	lastCustomer event.CustomerID
	lastVehicle  event.VehicleID
	lastFact     int64
	relayedFact  int64
	policy       event.Policy // the default; zero when none was set
	past
}

// The highest numbers that are given: the rest of Fleetbeat holds tables by number, and takes no higher ones.
const (
	maxVehicle  event.VehicleID  = 1<<28 - 1
	maxCustomer event.CustomerID = 1<<24 - 1
)

// write runs change in a transaction and returns the registry's revision after it: a new one when change changed
// something, else the last. On an error nothing is changed.
func (r *Registry) write(ctx context.Context, change func(context.Context, *tx) error) (revision int64, err error) {
	err = r.whileThere(ctx, func(ctx context.Context) error {
		revision, err = r.commit(ctx, change)
		return err
	})
	if err != nil {
		return 0, err
	}
	return revision, nil
}

func (r *Registry) commit(ctx context.Context, change func(context.Context, *tx) error) (revision int64, err error) {
	sqlTx, err := r.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer sqlTx.Rollback() // does nothing after the commit
	t := &tx{Tx: sqlTx, engine: r.engine, prepared: make(map[string]*sql.Stmt)}
	if err := t.begin(ctx); err != nil {
		return 0, err
	}
	if known := r.Revision(); t.revision <= known {
		return 0, fmt.Errorf("%w: it is at revision %d and was at %d", ErrDamaged, t.revision-1, known)
	}
	if err := change(ctx, t); err != nil {
		return 0, err
	}
	if !t.changed {
		return t.revision - 1, nil
	}
	if waiting := t.lastFact - t.relayedFact; waiting > r.config.MaxOutbox+t.mayWait {
		return 0, fmt.Errorf("%w: with this change %d", ErrOutboxFull, waiting)
	}
	if t.lastVehicle > maxVehicle || t.lastCustomer > maxCustomer {
		return 0, errors.New("all numbers for vehicles or customers are used up")
	}
	if err := t.mark(ctx, r.config.Now, r.config.MaxPast); err != nil {
		return 0, fmt.Errorf("noting the moment: %w", err)
	}
	if err := t.commit(ctx); err != nil {
		return 0, err
	}
	r.advance(progress{revision: t.revision, fact: t.lastFact, past: t.past})
	r.engine.committed(ctx, t.revision)
	return t.revision, nil
}

// begin takes the next revision. The update comes first: on any database it makes concurrent writes wait in line, so
// that revisions and facts are committed in the order of their numbers.
func (t *tx) begin(ctx context.Context) error {
	var late, offline int64
	err := t.QueryRowContext(ctx, `UPDATE state SET revision = revision + 1
		RETURNING revision, last_customer, last_vehicle, last_fact, relayed_fact, late_after, offline_after`).
		Scan(&t.revision, &t.lastCustomer, &t.lastVehicle, &t.lastFact, &t.relayedFact, &late, &offline)
	if err != nil {
		return err
	}
	t.policy = policyOf(late, offline)
	t.past, err = loadPast(ctx, t)
	t.began = t.state
	return err
}

func (t *tx) commit(ctx context.Context) error {
	_, err := t.ExecContext(ctx, `UPDATE state SET last_customer = $1, last_vehicle = $2, last_fact = $3,
		late_after = $4, offline_after = $5`, t.lastCustomer, t.lastVehicle, t.lastFact,
		t.policy.LateAfter.Milliseconds(), t.policy.OfflineAfter.Milliseconds())
	if err != nil {
		return err
	}
	return t.Tx.Commit()
}

// exec runs a statement that changes the registry. It prepares each once, where that is of use.
func (t *tx) exec(ctx context.Context, query string, args ...any) error {
	t.changed = true
	if !t.engine.prepares() {
		_, err := t.ExecContext(ctx, query, args...)
		return err
	}
	statement, ok := t.prepared[query]
	if !ok {
		var err error
		if statement, err = t.PrepareContext(ctx, query); err != nil {
			return err
		}
		t.prepared[query] = statement
	}
	_, err := statement.ExecContext(ctx, args...)
	return err
}

// insert adds rows of the given width, laid out one after the other in args, by as few statements as sensible.
func (t *tx) insert(ctx context.Context, into string, width int, args []any) error {
	const rows = 100 // more at once is no faster
	for len(args) > 0 {
		n := min(len(args), rows*width)
		if err := t.exec(ctx, into+" VALUES "+t.engine.placeholders(n/width, width), args[:n]...); err != nil {
			return err
		}
		args = args[n:]
	}
	return nil
}

// policyOf makes a policy of milliseconds, as they are stored.
func policyOf(late, offline int64) event.Policy {
	return event.Policy{LateAfter: time.Duration(late) * time.Millisecond, OfflineAfter: time.Duration(offline) * time.Millisecond}
}
