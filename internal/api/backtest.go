package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/backtest"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

const (
	backtestTimeout  = 10 * time.Minute
	backtestExamples = 10 // outages of each kind that are named when nobody says how many
)

// errBacktesting says that another back-test runs: each takes all cores for a while.
var errBacktesting = errors.New("another back-test is running; try again when it is done")

func (s *server) describeBacktest() {
	turns := newTurns(1, errBacktesting)
	typed(s, huma.Operation{
		OperationID: "backtest", Method: http.MethodPost, Path: "/v1/backtest", Tags: []string{"fleet"},
		Summary: "What another policy would have meant",
		Description: "Replays the log under the policies that were in force and under another one, by the rule that judges vehicles live: " +
			"transitions and outages side by side, and which outages would have been found later, earlier or not at all, or been added. " +
			"An outage lasts from the transition to offline until the vehicle is heard, paused or removed; two that overlap are the same. " +
			"Nothing is estimated: all of the log is read, some million heartbeats a second. One runs at a time; it ends when its caller goes away.",
		Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity},
		Middlewares: huma.Middlewares{patient},
	}, func(ctx context.Context, in *struct{ Body client.NewBacktest }) (*body[client.Backtest], error) {
		q, err := s.backtestQuery(ctx, &in.Body)
		if err != nil {
			return nil, err
		}
		done, err := turns.take()
		if err != nil {
			return nil, err
		}
		defer done()
		ctx, cancel := context.WithTimeout(ctx, backtestTimeout)
		defer cancel()
		report, err := s.cfg.Backtest(ctx, q)
		if err != nil {
			return nil, err
		}
		return &body[client.Backtest]{BacktestOf(&q, in.Body.CustomerID, &report, s.cfg.View.VIN)}, nil
	})
}

// patient takes the server's time limits off a call that may rightly take longer, once its body is read.
func patient(ctx huma.Context, next func(huma.Context)) {
	_, w := humago.Unwrap(ctx)
	outlive(w)
	next(ctx)
}

// backtestQuery reads a request. Policies are refused as the registry would.
func (s *server) backtestQuery(ctx context.Context, in *client.NewBacktest) (backtest.Query, error) {
	q := backtest.Query{Policy: eventPolicy(in.Policy), Examples: backtestExamples}
	if in.Examples != nil {
		q.Examples = *in.Examples
	}
	if !in.From.IsZero() {
		q.From = event.At(in.From.Time)
	}
	if !in.To.IsZero() {
		q.To = event.At(in.To.Time)
	}
	if err := registry.CheckPolicy(q.Policy); err != nil {
		return q, err
	}
	switch {
	case q.From < 0 || q.To < 0:
		return q, refuse(http.StatusUnprocessableEntity, "body.from", "there is no log from before 1970", nil)
	case q.To != 0 && q.To <= q.From:
		return q, refuse(http.StatusUnprocessableEntity, "body.to", "to is not after from", nil)
	}
	if in.CustomerID == "" {
		return q, nil
	}
	customer, err := s.cfg.Registry.Customer(ctx, in.CustomerID)
	q.Customer = customer.Number
	return q, err
}

// BacktestOf is a report as the API and the command line give it. Vehicles are told by vin, which may not know them.
func BacktestOf(q *backtest.Query, customerID string, r *backtest.Report, vin func(event.VehicleID) string) client.Backtest {
	out := client.Backtest{
		Policy: policyOf(q.Policy), From: timeOf(r.From), To: timeOf(r.To), Position: uint64(r.Position), Vehicles: r.Vehicles,
		Present: backtestSideOf(&r.Present), Tested: backtestSideOf(&r.Tested),
	}
	if customerID != "" {
		out.CustomerID = &customerID
	}
	for _, part := range []struct {
		to   *client.BacktestOutages
		from *backtest.Found
	}{{&out.Same, &r.Same}, {&out.Later, &r.Later}, {&out.Earlier, &r.Earlier}, {&out.Missed, &r.Missed}, {&out.New, &r.New}} {
		*part.to = backtestOutagesOf(part.from, vin)
	}
	return out
}

func backtestSideOf(side *backtest.Side) client.BacktestSide {
	var counts [event.Presences]int
	for p, n := range side.Transitions {
		counts[p] = int(n)
	}
	return client.BacktestSide{Transitions: countsOf(counts), Outages: side.Outages, Offline: client.SecondsOf(side.Offline)}
}

func backtestOutagesOf(f *backtest.Found, vin func(event.VehicleID) string) client.BacktestOutages {
	out := client.BacktestOutages{
		Outages: f.Outages, Offline: client.SecondsOf(f.Offline), Longest: client.SecondsOf(f.Longest),
		Examples: make([]client.BacktestOutage, len(f.Examples)),
	}
	if f.Outages > 0 {
		out.Mean = client.SecondsOf(f.Shift / time.Duration(f.Outages))
	}
	for i, o := range f.Examples {
		out.Examples[i] = client.BacktestOutage{
			VIN: vin(o.Vehicle), FoundAt: timeOf(o.From), TestedAt: timeOf(o.Tested), EndedAt: timeOf(o.To), Lasted: client.SecondsOf(o.Lasted()),
		}
	}
	return out
}
