package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
)

type connectionQuery struct {
	VehiclePath
	PastWindow
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Periods on the page"`
	Cursor string `query:"cursor" maxLength:"20" doc:"next_cursor of the page before, with the same query"`
}

func (s *server) describeConnections() {
	typed(s, huma.Operation{
		OperationID: "list-connections", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/connections", Tags: []string{"vehicles"},
		Summary: "The connections and outages of a vehicle, newest first",
		Description: "Periods with exact moments and their cause. What was not observed is told as such. Heartbeats that the vehicle recorded in an outage and " +
			"delivered later make out_of_coverage of it: alive, and not connected. known_at tells what was known at a moment instead.",
		Errors: []int{http.StatusNotFound},
	}, s.listConnections)
	s.stream(huma.Operation{
		OperationID: "export-connections", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/connections.csv", Tags: []string{"vehicles"},
		Summary: "The connections and outages of a vehicle as a CSV file, newest first", Parameters: pastParameters("vin"),
		Responses: answers("The file", "text/csv", nil), Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.table("connections", s.connectionsTable))
}

// pastParameters describe the parameters of the files.
func pastParameters(path string) []*huma.Param {
	moment := &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	return []*huma.Param{
		parameter("path", path, "The "+map[string]string{"vin": "VIN", "id": "customer's id"}[path], &huma.Schema{Type: huma.TypeString}),
		parameter("query", "from", "From this moment on, RFC 3339", moment),
		parameter("query", "to", "Up to this moment, RFC 3339", moment),
		parameter("query", "known_at", "Ignore what the log showed later than this moment", moment),
	}
}

// periods is a vehicle's record, newest first, with what is told.
func (s *server) periods(ctx context.Context, vin string, past *PastWindow) ([]record.Period, Past, record.Window, error) {
	w, err := past.window(s.cfg.Now(), aDay)
	if err != nil {
		return nil, Past{}, w, err
	}
	row, done, err := s.vehicleTurn(vin)
	if err != nil {
		return nil, Past{}, w, err
	}
	defer done()
	of, vehicle, err := s.cfg.Records.Of(ctx, row.Number, w)
	if err != nil {
		return nil, of, w, err
	}
	w = of.told(w)
	periods := record.Periods(&vehicle, &of.Observer, w)
	slices.Reverse(periods)
	return periods, of, w, nil
}

func (s *server) listConnections(ctx context.Context, q *connectionQuery) (*body[client.PeriodPage], error) {
	before := event.Time(1) << 53
	if q.Cursor != "" {
		at, err := strconv.ParseInt(q.Cursor, 36, 64)
		if err != nil {
			return nil, refuse(http.StatusUnprocessableEntity, "query.cursor", "it is not one that was given out", q.Cursor)
		}
		before = event.Time(at)
	}
	periods, of, w, err := s.periods(ctx, q.VIN, &q.PastWindow)
	if err != nil {
		return nil, err
	}
	first, _ := slices.BinarySearchFunc(periods, before, func(p record.Period, before event.Time) int {
		if p.From >= before {
			return -1
		}
		return 1
	})
	periods = periods[first:]
	page := client.PeriodPage{From: timeOf(w.From), To: timeOf(w.To), CompleteFrom: timeOf(of.Begin), Position: uint64(of.Position)}
	if len(periods) > q.Limit {
		periods = periods[:q.Limit]
		page.NextCursor = cursorOf(strconv.FormatInt(int64(periods[q.Limit-1].From), 36))
	}
	page.Items = make([]client.Period, len(periods))
	for i := range periods {
		page.Items[i] = periodOf(&periods[i])
	}
	return &body[client.PeriodPage]{page}, nil
}

func periodOf(p *record.Period) client.Period {
	return client.Period{
		From: timeOf(p.From), To: timeOf(p.To), State: p.State.String(), Cause: p.Cause.String(), Presence: client.Presence(p.Presence.String()),
		Since: timeOf(p.Since), KnownAt: timeOf(p.Known), Lasted: client.SecondsOf(p.To.Sub(p.From)),
	}
}

func (s *server) connectionsTable(r *http.Request) ([][]string, error) {
	past, err := pastOf(r)
	if err != nil {
		return nil, err
	}
	periods, _, _, err := s.periods(r.Context(), r.PathValue("vin"), &past)
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"from", "to", "state", "cause", "presence", "since", "known_at", "seconds"}}
	for i := range periods {
		p := periodOf(&periods[i])
		rows = append(rows, []string{
			p.From.String(), p.To.String(), p.State, p.Cause, string(p.Presence), p.Since.String(), p.KnownAt.String(), secondsText(p.Lasted),
		})
	}
	return rows, nil
}
