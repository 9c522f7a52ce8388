package registry

import (
	"context"
	"strings"
)

// importCustomers finds and creates the customers that the lines of an import name.
type importCustomers struct {
	tx      *tx
	created int
	byID    map[string]Customer // those met so far
	byName  map[string]Customer // those met so far that are the only ones of their name
}

func newImportCustomers(t *tx) *importCustomers {
	return &importCustomers{tx: t, byID: make(map[string]Customer), byName: make(map[string]Customer)}
}

// resolve is the customer that a line means. That there is no such one, and that it cannot be created, is a problem of
// the line.
func (cs *importCustomers) resolve(ctx context.Context, said Customer, p *problems) (c Customer, err error) {
	if said.ID != "" {
		c, err = cs.find(ctx, cs.byID, said.ID, `WHERE c.id = $1`, p)
	} else {
		c, err = cs.find(ctx, cs.byName, said.Name, `WHERE c.name = $1 LIMIT 2`, p)
	}
	if err != nil || len(*p) > 0 {
		return c, err
	}
	if c.Number == 0 {
		return cs.create(ctx, said, p)
	}
	if said.Name != "" && said.Name != c.Name {
		p.add("customer_name", "differs from that of customer %s, which is %q", c.ID, c.Name)
	}
	if said.Address != "" && said.Address != c.Address {
		p.add("customer_address", "differs from that of customer %s, which is %q", c.ID, c.Address)
	}
	return c, nil
}

// find looks among those met, then in the registry. The zero Customer is none.
func (cs *importCustomers) find(ctx context.Context, met map[string]Customer, key, where string, p *problems) (Customer, error) {
	if c, ok := met[key]; ok {
		return c, nil
	}
	rows, err := cs.tx.QueryContext(ctx, selectCustomers+where, key)
	if err != nil {
		return Customer{}, err
	}
	defer rows.Close()
	var found []Customer
	for rows.Next() {
		c, err := scanCustomer(rows.Scan)
		if err != nil {
			return Customer{}, err
		}
		found = append(found, c)
	}
	switch len(found) {
	case 0:
		return Customer{}, rows.Err()
	case 1:
		met[strings.Clone(key)] = found[0] // the key alone, not the line that it is part of
		return found[0], rows.Err()
	}
	p.add("customer_name", "is that of several customers; give the customer_id")
	return Customer{}, rows.Err()
}

func (cs *importCustomers) create(ctx context.Context, c Customer, p *problems) (Customer, error) {
	if c.Name == "" {
		p.add("customer_id", "%s is not registered, and there is no customer_name to create it", quoted(c.ID))
		return c, nil
	}
	if err := cs.tx.insertCustomer(ctx, &c); err != nil {
		return c, err
	}
	cs.created++
	delete(cs.byName, c.Name) // it may not be the only one of its name any more
	return c, nil
}
