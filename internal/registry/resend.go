package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Resend puts everything into the outbox again that the log should know of the registry, after whatever waits there
// already: for a log that lost batches to damage. Facts bear being told twice, so that a log that lost nothing is not
// changed by it. It gives the revision whose relaying means that the log knows all.
//
// Up to three facts for each vehicle wait afterwards; it does not ask whether that is more than Config.MaxOutbox.
func (r *Registry) Resend(ctx context.Context) (revision int64, err error) {
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) error {
		waited := t.lastFact - t.relayedFact
		if err := t.exec(ctx, resendFacts, t.lastFact, t.revision, policyChanged, vehicleAdded, vehiclePaused, vehicleResumed, vehicleRemoved); err != nil {
			return err
		}
		if err := t.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM outbox`).Scan(&t.lastFact); err != nil {
			return err
		}
		t.mayWait = t.lastFact - t.relayedFact - waited
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("telling the log everything again: %w", err)
	}
	return revision, nil
}

// resendFacts tells the default policy, the customers', then of each vehicle that it is watched, its policy or that it
// has none, and whether it is paused, and last which vehicles are gone.
const resendFacts = `
INSERT INTO outbox (seq, revision, fact, vehicle, customer, late_after, offline_after)
SELECT CAST($1 AS BIGINT) + ROW_NUMBER() OVER (ORDER BY step, vehicle, customer), CAST($2 AS BIGINT), fact, vehicle, customer, late_after, offline_after FROM (
    SELECT 1 AS step, CAST($3 AS TEXT) AS fact, 0 AS vehicle, 0 AS customer, late_after, offline_after FROM state
    UNION ALL SELECT 2, $3, 0, number, late_after, offline_after FROM customers
    UNION ALL SELECT 3, $4, number, customer, 0, 0 FROM vehicles
    UNION ALL SELECT 4, $3, number, 0, late_after, offline_after FROM vehicles
    UNION ALL SELECT 5, CASE paused WHEN 0 THEN $6 ELSE $5 END, number, 0, 0, 0 FROM vehicles
    UNION ALL SELECT 6, $7, number, 0, 0, 0 FROM removed_vehicles
) AS facts`

// tellAgain puts into the outbox how things are now with what some facts were about.
func (r *Registry) tellAgain(ctx context.Context, facts []event.Fact) error {
	_, err := r.write(ctx, func(ctx context.Context, t *tx) error {
		known := map[event.Fact]bool{}
		var news []event.Fact
		for _, fact := range facts {
			about := subjectOf(fact)
			if known[about] {
				continue
			}
			known[about] = true
			now, err := t.factsAbout(ctx, about)
			if err != nil {
				return err
			}
			news = append(news, now...)
		}
		t.mayWait = int64(len(news))
		return t.tell(ctx, news...)
	})
	if err != nil {
		return fmt.Errorf("telling the log again of %d facts: %w", len(facts), err)
	}
	return nil
}

// subjectOf is what a fact is about: a vehicle, or as a change of policy a customer or all.
func subjectOf(fact event.Fact) event.Fact {
	row := rowOf(fact)
	if row.vehicle != 0 {
		return event.VehicleRemoved{Vehicle: row.vehicle}
	}
	return event.PolicyChanged{Customer: row.customer}
}

// factsAbout say how things are with a subject.
func (t *tx) factsAbout(ctx context.Context, subject event.Fact) ([]event.Fact, error) {
	switch about := subject.(type) {
	case event.VehicleRemoved:
		v := Vehicle{Number: about.Vehicle}
		var late, offline, paused int64
		err := t.QueryRowContext(ctx, `SELECT customer, late_after, offline_after, paused FROM vehicles WHERE number = $1`, v.Number).
			Scan(&v.Customer, &late, &offline, &paused)
		if errors.Is(err, sql.ErrNoRows) {
			return []event.Fact{about}, nil
		}
		facts := []event.Fact{
			event.VehicleAdded{Vehicle: v.Number, Customer: v.Customer},
			event.PolicyChanged{Vehicle: v.Number, Policy: policyOf(late, offline)},
		}
		if paused != 0 {
			return append(facts, event.VehiclePaused{Vehicle: v.Number}), err
		}
		return append(facts, event.VehicleResumed{Vehicle: v.Number}), err
	case event.PolicyChanged:
		if about.Customer == 0 {
			return []event.Fact{event.PolicyChanged{Policy: t.policy}}, nil
		}
		var late, offline int64
		err := t.QueryRowContext(ctx, `SELECT late_after, offline_after FROM customers WHERE number = $1`, about.Customer).Scan(&late, &offline)
		if errors.Is(err, sql.ErrNoRows) {
			return []event.Fact{about}, nil
		}
		about.Policy = policyOf(late, offline)
		return []event.Fact{about}, err
	}
	panic(fmt.Sprintf("registry: nothing is about a %T", subject))
}
