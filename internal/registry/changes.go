package registry

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Changes is a part of what changed: the customers and vehicles that are new or differ, as they are now, and the
// numbers of those that are gone.
type Changes struct {
	// Revision that a mirror is at once it has applied this part. It stays where the reading began until the last part:
	// only all parts together are the registry of one moment.
	Revision         int64
	RemovedVehicles  []event.VehicleID
	Customers        []Customer
	Vehicles         []Vehicle
	RemovedCustomers []event.CustomerID
}

// maxChanges is the number of entries at which a part is handed over.
const maxChanges = 4096

func (c *Changes) len() int {
	return len(c.RemovedVehicles) + len(c.Customers) + len(c.Vehicles) + len(c.RemovedCustomers)
}

// Changes hands to fn, part by part, how the registry of this moment differs from what it was at revision since; 0 is
// the empty registry before all. The parts come in an order in which a mirror can apply them one by one: vehicles that
// are gone first (their VINs may be registered anew), then customers, then vehicles, whose customers are known by then,
// then customers that are gone, which no vehicle names any more. A mirror may know nothing of what is said to be gone.
// When nothing has changed, fn is not called.
//
// A part and its slices are fn's until it returns; an error from fn ends the reading and is returned.
func (r *Registry) Changes(ctx context.Context, since int64, fn func(Changes) error) error {
	err := r.read(ctx, func(ctx context.Context, t *sql.Tx) error { return changes(ctx, t, since, fn) }) // all of one moment, whatever is written meanwhile
	if err != nil {
		return fmt.Errorf("reading changes since revision %d: %w", since, err)
	}
	return nil
}

func changes(ctx context.Context, t *sql.Tx, since int64, fn func(Changes) error) error {
	p, err := loadProgress(ctx, t)
	if err != nil || p.revision <= since {
		return err
	}
	f := feed{tx: t, since: since, fn: fn, part: Changes{Revision: since}}
	reads := []func(context.Context) error{f.removedVehicles, f.customers, f.vehicles, f.removedCustomers}
	if since == 0 {
		reads = reads[1:3] // an empty mirror has nothing to lose
	}
	for _, read := range reads {
		if err := read(ctx); err != nil {
			return err
		}
	}
	f.part.Revision = p.revision
	return fn(f.part)
}

// feed is one reading of the changes.
type feed struct {
	tx    *sql.Tx
	since int64
	fn    func(Changes) error
	part  Changes // what is read and not yet handed over
}

func (f *feed) removedVehicles(ctx context.Context) error {
	return f.read(ctx, `SELECT number FROM removed_vehicles`, `revision`, func(rows *sql.Rows) error {
		var v event.VehicleID
		err := rows.Scan(&v)
		f.part.RemovedVehicles = append(f.part.RemovedVehicles, v)
		return err
	})
}

func (f *feed) customers(ctx context.Context) error {
	return f.read(ctx, selectCustomers, `c.revision`, func(rows *sql.Rows) error {
		c, err := scanCustomer(rows.Scan)
		f.part.Customers = append(f.part.Customers, c)
		return err
	})
}

func (f *feed) vehicles(ctx context.Context) error {
	return f.read(ctx, selectVehicles, `v.revision`, func(rows *sql.Rows) error {
		v, err := scanVehicle(rows.Scan)
		f.part.Vehicles = append(f.part.Vehicles, v)
		return err
	})
}

func (f *feed) removedCustomers(ctx context.Context) error {
	return f.read(ctx, `SELECT number FROM removed_customers`, `revision`, func(rows *sql.Rows) error {
		var c event.CustomerID
		err := rows.Scan(&c)
		f.part.RemovedCustomers = append(f.part.RemovedCustomers, c)
		return err
	})
}

// read takes in the rows that changed, and hands a part over whenever it is full.
func (f *feed) read(ctx context.Context, query, revision string, take func(*sql.Rows) error) error {
	var args []any
	if f.since > 0 { // from the beginning, the table itself is read, which is faster than by the index of revisions
		query += ` WHERE ` + revision + ` > $1`
		args = append(args, f.since)
	}
	rows, err := f.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
		if f.part.len() < maxChanges {
			continue
		}
		if err := f.fn(f.part); err != nil {
			return err
		}
		f.part.clear()
	}
	return rows.Err()
}

// clear empties the part for the next, in the same memory.
func (c *Changes) clear() {
	c.RemovedVehicles, c.Customers = c.RemovedVehicles[:0], c.Customers[:0]
	c.Vehicles, c.RemovedCustomers = c.Vehicles[:0], c.RemovedCustomers[:0]
}
