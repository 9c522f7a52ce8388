package record_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

// TestLostNumbersAreThoseThatNeverCame: of a vehicle that numbers from 0 on, each number was received or is missing, and
// none is both, in whatever order the buffered ones come.
func TestLostNumbersAreThoseThatNeverCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var heartbeats, buffered []event.Heartbeat
		came, now := map[int64]bool{}, scripttest.Start
		fates := rapid.SliceOfN(rapid.SampledFrom([]string{"live", "live", "lost", "buffered"}), 1, 200).Draw(t, "fates")
		fates[0], fates[len(fates)-1] = "live", "live"
		deliver := func() {
			for _, h := range rapid.Permutation(buffered).Draw(t, "order of the buffered") {
				h.ReceivedAt = now
				heartbeats = append(heartbeats, h)
			}
			buffered = nil
		}
		for n, fate := range fates {
			now = now.Add(time.Minute)
			h := event.Heartbeat{Vehicle: 1, ReceivedAt: now, SentAt: now, Sequence: int64(n)}
			came[h.Sequence] = fate != "lost"
			switch fate {
			case "buffered":
				h.Flags = event.Buffered
				buffered = append(buffered, h)
			case "live":
				if rapid.Bool().Draw(t, "buffered before") {
					deliver()
				}
				heartbeats = append(heartbeats, h)
			}
		}
		deliver()
		now++
		d := record.DeliveryOf(heartbeats, &record.Observer{Proof: now}, record.Window{From: scripttest.Start, To: now}, 90*time.Second)
		lost := uint64(0)
		for _, m := range d.Missing {
			for n := m.First; n <= m.Last; n++ {
				if came[n] {
					t.Fatalf("%d came and is missing", n)
				}
				lost++
			}
		}
		want := uint64(0)
		for _, came := range came {
			if !came {
				want++
			}
		}
		if lost != want || d.Lost != want || d.Heartbeats != len(heartbeats) || d.Restarts != 0 {
			t.Fatalf("%d lost, of which %d are named; want %d; %d of %d heartbeats, %d restarts", d.Lost, lost, want, d.Heartbeats, len(heartbeats), d.Restarts)
		}
		checkSilences(t, d, fates)
	})
}

// checkSilences holds the verdicts against what became of the heartbeats between the live ones, which came a minute apart.
func checkSilences(t *rapid.T, d record.Delivery, fates []string) {
	seen := 0
	for i, last := 1, 0; i < len(fates); i++ {
		if fates[i] != "live" {
			continue
		}
		lost, later := uint64(0), uint64(0)
		for _, fate := range fates[last+1 : i] {
			if fate == "lost" {
				lost++
			} else {
				later++
			}
		}
		last = i
		if lost+later == 0 {
			continue
		}
		verdict := record.Repaired
		if lost > 0 {
			verdict = record.Hole
		}
		if s := d.Silences[seen]; s.Lost != lost || s.Later != later || s.Verdict != verdict {
			t.Fatalf("the silence before heartbeat %d is %+v (%s), want %d lost, %d later, %s", i, s, s.Verdict, lost, later, verdict)
		}
		seen++
	}
	if seen != len(d.Silences) {
		t.Fatalf("%d silences, want %d", len(d.Silences), seen)
	}
}
