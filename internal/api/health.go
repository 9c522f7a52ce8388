package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health is the answer of the health checks.
type Health struct {
	Status string `json:"status" enum:"ok"`
}

// describeHealth registers what orchestrators and monitoring ask.
func (s *server) describeHealth() {
	healthy := func() map[string]*huma.Response {
		return answers("Yes", "application/json", s.shape(reflect.TypeFor[Health]()))
	}
	s.raw(huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz", Tags: []string{"machines"},
		Summary: "Is the process alive?", Responses: healthy(),
	}, func(w http.ResponseWriter, _ *http.Request) { s.answerJSON(w, Health{Status: "ok"}) })
	s.raw(huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: []string{"machines"},
		Summary:     "Is the server ready?",
		Description: "Ready when snapshots are loaded and the log is read. Until then, 503 says what it waits for.",
		Responses:   healthy(), Errors: []int{http.StatusServiceUnavailable},
	}, func(w http.ResponseWriter, _ *http.Request) {
		if err := s.ready(); err != nil {
			writeModel(w, problemOf(err, "", s.logger))
			return
		}
		s.answerJSON(w, Health{Status: "ok"})
	})
	metrics := promhttp.HandlerFor(s.cfg.Gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	s.raw(huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/metrics", Tags: []string{"machines"},
		Summary: "Figures for Prometheus", Responses: answers("The figures", "text/plain", nil),
	}, metrics.ServeHTTP)
}

// answerJSON writes an answer of success, for handlers that do not run under huma.
func (s *server) answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// The shapes always encode; an error here is the caller's connection.
	_ = writeJSON(w, v)
}
