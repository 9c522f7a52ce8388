package fleet

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// register offers the view's figures to a registry of metrics; they are read from the view when they are asked for.
func (v *View) register(to prometheus.Registerer) {
	if to == nil {
		return
	}
	opts := func(name, help string, labels prometheus.Labels) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "fleetbeat", Subsystem: "fleet", Name: name, Help: help, ConstLabels: labels}
	}
	for p := range event.Presence(event.Presences) {
		to.MustRegister(prometheus.NewGaugeFunc(
			opts("vehicles", "Vehicles listed, by presence.", prometheus.Labels{"presence": p.String()}),
			func() float64 { return v.figure(func() float64 { return float64(v.counts[p]) }) }))
	}
	to.MustRegister(
		prometheus.NewGaugeFunc(opts("listening_proven_seconds", "Moment of the newest canary, in Unix time.", nil),
			func() float64 {
				return v.figure(func() float64 { return float64(v.rule.Proof()) / 1000 })
			}),
		prometheus.NewCounterFunc(prometheus.CounterOpts(opts("transitions_total", "Changes of presence, since the beginning of the log.", nil)),
			func() float64 { return v.figure(func() float64 { return float64(v.recent.last) }) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts(opts("gaps_total", "Times in which nothing proves that we were listening, since the beginning of the log.", nil)),
			func() float64 { return v.figure(func() float64 { return float64(v.gaps.last) }) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts(opts("ignored_total", "Heartbeats and facts of vehicles that were not watched, since the beginning of the log.", nil)),
			func() float64 { return v.figure(func() float64 { return float64(v.rule.Ignored()) }) }),
		prometheus.NewGaugeFunc(opts("subscribers", "Readers of the live stream.", nil),
			func() float64 { return v.hub.figure(func() float64 { return float64(v.hub.subscribers) }) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts(opts("resyncs_total", "Readers of the live stream that were too slow and began anew.", nil)),
			func() float64 { return v.hub.figure(func() float64 { return float64(v.hub.resyncs) }) }),
		prometheus.NewGaugeFunc(opts("remembered_bytes", "What the sets of vehicles take that recent search texts found.", nil),
			func() float64 {
				v.matches.mu.Lock()
				defer v.matches.mu.Unlock()
				return float64(v.matches.bytes)
			}),
	)
}

func (v *View) figure(read func() float64) float64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return read()
}

func (h *hub) figure(read func() float64) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return read()
}
