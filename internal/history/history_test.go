package history

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// TestHeartbeatsAreThoseOfTheLog: sealed, compacted or in memory, after a start or without, the answers are the log's.
func TestHeartbeatsAreThoseOfTheLog(t *testing.T) {
	inTemp(t, func(t *rapid.T, dir string) {
		log := drawLog(t)
		until := working(rapid.IntRange(int(inMemory), int(compacted)).Draw(t, "work"))
		h := open(t, dir, log)
		cut := rapid.IntRange(0, len(log)).Draw(t, "restart after")
		apply(t, h, log[:cut], until)
		if rapid.Bool().Draw(t, "restart") {
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			h = open(t, dir, log)
		}
		apply(t, h, log, until)
		checkHeartbeats(t, h, log)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func checkHeartbeats(t *rapid.T, h *History, log aLog) {
	t.Helper()
	if len(log) == 0 {
		return
	}
	begin, end := log[0].EndTime()-30_000_000, log[len(log)-1].EndTime()+10
	for vehicle := event.VehicleID(1); vehicle <= vehicles; vehicle++ {
		from := event.Time(rapid.Int64Range(int64(begin), int64(end)).Draw(t, "from"))
		to := event.Time(rapid.Int64Range(int64(from), int64(end)).Draw(t, "to"))
		if rapid.Bool().Draw(t, "all") {
			from, to = 0, 0
		}
		want := between(log.beats(vehicle), from, to)
		got := allHeartbeats(t, h, vehicle, from, to, rapid.SampledFrom([]int{1, 2, 1000}).Draw(t, "limit"))
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("vehicle %d from %d to %d (-log +history):\n%s", vehicle, from, to, diff)
		}
	}
}
