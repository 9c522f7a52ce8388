package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// records tell the past from the log in memory.
func (h *harness) records() Records {
	return Records{
		Of: func(_ context.Context, v event.VehicleID, _ record.Window) (Past, record.Vehicle, error) {
			past, vehicle := h.past(v)
			return past, vehicle, nil
		},
		OfCustomer: func(_ context.Context, c event.CustomerID, _ record.Window, tell func(*Past, *record.Vehicle)) (Past, error) {
			for v := event.VehicleID(1); v < 10; v++ {
				if past, vehicle := h.past(v); len(vehicle.Memberships) > 0 && vehicle.Memberships[0].Customer == c {
					tell(&past, &vehicle)
				}
			}
			past, _ := h.past(0)
			return past, nil
		},
		Received: func(_ context.Context, v event.VehicleID, _ record.Window) (Past, []event.Heartbeat, error) {
			past, vehicle := h.past(v)
			return past, vehicle.Heartbeats, nil
		},
		Series: h.series,
	}
}

// series counts by a replay up to each moment.
func (h *harness) series(_ context.Context, q SeriesQuery, cut func(*Past) ([]event.Time, error)) (Past, []record.Point, error) {
	past, _ := h.past(0)
	at, err := cut(&past)
	points := make([]record.Point, len(at))
	for i := range at {
		rule := presence.New()
		var out presence.Changes
		h.mu.Lock()
		for _, s := range h.log {
			if s.EndTime() <= at[i] {
				rule.Apply(s, &out)
			}
		}
		h.mu.Unlock()
		points[i] = record.Point{At: at[i], Observed: true}
		for v := event.VehicleID(1); int(v) < rule.Cap(); v++ {
			if c := rule.Customer(v); c != 0 && q.Listed(v) && (q.Customers == nil || q.Customers[c]) {
				points[i].Presences[rule.Presence(v)]++
			}
		}
	}
	return past, points, err
}

// past replays the log for one vehicle, which stays with its customer.
func (h *harness) past(of event.VehicleID) (past Past, v record.Vehicle) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rule := presence.New()
	v.Holds = event.DefaultPolicy.OfflineAfter
	for _, s := range h.log {
		var out presence.Changes
		rule.Apply(s, &out)
		for _, t := range out.Transitions {
			if t.Vehicle == of {
				v.Transitions = append(v.Transitions, record.Transition{From: t.From, To: t.To, At: t.At, Known: s.EndTime()})
			}
		}
		for i := range s.Heartbeats.Len() {
			if s.Heartbeats.Vehicle[i] == of {
				v.Heartbeats = append(v.Heartbeats, s.Heartbeats.At(i))
			}
		}
		for _, e := range s.Entries {
			if f, is := e.Fact.(event.VehicleAdded); is && f.Vehicle == of && len(v.Memberships) == 0 {
				v.Memberships = []record.Membership{{Customer: f.Customer, From: e.ReceivedAt}}
			}
		}
		past.Observer.Gaps = append(past.Observer.Gaps, out.Gaps...)
		past.Position = s.Position
		if past.Begin == 0 {
			past.Begin = s.EndTime()
		}
	}
	past.Observer.Proof = rule.Listening().Proof
	return past, v
}

// withOutage is a vehicle that was online, offline, and came back with what it had recorded.
func withOutage(t *testing.T) (h *harness, from event.Time) {
	h = newHarness(t)
	must(h.client.CreateCustomer(t.Context(), client.NewCustomer{ID: "a", Name: "a"}))(t)
	must(h.client.CreateVehicle(t.Context(), client.NewVehicle{VIN: "vehicle", CustomerID: "a"}))(t)
	h.listen(5 * time.Second)
	from = h.time()
	h.hear(h.number("vehicle"))
	h.listen(600 * time.Second)
	var b event.Batch
	b.Heartbeats.Append(event.Heartbeat{Vehicle: h.number("vehicle"), ReceivedAt: h.time(), SentAt: from.Add(300 * time.Second), Sequence: event.NoSequence, Flags: event.Buffered})
	h.append(b)
	h.hear(h.number("vehicle"))
	h.listen(5 * time.Second)
	h.set(h.time() + 1)
	return h, from
}

