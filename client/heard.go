package client

import (
	"context"
	"net/http"
	"net/url"
)

// Heartbeat is a heartbeat as the log has it.
type Heartbeat struct {
	ID         string `json:"id" doc:"As the vehicle was told when it sent it"`
	Position   uint64 `json:"position" doc:"Its place in the log"`
	ReceivedAt Time   `json:"received_at" nullable:"false" doc:"By the server's clock"`
	SentAt     Time   `json:"sent_at" doc:"By the vehicle's clock; null when it did not say"`
	Sequence   *int64 `json:"sequence" doc:"The vehicle's own number; null when it gave none"`
	Repeat     bool   `json:"repeat" doc:"Its sequence number came before"`
	Buffered   bool   `json:"buffered" doc:"The vehicle recorded it earlier and delivered it late: it does not move presence"`
}

// HeartbeatPage are the newest heartbeats of a vehicle.
type HeartbeatPage struct {
	Items        []Heartbeat `json:"items" nullable:"false" doc:"Newest first"`
	CompleteFrom Time        `json:"complete_from" doc:"All from this moment on are listed, unless there are as many as were asked for; null when the log is empty"`
	Position     uint64      `json:"position" doc:"The log position that the page shows"`
}

// VehicleHeartbeats are the newest heartbeats of a vehicle, newest first; a limit of 0 means 50.
func (c *Client) VehicleHeartbeats(ctx context.Context, vin string, limit int) (page HeartbeatPage, err error) {
	v := url.Values{}
	setNumber(v, "limit", uint64(limit))
	err = c.call(ctx, http.MethodGet, vehiclePath(vin)+"/heartbeats", v, nil, &page)
	return page, err
}
