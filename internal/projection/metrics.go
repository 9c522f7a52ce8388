package projection

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	refused          prometheus.Counter
	snapshotFailures prometheus.Counter
	snapshotBytes    prometheus.Gauge
	snapshotTime     prometheus.Gauge
}

func newMetrics(config Config, r *Runner) metrics {
	labels := prometheus.Labels{"projection": config.Snapshots.Name}
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "fleetbeat", Subsystem: "projection", Name: name, Help: help, ConstLabels: labels}
	}
	m := metrics{
		refused:          prometheus.NewCounter(prometheus.CounterOpts(opts("refused_batches_total", "Batches that the projection refused and skipped."))),
		snapshotFailures: prometheus.NewCounter(prometheus.CounterOpts(opts("snapshot_failures_total", "Snapshots that could not be written."))),
		snapshotBytes:    prometheus.NewGauge(prometheus.GaugeOpts(opts("snapshot_bytes", "Size of the newest snapshot."))),
		snapshotTime:     prometheus.NewGauge(prometheus.GaugeOpts(opts("snapshot_timestamp_seconds", "When the newest snapshot was written."))),
	}
	if config.Registerer != nil {
		config.Registerer.MustRegister(m.refused, m.snapshotFailures, m.snapshotBytes, m.snapshotTime,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("lag_batches", "Batches in the log that the projection has not applied yet.")),
				func() float64 { return float64(r.Lag()) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts("checkpoint_position", "Position of the last batch applied.")),
				func() float64 { return float64(r.Checkpoint()) }))
	}
	return m
}