// table reads a CSV file, whose lines end as RFC 4180 says.
func (h *harness) table(path string) [][]string {
	h.Helper()
	answer := h.get(path)
	text := must(io.ReadAll(answer.Body))(h.T)
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/csv; charset=utf-8; header=present" {
		h.Errorf("%s is %s with status %d: %s", path, kind, answer.StatusCode, text)
	}
	if lines := bytes.Count(text, []byte("\n")); lines != bytes.Count(text, []byte("\r\n")) || !bytes.HasSuffix(text, []byte("\r\n")) {
		h.Errorf("%s has lines that do not end in CRLF: %q", path, text)
	}
	return must(csv.NewReader(bytes.NewReader(text)).ReadAll())(h.T)
}

func TestConnectionsTellPeriodsAndRepairs(t *testing.T) {
	h, from := withOutage(t)
	q := client.PastQuery{From: from.Std(), To: from.Add(time.Hour).Std()}
	page := must(h.client.Connections(t.Context(), "vehicle", q))(t)
	states := []string{"online", "offline", "out_of_coverage", "offline", "late", "online"}
	if len(page.Items) != len(states) {
		t.Fatalf("%d periods: %+v", len(page.Items), page.Items)
	}
	end := page.To
	for i, p := range page.Items {
		if p.State != states[i] || !p.To.Equal(end.Time) {
			t.Errorf("period %d is %s up to %s, want %s up to %s", i, p.State, p.To, states[i], end)
		}
		end = p.From
	}
	if !end.Equal(page.From.Time) || page.Items[2].Lasted != 150 || page.Items[2].Presence != client.Offline {
		t.Errorf("the record begins at %s; out of coverage: %+v", end, page.Items[2])
	}

	q.Limit = 4
	first := must(h.client.Connections(t.Context(), "vehicle", q))(t)
	q.Cursor = *first.NextCursor
	second := must(h.client.Connections(t.Context(), "vehicle", q))(t)
	if len(first.Items) != 4 || len(second.Items) != 2 || second.NextCursor != nil || second.Items[0].State != "late" {
		t.Errorf("pages of 4: %+v, then %+v", first, second)
	}

	before := must(h.client.Connections(t.Context(), "vehicle", client.PastQuery{From: from.Std(), To: from.Add(time.Hour).Std(), KnownAt: from.Add(500 * time.Second).Std()}))(t)
	if len(before.Items) != 3 || before.Items[0].State != "offline" || !before.To.Equal(from.Add(500*time.Second).Std()) {
		t.Errorf("as of then: %+v", before)
	}

	rows := h.table("/v1/vehicles/vehicle/connections.csv?from=" + from.String() + "&to=" + from.Add(time.Hour).String())
	if len(rows) != 1+len(states) || rows[3][2] != "out_of_coverage" || rows[3][7] != "150" {
		t.Errorf("the file has %q", rows)
	}
}

func TestUptimeAddsUpForAVehicleAndItsCustomer(t *testing.T) {
	h, from := withOutage(t)
	q := client.PastQuery{From: from.Std(), To: from.Add(600 * time.Second).Std(), Step: "1m", Zone: "Europe/Stockholm"}
	vehicle := must(h.client.Uptime(t.Context(), "vehicle", q))(t)
	customer := must(h.client.CustomerUptime(t.Context(), "a", q))(t)
	total := vehicle.Total
	if total.Connected != 150 || total.Disconnected != 450 || total.Unobserved != 0 || total.Paused != 0 || *total.OutOfCoverage != 150 || total.Outages != 1 || *total.Availability != 0.25 {
		t.Errorf("in total: %+v", total)
	}
	sum := client.Seconds(0)
	for _, u := range vehicle.Items {
		sum += u.Connected + u.Disconnected + u.Unobserved + u.Paused
	}
	if math.Abs(float64(sum)-600) > 1e-6 || len(vehicle.Items) < 10 || vehicle.Zone != "Europe/Stockholm" {
		t.Errorf("%d parts of %v seconds in %s", len(vehicle.Items), sum, vehicle.Zone)
	}
	if c := customer.Total; c.Connected != total.Connected || c.Disconnected != total.Disconnected || c.OutOfCoverage != nil || customer.Vehicles != 1 {
		t.Errorf("of the customer: %+v", customer)
	}
	for _, path := range []string{"/v1/vehicles/vehicle/uptime.csv", "/v1/customers/a/uptime.csv"} {
		rows := h.table(path + "?step=hour&from=" + from.String() + "&to=" + from.Add(time.Hour).String())
		if len(rows) < 2 || rows[0][2] != "connected" {
			t.Errorf("%s has %q", path, rows)
		}
	}
}

