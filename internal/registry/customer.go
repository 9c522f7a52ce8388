package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Customer is a registered customer.
type Customer struct {
	Number  event.CustomerID // its number in the log; never used again
	ID      string           // unique, and for ever the same
	Name    string           // need not be unique
	Address string
	Policy  event.Policy // of its vehicles; zero when they follow the default
}

// CountedCustomer is a customer and how many vehicles it has.
type CountedCustomer struct {
	Customer
	Vehicles int
}

// NewCustomer is what it takes to add a customer.
type NewCustomer struct {
	ID      string // 1 to 64 of A-Z a-z 0-9 . _ - and not only dots; made up when empty
	Name    string
	Address string
	Policy  event.Policy
}

// CustomerPatch changes what is not nil.
type CustomerPatch struct {
	Name    *string
	Address *string
	Policy  *event.Policy // the zero policy takes the customer's own away
}

// CreateCustomer adds a customer. The id may be taken (ErrConflict).
func (r *Registry) CreateCustomer(ctx context.Context, n NewCustomer) (c Customer, revision int64, err error) {
	var p problems
	if n.ID != "" {
		p.customerID("id", n.ID)
	}
	c = Customer{ID: n.ID, Name: p.name(n.Name), Address: p.text("address", n.Address, MaxAddress), Policy: n.Policy}
	p.policy(n.Policy)
	if err := p.err(); err != nil {
		return Customer{}, 0, fmt.Errorf("creating customer %s: %w", quoted(n.ID), err)
	}
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) error { return t.insertCustomer(ctx, &c) })
	if err != nil {
		return Customer{}, 0, fmt.Errorf("creating customer %s: %w", quoted(n.ID), err)
	}
	return c, revision, nil
}

// Customer is the customer with this id, or ErrNotFound.
func (r *Registry) Customer(ctx context.Context, id string) (c CountedCustomer, err error) {
	if !storable(id) {
		return c, found(sql.ErrNoRows, "customer", id)
	}
	err = r.whileThere(ctx, func(ctx context.Context) error {
		c, err = scanCountedCustomer(r.reader.QueryRowContext(ctx, selectCountedCustomers+`WHERE c.id = $1`, id).Scan)
		return err
	})
	return c, found(err, "customer", id)
}

// UpdateCustomer changes a customer and returns it as it is then.
func (r *Registry) UpdateCustomer(ctx context.Context, id string, patch CustomerPatch) (c Customer, revision int64, err error) {
	var p problems
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) error {
		old, err := t.customer(ctx, id)
		if err != nil {
			return err
		}
		c = patch.apply(old, &p)
		if err := p.err(); err != nil {
			return err
		}
		return t.updateCustomer(ctx, old, c)
	})
	if err != nil {
		return Customer{}, 0, fmt.Errorf("updating customer %s: %w", quoted(id), err)
	}
	return c, revision, nil
}

func (patch CustomerPatch) apply(c Customer, p *problems) Customer {
	if patch.Name != nil {
		c.Name = p.name(*patch.Name)
	}
	if patch.Address != nil {
		c.Address = p.text("address", *patch.Address, MaxAddress)
	}
	if patch.Policy != nil {
		c.Policy = *patch.Policy
		p.policy(c.Policy)
	}
	return c
}

// DeleteCustomer removes a customer that has no vehicles; else it is ErrHasVehicles.
func (r *Registry) DeleteCustomer(ctx context.Context, id string) (revision int64, err error) {
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) error {
		c, err := t.customer(ctx, id)
		if err != nil {
			return err
		}
		var vehicles int
		err = t.QueryRowContext(ctx, `SELECT count(*) FROM vehicles WHERE customer = $1`, c.Number).Scan(&vehicles)
		if err != nil {
			return err
		}
		if vehicles > 0 {
			return &HasVehiclesError{Customer: id, Vehicles: vehicles}
		}
		return t.deleteCustomer(ctx, c)
	})
	if err != nil {
		return 0, fmt.Errorf("deleting customer %s: %w", quoted(id), err)
	}
	return revision, nil
}

// DeleteCustomerAndVehicles removes a customer with all its vehicles, and says how many these were.
func (r *Registry) DeleteCustomerAndVehicles(ctx context.Context, id string) (vehicles int, revision int64, err error) {
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) error {
		c, err := t.customer(ctx, id)
		if err != nil {
			return err
		}
		if vehicles, err = t.deleteVehiclesOf(ctx, c.Number); err != nil {
			return err
		}
		return t.deleteCustomer(ctx, c)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("deleting customer %s and its vehicles: %w", quoted(id), err)
	}
	return vehicles, revision, nil
}

