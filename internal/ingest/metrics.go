package ingest

import "github.com/prometheus/client_golang/prometheus"

// committerMetrics are what a Committer counts.
type committerMetrics struct {
	heartbeats  prometheus.Counter
	repeats     prometheus.Counter
	batchRows   prometheus.Histogram
	unavailable prometheus.Gauge
}

func newCommitterMetrics(r prometheus.Registerer, c *Committer) *committerMetrics {
	m := &committerMetrics{
		heartbeats: newCounter("heartbeats_total", "Heartbeats stored, without repeats."),
		repeats:    newCounter("repeats_total", "Heartbeats stored as repeats: their sequence number was sent before."),
		batchRows: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "fleetbeat", Subsystem: "ingest", Name: "batch_rows",
			Help:    "Heartbeats and facts per commit.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8), // 1 to 16,384
		}),
		unavailable: newGauge("unavailable", "1 while the log cannot be written."),
	}
	register(r, m.heartbeats, m.repeats, m.batchRows, m.unavailable,
		newGaugeFunc("queue_rows", "Heartbeats and facts that wait for a commit.", func() float64 {
			c.mu.Lock()
			defer c.mu.Unlock()
			return float64(c.rows)
		}),
		newGaugeFunc("queue_rows_limit", "How many may wait.", func() float64 { return float64(c.config.QueueRows) }),
		newGaugeFunc("clock_ahead_seconds", "How far received-at stamps are ahead of the wall clock.", func() float64 {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.stamps.ahead().Seconds()
		}),
	)
	return m
}

// tally is what a batch holds.
type tally struct {
	all        int // heartbeats and facts
	heartbeats int
	repeats    int // of the heartbeats
}

func (m *committerMetrics) committed(t tally) {
	m.heartbeats.Add(float64(t.heartbeats - t.repeats))
	m.repeats.Add(float64(t.repeats))
	m.batchRows.Observe(float64(t.all))
}

func newCounter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "fleetbeat", Subsystem: "ingest", Name: name, Help: help})
}

func newGauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "fleetbeat", Subsystem: "ingest", Name: name, Help: help})
}

func newGaugeFunc(name, help string, value func() float64) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "fleetbeat", Subsystem: "ingest", Name: name, Help: help}, value)
}

func register(r prometheus.Registerer, all ...prometheus.Collector) {
	if r != nil {
		r.MustRegister(all...)
	}
}

// doorMetrics are what Doors count.
type doorMetrics struct {
	rejected [reasons]prometheus.Counter
}

func newDoorMetrics(r prometheus.Registerer, d *Doors) *doorMetrics {
	rejected := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "fleetbeat", Subsystem: "ingest", Name: "rejected_total",
		Help: "Requests refused, and heartbeats of batches rejected, by reason.",
	}, []string{"reason"})
	m := new(doorMetrics)
	for why := range reasons {
		m.rejected[why] = rejected.WithLabelValues(reasonTable[why].label)
	}
	register(r, rejected,
		newGaugeFunc("body_bytes", "Bytes of request bodies held.", func() float64 { return float64(d.memory.used.Load()) }),
		newGaugeFunc("body_bytes_limit", "How many may be held.", func() float64 { return float64(d.memory.limit) }),
		newGaugeFunc("vehicles", "Vehicles whose heartbeats are taken.", func() float64 { return float64(d.vehicles.Len()) }),
	)
	return m
}
