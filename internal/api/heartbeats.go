package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history"
)

// heartbeatScans is how many calls may read heartbeats at once: while the history is behind, each may take a core for some
// tenths of a second.
const heartbeatScans = 4

// Period is part of the reads of what happened.
type Period struct {
	From time.Time `query:"from" doc:"Only from this moment on, in RFC 3339"`
	To   time.Time `query:"to" doc:"Only before this moment, in RFC 3339"`
}

type heartbeatQuery struct {
	VehiclePath
	Period
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Heartbeats on the page"`
	Cursor string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before, for older ones"`
}

func (s *server) describeHeartbeats() {
	typed(s, huma.Operation{
		OperationID: "list-heartbeats", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/heartbeats", Tags: []string{"vehicles"},
		Summary: "The heartbeats of a vehicle, newest first",
		Description: "Of any time, by the moment at which they were received. Those that were buffered stand where they arrived, " +
			"and are marked. complete_from says from when on heartbeats are kept.",
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, func(ctx context.Context, q *heartbeatQuery) (*body[client.HeartbeatPage], error) {
		row, ok := s.cfg.View.Vehicle(q.VIN)
		if !ok {
			return nil, errNoVehicle
		}
		found, err := s.heartbeats(ctx, history.HeartbeatQuery{
			Vehicle: row.Number, From: momentOf(q.From), To: momentOf(q.To), Limit: q.Limit, Cursor: q.Cursor,
		})
		if err != nil {
			return nil, err
		}
		return &body[client.HeartbeatPage]{heartbeatsOf(found)}, nil
	})
	s.stream(huma.Operation{
		OperationID: "export-heartbeats", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/heartbeats.csv", Tags: []string{"vehicles"},
		Summary:    "The heartbeats of a vehicle as a CSV file, newest first",
		Parameters: append([]*huma.Param{parameter("path", "vin", "The VIN", &huma.Schema{Type: huma.TypeString})}, periodParameters("to")...),
		Responses:  answers("The file", "text/csv", nil), Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.exportHeartbeats)
}

// heartbeats asks for a page when it is its turn.
func (s *server) heartbeats(ctx context.Context, q history.HeartbeatQuery) (history.HeartbeatPage, error) {
	done, err := s.heartbeatTurns.take()
	if err != nil {
		return history.HeartbeatPage{}, err
	}
	defer done()
	return s.cfg.Heartbeats(ctx, q)
}

// momentOf is a moment of a query, 0 for none.
func momentOf(t time.Time) event.Time {
	if t.IsZero() {
		return 0
	}
	return event.At(t)
}

// periodParameters describe from and the parameter of the end.
func periodParameters(end string) []*huma.Param {
	moment := &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	return []*huma.Param{
		parameter("query", "from", "Only from this moment on, in RFC 3339", moment),
		parameter("query", end, "Only before this moment, in RFC 3339", moment),
	}
}

// readPeriod reads what periodParameters describe; 0 stands for none.
func readPeriod(r *http.Request, end string) (from, to event.Time, err error) {
	begins, err := readMoment(r, "from")
	if err != nil {
		return 0, 0, err
	}
	ends, err := readMoment(r, end)
	return momentOf(begins), momentOf(ends), err
}

func (s *server) exportHeartbeats(w http.ResponseWriter, r *http.Request) {
	row, ok := s.cfg.View.Vehicle(r.PathValue("vin"))
	q := history.HeartbeatQuery{Vehicle: row.Number, Limit: 1000}
	err := errNoVehicle
	if ok {
		q.From, q.To, err = readPeriod(r, "to")
	}
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	header := []string{"id", "received_at", "sent_at", "sequence", "repeat", "buffered"}
	s.exportPages(w, r, "heartbeats", header, func(cursor string) (rows [][]string, next string, err error) {
		q.Cursor = cursor
		page, err := s.heartbeats(r.Context(), q)
		for i := range page.Items {
			rows = append(rows, heartbeatLine(&page.Items[i]))
		}
		return rows, page.NextCursor, err
	})
}

func heartbeatLine(h *history.Heartbeat) []string {
	sequence := ""
	if h.Sequence != event.NoSequence {
		sequence = strconv.FormatInt(h.Sequence, 10)
	}
	return []string{
		h.ID.String(), h.ReceivedAt.String(), h.SentAt.String(), sequence,
		strconv.FormatBool(h.Flags&event.Repeat != 0), strconv.FormatBool(h.Flags&event.Buffered != 0),
	}
}

func heartbeatsOf(found history.HeartbeatPage) client.HeartbeatPage {
	page := client.HeartbeatPage{
		Items: make([]client.Heartbeat, len(found.Items)), NextCursor: cursorOf(found.NextCursor),
		CompleteFrom: timeOf(found.CompleteFrom), Position: uint64(found.Position),
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
