package registry

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// CustomerQuery asks for a page of customers. The zero query asks for the first page of all.
type CustomerQuery struct {
	Search string // part of name, address or id, in any case, accents or not
	Limit  int    // customers on the page, at most 1,000; 0 means 50
	Cursor string // NextCursor of the page before
}

// CustomerPage is a page of customers, by name.
type CustomerPage struct {
	Items      []CountedCustomer
	Total      int    // how many match in all
	NextCursor string // empty on the last page
}

// Limits of a page of customers.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// Customers is the page of customers that q asks for. A page follows the one before even when customers came and went
// in between: none is shown twice, and none that stayed is left out.
func (r *Registry) Customers(ctx context.Context, q CustomerQuery) (page CustomerPage, err error) {
	after, err := q.check()
	if err != nil {
		return page, fmt.Errorf("listing customers: %w", err)
	}
	like := "%" + likeEscaper.Replace(fold(strings.TrimSpace(q.Search))) + "%"
	err = r.read(ctx, func(ctx context.Context, t *sql.Tx) (err error) { // total and items of the same moment
		if page.Total, err = countCustomers(ctx, t, like); err != nil {
			return err
		}
		page.Items, err = listCustomers(ctx, t, like, after, q.Limit+1)
		return err
	})
	if err != nil {
		return CustomerPage{}, fmt.Errorf("listing customers: %w", err)
	}
	if len(page.Items) > q.Limit {
		page.Items = page.Items[:q.Limit]
		last := page.Items[q.Limit-1]
		page.NextCursor = place{nameKey: fold(last.Name), number: last.Number}.cursor()
	}
	return page, nil
}

// check fills in the default and reads the cursor.
func (q *CustomerQuery) check() (after place, err error) {
	var p problems
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	if q.Limit < 1 || q.Limit > MaxLimit {
		p.add("limit", "is not between 1 and %d", MaxLimit)
	}
	q.Search = p.text("q", q.Search, MaxName)
	if after, err = parseCursor(q.Cursor); err != nil {
		p.add("cursor", "is not one that a page gave")
	}
	return after, p.err()
}

func countCustomers(ctx context.Context, q querier, like string) (n int, err error) {
	err = q.QueryRowContext(ctx, `SELECT count(*) FROM customers c WHERE c.search_key LIKE $1 ESCAPE '\'`, like).Scan(&n)
	return n, err
}

const selectCountedCustomers = `SELECT c.number, c.id, c.name, c.address, c.late_after, c.offline_after,
	(SELECT count(*) FROM vehicles v WHERE v.customer = c.number) FROM customers c `

func listCustomers(ctx context.Context, q querier, like string, after place, limit int) ([]CountedCustomer, error) {
	rows, err := q.QueryContext(ctx, selectCountedCustomers+`WHERE c.search_key LIKE $1 ESCAPE '\'
		AND (c.name_key, c.number) > ($2, $3) ORDER BY c.name_key, c.number LIMIT $4`, like, after.nameKey, after.number, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	items := []CountedCustomer{}
	for rows.Next() {
		c, err := scanCountedCustomer(rows.Scan)
		if err != nil {
			return nil, err
		}
		items = append(items, c)
	}
	return items, rows.Err()
}

// scanCountedCustomer reads a row of selectCountedCustomers.
func scanCountedCustomer(scan func(...any) error) (c CountedCustomer, err error) {
	c.Customer, err = scanCustomer(func(dest ...any) error { return scan(append(dest, &c.Vehicles)...) })
	return c, err
}

// searchKey is the text in which a search for a customer looks.
func searchKey(c Customer) string { return fold(c.Name + "\n" + c.Address + "\n" + c.ID) }

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// place is where a customer stands in the order of the list.
type place struct {
	nameKey string
	number  event.CustomerID
}

func (p place) cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", p.number, p.nameKey))
}

func parseCursor(cursor string) (place, error) {
	if cursor == "" {
		return place{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return place{}, err
	}
	number, nameKey, ok := strings.Cut(string(text), " ")
	n, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil || !storable(nameKey) {
		return place{}, errors.New("malformed")
	}
	return place{nameKey: nameKey, number: event.CustomerID(n)}, nil
}
