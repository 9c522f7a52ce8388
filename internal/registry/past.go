package registry

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Past is the directory of a moment, as it differs from that of Revision and any later one: customers and vehicles with
// numbers up to the last ones that are not listed are as they are now.
type Past struct {
	Revision     int64
	LastCustomer event.CustomerID // higher numbers were not given yet
	LastVehicle  event.VehicleID
	Customers    []Customer // as they were, each once; those removed since are among them. Without policies
	Vehicles     []Vehicle  // likewise; without CustomerID, policies and pauses
}

// Past is the directory of a moment: every write up to and with it is in it, and none after. Writes take their moments
// from Config.Now when they are committed. Before the oldest moment that is kept, it is the directory of that one.
func (r *Registry) Past(ctx context.Context, at event.Time) (p Past, err error) {
	err = r.read(ctx, func(ctx context.Context, t *sql.Tx) (err error) { // all of one state, whatever is written meanwhile
		p, err = readPast(ctx, t, max(at, 0))
		return err
	})
	if err != nil {
		return Past{}, fmt.Errorf("reading the past: %w", err)
	}
	return p, nil
}

func readPast(ctx context.Context, t *sql.Tx, at event.Time) (p Past, err error) {
	var written int64
	err = t.QueryRowContext(ctx, `SELECT revision, m.last_customer, m.last_vehicle, m.last_past FROM state, moments m
		WHERE m.at <= $1 ORDER BY m.at DESC LIMIT 1`, at).Scan(&p.Revision, &p.LastCustomer, &p.LastVehicle, &written)
	if err != nil {
		return p, err
	}
	if err := p.readCustomers(ctx, t, written); err != nil {
		return p, err
	}
	return p, p.readVehicles(ctx, t, written)
}

// readCustomers reads what customers were at the moment by which so many past rows were written: of each, the first
// that was written afterwards.
func (p *Past) readCustomers(ctx context.Context, t *sql.Tx, written int64) error {
	rows, err := t.QueryContext(ctx, `SELECT number, id, name, address FROM past_customers
		WHERE seq > $1 AND number <= $2 ORDER BY seq`, written, p.LastCustomer)
	if err != nil {
		return err
	}
	defer rows.Close()
	known := make(map[event.CustomerID]bool)
	for rows.Next() {
		var c Customer
		if err := rows.Scan(&c.Number, &c.ID, &c.Name, &c.Address); err != nil {
			return err
		}
		if !known[c.Number] {
			known[c.Number] = true
			p.Customers = append(p.Customers, c)
		}
	}
	return rows.Err()
}

// readVehicles does the same for vehicles, each row read as one text, as by selectVehicles.
func (p *Past) readVehicles(ctx context.Context, t *sql.Tx, written int64) error {
	rows, err := t.QueryContext(ctx, "SELECT concat_ws('\n', number, vin, registration_number, customer, tags) FROM past_vehicles "+
		"WHERE seq > $1 AND number <= $2 ORDER BY seq", written, p.LastVehicle)
	if err != nil {
		return err
	}
	defer rows.Close()
	known := make(map[event.VehicleID]bool)
	for rows.Next() {
		var row lines
		if err := rows.Scan(&row.rest); err != nil {
			return err
		}
		v := Vehicle{Number: event.VehicleID(row.number())}
		if known[v.Number] {
			continue
		}
		known[v.Number] = true
		v.VIN, v.RegistrationNumber = row.text(), row.text()
		v.Customer = event.CustomerID(row.number())
		v.Tags = splitTags(row.text())
		if row.err != nil {
			return row.err
		}
		p.Vehicles = append(p.Vehicles, v)
	}
	return rows.Err()
}

// rememberCustomer keeps what a customer is until this write.
func (t *tx) rememberCustomer(ctx context.Context, c event.CustomerID) error {
	t.lastPast++
	return t.exec(ctx, `INSERT INTO past_customers (seq, number, id, name, address)
		SELECT CAST($1 AS BIGINT), number, id, name, address FROM customers WHERE number = $2`, t.lastPast, c)
}

// rememberVehicle keeps what a vehicle is until this write.
func (t *tx) rememberVehicle(ctx context.Context, v event.VehicleID) error {
	t.lastPast++
	return t.exec(ctx, `INSERT INTO past_vehicles (seq, number, vin, registration_number, customer, tags)
		SELECT CAST($1 AS BIGINT), number, vin, registration_number, customer, tags FROM vehicles WHERE number = $2`, t.lastPast, v)
}

