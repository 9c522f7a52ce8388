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

// uptimeLong is the window of uptime when nobody says where it begins.
const uptimeLong = 30 * aDay

func (s *server) describeUptime() {
	typed(s, huma.Operation{
		OperationID: "vehicle-uptime", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/uptime", Tags: []string{"vehicles"},
		Summary: "How a vehicle spent its time",
		Description: "Connected, disconnected, unobserved and paused, in seconds that add up to the whole, to the millisecond. Steps begin where the clocks of the zone " +
			"say, across changes to and from summer time. Unobserved and paused time does not count for availability.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, q *struct {
		VehiclePath
		UptimeQuery
	}) (*body[client.UptimeReport], error) {
		report, err := s.vehicleUptime(ctx, q.VIN, &q.UptimeQuery)
		return &body[client.UptimeReport]{report}, err
	})
	typed(s, huma.Operation{
		OperationID: "customer-uptime", Method: http.MethodGet, Path: "/v1/customers/{id}/uptime", Tags: []string{"customers"},
		Summary:     "How a customer's vehicles spent their time, all together",
		Description: "The sum of its vehicles, each for as long as it was the customer's. For the rest as that of a vehicle.",
		Errors:      []int{http.StatusNotFound},
	}, func(ctx context.Context, q *struct {
		CustomerPath
		UptimeQuery
	}) (*body[client.UptimeReport], error) {
		report, err := s.customerUptime(ctx, q.ID, &q.UptimeQuery)
		return &body[client.UptimeReport]{report}, err
	})
	text := &huma.Schema{Type: huma.TypeString}
	for _, file := range []struct {
		of, id, path string
		report       func(ctx context.Context, id string, q *UptimeQuery) (client.UptimeReport, error)
	}{
		{"vehicle", "vin", "/v1/vehicles/{vin}/uptime.csv", s.vehicleUptime},
		{"customer", "id", "/v1/customers/{id}/uptime.csv", s.customerUptime},
	} {
		s.stream(huma.Operation{
			OperationID: "export-" + file.of + "-uptime", Method: http.MethodGet, Path: file.path, Tags: []string{file.of + "s"},
			Summary: "The uptime of a " + file.of + " as a CSV file",
			Parameters: append(pastParameters(file.id), parameter("query", "step", "How the time is cut", text),
				parameter("query", "zone", "The time zone whose clocks cut it", text)),
			Responses: answers("The file", "text/csv", nil), Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
		}, s.table("uptime", func(r *http.Request) ([][]string, error) {
			q, err := uptimeQueryOf(r)
			if err != nil {
				return nil, err
			}
			report, err := file.report(r.Context(), r.PathValue(file.id), &q)
			if err != nil {
				return nil, err
			}
			return uptimeTable(&report), nil
		}))
	}
}

// buckets reads what an uptime is to be about.
func (s *server) buckets(q *UptimeQuery) (w record.Window, cut func(record.Window) ([]record.Bucket, error), err error) {
	if w, err = q.window(s.cfg.Now(), uptimeLong); err != nil {
		return w, nil, err
	}
	step, zone, err := q.step(q.Step)
	if err != nil {
		return w, nil, err
	}
	cut = func(told record.Window) ([]record.Bucket, error) {
		buckets, err := record.Buckets(told.From, told.To, step, zone)
		if err != nil {
			return nil, refuse(http.StatusUnprocessableEntity, "query.step", err.Error(), q.Step)
		}
		return buckets, nil
	}
	_, err = cut(w) // before anything is read
	return w, cut, err
}

func (s *server) vehicleUptime(ctx context.Context, vin string, q *UptimeQuery) (client.UptimeReport, error) {
	w, cut, err := s.buckets(q)
	if err != nil {
		return client.UptimeReport{}, err
	}
	row, done, err := s.vehicleTurn(vin)
	if err != nil {
		return client.UptimeReport{}, err
	}
	defer done()
	of, vehicle, err := s.cfg.Records.Of(ctx, row.Number, w)
	if err != nil {
		return client.UptimeReport{}, err
	}
	w = of.told(w)
	buckets, err := cut(w)
	if err != nil {
		return client.UptimeReport{}, err
	}
	uptimes := record.UptimeOf(record.Periods(&vehicle, &of.Observer, w), buckets)
	return uptimeReportOf(uptimes, &of, w, q.Zone, 1, true), nil
}

