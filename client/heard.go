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

// HeartbeatPage is a page of the heartbeats of a vehicle.
type HeartbeatPage struct {
	Items        []Heartbeat `json:"items" nullable:"false" doc:"Newest first"`
	NextCursor   *string     `json:"next_cursor" doc:"Ask with this cursor for older ones; null on the last page"`
	CompleteFrom Time        `json:"complete_from" doc:"From this moment on all heartbeats are kept; null when there are none"`
	Position     uint64      `json:"position" doc:"The log position that the page shows"`
}

// HeartbeatQuery asks for heartbeats of a vehicle, by the moment at which they were received. The zero query asks for the
// newest 50.
type HeartbeatQuery struct {
	From, To Time   // To is not included; zero means from the beginning, to the end
	Limit    int    // heartbeats on the page, 1 to 1,000; 0 means 50
	Cursor   string // NextCursor of the page before; empty for the newest
}

// VehicleHeartbeats is a page of the heartbeats of a vehicle, newest first.
func (c *Client) VehicleHeartbeats(ctx context.Context, vin string, q HeartbeatQuery) (page HeartbeatPage, err error) {
	v := url.Values{}
	setTime(v, "from", q.From)
	setTime(v, "to", q.To)
	set(v, "cursor", q.Cursor)
	setNumber(v, "limit", uint64(q.Limit))
	err = c.call(ctx, http.MethodGet, vehiclePath(vin)+"/heartbeats", v, nil, &page)
	return page, err
}
