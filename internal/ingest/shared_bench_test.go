package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/natstest"
)

// BenchmarkWriters is heartbeats a second, each its own call, from 512 callers: into the embedded log, into one on a server beside
// it, into one on three servers of which two sync each write, and there from two nodes at once.
func BenchmarkWriters(b *testing.B) {
	for _, c := range []struct {
		name           string
		servers, nodes int
	}{{"embedded", 0, 1}, {"one server", 1, 1}, {"three servers", 3, 1}, {"three servers, two nodes", 3, 2}} {
		b.Run(c.name, func(b *testing.B) {
			var shared *eventlog.Shared
			if c.servers > 0 {
				shared = &eventlog.Shared{URLs: natstest.Start(b, c.servers, "", "").URLs(), Replicas: c.servers}
			}
			var committers []*Committer
			for i := range c.nodes {
				committers = append(committers, benchNode(b, fmt.Sprint(i), shared))
			}
			b.ResetTimer()
			began := time.Now()
			const callers = 512
			var sent atomic.Int64
			var sending sync.WaitGroup
			for i := range callers {
				sending.Go(func() {
					for sent.Add(1) <= int64(b.N) {
						if _, err := committers[i%len(committers)].Submit(b.Context(), []event.Heartbeat{{Vehicle: event.VehicleID(i + 1), Sequence: event.NoSequence}}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			sending.Wait()
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "heartbeats/s")
		})
	}
}

func benchNode(b *testing.B, door string, shared *eventlog.Shared) *Committer {
	b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	log, err := eventlog.Open(b.Context(), eventlog.Config{Dir: b.TempDir(), Shared: shared, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	committer, err := NewCommitter(CommitterConfig{Log: log, Window: NewWindow(), Door: door})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	done := make(chan error, 1)
	go func() { done <- committer.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-done
		_ = log.Close()
	})
	return committer
}

// BenchmarkNewNode is how fast a node that begins with nothing copies a shared log, of batches of 1,000 heartbeats.
func BenchmarkNewNode(b *testing.B) {
	shared := &eventlog.Shared{URLs: natstest.Start(b, 1, "", "").URLs()}
	committer := benchNode(b, "first", shared)
	rows := make([]event.Heartbeat, 1000)
	for i := range rows {
		rows[i] = event.Heartbeat{Vehicle: event.VehicleID(i + 1), Sequence: event.NoSequence}
	}
	const batches = 3000
	for range batches {
		if _, err := committer.Submit(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		began := time.Now()
		log, err := eventlog.Open(b.Context(), eventlog.Config{Dir: b.TempDir(), Shared: shared, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		if head := log.Head(); head < batches {
			b.Fatalf("it came to position %d", head)
		}
		b.ReportMetric(batches*1000/time.Since(began).Seconds(), "heartbeats/s")
		_ = log.Close()
	}
}
