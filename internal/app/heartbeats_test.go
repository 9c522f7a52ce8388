package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/history"
)

// fill appends batches, each with as many heartbeats of vehicles 1 to 9 as size says of it, a second after another.
func fill(t testing.TB, batches int, size func(batch int) int) (*eventlog.Log, map[event.VehicleID][]history.Heartbeat) {
	t.Helper()
	log, err := eventlog.Open(t.Context(), eventlog.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	stored := map[event.VehicleID][]history.Heartbeat{}
	for n := range batches {
		at := event.Time(1000 * (n + 1))
		batch := event.Batch{Entries: []event.Entry{{ReceivedAt: at, Fact: event.Canary{Door: "test"}}}}
		for i := range size(n) {
			h := event.Heartbeat{Vehicle: event.VehicleID((n+i*i)%9 + 1), ReceivedAt: at, SentAt: at - 5, Sequence: int64(n)}
			batch.Heartbeats.Append(h)
			stored[h.Vehicle] = append(stored[h.Vehicle], history.Heartbeat{
				Heartbeat: h, ID: event.ID{Position: event.Position(n + 1), Index: uint32(i)},
			})
		}
		if _, err := log.Append(t.Context(), &batch); err != nil {
			t.Fatal(err)
		}
	}
	return log, stored
}

func TestNewestHeartbeatsAreThoseAtTheEndOfTheLog(t *testing.T) {
	const batches = 700
	log, stored := fill(t, batches, func(n int) int { return n % 7 * (n % 3) })
	rapid.Check(t, func(t *rapid.T) {
		vehicle := event.VehicleID(rapid.IntRange(1, 10).Draw(t, "vehicle"))
		limit := rapid.IntRange(1, 700).Draw(t, "limit")
		most := share{event.Position(rapid.IntRange(1, batches+9).Draw(t, "batches")), rapid.IntRange(100, 10_000).Draw(t, "heartbeats")}
		got, err := newestHeartbeats(t.Context(), log, vehicle, limit, most)
		if err != nil || got.Position != batches {
			t.Fatalf("position %d, %v", got.Position, err)
		}
		if got.CompleteFrom == 0 { // the share of heartbeats is less than one stretch
			got.CompleteFrom = event.Time(1000 * (batches + 1))
		}
		looked := batches - int(got.CompleteFrom/1000) + 1 // batches, from the end
		if looked > int(most.batches) {
			t.Fatalf("%d batches were read, of a share of %d", looked, most.batches)
		}
		want := slices.DeleteFunc(slices.Clone(stored[vehicle]), func(h history.Heartbeat) bool { return h.ReceivedAt < got.CompleteFrom })
		slices.Reverse(want)
		if len(want) < limit && looked < min(firstBatches, int(most.batches)) && most.heartbeats > 12*firstBatches {
			t.Fatalf("only %d batches were read", looked)
		}
		want = want[:min(limit, len(want))]
		if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got.Items)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestWholeLogIsReadWhenItIsShort(t *testing.T) {
	log, stored := fill(t, 300, func(int) int { return 2 })
	got, err := newestHeartbeats(t.Context(), log, 3, 1000, share{wholeBatches, wholeHeartbeats})
	if err != nil || len(got.Items) != len(stored[3]) || got.CompleteFrom != 1000 {
		t.Errorf("%d of %d, complete from %d, %v", len(got.Items), len(stored[3]), got.CompleteFrom, err)
	}
	empty, _ := fill(t, 0, nil)
	if got, err := newestHeartbeats(t.Context(), empty, 3, 1000, share{wholeBatches, wholeHeartbeats}); err != nil || len(got.Items) != 0 || got.CompleteFrom != 0 {
		t.Errorf("an empty log gives %+v, %v", got, err)
	}
}

// BenchmarkNewestHeartbeats looks for a vehicle that has none, so that the whole share is read.
func BenchmarkNewestHeartbeats(b *testing.B) {
	for _, c := range []struct{ batches, heartbeats int }{{70_000, 0}, {70_000, 10}, {20_000, 110}, {2_100, 1_000}} {
		b.Run(fmt.Sprintf("%d in a batch", c.heartbeats), func(b *testing.B) {
			log, _ := fill(b, c.batches, func(int) int { return c.heartbeats })
			for b.Loop() {
				got, err := newestHeartbeats(b.Context(), log, 10, 1000, share{wholeBatches, wholeHeartbeats})
				if err != nil || len(got.Items) > 0 {
					b.Fatal(len(got.Items), err)
				}
				b.ReportMetric(float64(c.batches)-float64(got.CompleteFrom)/1000+1, "batches")
			}
		})
	}
}
