package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Summary is the fleet in one glance.
func (c *Client) Summary(ctx context.Context) (summary Summary, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/summary", nil, nil, &summary)
	return summary, err
}

// TransitionQuery asks for transitions: recent ones, or with From or Until those of any time. The zero query asks for the
// newest of all vehicles.
type TransitionQuery struct {
	Vehicle   string     // VIN; empty means all
	Customers []string   // ids; any of them; none means all
	To        []Presence // any of them; none means all
	Since     uint64     // only those that came after this log position; of recent ones
	From      Time       // of any time: from this moment on
	Until     Time       // of any time: before this moment
	Limit     int        // transitions on the page, 1 to 1,000; 0 means 50
	Cursor    string     // NextCursor of the page before; empty for the newest
}

// Transitions is a page of recent transitions, newest first.
func (c *Client) Transitions(ctx context.Context, q TransitionQuery) (page TransitionPage, err error) {
	v := url.Values{}
	set(v, "vehicle", q.Vehicle)
	set(v, "cursor", q.Cursor)
	setNumber(v, "limit", uint64(q.Limit))
	setNumber(v, "since", q.Since)
	setTime(v, "from", q.From)
	setTime(v, "until", q.Until)
	for _, customer := range q.Customers {
		v.Add("customer", customer)
	}
	for _, presence := range q.To {
		v.Add("to", string(presence))
	}
	err = c.call(ctx, http.MethodGet, "/v1/transitions", v, nil, &page)
	return page, err
}

// Gaps lists the recent times in which the server cannot prove that it was listening, newest first.
func (c *Client) Gaps(ctx context.Context) (gaps GapList, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/gaps", nil, nil, &gaps)
	return gaps, err
}

// Unregistered is a page of the vehicles that were heard and are not registered, newest first. The first page has an
// empty cursor; a limit of 0 means 100.
func (c *Client) Unregistered(ctx context.Context, cursor string, limit int) (page UnregisteredPage, err error) {
	v := url.Values{}
	set(v, "cursor", cursor)
	setNumber(v, "limit", uint64(limit))
	err = c.call(ctx, http.MethodGet, "/v1/unregistered", v, nil, &page)
	return page, err
}

// SearchQuery is the query of the original contract. The zero query asks for all vehicles.
type SearchQuery struct {
	CustomerName string // part of it, in any case
	Online       *bool  // nil means both
}

// Search calls the original contract's search.
func (c *Client) Search(ctx context.Context, q SearchQuery) (vehicles []SearchVehicle, err error) {
	v := url.Values{}
	set(v, "customer_name", q.CustomerName)
	if q.Online != nil {
		v.Set("online", strconv.FormatBool(*q.Online))
	}
	err = c.call(ctx, http.MethodGet, "/search", v, nil, &vehicles)
	return vehicles, err
}
