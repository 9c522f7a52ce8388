package history

import (
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// BenchmarkADayOfPresences walks through a day of 100,000 vehicles, each of which goes late and comes back once an hour.
func BenchmarkADayOfPresences(b *testing.B) {
	const vehicles, day = 100_000, 24 * time.Hour
	h, err := Open(Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	begin := event.At(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	s := event.Stored{Position: 1, Epoch: 1}
	for v := range vehicles {
		s.Entries = append(s.Entries, event.Entry{ReceivedAt: begin, Fact: event.VehicleAdded{Vehicle: event.VehicleID(v + 1), Customer: 1}})
	}
	for at := begin; at < begin.Add(day+time.Hour); at += 5000 {
		slot, canary := int((at-begin)/5000)%720, event.Entry{ReceivedAt: at, Fact: event.Canary{}}
		for v := slot * vehicles / 720; v < (slot+1)*vehicles/720; v++ {
			s.Heartbeats.Append(event.Heartbeat{Vehicle: event.VehicleID(v + 1), ReceivedAt: at, Sequence: event.NoSequence})
		}
		canary.After = s.Heartbeats.Len()
		s.Entries = append(s.Entries, canary)
		if err := h.Apply(s); err != nil {
			b.Fatal(err)
		}
		settled(b, h)
		s = event.Stored{Position: s.Position + 1, Epoch: 1}
	}
	for b.Loop() {
		told := 0
		err := h.Presences(b.Context(), begin, begin.Add(day), func(event.Time, *presence.Rule) {}, func(*Transition) { told++ })
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(told), "transitions/op")
	}
	if err := h.Close(); err != nil {
		b.Fatal(err)
	}
}
