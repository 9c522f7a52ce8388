package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Heartbeats are the newest heartbeats of one vehicle, as the log has them.
type Heartbeats struct {
	Items        []Heartbeat    // newest first
	CompleteFrom event.Time     // all from this moment on are listed, unless there are as many as were asked for; 0 when nothing was read
	Position     event.Position // of the log's end
}

// Heartbeat is a heartbeat and its place in the log.
type Heartbeat struct {
	event.Heartbeat
	ID event.ID
}

// scans is how many calls may read the log at once: each takes a core for some tenths of a second.
const scans = 2

type heartbeatQuery struct {
	VehiclePath
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Heartbeats on the page"`
}

func (s *server) describeHeartbeats() {
	turns := make(chan struct{}, scans)
	typed(s, huma.Operation{
		OperationID: "list-heartbeats", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/heartbeats", Tags: []string{"vehicles"},
		Summary:     "The newest heartbeats of a vehicle, newest first",
		Description: "Read from the end of the log, some minutes to hours back, depending on the traffic; complete_from says how far.",
		Errors:      []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, func(ctx context.Context, q *heartbeatQuery) (*body[client.HeartbeatPage], error) {
		row, ok := s.cfg.View.Vehicle(q.VIN)
		if !ok {
			return nil, errNoVehicle
		}
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
		default:
			return nil, errBusy
		}
		found, err := s.cfg.Heartbeats(ctx, row.Number, q.Limit)
		if err != nil {
			return nil, err
		}
		return &body[client.HeartbeatPage]{heartbeatsOf(found)}, nil
	})
}

func heartbeatsOf(found Heartbeats) client.HeartbeatPage {
	page := client.HeartbeatPage{
		Items: make([]client.Heartbeat, len(found.Items)), CompleteFrom: timeOf(found.CompleteFrom), Position: uint64(found.Position),
	}
	for i, h := range found.Items {
		page.Items[i] = client.Heartbeat{
			ID: h.ID.String(), Position: uint64(h.ID.Position), ReceivedAt: timeOf(h.ReceivedAt), SentAt: timeOf(h.SentAt),
			Repeat: h.Flags&event.Repeat != 0, Buffered: h.Flags&event.Buffered != 0,
		}
		if h.Sequence != event.NoSequence {
			page.Items[i].Sequence = &h.Sequence
		}
	}
	return page
}
