package eventlog

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	registerer prometheus.Registerer
	commit     prometheus.Histogram
	bytes      prometheus.Counter
	head       prometheus.Gauge
	first      prometheus.Gauge
	blocks     prometheus.Gauge
	damages    prometheus.Counter
	conflicts  prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		registerer: registerer,
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fleetbeat_log_commit_seconds",
			Help:    "Time from handing a batch to the log until it was on disk.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fleetbeat_log_appended_bytes_total", Help: "Bytes of batches appended to the log.",
		}),
		head: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fleetbeat_log_head_position", Help: "Position of the last durable batch.",
		}),
		first: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fleetbeat_log_first_position", Help: "Position at which the log begins: what came before was dropped.",
		}),
		blocks: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fleetbeat_log_blocks", Help: "Block files of the log.",
		}),
		damages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fleetbeat_log_damages_total", Help: "Damaged places found in the log's folder.",
		}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fleetbeat_log_conflicts_total", Help: "Appends to a shared log that began anew because another node was first.",
		}),
	}
	if registerer == nil {
		return m, nil
	}
	for _, c := range m.all() {
		if err := registerer.Register(c); err != nil {
			m.unregister()
			return nil, fmt.Errorf("registering the log's metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.commit, m.bytes, m.head, m.first, m.blocks, m.damages, m.conflicts}
}

func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.all() {
		m.registerer.Unregister(c)
	}
}
