package bench

import (
	"context"

	"github.com/fleetbeat/fleetbeat/client"
)

// measureDisk looks at how the log grows while every vehicle reports once a minute.
func (b *bench) measureDisk(ctx context.Context) error {
	f, err := b.needServer(ctx)
	if err != nil {
		return err
	}
	for _, form := range []struct {
		name, what string
		load       func() load
	}{
		{"single", "log, single heartbeats", f.steady},
		{"single-numbered", "log, single heartbeats with time and sequence number", f.numbered},
		{"batch", "log, batches of 1,000", func() load { return f.batchesOf(newTemplates(batchForm{client.Protobuf, false}, f.roster)) }},
		{"batch-numbered", "log, batches of 1,000 with time and sequence number", func() load { return f.batches(client.Protobuf) }},
	} {
		for range b.rounds {
			l := form.load() // anew, for the vehicles' own time
			l.rate, l.duration = b.perSecond()/float64(l.items), b.steady
			if err := b.growth(ctx, f, "disk-"+form.name, form.what, l); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) growth(ctx context.Context, f *server, name, what string, l load) error {
	w := b.watch()
	before, err := f.logBytes()
	if err != nil {
		return err
	}
	o, err := l.run(ctx)
	if err != nil {
		return err
	}
	after, err := f.logBytes()
	if err != nil {
		return err
	}
	b.add(name, what, "bytes/heartbeat", atMost(8), float64(after-before)/float64(o.requests*o.items), w.busy())
	b.add(name+"-p50", "  answered, p50", "ms", nil, o.quantile(0.5), w.busy())
	b.add(name+"-p99", "  answered, p99", "ms", nil, o.quantile(0.99), w.busy())
	return nil
}

// numbered is the steady load with the vehicles' own times and sequence numbers.
func (f *server) numbered() load {
	l := f.steady()
	l.traffic = numberedSingles(f.roster, f.unused())
	return l
}
