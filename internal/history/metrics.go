package history

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	failures prometheus.Counter
	damaged  prometheus.Counter
	sealing  prometheus.Histogram
}

func opts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "fleetbeat", Subsystem: "history", Name: name, Help: help}
}

func newMetrics() metrics {
	return metrics{
		failures: prometheus.NewCounter(prometheus.CounterOpts(opts("failures_total", "Times that the history could not be written; it is tried again."))),
		damaged:  prometheus.NewCounter(prometheus.CounterOpts(opts("damaged_files_total", "Files that were found damaged and set aside."))),
		sealing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "fleetbeat", Subsystem: "history", Name: "sealing_seconds", Help: "How long it took to write a part of the history.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 8),
		}),
	}
}

// Register shows the history's figures.
func (h *History) Register(registerer prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts(name, help)), value)
	}
	registerer.MustRegister(h.metrics.failures, h.metrics.damaged, h.metrics.sealing,
		gauge("checkpoint_position", "Position of the last batch applied.", func() float64 { return float64(h.Checkpoint()) }),
		gauge("open_bytes", "Memory of what is not in files yet.", func() float64 { return float64(h.Stats().OpenBytes) }),
		gauge("waiting_parts", "Parts that are closed and not in files yet.", func() float64 { return float64(h.Stats().Waiting) }),
		gauge("files", "Files that count.", func() float64 { return float64(h.Stats().Files) }),
		gauge("bytes", "Bytes of the files that count.", func() float64 { return float64(h.Stats().Bytes) }),
		gauge("missing_parts", "Parts that were set aside and are not made again yet.", func() float64 { return float64(h.Stats().Missing) }),
		gauge("lost_parts", "Parts that were set aside and cannot be made again.", func() float64 { return float64(h.Stats().Lost) }))
}

// Stats says how much there is.
type Stats struct {
	OpenBytes int64 // memory of what is not in files yet
	Waiting   int   // closed parts that are not in files yet
	Files     int
	Bytes     int64 // of the files
	Missing   int   // parts that were damaged and are not made again yet
	Lost      int   // parts that were damaged and cannot be made again
}

// Stats says how much there is now.
func (h *History) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := Stats{Waiting: len(h.closed), Files: len(h.manifest.Files), Missing: len(h.manifest.Missing), Lost: len(h.manifest.Gone)}
	for _, p := range h.closed {
		s.OpenBytes += int64(p.size())
	}
	if h.open != nil {
		s.OpenBytes += int64(h.open.size())
	}
	for i := range h.manifest.Files {
		s.Bytes += h.manifest.Files[i].Bytes
	}
	return s
}
