package history

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// traffic makes the log of a fleet: a heartbeat a minute of each vehicle, up to 2 s later than planned, in batches of a
// millisecond or of 16 heartbeats, and a canary every 250 ms.
type traffic struct {
	vehicles int
	random   *rand.Rand
	phase    []int32 // of a vehicle's plan in the minute, ms
	position event.Position
	minutes  [2][][]beatPlan // heartbeats by second, of this minute and the next
}

type beatPlan struct {
	ms      int32 // in the second
	vehicle event.VehicleID
}

func newTraffic(vehicles int) *traffic {
	t := &traffic{vehicles: vehicles, random: rand.New(rand.NewPCG(1, rand.Uint64())), phase: make([]int32, vehicles)}
	phases := rand.New(rand.NewPCG(1, 2))
	for i := range t.phase {
		t.phase[i] = phases.Int32N(60_000)
	}
	for i := range t.minutes {
		t.minutes[i] = make([][]beatPlan, 60)
	}
	return t
}

// plan puts the heartbeats of a minute into its seconds.
func (t *traffic) plan() {
	t.minutes[0], t.minutes[1] = t.minutes[1], t.minutes[0]
	for s := range t.minutes[1] {
		t.minutes[1][s] = t.minutes[1][s][:0]
	}
	for v := range t.vehicles {
		at := t.phase[v] + t.random.Int32N(2000)
		second := at / 1000
		in := &t.minutes[second/60][second%60]
		*in = append(*in, beatPlan{at % 1000, event.VehicleID(v + 1)})
	}
}

// minute hands the batches of a minute to apply.
func (t *traffic) minute(begin event.Time, apply func(event.Stored)) {
	t.plan()
	var counts [1001]int
	for second, plans := range t.minutes[0] {
		at := begin + event.Time(second*1000)
		clear(counts[:])
		for _, p := range plans {
			counts[p.ms+1]++
		}
		for i := 1; i < len(counts); i++ {
			counts[i] += counts[i-1]
		}
		sorted := make([]event.VehicleID, len(plans))
		starts := counts
		for _, p := range plans {
			sorted[starts[p.ms]] = p.vehicle
			starts[p.ms]++
		}
		for ms := range 1000 {
			t.emit(at+event.Time(ms), sorted[counts[ms]:counts[ms+1]], ms%250 == 0, apply)
		}
	}
}

func (t *traffic) emit(at event.Time, vehicles []event.VehicleID, canary bool, apply func(event.Stored)) {
	for len(vehicles) > 0 || canary {
		t.position++
		s := event.Stored{Position: t.position, Epoch: 1}
		n := min(len(vehicles), 16)
		s.Heartbeats.Vehicle, vehicles = vehicles[:n], vehicles[n:]
		s.Heartbeats.ReceivedAt = make([]event.Time, n)
		for i := range n {
			s.Heartbeats.ReceivedAt[i] = at
		}
		if canary {
			s.Entries, canary = []event.Entry{{After: n, ReceivedAt: at, Fact: event.Canary{Door: "http"}}}, false
		}
		apply(s)
	}
}

// simulate applies so much of a fleet's traffic.
func simulate(b *testing.B, h *History, vehicles int, begin event.Time, length time.Duration) {
	b.Helper()
	t := newTraffic(vehicles)
	t.position = h.Checkpoint() + 1
	added := event.Stored{Position: t.position, Epoch: 1}
	for v := range vehicles {
		added.Entries = append(added.Entries, event.Entry{ReceivedAt: begin, Fact: event.VehicleAdded{Vehicle: event.VehicleID(v + 1), Customer: event.CustomerID(v%1000 + 1)}})
	}
	if err := h.Apply(added); err != nil {
		b.Fatal(err)
	}
	for at := begin; at < begin.Add(length); at += 60_000 {
		t.minute(at, func(s event.Stored) {
			if err := h.Apply(s); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// settled seals and compacts what can be.
func settled(b *testing.B, h *History) {
	b.Helper()
	for again := true; again; {
		var err error
		if again, err = h.work(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func bytesOf(h *History, kinds ...kind) (bytes, rows int64) {
	for _, k := range kinds {
		for _, f := range h.manifest.of(k, 0, endOfTime) {
			bytes += f.Bytes
			if k == heartbeatFiles {
				rows += f.Rows
			}
		}
	}
	return bytes, rows
}

const benchBegin event.Time = 1_764_028_800_000 // 2025-11-25T00:00:00Z

func openBench(b *testing.B) *History {
	b.Helper()
	h, err := Open(Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.Close() })
	return h
}

// BenchmarkHour: memory and disk of an hour of 1,000,000 vehicles, and how long it takes.
func BenchmarkHour(b *testing.B) {
	const fleet = 1_000_000
	for b.Loop() {
		h := openBench(b)
		began := time.Now()
		simulate(b, h, fleet, benchBegin, time.Hour-time.Minute)
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/(59*fleet), "apply-ns/heartbeat")
		b.ReportMetric(float64(h.Stats().OpenBytes)/fleet*60/59, "head-B/vehicle-hour")
		simulate(b, h, 1, benchBegin+hour, time.Minute)
		began = time.Now()
		settled(b, h)
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/(59*fleet), "seal-ns/heartbeat")
		bytes, rows := bytesOf(h, heartbeatFiles, batchFiles)
		b.ReportMetric(float64(bytes)/float64(rows), "hour-B/heartbeat")
	}
}

// BenchmarkDay: disk of a day file, and reading a vehicle's day from it.
func BenchmarkDay(b *testing.B) {
	for name, fleet := range map[string]int{"4k": 4_000, "20k": 20_000, "100k": 100_000} {
		b.Run(name, func(b *testing.B) {
			h := openBench(b)
			for i := range 24 {
				simulate(b, h, fleet, benchBegin+event.Time(i)*hour, time.Hour)
				settled(b, h)
			}
			simulate(b, h, 1, benchBegin+day, time.Minute)
			began := time.Now()
			settled(b, h)
			took := time.Since(began)
			bytes, rows := bytesOf(h, heartbeatFiles, batchFiles)
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				found, err := h.Received(event.VehicleID(i*7919%fleet+1), benchBegin, benchBegin+day)
				if err != nil || len(found) < 1400 {
					b.Fatalf("%d heartbeats, %v", len(found), err)
				}
			}
			b.ReportMetric(float64(bytes)/float64(rows), "day-B/heartbeat")
			places, _ := bytesOf(h, batchFiles)
			b.ReportMetric(float64(places)/float64(rows), "of-it-batches-B/heartbeat")
			b.ReportMetric(float64(took.Nanoseconds())/float64(rows), "compact-ns/heartbeat")
		})
	}
}
