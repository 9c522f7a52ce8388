package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what this package answers.
type metrics struct {
	requests *prometheus.HistogramVec
	stalled  prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fleetbeat_http_request_seconds", Help: "Time to answer, by pattern and status; live streams: their length.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"pattern", "status"}),
		stalled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fleetbeat_live_stalled_total", Help: "Live streams that were cut, because their reader stalled.",
		}),
	}
	if registerer != nil {
		registerer.MustRegister(m.requests, m.stalled)
	}
	return m
}

func (m *metrics) request(pattern string, status int, took time.Duration) {
	m.requests.WithLabelValues(pattern, strconv.Itoa(status)).Observe(took.Seconds())
}
