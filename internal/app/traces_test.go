package app_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
)

// spans takes in what an OpenTelemetry collector would.
type spans struct {
	mu   sync.Mutex
	seen map[string]*tracepb.Span
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "no traces", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				s.seen[span.Name] = span
			}
		}
	}
}

// TestTraceLeadsFromDoorToAppend sends a heartbeat in a trace of the sender's.
func TestTraceLeadsFromDoorToAppend(t *testing.T) {
	received := &spans{seen: map[string]*tracepb.Span{}}
	server := httptest.NewServer(received)
	defer server.Close()
	s := fleettest.Start(t, func(c *app.Config) { c.Traces = server.URL })
	fleettest.Register(t, s.Client, "VIN-1")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/vehicles/VIN-1/heartbeats", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	s.Stop(t)
	received.mu.Lock()
	defer received.mu.Unlock()
	door, commit, appended := received.seen["POST /v1/vehicles/{vin}/heartbeats"], received.seen["commit"], received.seen["append"]
	if door == nil || commit == nil || appended == nil {
		t.Fatalf("spans are missing: %v", received.seen)
	}
	if string(commit.ParentSpanId) != string(door.SpanId) || string(appended.ParentSpanId) != string(commit.SpanId) || string(appended.TraceId) != string(door.TraceId) {
		t.Errorf("door %v, commit %v and append %v are no chain", door, commit, appended)
	}
	if appended.EndTimeUnixNano <= appended.StartTimeUnixNano || time.Unix(0, int64(appended.EndTimeUnixNano)).After(time.Now()) {
		t.Errorf("append took from %d to %d", appended.StartTimeUnixNano, appended.EndTimeUnixNano)
	}
}
