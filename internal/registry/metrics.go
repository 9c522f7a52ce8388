package registry

import "github.com/prometheus/client_golang/prometheus"

// metrics are what the registry tells Prometheus.
type metrics struct {
	collectors []prometheus.Collector // those that are registered
	failures   prometheus.Counter
}

func (m *metrics) register(r *Registry) error {
	m.failures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "fleetbeat_registry_relay_failures_total",
		Help: "Appends of registry facts to the log that failed and are tried again.",
	})
	if r.config.Registerer == nil {
		return nil
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fleetbeat_registry_outbox_length",
		Help: "Registry facts that wait for the log.",
	}, func() float64 {
		p, _ := r.now()
		return float64(p.fact - p.relayed)
	})
	revision := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fleetbeat_registry_revision",
		Help: "The revision of the last write to the registry.",
	}, func() float64 { return float64(r.Revision()) })
	past := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fleetbeat_registry_past_rows",
		Help: "What customers and vehicles were before they changed, at most so many rows.",
	}, func() float64 {
		p, _ := r.now()
		return float64(p.past.lastPast - p.past.firstPast)
	})
	available := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fleetbeat_registry_available",
		Help: "1 when the registry's database could be reached at the last look, else 0. In SQLite it always can.",
	}, func() float64 { return float64(number(r.isThere())) })
	for _, c := range []prometheus.Collector{m.failures, waiting, revision, past, available} {
		if err := r.config.Registerer.Register(c); err != nil {
			return err
		}
		m.collectors = append(m.collectors, c)
	}
	return nil
}

func (m *metrics) unregister(registerer prometheus.Registerer) {
	for _, c := range m.collectors {
		registerer.Unregister(c)
	}
}
