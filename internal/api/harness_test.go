package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/backtest"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is the API on a real registry and a real view, wired together as the app does it, but with a log that is in
// memory and whose time the test sets.
type harness struct {
	*testing.T
	server   *server
	http     *httptest.Server
	client   *client.Client
	registry *registry.Registry
	view     *fleet.View
	history  *history.History
	stopView func()

	mu       sync.Mutex // guards the following: the log
	position event.Position
	now      event.Time
	log      []event.Stored
	applied  chan struct{} // closed and replaced at every batch and every change of the directory
}

// newHarness starts the API; change, if any, has the last word on its Config.
func newHarness(t *testing.T, change ...func(*Config)) *harness {
	t.Helper()
	h := &harness{T: t, now: event.At(time.Now()), applied: make(chan struct{})}
	var err error
	h.registry, err = registry.Open(t.Context(), registry.Config{Path: filepath.Join(t.TempDir(), "registry.db")})
	if err != nil {
		t.Fatal(err)
	}
	h.view = fleet.New(fleet.Config{})
	if h.history, err = history.Open(history.Config{Dir: filepath.Join(t.TempDir(), "history")}); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context() // it ends before the cleanups
	viewCtx, stopView := context.WithCancel(ctx)
	h.stopView = stopView
	var running sync.WaitGroup
	running.Go(func() { h.relay(ctx) })
	running.Go(func() { h.follow(ctx) })
	running.Go(func() { h.history.Run(ctx) })
	running.Go(func() { _ = h.view.Run(viewCtx) })
	cfg := Config{
		View: h.view, Registry: h.registry, Unregistered: ingest.NewUnregistered(ingest.UnregisteredConfig{}),
		Ready:   func() error { return nil },
		Applied: h.showsRevision,
		Reached: h.shows,
		Heartbeats: func(context.Context, history.HeartbeatQuery) (history.HeartbeatPage, error) {
			return history.HeartbeatPage{Position: h.head()}, nil
		},
		Transitions: h.history.Transitions,
		At:          func(context.Context, event.Time) (*fleet.View, error) { return h.view, nil },
		Records:     h.records(),
		Backtest:    h.backtest,
		Erase:       func(context.Context, string) error { return nil },
		Storage: func(context.Context) (Storage, error) {
			return Storage{Parts: []StoredPart{{Part: "log", Files: 1, Bytes: 2, Oldest: StoredAt{h.time(), 1}}}, Free: 3, Total: 4}, nil
		},
		Appended: h.head,
		Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, f := range change {
		f(&cfg)
	}
	if h.server, err = newServer(cfg); err != nil {
		t.Fatal(err)
	}
	h.http = httptest.NewServer(h.server.handler())
	if h.client, err = client.New(client.Config{BaseURL: h.http.URL}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.client.Close()
		h.http.Client().CloseIdleConnections()
		h.http.CloseClientConnections()
		h.http.Close()
		running.Wait()
		if err := errors.Join(h.registry.Close(), h.history.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// append writes a batch to the log, at the log's time, and the view applies it.
func (h *harness) append(b event.Batch) event.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.position++
	stored := event.Stored{Position: h.position, Epoch: 1, Batch: b}
	h.log = append(h.log, stored)
	if err := h.view.Apply(stored); err != nil {
		h.Errorf("applying batch %d: %v", h.position, err)
	}
	if err := h.history.Apply(stored); err != nil {
		h.Errorf("remembering batch %d: %v", h.position, err)
	}
	close(h.applied)
	h.applied = make(chan struct{})
	return h.position
}

func (h *harness) time() event.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// set sets the log's time; skip lets it pass unobserved.
func (h *harness) set(to event.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = to
}

func (h *harness) skip(d time.Duration) { h.set(h.time().Add(d)) }

// hear lets vehicles send a heartbeat each, in one batch.
func (h *harness) hear(vehicles ...event.VehicleID) event.Position {
	var b event.Batch
	for _, v := range vehicles {
		b.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: h.time(), Sequence: event.NoSequence})
	}
	return h.append(b)
}

// listen lets time pass, proven by canaries.
func (h *harness) listen(d time.Duration) {
	for passed := time.Duration(0); passed <= d; passed += 5 * time.Second {
		h.append(event.Batch{Entries: []event.Entry{{ReceivedAt: h.time(), Fact: event.Canary{Door: "test"}}}})
		h.mu.Lock()
		h.now = h.now.Add(5 * time.Second)
		h.mu.Unlock()
	}
}

// backtest replays the log.
func (h *harness) backtest(ctx context.Context, q backtest.Query) (backtest.Report, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	test := backtest.New(q)
	for _, s := range h.log {
		if !test.Apply(s) {
			break
		}
	}
	return test.Report(), ctx.Err()
}

// relay brings the registry's facts to the log.
func (h *harness) relay(ctx context.Context) {
	err := h.registry.Relay(ctx, func(_ context.Context, facts []event.Fact) (event.Position, error) {
		var b event.Batch
		for _, f := range facts {
			b.Entries = append(b.Entries, event.Entry{ReceivedAt: h.time(), Fact: f})
		}
		return h.append(b), nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		h.Errorf("relaying: %v", err)
	}
}

// follow brings the registry's changes to the view.
func (h *harness) follow(ctx context.Context) {
	for since := int64(0); ; since = h.view.Revision() {
		if _, err := h.registry.Wait(ctx, since); err != nil {
			return
		}
		if err := h.registry.Changes(ctx, since, h.update); err != nil && ctx.Err() == nil {
			h.Errorf("following the registry: %v", err)
			return
		}
		h.mu.Lock()
		close(h.applied)
		h.applied = make(chan struct{})
		h.mu.Unlock()
	}
}

func (h *harness) update(c registry.Changes) error {
	u := fleet.Update{Revision: c.Revision, RemovedVehicles: c.RemovedVehicles, RemovedCustomers: c.RemovedCustomers}
	for _, customer := range c.Customers {
		u.Customers = append(u.Customers, fleet.Customer{Number: customer.Number, ID: customer.ID, Name: customer.Name, Address: customer.Address})
	}
	for _, v := range c.Vehicles {
		u.Vehicles = append(u.Vehicles, fleet.Vehicle{Number: v.Number, VIN: v.VIN, RegistrationNumber: v.RegistrationNumber, Customer: v.Customer, Tags: v.Tags})
	}
	return h.view.Update(u)
}

// await blocks until the view has come far enough.
func (h *harness) await(ctx context.Context, enough func() bool) error {
	for {
		h.mu.Lock()
		changed := h.applied
		h.mu.Unlock()
		if enough() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *harness) shows(ctx context.Context, p event.Position) error {
	return h.await(ctx, func() bool { return h.view.Checkpoint() >= p })
}

func (h *harness) showsRevision(ctx context.Context, revision int64) (event.Position, error) {
	position, err := h.registry.WaitRelayed(ctx, revision)
	if err != nil {
		return 0, err
	}
	return position, h.await(ctx, func() bool { return h.view.Checkpoint() >= position && h.view.Revision() >= revision })
}

func (h *harness) head() event.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.position
}

// number is a vehicle's number in the log.
func (h *harness) number(vin string) event.VehicleID {
	h.Helper()
	v, err := h.registry.Vehicle(h.Context(), vin)
	if err != nil {
		h.Fatal(err)
	}
	return v.Number
}

// get asks for a path as a browser would.
func (h *harness) get(path string) *http.Response {
	h.Helper()
	return h.send(http.MethodGet, path, "", "")
}

// send makes a call as a stranger would.
func (h *harness) send(method, path, contentType, body string) *http.Response {
	h.Helper()
	request, err := http.NewRequestWithContext(h.Context(), method, h.http.URL+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := h.http.Client().Do(request)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { answer.Body.Close() })
	return answer
}

// refused reads an answer that must be a problem of this status.
func (h *harness) refused(answer *http.Response, status int) (problem client.Problem) {
	h.Helper()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		h.Fatal(err)
	}
	if answer.StatusCode != status || answer.Header.Get("Content-Type") != "application/problem+json" {
		h.Errorf("answered %s, %s: %.300s; want a problem with status %d", answer.Status, answer.Header.Get("Content-Type"), data, status)
		return problem
	}
	if err := json.Unmarshal(data, &problem); err != nil || problem.Status != status || problem.Title == "" || problem.Detail == "" {
		h.Errorf("the problem is %s (%v)", data, err)
	}
	return problem
}

// must is v, or the end of the test.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
