package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// CustomerQuery asks for a page of customers. The zero query asks for the first page of all.
type CustomerQuery struct {
	Text   string // part of name or address; case and diacritics do not matter
	Limit  int    // customers on the page, 1 to 1,000; 0 means 50
	Cursor string // NextCursor of the page before; empty for the first
}

func customerPath(id string) string { return "/v1/customers/" + url.PathEscape(id) }

// Customers is the page of customers that q asks for, by name.
func (c *Client) Customers(ctx context.Context, q CustomerQuery) (page CustomerPage, err error) {
	v := url.Values{}
	set(v, "q", q.Text)
	set(v, "cursor", q.Cursor)
	setNumber(v, "limit", uint64(q.Limit))
	err = c.call(ctx, http.MethodGet, "/v1/customers", v, nil, &page)
	return page, err
}

// Customer is one customer.
func (c *Client) Customer(ctx context.Context, id string) (customer Customer, err error) {
	err = c.call(ctx, http.MethodGet, customerPath(id), nil, nil, &customer)
	return customer, err
}

// CreateCustomer adds a customer.
func (c *Client) CreateCustomer(ctx context.Context, n NewCustomer) (customer Customer, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/customers", nil, n, &customer)
	return customer, err
}

// UpdateCustomer changes what patch names.
func (c *Client) UpdateCustomer(ctx context.Context, id string, patch CustomerPatch) (customer Customer, err error) {
	err = c.call(ctx, http.MethodPatch, customerPath(id), nil, patch, &customer)
	return customer, err
}

// DeleteCustomer removes a customer, together with its vehicles when withVehicles says so. Otherwise a customer that has
// vehicles is a *Problem with status 409.
func (c *Client) DeleteCustomer(ctx context.Context, id string, withVehicles bool) error {
	v := url.Values{}
	if withVehicles {
		v.Set("vehicles", "true")
	}
	return c.call(ctx, http.MethodDelete, customerPath(id), v, nil, nil)
}

// Policy is the default policy.
func (c *Client) Policy(ctx context.Context) (policy Policy, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/policy", nil, nil, &policy)
	return policy, err
}

// SetPolicy sets the default policy.
func (c *Client) SetPolicy(ctx context.Context, p Policy) (policy Policy, err error) {
	err = c.call(ctx, http.MethodPut, "/v1/policy", nil, p, &policy)
	return policy, err
}

// ImportOptions say how an import treats lines that are wrong. By default one wrong line keeps all from being written.
type ImportOptions struct {
	Partial bool // write the lines that are right
	DryRun  bool // write nothing, and say what would happen
}

// Import adds and changes the vehicles and customers of a CSV file. Wrong lines are not an error: the result lists them.
func (c *Client) Import(ctx context.Context, csv io.Reader, options ImportOptions) (result ImportResult, err error) {
	v := url.Values{}
	if options.Partial {
		v.Set("partial", "true")
	}
	if options.DryRun {
		v.Set("dry_run", "true")
	}
	header := http.Header{"Content-Type": {"text/csv"}}
	answer, err := c.send(ctx, http.MethodPost, "/v1/import", v, header, csv)
	if err != nil {
		return ImportResult{}, err
	}
	return result, decode(answer, &result)
}

// Export writes all vehicles and customers as CSV. What it writes imports again unchanged.
func (c *Client) Export(ctx context.Context, w io.Writer) error {
	answer, err := c.send(ctx, http.MethodGet, "/v1/export", nil, http.Header{}, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("reading the export: %w", err)
	}
	return nil
}
