package ingest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// house is everything of ingest on a real log, with vehicles 1 to 100 by the names of vin.
type house struct {
	log          *eventlog.Log
	dir          string
	committer    *Committer
	vehicles     *Set
	unregistered *Unregistered
	doors        *Doors
	server       *httptest.Server
	registry     *prometheus.Registry
	stop         func() // stops the committer and waits for it
}

// options changes what newHouse makes.
type options struct {
	dir       string
	log       eventlog.Config
	committer CommitterConfig
	doors     DoorsConfig
	idle      bool // the committer does not run
}

func newHouse(t testing.TB, o options) *house {
	t.Helper()
	h := &house{dir: o.dir, registry: prometheus.NewRegistry()}
	if h.dir == "" {
		h.dir = t.TempDir()
	}
	quiet := slog.New(slog.DiscardHandler)
	o.log.Dir, o.log.Logger = h.dir, quiet
	var err error
	if h.log, err = eventlog.Open(t.Context(), o.log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.log.Close() })
	h.vehicles = bigSet(t, 100)
	h.unregistered = NewUnregistered(UnregisteredConfig{Registerer: h.registry})
	o.committer.Log, o.committer.Registerer = h.log, h.registry
	if o.committer.Window == nil {
		o.committer.Window = NewWindow()
	}
	if h.committer, err = NewCommitter(o.committer); err != nil {
		t.Fatal(err)
	}
	o.doors.Committer, o.doors.Vehicles, o.doors.Unregistered, o.doors.Registerer = h.committer, h.vehicles, h.unregistered, h.registry
	if h.doors, err = NewDoors(o.doors); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h.doors.Register(mux)
	mux.HandleFunc("POST /noop/{vehicle_id}", h.doors.ping)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h.server = httptest.NewServer(mux)
	h.stop = func() {}
	if !o.idle {
		h.run(t)
	}
	t.Cleanup(func() { h.stop() })
	t.Cleanup(h.server.Close)
	return h
}

// run starts the committer.
func (h *house) run(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.committer.Run(ctx) }()
	h.stop = func() {
		h.stop = func() {}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// stored is the whole log.
func (h *house) stored(t testing.TB) []event.Stored {
	t.Helper()
	var all []event.Stored
	_, err := eventlog.Read(h.dir, 1, func(s event.Stored) error {
		all = append(all, cloned(s)) // s is valid during the call only
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func cloned(s event.Stored) event.Stored {
	c := event.Stored{Position: s.Position, Epoch: s.Epoch}
	for i := range s.Heartbeats.Len() {
		c.Heartbeats.Append(s.Heartbeats.At(i))
	}
	c.Entries = append(c.Entries, s.Entries...)
	return c
}

// heartbeats are all heartbeats of the log.
func (h *house) heartbeats(t testing.TB) []event.Heartbeat {
	t.Helper()
	var all []event.Heartbeat
	for _, s := range h.stored(t) {
		for i := range s.Heartbeats.Len() {
			all = append(all, s.Heartbeats.At(i))
		}
	}
	return all
}

// eventually waits until a condition holds.
func eventually(t testing.TB, condition func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for look := time.Tick(time.Millisecond); !condition(); {
		select {
		case <-look:
		case <-late:
			t.Error("what was waited for did not come")
			return
		}
	}
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends a request to the doors; headers are "Name: value".
func (h *house) post(t testing.TB, path, body string, headers ...string) answer {
	t.Helper()
	return h.do(t, http.MethodPost, path, strings.NewReader(body), headers...)
}

func (h *house) do(t testing.TB, method, path string, body io.Reader, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, h.server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Add(name, value)
	}
	response, err := h.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, text.String()}
}

// metric is the value of a counter or gauge, labels and all: `rejected_total{reason="busy"}` without its prefix.
func (h *house) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "fleetbeat_ingest_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			if len(labels) == 0 || len(m.GetLabel()) > 0 && m.GetLabel()[0].GetValue() == labels[0] {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s %v", name, labels)
	return 0
}