// rememberVehicles does the same for many, named by their numbers.
func (t *tx) rememberVehicles(ctx context.Context, numbers []any) error {
	if len(numbers) == 0 {
		return nil
	}
	before := t.lastPast
	t.lastPast += int64(len(numbers))
	_, err := t.ExecContext(ctx, `INSERT INTO past_vehicles (seq, number, vin, registration_number, customer, tags)
		SELECT `+strconv.FormatInt(before, 10)+` + ROW_NUMBER() OVER (ORDER BY number), number, vin, registration_number, customer, tags
		FROM vehicles WHERE number IN `+t.engine.placeholders(1, len(numbers)), numbers...)
	return err
}

// rememberVehiclesOf keeps what a customer's vehicles, of which there are n, are until this write.
func (t *tx) rememberVehiclesOf(ctx context.Context, c event.CustomerID, n int) error {
	before := t.lastPast
	t.lastPast += int64(n)
	return t.exec(ctx, `INSERT INTO past_vehicles (seq, number, vin, registration_number, customer, tags)
		SELECT CAST($1 AS BIGINT) + ROW_NUMBER() OVER (ORDER BY number), number, vin, registration_number, customer, tags
		FROM vehicles WHERE customer = $2`, before, c)
}

// past says how far the past is written, and how far it was forgotten.
type past struct {
	firstPast int64      // the last past row that was forgotten
	lastPast  int64      // the last that was written
	marked    event.Time // the newest moment
}

func loadPast(ctx context.Context, q querier) (p past, err error) {
	err = q.QueryRowContext(ctx, `SELECT a.last_past, b.last_past, b.at FROM
		(SELECT last_past FROM moments ORDER BY at LIMIT 1) a, (SELECT at, last_past FROM moments ORDER BY at DESC LIMIT 1) b`).
		Scan(&p.firstPast, &p.lastPast, &p.marked)
	return p, err
}

// mark notes the moment of a write that changed the directory. It comes last before the commit: who asks for the
// directory of an earlier moment is not shown the write, and was not.
func (t *tx) mark(ctx context.Context, now func() event.Time, maxPast int64) error {
	if t.lastPast == t.began.lastPast && t.lastCustomer == t.began.lastCustomer && t.lastVehicle == t.began.lastVehicle {
		return nil
	}
	t.marked = max(now(), t.marked)
	err := t.exec(ctx, `INSERT INTO moments (at, last_customer, last_vehicle, last_past) VALUES ($1, $2, $3, $4)
		ON CONFLICT (at) DO UPDATE SET last_customer = excluded.last_customer, last_vehicle = excluded.last_vehicle,
		last_past = excluded.last_past`, t.marked, t.lastCustomer, t.lastVehicle, t.lastPast)
	if err != nil || t.lastPast-t.firstPast <= maxPast {
		return err
	}
	return t.forgetUntil(ctx, `last_past >= $1 ORDER BY at`, t.lastPast-maxPast)
}

// forgetUntil makes the first of some moments the oldest that is kept.
func (t *tx) forgetUntil(ctx context.Context, which string, arg any) error {
	var at event.Time
	err := t.QueryRowContext(ctx, `SELECT at, last_past FROM moments WHERE `+which+` LIMIT 1`, arg).Scan(&at, &t.firstPast)
	if err != nil || at == 0 {
		return err
	}
	for _, forget := range []string{
		`DELETE FROM past_customers WHERE seq <= (SELECT last_past FROM moments WHERE at = $1)`,
		`DELETE FROM past_vehicles WHERE seq <= (SELECT last_past FROM moments WHERE at = $1)`,
		`DELETE FROM moments WHERE at < $1`,
		`UPDATE moments SET at = 0 WHERE at = $1`,
	} {
		if err := t.exec(ctx, forget, at); err != nil {
			return err
		}
	}
	return nil
}

// ForgetPast drops what only the directories of moments before one are made of.
func (r *Registry) ForgetPast(ctx context.Context, before event.Time) error {
	_, err := r.write(ctx, func(ctx context.Context, t *tx) error {
		return t.forgetUntil(ctx, `at <= $1 ORDER BY at DESC`, max(before, 0))
	})
	if err != nil {
		return fmt.Errorf("forgetting the past before %v: %w", before, err)
	}
	return nil
}

// EraseVehicle drops what is kept of the past of vehicles that had this VIN. One that has it now must be removed first.
func (r *Registry) EraseVehicle(ctx context.Context, vin string) error {
	_, err := r.write(ctx, func(ctx context.Context, t *tx) error {
		var some bool
		if !storable(vin) {
			return nil
		}
		err := t.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM past_vehicles WHERE vin = $1)`, vin).Scan(&some)
		if err != nil || !some {
			return err
		}
		return t.exec(ctx, `DELETE FROM past_vehicles WHERE vin = $1`, vin)
	})
	if err != nil {
		return fmt.Errorf("erasing the past of vehicle %s: %w", quoted(vin), err)
	}
	return nil
}
