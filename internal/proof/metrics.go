package proof

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	signed   prometheus.Counter
	failures prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, t *Tree) metrics {
	m := metrics{
		signed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fleetbeat_proof_checkpoints_total", Help: "Checkpoints signed since the start.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fleetbeat_proof_failures_total", Help: "Attempts to write the tree or a checkpoint that failed and are made again.",
		}),
	}
	if registerer == nil {
		return m
	}
	gauge := func(name, help string, value func(state) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(t.look()) })
	}
	registerer.MustRegister(m.signed, m.failures,
		gauge("fleetbeat_proof_signed_position", "Position up to which the newest checkpoint covers the log.", func(s state) float64 {
			return float64(s.signed.Size)
		}),
		gauge("fleetbeat_proof_lag_batches", "Batches in the log that are not in the tree yet.", func(s state) float64 {
			return max(0, float64(t.config.Log.Head())-float64(s.applied))
		}),
		gauge("fleetbeat_proof_broken", "1 when the log does not fit what was signed, so that nothing more is signed.", func(s state) float64 {
			if s.broken != nil {
				return 1
			}
			return 0
		}))
	return m
}