// insertCustomer adds a customer, gives it its number, and an id when it has none.
func (t *tx) insertCustomer(ctx context.Context, c *Customer) error {
	c.Number = t.lastCustomer + 1
	if err := t.nameCustomer(ctx, c); err != nil {
		return err
	}
	t.lastCustomer = c.Number
	err := t.exec(ctx, `INSERT INTO customers (number, id, name, address, late_after, offline_after, name_key, search_key,
		revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, c.Number, c.ID, c.Name, c.Address,
		c.Policy.LateAfter.Milliseconds(), c.Policy.OfflineAfter.Milliseconds(), fold(c.Name), searchKey(*c), t.revision)
	if err != nil || c.Policy == (event.Policy{}) {
		return err
	}
	return t.tell(ctx, event.PolicyChanged{Customer: c.Number, Policy: c.Policy})
}

// nameCustomer makes sure that the customer's id is its own. One that is made up is short and says when the customer
// came: c17 is the 17th; where somebody took that one, it is c17-1, and so on.
func (t *tx) nameCustomer(ctx context.Context, c *Customer) error {
	made := c.ID == ""
	for i := 0; ; i++ {
		switch {
		case made && i == 0:
			c.ID = fmt.Sprintf("c%d", c.Number)
		case made:
			c.ID = fmt.Sprintf("c%d-%d", c.Number, i)
		}
		_, err := t.customer(ctx, c.ID)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil || !made {
			return conflict(err, "customer", c.ID)
		}
	}
}

// updateCustomer stores c where it differs from old, and tells the log.
func (t *tx) updateCustomer(ctx context.Context, old, c Customer) error {
	if old == c {
		return nil
	}
	if old.Name != c.Name || old.Address != c.Address {
		if err := t.rememberCustomer(ctx, c.Number); err != nil {
			return err
		}
	}
	err := t.exec(ctx, `UPDATE customers SET name = $1, address = $2, late_after = $3, offline_after = $4, name_key = $5,
		search_key = $6, revision = $7 WHERE number = $8`, c.Name, c.Address, c.Policy.LateAfter.Milliseconds(),
		c.Policy.OfflineAfter.Milliseconds(), fold(c.Name), searchKey(c), t.revision, c.Number)
	if err != nil || old.Policy == c.Policy {
		return err
	}
	return t.tell(ctx, event.PolicyChanged{Customer: c.Number, Policy: c.Policy})
}

func (t *tx) deleteCustomer(ctx context.Context, c Customer) error {
	if err := t.rememberCustomer(ctx, c.Number); err != nil {
		return err
	}
	if err := t.exec(ctx, `DELETE FROM customers WHERE number = $1`, c.Number); err != nil {
		return err
	}
	err := t.exec(ctx, `INSERT INTO removed_customers (number, revision) VALUES ($1, $2)`, c.Number, t.revision)
	if err != nil || c.Policy == (event.Policy{}) {
		return err
	}
	return t.tell(ctx, event.PolicyChanged{Customer: c.Number})
}

func (t *tx) deleteVehiclesOf(ctx context.Context, customer event.CustomerID) (n int, err error) {
	facts, err := t.removals(ctx, customer)
	if err != nil || len(facts) == 0 {
		return 0, err
	}
	if err := t.rememberVehiclesOf(ctx, customer, len(facts)); err != nil {
		return 0, err
	}
	err = t.exec(ctx, `INSERT INTO removed_vehicles (number, revision)
		SELECT number, CAST($1 AS BIGINT) FROM vehicles WHERE customer = $2`, t.revision, customer)
	if err != nil {
		return 0, err
	}
	if err := t.exec(ctx, `DELETE FROM vehicles WHERE customer = $1`, customer); err != nil {
		return 0, err
	}
	return len(facts), t.tell(ctx, facts...)
}

// removals are the facts that say that a customer's vehicles are no more.
func (t *tx) removals(ctx context.Context, customer event.CustomerID) (facts []event.Fact, err error) {
	rows, err := t.QueryContext(ctx, `SELECT number FROM vehicles WHERE customer = $1 ORDER BY number`, customer)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v event.VehicleID
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		facts = append(facts, event.VehicleRemoved{Vehicle: v})
	}
	return facts, rows.Err()
}

const selectCustomers = `SELECT c.number, c.id, c.name, c.address, c.late_after, c.offline_after FROM customers c `

func (t *tx) customer(ctx context.Context, id string) (Customer, error) {
	if !storable(id) {
		return Customer{}, found(sql.ErrNoRows, "customer", id)
	}
	c, err := scanCustomer(t.QueryRowContext(ctx, selectCustomers+`WHERE c.id = $1`, id).Scan)
	return c, found(err, "customer", id)
}

// scanCustomer reads a row of selectCustomers.
func scanCustomer(scan func(...any) error) (c Customer, err error) {
	var late, offline int64
	err = scan(&c.Number, &c.ID, &c.Name, &c.Address, &late, &offline)
	c.Policy = policyOf(late, offline)
	return c, err
}
