package app

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fleetbeat/fleetbeat/internal/backtest"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// drive writes a log of vehicles that send once a minute, each with an outage of five minutes now and then, in batches of
// which each ends with a canary. It hands them to see, too, unless that is nil.
func drive(t testing.TB, dir string, vehicles, batches int, every time.Duration, see func(event.Stored)) {
	log, err := eventlog.Open(t.Context(), eventlog.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	now := event.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	var first event.Batch
	for v := range vehicles {
		first.Entries = append(first.Entries, event.Entry{ReceivedAt: now, Fact: event.VehicleAdded{Vehicle: event.VehicleID(v + 1), Customer: 1}})
	}
	store := func(b event.Batch) {
		position, err := log.Append(context.Background(), &b) //nolint:usetesting // the log outlives a benchmark's loop
		if err != nil {
			t.Fatal(err)
		}
		if see != nil {
			see(event.Stored{Position: position, Epoch: 1, Batch: b})
		}
	}
	store(first)
	sent := int64(0)
	for n := range batches {
		now = now.Add(every)
		var b event.Batch
		for due := int64(vehicles) * int64(n+1) * every.Milliseconds() / 60_000; sent < due; sent++ {
			round, v := sent/int64(vehicles), sent%int64(vehicles)
			if (round+v)%60 < 5 && v%10 == 0 {
				continue // an outage
			}
			b.Heartbeats.Append(event.Heartbeat{Vehicle: event.VehicleID(v + 1), ReceivedAt: now, Sequence: event.NoSequence})
		}
		b.Entries = []event.Entry{{After: b.Heartbeats.Len(), ReceivedAt: now, Fact: event.Canary{Door: "http"}}}
		store(b)
	}
}

func TestBacktestOfAFolderSaysWhatTheRuleSays(t *testing.T) {
	dir := t.TempDir()
	q := backtest.Query{Policy: event.Policy{LateAfter: 3 * time.Minute, OfflineAfter: 4 * time.Minute}, Examples: 5}
	direct := backtest.New(q)
	drive(t, dir, 100, 900, 5*time.Second, func(s event.Stored) { direct.Apply(s) })
	got, err := Backtest(t.Context(), dir, q, "")
	if err != nil {
		t.Fatal(err)
	}
	want := direct.Report()
	if diff := cmp.Diff(want, got.Report, cmpopts.IgnoreUnexported(backtest.Outage{})); diff != "" {
		t.Errorf("from the folder (+) and in memory (-):\n%s", diff)
	}
	if want.Present.Outages == 0 || want.Later.Outages == 0 || got.Heartbeats == 0 {
		t.Errorf("the log holds no outage that is found later: %+v", want)
	}
}

func TestBacktestOfAFolderRefusesWhatItCannotAnswer(t *testing.T) {
	dir := t.TempDir()
	drive(t, dir, 1, 1, time.Second, nil)
	for _, policy := range []event.Policy{{}, {LateAfter: time.Minute, OfflineAfter: 30 * time.Second}} {
		if _, err := Backtest(t.Context(), dir, backtest.Query{Policy: policy}, ""); !errors.Is(err, ErrNoPolicy) {
			t.Errorf("policy %v: %v", policy, err)
		}
	}
	if _, err := Backtest(t.Context(), dir, backtest.Query{Policy: event.DefaultPolicy}, "nobody"); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("an unknown customer: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Backtest(ended, dir, backtest.Query{Policy: event.DefaultPolicy}, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who is gone: %v", err)
	}
}

// BenchmarkBacktest reads a log of 10,000 vehicles that send once a minute, in batches of different lengths.
func BenchmarkBacktest(b *testing.B) {
	for _, shape := range []struct {
		every   time.Duration
		batches int
	}{{time.Second, 3000}, {250 * time.Millisecond, 8000}, {10 * time.Millisecond, 20000}} {
		b.Run(fmt.Sprintf("batch_every_%s", shape.every), func(b *testing.B) {
			dir := b.TempDir()
			drive(b, dir, 10_000, shape.batches, shape.every, nil)
			q := backtest.Query{Policy: event.Policy{LateAfter: 60 * time.Second, OfflineAfter: 100 * time.Second}, Examples: 20}
			heartbeats, batches := uint64(0), uint64(0)
			for b.Loop() {
				report, err := Backtest(b.Context(), dir, q, "")
				if err != nil {
					b.Fatal(err)
				}
				heartbeats += report.Heartbeats
				batches += uint64(report.Position)
			}
			b.ReportMetric(float64(heartbeats)/b.Elapsed().Seconds()/1e6, "Mhb/s")
			b.ReportMetric(float64(batches)/b.Elapsed().Seconds()/1e3, "kbatches/s")
		})
	}
}
