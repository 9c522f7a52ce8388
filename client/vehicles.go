package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// VehicleQuery asks for a page of vehicles. The zero query asks for the first page of all, by VIN.
type VehicleQuery struct {
	Text        string     // part of VIN, registration number, customer's name or address; case and diacritics do not matter
	Customers   []string   // ids; any of them; none means all
	Presence    []Presence // any of them; none means all
	Tags        []string   // all of them
	VINs        []string   // these vehicles alone, at most 200; none means all
	Sort        string     // vin, registration_number, customer, last_heartbeat_at or since; a leading - turns it round
	Limit       int        // vehicles on the page, 1 to 1,000; 0 means 50
	Cursor      string     // NextCursor of the page before; empty for the first
	Offset      int        // vehicles left out before the first, up to 1,000,000; not with a cursor
	NoFacets    bool       // leave out the facets by customer and tag, which are the dearest part of a page
	At          Time       // the fleet as it was then; zero means now
	MinPosition uint64     // the page shows at least this log position; the server waits up to 5 s for it
}

func (q VehicleQuery) values() url.Values {
	v := url.Values{}
	set(v, "q", q.Text)
	set(v, "sort", q.Sort)
	set(v, "cursor", q.Cursor)
	setNumber(v, "limit", uint64(q.Limit))
	setNumber(v, "offset", uint64(q.Offset))
	setNumber(v, "min_position", q.MinPosition)
	setTime(v, "at", q.At)
	if q.NoFacets {
		v.Set("facets", "false")
	}
	for _, customer := range q.Customers {
		v.Add("customer", customer)
	}
	for _, presence := range q.Presence {
		v.Add("presence", string(presence))
	}
	for _, tag := range q.Tags {
		v.Add("tag", tag)
	}
	for _, vin := range q.VINs {
		v.Add("vin", vin)
	}
	return v
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setTime(v url.Values, name string, t Time) {
	if !t.IsZero() {
		v.Set(name, t.String())
	}
}

func setNumber(v url.Values, name string, value uint64) {
	if value != 0 {
		v.Set(name, strconv.FormatUint(value, 10))
	}
}

func vehiclePath(vin string) string { return "/v1/vehicles/" + url.PathEscape(vin) }

// Vehicles is the page of vehicles that q asks for.
func (c *Client) Vehicles(ctx context.Context, q VehicleQuery) (page VehiclePage, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/vehicles", q.values(), nil, &page)
	return page, err
}

// Vehicle is one vehicle.
func (c *Client) Vehicle(ctx context.Context, vin string) (vehicle Vehicle, err error) {
	err = c.call(ctx, http.MethodGet, vehiclePath(vin), nil, nil, &vehicle)
	return vehicle, err
}

// CreateVehicle adds a vehicle. Its heartbeats are accepted from the moment of the answer.
func (c *Client) CreateVehicle(ctx context.Context, v NewVehicle) (vehicle Vehicle, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/vehicles", nil, v, &vehicle)
	return vehicle, err
}

// UpdateVehicle changes what patch names.
func (c *Client) UpdateVehicle(ctx context.Context, vin string, patch VehiclePatch) (vehicle Vehicle, err error) {
	err = c.call(ctx, http.MethodPatch, vehiclePath(vin), nil, patch, &vehicle)
	return vehicle, err
}

// DeleteVehicle removes a vehicle. Its heartbeats are refused from then on.
func (c *Client) DeleteVehicle(ctx context.Context, vin string) error {
	return c.call(ctx, http.MethodDelete, vehiclePath(vin), nil, nil, nil)
}

// EraseVehicle removes a vehicle as DeleteVehicle does, and its VIN and registration number from all files of the server. It
// may be called again, and for a vehicle that was removed before.
func (c *Client) EraseVehicle(ctx context.Context, vin string) error {
	return c.call(ctx, http.MethodDelete, vehiclePath(vin), url.Values{"erase": {"true"}}, nil, nil)
}

// PauseVehicle stops watching a vehicle for a while.
func (c *Client) PauseVehicle(ctx context.Context, vin string) (vehicle Vehicle, err error) {
	err = c.call(ctx, http.MethodPost, vehiclePath(vin)+"/pause", nil, nil, &vehicle)
	return vehicle, err
}

// ResumeVehicle ends a pause.
func (c *Client) ResumeVehicle(ctx context.Context, vin string) (vehicle Vehicle, err error) {
	err = c.call(ctx, http.MethodPost, vehiclePath(vin)+"/resume", nil, nil, &vehicle)
	return vehicle, err
}