func (s *server) customerUptime(ctx context.Context, id string, q *UptimeQuery) (client.UptimeReport, error) {
	w, cut, err := s.buckets(q)
	if err != nil {
		return client.UptimeReport{}, err
	}
	customer, err := s.cfg.Registry.Customer(ctx, id)
	if err != nil {
		return client.UptimeReport{}, err
	}
	done, err := s.recordTurns.take()
	if err != nil {
		return client.UptimeReport{}, err
	}
	defer done()
	var sums []record.Uptime
	vehicles := 0
	told := w
	var failed error
	of, err := s.cfg.Records.OfCustomer(ctx, customer.Number, w, func(past *Past, vehicle *record.Vehicle) {
		if sums == nil && failed == nil {
			var buckets []record.Bucket
			told = past.told(w)
			buckets, failed = cut(told)
			sums = record.Sums(buckets)
		}
		vehicles++
		record.AddMember(sums, record.Periods(vehicle, &past.Observer, told), customer.Number)
	})
	if err != nil || failed != nil {
		return client.UptimeReport{}, orFirst(err, failed)
	}
	if sums == nil { // it had no vehicles then
		told = of.told(w)
		buckets, err := cut(told)
		if err != nil {
			return client.UptimeReport{}, err
		}
		sums = record.Sums(buckets)
	}
	return uptimeReportOf(sums, &of, told, q.Zone, vehicles, false), nil
}

func orFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func uptimeReportOf(uptimes []record.Uptime, of *Past, w record.Window, zone string, vehicles int, repaired bool) client.UptimeReport {
	report := client.UptimeReport{
		Items: make([]client.Uptime, len(uptimes)), Zone: zone, Vehicles: vehicles, CompleteFrom: timeOf(of.Begin), Position: uint64(of.Position),
	}
	total := record.Uptime{Bucket: record.Bucket{From: w.From, To: w.To}}
	for i := range uptimes {
		total.Add(&uptimes[i])
		report.Items[i] = uptimeOf(&uptimes[i], repaired)
	}
	report.Total = uptimeOf(&total, repaired)
	return report
}

func uptimeOf(u *record.Uptime, repaired bool) client.Uptime {
	out := client.Uptime{
		From: momentOnWire(u.From), To: momentOnWire(u.To), Outages: u.Outages,
		Connected: client.SecondsOf(u.Connected), Disconnected: client.SecondsOf(u.Disconnected),
		Unobserved: client.SecondsOf(u.Unobserved), Paused: client.SecondsOf(u.Paused),
	}
	if repaired {
		alive := client.SecondsOf(u.OutOfCoverage)
		out.OutOfCoverage = &alive
	}
	if share, ok := u.Availability(); ok {
		out.Availability = &share
	}
	return out
}

// momentOnWire is a moment that is never none.
func momentOnWire(t event.Time) client.Time { return client.Time{Time: t.Std()} }

func uptimeTable(report *client.UptimeReport) [][]string {
	rows := [][]string{{"from", "to", "connected", "disconnected", "unobserved", "paused", "out_of_coverage", "outages", "availability"}}
	zone, err := time.LoadLocation(report.Zone)
	if err != nil {
		zone = time.UTC
	}
	for _, u := range report.Items {
		alive, share := "", ""
		if u.OutOfCoverage != nil {
			alive = secondsText(*u.OutOfCoverage)
		}
		if u.Availability != nil {
			share = strconv.FormatFloat(*u.Availability, 'f', 6, 64)
		}
		rows = append(rows, []string{
			u.From.In(zone).Format(time.RFC3339), u.To.In(zone).Format(time.RFC3339),
			secondsText(u.Connected), secondsText(u.Disconnected), secondsText(u.Unobserved), secondsText(u.Paused), alive, strconv.Itoa(u.Outages), share,
		})
	}
	return rows
}