func TestVehicleGapsTellWhatItsHeartbeatsTell(t *testing.T) {
	h, from := withOutage(t)
	delivery := must(h.client.Delivery(t.Context(), "vehicle", client.PastQuery{From: from.Std(), To: from.Add(time.Hour).Std()}))(t)
	if delivery.Heartbeats != 3 || delivery.Buffered != 1 || delivery.Late.Count != 1 || len(delivery.Silences) != 1 || delivery.Silences[0].Verdict != "unnumbered" {
		t.Errorf("delivery: %+v", delivery)
	}
	rows := h.table("/v1/vehicles/vehicle/gaps.csv?from=" + from.String() + "&to=" + from.Add(time.Hour).String())
	if len(rows) != 2 || rows[1][2] != "unnumbered" {
		t.Errorf("the file has %q", rows)
	}
}

func TestASeriesHasThePointsOfItsSteps(t *testing.T) {
	h, from := withOutage(t)
	q := client.SeriesQuery{From: from.Std(), To: from.Add(600 * time.Second).Std(), Step: "1m", Zone: "Asia/Kathmandu"}
	series := must(h.client.Series(t.Context(), q))(t)
	if n := len(series.Items); n < 11 || n > 12 || series.Zone != "Asia/Kathmandu" || !series.Items[0].At.Equal(from.Std()) || !series.Items[n-1].At.Equal(q.To) {
		t.Fatalf("the series is %+v", series)
	}
	for _, p := range series.Items[1 : len(series.Items)-1] {
		if p.At.Second() != 0 {
			t.Errorf("a point stands at %s", p.At)
		}
	}
	first, last := series.Items[0], series.Items[len(series.Items)-1]
	if first.Vehicles != 1 || first.Presence.Online != 1 || last.Vehicles != 1 || last.Presence.Offline != 1 {
		t.Errorf("at first %+v, at last %+v", first, last)
	}
	q.Customers = []string{"nobody"}
	if of := must(h.client.Series(t.Context(), q))(t); len(of.Items) != len(series.Items) || of.Items[0].Vehicles != 0 {
		t.Errorf("of nobody: %+v", of)
	}
	rows := h.table("/v1/summary/series.csv?customer=a&zone=Asia/Kathmandu&step=1m&from=" + from.String() + "&to=" + from.Add(600*time.Second).String())
	if len(rows) != 1+len(series.Items) || rows[0][3] != "online" || rows[1][3] != "1" || rows[1][7] != "true" {
		t.Errorf("the file has %q", rows)
	}
}

func TestThePastRefusesWhatItCannotAnswer(t *testing.T) {
	h, _ := withOutage(t)
	for path, status := range map[string]int{
		"/v1/vehicles/nobody/connections":     404,
		"/v1/vehicles/nobody/connections.csv": 404,
		"/v1/vehicles/nobody/uptime":          404,
		"/v1/vehicles/nobody/gaps":            404,
		"/v1/customers/nobody/uptime":         404,
		"/v1/vehicles/vehicle/connections?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": 422,
		"/v1/vehicles/vehicle/connections?from=2020-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": 422,
		"/v1/vehicles/vehicle/connections?from=1960-01-02T00:00:00Z&to=1960-02-01T00:00:00Z": 422,
		"/v1/vehicles/vehicle/connections?from=yesterday":                                    422,
		"/v1/vehicles/vehicle/connections.csv?from=yesterday":                                422,
		"/v1/vehicles/vehicle/connections?cursor=!":                                          422,
		"/v1/vehicles/vehicle/uptime?step=7h":                                                422,
		"/v1/vehicles/vehicle/uptime?zone=Middle/Earth":                                      422,
		"/v1/vehicles/vehicle/uptime?zone=Local":                                             422,
		"/v1/vehicles/vehicle/uptime?zone=../../etc/passwd":                                  422,
		"/v1/customers/a/uptime?step=1s":                                                     422,
		"/v1/customers/a/uptime.csv?step=fortnight":                                          422,
		"/v1/vehicles/vehicle/gaps.csv?colour=red":                                           422,
		"/v1/summary/series?step=1s":                                                         422,
		"/v1/summary/series?from=yesterday":                                                  422,
		"/v1/summary/series?zone=Local":                                                      422,
		"/v1/summary/series.csv?step=7h":                                                     422,
		"/v1/summary/series.csv?known_at=2026-01-01T00:00:00Z":                               422,
	} {
		h.refused(h.get(path), status)
	}
	for range recordScans {
		must(h.server.recordTurns.take())(t)
	}
	if answer := h.get("/v1/vehicles/vehicle/gaps"); answer.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	} else {
		h.refused(answer, http.StatusServiceUnavailable)
	}
}
