package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
)

// maxFindings bounds the silences and the runs of missing numbers in one answer, each.
const maxFindings = 1000

func (s *server) describeVehicleGaps() {
	typed(s, huma.Operation{
		OperationID: "vehicle-gaps", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/gaps", Tags: []string{"vehicles"},
		Summary: "What a vehicle's heartbeats tell about their own delivery",
		Description: "Numbers that never came, repeats, delays, and the silences longer than late_after. The next number after a silence tells a hole in the coverage, " +
			"in which the vehicle went on sending, from a vehicle that sent nothing.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, q *struct {
		VehiclePath
		PastWindow
	}) (*body[client.Delivery], error) {
		delivery, err := s.delivery(ctx, q.VIN, &q.PastWindow)
		return &body[client.Delivery]{delivery}, err
	})
	s.stream(huma.Operation{
		OperationID: "export-vehicle-gaps", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/gaps.csv", Tags: []string{"vehicles"},
		Summary: "The silences of a vehicle as a CSV file, oldest first", Parameters: pastParameters("vin"),
		Responses: answers("The file", "text/csv", nil), Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.table("gaps", s.silencesTable))
}

func (s *server) delivery(ctx context.Context, vin string, past *PastWindow) (client.Delivery, error) {
	w, err := past.window(s.cfg.Now(), aDay)
	if err != nil {
		return client.Delivery{}, err
	}
	row, done, err := s.vehicleTurn(vin)
	if err != nil {
		return client.Delivery{}, err
	}
	defer done()
	of, heartbeats, err := s.cfg.Records.Received(ctx, row.Number, w)
	if err != nil {
		return client.Delivery{}, err
	}
	w = of.told(w)
	found := record.DeliveryOf(heartbeats, &of.Observer, w, row.Policy.LateAfter)
	return deliveryOf(&found, &of, w), nil
}

func deliveryOf(d *record.Delivery, of *Past, w record.Window) client.Delivery {
	missing := d.Missing[max(0, len(d.Missing)-maxFindings):]
	silences := d.Silences[max(0, len(d.Silences)-maxFindings):]
	out := client.Delivery{
		From: timeOf(w.From), To: timeOf(w.To), CompleteFrom: timeOf(of.Begin), Position: uint64(of.Position),
		Heartbeats: d.Heartbeats, Buffered: d.Buffered, Repeats: d.Repeats, ClockOff: d.ClockOff, Restarts: d.Restarts, Lost: d.Lost,
		Missing: make([]client.Missing, len(missing)), Silences: make([]client.Silence, len(silences)),
		Live: delaysOf(&d.Live), Late: delaysOf(&d.Late),
	}
	for i, m := range missing {
		out.Missing[i] = client.Missing{First: m.First, Last: m.Last, After: timeOf(m.After), Before: timeOf(m.Before)}
	}
	for i, q := range silences {
		out.Silences[i] = client.Silence{
			From: timeOf(q.From), To: timeOf(q.To), Verdict: q.Verdict.String(), Lost: q.Lost, Later: q.Later, Unobserved: client.SecondsOf(q.Unobserved),
		}
	}
	return out
}

func delaysOf(d *record.Delays) client.Delays {
	return client.Delays{
		Count: d.Count, Least: client.SecondsOf(d.Least), Median: client.SecondsOf(d.Median),
		P95: client.SecondsOf(d.P95), Longest: client.SecondsOf(d.Longest),
	}
}

func (s *server) silencesTable(r *http.Request) ([][]string, error) {
	past, err := pastOf(r)
	if err != nil {
		return nil, err
	}
	found, err := s.delivery(r.Context(), r.PathValue("vin"), &past)
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"from", "to", "verdict", "lost", "later", "unobserved"}}
	for _, q := range found.Silences {
		rows = append(rows, []string{
			q.From.String(), q.To.String(), q.Verdict, strconv.FormatUint(q.Lost, 10), strconv.FormatUint(q.Later, 10), secondsText(q.Unobserved),
		})
	}
	return rows, nil
}
