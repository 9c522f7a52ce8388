package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
)

func (s *server) describeSeries() {
	tags := []string{"fleet"}
	typed(s, huma.Operation{
		OperationID: "summary-series", Method: http.MethodGet, Path: "/v1/summary/series", Tags: tags,
		Summary: "How many vehicles had each presence over a time",
		Description: "Counts at the begin of what is told, at each moment at which a step begins, and at its end; each is what the summary with at= tells of that moment. " +
			"Nothing is told beyond what is proven, so the series ends there.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, q *seriesQuery) (*body[client.Series], error) {
		series, err := s.series(ctx, q)
		return &body[client.Series]{series}, err
	})
	text := &huma.Schema{Type: huma.TypeString}
	s.stream(huma.Operation{
		OperationID: "export-summary-series", Method: http.MethodGet, Path: "/v1/summary/series.csv", Tags: tags,
		Summary: "How many vehicles had each presence over a time as a CSV file",
		Parameters: append(periodParameters("to"), parameter("query", "step", "How the time is cut", text),
			parameter("query", "zone", "The time zone whose clocks cut it", text), parameter("query", "customer", "As in the list", listOfTexts())),
		Responses: answers("The file", "text/csv", nil), Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.table("summary-series", s.seriesTable))
}

type seriesQuery struct {
	From     time.Time `query:"from" doc:"From this moment on, RFC 3339; without it, a day before the end"`
	To       time.Time `query:"to" doc:"Up to this moment, RFC 3339; without it, up to now. At most 400 days after from"`
	Step     string    `query:"step" maxLength:"20" default:"hour" doc:"How the time is cut: hour, day, week, month, or a length that divides a day, as 5m or 6h. At most 2,000 steps"`
	Customer []string  `query:"customer,explode" maxItems:"1000" nullable:"false" doc:"Vehicles that were of any of these customers at that moment, by id; repeat it"`
	ZoneQuery
}

func (s *server) series(ctx context.Context, q *seriesQuery) (client.Series, error) {
	past := PastWindow{From: q.From, To: q.To}
	w, err := past.window(s.cfg.Now(), aDay)
	if err != nil {
		return client.Series{}, err
	}
	step, zone, err := q.step(q.Step)
	if err != nil {
		return client.Series{}, err
	}
	cut := func(w record.Window) ([]event.Time, error) {
		buckets, err := record.Buckets(w.From, w.To, step, zone)
		if err != nil {
			return nil, refuse(http.StatusUnprocessableEntity, "query.step", err.Error(), q.Step)
		}
		return record.Borders(buckets), nil
	}
	if _, err := cut(w); err != nil { // before anything is read
		return client.Series{}, err
	}
	done, err := s.recordTurns.take()
	if err != nil {
		return client.Series{}, err
	}
	defer done()
	of := SeriesQuery{Listed: s.cfg.View.Lists, To: w.To}
	if len(q.Customer) > 0 {
		of.Customers = s.cfg.View.CustomerNumbers(q.Customer)
	}
	told, points, err := s.cfg.Records.Series(ctx, of, func(past *Past) ([]event.Time, error) { return cut(past.told(w)) })
	if err != nil {
		return client.Series{}, err
	}
	series := client.Series{Items: make([]client.Point, len(points)), Zone: q.Zone, CompleteFrom: timeOf(told.Begin), Position: uint64(told.Position)}
	for i := range points {
		p := &points[i]
		series.Items[i] = client.Point{
			At: momentOnWire(p.At), Vehicles: p.Vehicles(), Presence: countsOf(p.Presences), Observed: p.Observed, Unobserved: client.SecondsOf(p.Unobserved),
		}
	}
	return series, nil
}

func (s *server) seriesTable(r *http.Request) ([][]string, error) {
	past, err := uptimeQueryOf(r)
	if err != nil {
		return nil, err
	}
	q := seriesQuery{From: past.From, To: past.To, Step: past.Step, Customer: r.URL.Query()["customer"], ZoneQuery: past.ZoneQuery}
	if q.Step == "" {
		q.Step = "hour"
	}
	series, err := s.series(r.Context(), &q)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(series.Zone)
	if err != nil {
		zone = time.UTC
	}
	rows := [][]string{{"at", "vehicles", "unknown", "online", "late", "offline", "paused", "observed", "unobserved"}}
	for _, p := range series.Items {
		row := []string{p.At.In(zone).Format(time.RFC3339Nano)}
		for _, n := range []int{p.Vehicles, p.Presence.Unknown, p.Presence.Online, p.Presence.Late, p.Presence.Offline, p.Presence.Paused} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, append(row, strconv.FormatBool(p.Observed), secondsText(p.Unobserved)))
	}
	return rows, nil
}
