package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// MaxFacts is the largest number of facts that Relay hands over at once.
const MaxFacts = 4096

// The times that Relay waits after a failed append: the first, doubling to the last.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
)

// tell puts facts into the outbox, in the transaction of the change that they tell of.
func (t *tx) tell(ctx context.Context, facts ...event.Fact) error {
	args := make([]any, 0, 7*len(facts))
	for _, fact := range facts {
		t.lastFact++
		row := rowOf(fact)
		args = append(args, t.lastFact, t.revision, row.fact, row.vehicle, row.customer,
			row.policy.LateAfter.Milliseconds(), row.policy.OfflineAfter.Milliseconds())
	}
	return t.insert(ctx, `INSERT INTO outbox (seq, revision, fact, vehicle, customer, late_after, offline_after)`, 7, args)
}

// storeFunc makes facts durable in the log, and says at which position.
type storeFunc = func(context.Context, []event.Fact) (event.Position, error)

// Relay hands the outbox to store, in order and at most MaxFacts at once, until ctx ends; it then returns nil. store
// returns when the facts are durable in the log, and says at which position. When it fails, Relay tries again, with
// growing pauses; where only the note of the append failed, it tries the note alone. A crash between the two hands over
// the same facts again: they bear that.
//
// It sleeps until a write wakes it. One Relay may run at a time in a process; of those of several servers on one
// PostgreSQL, one at a time relays.
func (r *Registry) Relay(ctx context.Context, store storeFunc) error {
	pause := firstPause
	var stored appended
	for {
		_, err := r.await(ctx, func(p progress) bool { return p.fact > p.relayed })
		if err == nil {
			err = r.relaySome(ctx, store, &stored)
		}
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is how a relay ends, whatever it interrupted
		case err == nil:
			pause = firstPause
			continue
		case errors.Is(err, errElsewhere):
			pause = firstPause
		default:
			r.metrics.failures.Inc()
			r.logger.Warn("registry facts were not relayed to the log; trying again", "error", oneLine(err), "in", pause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// appended is what the log has of the outbox and the database does not say yet; zero when there is nothing.
type appended struct {
	progress
	before int64        // the last fact relayed when they were read
	facts  []event.Fact // kept where another server may relay meanwhile
}

func (a *appended) some() bool { return a.relayed > 0 }

// relaySome relays the oldest facts. stored is what it stored before and could not take note of.
func (r *Registry) relaySome(ctx context.Context, store storeFunc, stored *appended) error {
	if r.engine.relayer() != nil {
		return r.engine.fault(r.relayInTurn(ctx, store, stored))
	}
	if !stored.some() {
		facts, last, err := oldestFacts(ctx, r.reader)
		if err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		position, err := store(ctx, facts)
		if err != nil {
			return fmt.Errorf("appending %d facts: %w", len(facts), err)
		}
		stored.relayed, stored.position = last, position
	}
	if err := r.noteRelayed(context.WithoutCancel(ctx), stored.progress); err != nil {
		return fmt.Errorf("noting that the log has the facts: %w", err)
	}
	r.advance(stored.progress)
	*stored = appended{}
	return nil
}

// oldestFacts are those to relay next, and the number of the last of them.
func oldestFacts(ctx context.Context, q querier) (facts []event.Fact, last int64, err error) {
	rows, err := q.QueryContext(ctx, `SELECT seq, fact, vehicle, customer, late_after, offline_after
		FROM outbox ORDER BY seq LIMIT $1`, MaxFacts)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var row factRow
		var late, offline int64
		if err := rows.Scan(&last, &row.fact, &row.vehicle, &row.customer, &late, &offline); err != nil {
			return nil, 0, err
		}
		row.policy = policyOf(late, offline)
		fact, err := row.decode()
		if err != nil {
			return nil, 0, err
		}
		facts = append(facts, fact)
	}
	return facts, last, rows.Err()
}

// noteRelayed takes the facts that the log has from the outbox.
func (r *Registry) noteRelayed(ctx context.Context, stored progress) error {
	t, err := r.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() // does nothing after the commit
	if err := takeFromOutbox(ctx, t, stored); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return err
	}
	r.engine.committed(ctx, r.Revision())
	return nil
}

func takeFromOutbox(ctx context.Context, t *sql.Tx, stored progress) error {
	_, err := t.ExecContext(ctx, `UPDATE state SET relayed_fact = $1, relayed_position = $2`, stored.relayed, stored.position)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `DELETE FROM outbox WHERE seq <= $1`, stored.relayed)
	return err
}

// WaitRelayed blocks until the log has the facts of all writes up to revision, and returns a position at which it does.
func (r *Registry) WaitRelayed(ctx context.Context, revision int64) (event.Position, error) {
	var position event.Position
	var last sql.NullInt64
	err := r.whileThere(ctx, func(ctx context.Context) error {
		return r.reader.QueryRowContext(ctx, `SELECT relayed_position, (SELECT MAX(seq) FROM outbox WHERE revision <= $1)
			FROM state`, revision).Scan(&position, &last)
	})
	if err != nil {
		return 0, fmt.Errorf("reading the outbox: %w", err)
	}
	if !last.Valid {
		return position, nil
	}
	p, err := r.await(ctx, func(p progress) bool { return p.relayed >= last.Int64 })
	return p.position, err
}

// factRow is a fact as the outbox holds it.
type factRow struct {
	fact     string
	vehicle  event.VehicleID
	customer event.CustomerID
	policy   event.Policy
}

// The names of facts in the outbox.
const (
	vehicleAdded   = "vehicle_added"
	vehiclePaused  = "vehicle_paused"
	vehicleResumed = "vehicle_resumed"
	vehicleRemoved = "vehicle_removed"
	policyChanged  = "policy_changed"
)

func rowOf(fact event.Fact) factRow {
	switch f := fact.(type) {
	case event.VehicleAdded:
		return factRow{fact: vehicleAdded, vehicle: f.Vehicle, customer: f.Customer}
	case event.VehiclePaused:
		return factRow{fact: vehiclePaused, vehicle: f.Vehicle}
	case event.VehicleResumed:
		return factRow{fact: vehicleResumed, vehicle: f.Vehicle}
	case event.VehicleRemoved:
		return factRow{fact: vehicleRemoved, vehicle: f.Vehicle}
	case event.PolicyChanged:
		return factRow{fact: policyChanged, vehicle: f.Vehicle, customer: f.Customer, policy: f.Policy}
	}
	panic(fmt.Sprintf("registry: a fact of type %T is not the registry's to tell", fact))
}

func (row factRow) decode() (event.Fact, error) {
	switch row.fact {
	case vehicleAdded:
		return event.VehicleAdded{Vehicle: row.vehicle, Customer: row.customer}, nil
	case vehiclePaused:
		return event.VehiclePaused{Vehicle: row.vehicle}, nil
	case vehicleResumed:
		return event.VehicleResumed{Vehicle: row.vehicle}, nil
	case vehicleRemoved:
		return event.VehicleRemoved{Vehicle: row.vehicle}, nil
	case policyChanged:
		return event.PolicyChanged{Vehicle: row.vehicle, Customer: row.customer, Policy: row.policy}, nil
	}
	return nil, fmt.Errorf("the outbox holds the unknown fact %q", row.fact)
}
