package bench

import (
	"context"
	"errors"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// pollEvery is how often one looks for vehicles that are late.
const pollEvery = 100 * time.Millisecond

// measureBurst has the whole fleet report within a few seconds, rest as long, and report again. A vehicle is late soon
// after it should have been heard the second time: whoever becomes late was held up by us.
func (b *bench) measureBurst(ctx context.Context) error {
	f, err := b.needServer(ctx)
	if err != nil {
		return err
	}
	tight := client.Policy{
		LateAfter: client.SecondsOf(b.burst * 5 / 2), OfflineAfter: client.SecondsOf(b.burst * 4),
	}
	if _, err := f.client.SetPolicy(ctx, tight); err != nil {
		return err
	}
	made := newTemplates(batchForm{client.Protobuf, true}, f.roster)
	for range b.rounds {
		if err := b.reportTwice(ctx, f, made); err != nil {
			return err
		}
	}
	_, err = f.client.SetPolicy(ctx, calm)
	return err
}

// burstOf is a load in which every vehicle reports once.
func (f *server) burstOf(made templates) load {
	l := f.batchesOf(made)
	l.requests = len(made)
	l.rate = float64(l.requests) / f.bench.burst.Seconds()
	return l
}

func (b *bench) reportTwice(ctx context.Context, f *server, made templates) error {
	w := b.watch()
	next := time.Now().Add(2 * b.burst)
	first, err := f.burstOf(made).run(ctx)
	if err != nil && !errors.Is(err, errRefused) {
		return err
	}
	stop := f.watchLate(ctx)
	second := outcome{}
	if err = pause(ctx, time.Until(next)); err == nil {
		second, err = f.burstOf(made).run(ctx)
	}
	late, watched := stop()
	if errors.Is(err, errRefused) {
		err = nil // those are counted
	}
	if err := errors.Join(err, watched); err != nil {
		return err
	}
	busy := w.busy()
	b.add("burst-rate", "burst", "heartbeats/s", nil, second.perSecond(), busy)
	b.add("burst-refused", "  refused requests", "", atMost(0), float64(first.refused+second.refused), busy)
	b.add("burst-late", "  vehicles late by our fault", "", atMost(0), float64(late), busy)
	b.add("burst-p99", "  answered, p99", "ms", nil, second.quantile(0.99), busy)
	return nil
}

// watchLate looks for vehicles that are late or offline until it is stopped, and then says how many there were at most.
func (f *server) watchLate(ctx context.Context) (stop func() (int, error)) {
	ctx, cancel := context.WithCancel(ctx)
	var most int
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause(ctx, pollEvery) == nil {
			var summary client.Summary
			if summary, err = f.client.Summary(context.WithoutCancel(ctx)); err != nil {
				return
			}
			most = max(most, summary.Presence.Late+summary.Presence.Offline)
		}
	}()
	return func() (int, error) {
		cancel()
		<-done
		return most, err
	}
}
