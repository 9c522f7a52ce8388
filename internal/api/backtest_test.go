package api

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/backtest"
)

// TestBacktestSaysWhatAnotherPolicyWouldHaveMeant drives two vehicles of two customers through an outage each.
func TestBacktestSaysWhatAnotherPolicyWouldHaveMeant(t *testing.T) {
	h := newHarness(t)
	for _, name := range []string{"a", "b"} {
		must(h.client.CreateCustomer(t.Context(), client.NewCustomer{ID: name, Name: name}))(t)
		must(h.client.CreateVehicle(t.Context(), client.NewVehicle{VIN: "vehicle-" + name, CustomerID: name}))(t)
	}
	from := h.time()
	h.hear(h.number("vehicle-a"), h.number("vehicle-b"))
	h.listen(200 * time.Second)
	h.hear(h.number("vehicle-a"), h.number("vehicle-b"))
	h.listen(10 * time.Second)
	policy := client.Policy{LateAfter: 60, OfflineAfter: 100}
	all := must(h.client.Backtest(t.Context(), client.NewBacktest{Policy: policy}))(t)
	if all.Vehicles != 2 || all.Present.Outages != 2 || all.Tested.Outages != 2 || all.Earlier.Outages != 2 || all.Earlier.Mean != 50 || all.Policy != policy || all.CustomerID != nil {
		t.Errorf("of all: %+v", all)
	}
	if n := len(all.Earlier.Examples); n != 2 || all.Earlier.Examples[0].VIN != "vehicle-a" ||
		all.Earlier.Examples[0].FoundAt.Sub(all.Earlier.Examples[0].TestedAt.Time) != 50*time.Second {
		t.Errorf("examples: %+v", all.Earlier.Examples)
	}
	none := 0
	one := must(h.client.Backtest(t.Context(), client.NewBacktest{
		Policy: client.Policy{LateAfter: 200, OfflineAfter: 300}, CustomerID: "b", From: client.At(from.Std()), Examples: &none,
	}))(t)
	if one.Vehicles != 1 || one.Missed.Outages != 1 || one.Tested.Outages != 0 || *one.CustomerID != "b" || len(one.Missed.Examples) != 0 {
		t.Errorf("of one customer: %+v", one)
	}
}

func TestBacktestRefusesWhatCannotBeTested(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		body   string
		status int
		place  string
	}{
		{`{"late_after":90,"offline_after":60}`, 422, "body.late_after"},
		{`{"late_after":1,"offline_after":60}`, 422, "body.late_after"},
		{`{"offline_after":60}`, 422, "body"},
		{`{"late_after":60,"offline_after":90,"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}`, 422, "body.to"},
		{`{"late_after":60,"offline_after":90,"from":"1960-01-02T00:00:00Z"}`, 422, "body.from"},
		{`{"late_after":60,"offline_after":90,"from":"yesterday"}`, 422, "body.from"},
		{`{"late_after":60,"offline_after":90,"examples":101}`, 422, "body.examples"},
		{`{"late_after":60,"offline_after":90,"customer_id":"nobody"}`, 404, ""},
	} {
		problem := h.refused(h.send(http.MethodPost, "/v1/backtest", "application/json", c.body), c.status)
		if c.place != "" && (len(problem.Errors) == 0 || problem.Errors[0].Location != c.place) {
			t.Errorf("%s: %+v, want a fault at %s", c.body, problem, c.place)
		}
	}
}

func TestOneBacktestRunsAtATimeAndEndsWithItsCaller(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	h := newHarness(t, func(cfg *Config) {
		cfg.Backtest = func(ctx context.Context, _ backtest.Query) (backtest.Report, error) {
			close(began)
			<-ctx.Done()
			ended <- ctx.Err()
			return backtest.Report{}, ctx.Err()
		}
	})
	ctx, leave := context.WithCancel(t.Context())
	policy := client.Policy{LateAfter: 60, OfflineAfter: 90}
	left := make(chan error, 1)
	go func() {
		_, err := h.client.Backtest(ctx, client.NewBacktest{Policy: policy})
		left <- err
	}()
	<-began
	answer := h.send(http.MethodPost, "/v1/backtest", "application/json", `{"late_after":60,"offline_after":90}`)
	if h.refused(answer, http.StatusServiceUnavailable); answer.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left: %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the back-test ended with %v", err)
	}
}
