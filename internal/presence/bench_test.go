package presence

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

const canariesPerMinute = int(time.Minute / canaryEvery)

// benchRule is a rule with n vehicles, all online, heard within the minute before the returned moment.
func benchRule(n int) (*Rule, event.Time) {
	var b event.Batch
	for v := 1; v <= n; v++ {
		added := event.VehicleAdded{Vehicle: event.VehicleID(v), Customer: event.CustomerID(v % 10_000)}
		b.Entries = append(b.Entries, event.Entry{ReceivedAt: scripttest.Start, Fact: added})
	}
	b.Entries = append(b.Entries, event.Entry{ReceivedAt: scripttest.Start, Fact: event.Canary{}})
	r := New()
	var out Changes
	r.Apply(event.Stored{Batch: b}, &out)
	w := benchWorld{order: rand.New(rand.NewPCG(1, 2)).Perm(n), now: scripttest.Start}
	for range canariesPerMinute {
		r.Apply(event.Stored{Batch: w.heartbeats()}, &out)
		r.Apply(event.Stored{Batch: w.canary()}, &out)
	}
	return r, w.now
}

// benchWorld lets every vehicle send once a minute, in a random order.
type benchWorld struct {
	order []int
	next  int
	now   event.Time
}

// heartbeats is what arrives between two canaries.
func (w *benchWorld) heartbeats() event.Batch {
	w.now = w.now.Add(canaryEvery)
	var b event.Batch
	for range (len(w.order) + canariesPerMinute - 1) / canariesPerMinute {
		v := event.VehicleID(w.order[w.next] + 1)
		b.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: w.now, Sequence: event.NoSequence})
		w.next = (w.next + 1) % len(w.order)
	}
	return b
}

func (w *benchWorld) canary() event.Batch {
	return event.Batch{Entries: []event.Entry{{ReceivedAt: w.now, Fact: event.Canary{}}}}
}

// BenchmarkApply measures heartbeats of online vehicles in a random order, in batches of the given size.
func BenchmarkApply(b *testing.B) {
	const n = 1_000_000
	r, now := benchRule(n)
	for _, size := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			order := rand.New(rand.NewPCG(3, 4)).Perm(n)
			var batch event.Stored
			for range size {
				batch.Heartbeats.Append(event.Heartbeat{Sequence: event.NoSequence})
			}
			var out Changes
			done := 0
			for b.Loop() {
				now++
				for i := range size {
					batch.Heartbeats.Vehicle[i] = event.VehicleID(1 + order[(done+i)%n])
					batch.Heartbeats.ReceivedAt[i] = now
				}
				r.Apply(batch, &out)
				done += size
			}
			b.ReportMetric(float64(done)/b.Elapsed().Seconds()/1e6, "Mheartbeats/s")
		})
	}
}

// BenchmarkAdvance measures one canary while every vehicle sends once a minute and none is due, so that all it does is
// to file anew the vehicles whose old deadline came up. The heartbeats between the canaries are not measured.
func BenchmarkAdvance(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("vehicles=%d", n), func(b *testing.B) {
			r, now := benchRule(n)
			w := benchWorld{order: rand.New(rand.NewPCG(1, 2)).Perm(n), now: now}
			var out Changes
			var took []time.Duration
			for b.Loop() {
				r.Apply(event.Stored{Batch: w.heartbeats()}, &out)
				canary := event.Stored{Batch: w.canary()}
				began := time.Now()
				r.Apply(canary, &out)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "µs/canary-p50")
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "µs/canary-p99")
		})
	}
}

// BenchmarkGap measures the canary that ends a gap of an hour, which moves every deadline, and then the slowest canary
// of those that follow, when all these deadlines come near.
func BenchmarkGap(b *testing.B) {
	r, now := benchRule(1_000_000)
	var out Changes
	var slowest []time.Duration
	for b.Loop() {
		now = now.Add(time.Hour)
		r.Apply(event.Stored{Batch: (&benchWorld{now: now}).canary()}, &out)
		b.StopTimer()
		w := benchWorld{order: rand.New(rand.NewPCG(1, 2)).Perm(1_000_000), now: now}
		var worst time.Duration
		for range 2 * canariesPerMinute {
			r.Apply(event.Stored{Batch: w.heartbeats()}, &out)
			canary := event.Stored{Batch: w.canary()}
			began := time.Now()
			r.Apply(canary, &out)
			worst = max(worst, time.Since(began))
		}
		slowest, now = append(slowest, worst), w.now
		b.StartTimer()
	}
	slices.Sort(slowest)
	b.ReportMetric(float64(slowest[len(slowest)/2].Milliseconds()), "ms/slowest-after")
}

// BenchmarkDefaultPolicy measures a change of the default policy, under which all vehicles are judged anew.
func BenchmarkDefaultPolicy(b *testing.B) {
	r, now := benchRule(1_000_000)
	var out Changes
	late := 90 * time.Second
	for b.Loop() {
		late += time.Millisecond
		f := event.PolicyChanged{Policy: event.Policy{LateAfter: late, OfflineAfter: 2 * late}}
		r.Apply(event.Stored{Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: now, Fact: f}}}}, &out)
	}
}

func BenchmarkSave(b *testing.B) {
	r, _ := benchRule(1_000_000)
	for b.Loop() {
		if err := r.Save(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad also reports the memory that a loaded vehicle takes.
func BenchmarkLoad(b *testing.B) {
	const n = 1_000_000
	r, _ := benchRule(n)
	bytesSaved := saved(b, r)
	b.SetBytes(int64(len(bytesSaved)))
	before := heap()
	var loaded *Rule
	for b.Loop() {
		var err error
		if loaded, err = Load(bytes.NewReader(bytesSaved)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/n, "B/vehicle")
	runtime.KeepAlive(loaded)
	runtime.KeepAlive(r)
	runtime.KeepAlive(bytesSaved)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
