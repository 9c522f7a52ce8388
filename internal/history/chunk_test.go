package history

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// drawBeats draws a stretch of a log.
func drawBeats(t *rapid.T) []beat {
	var beats []beat
	var n numbering
	at, position := event.Time(1_700_000_000_000), event.Position(rapid.IntRange(1, 1000).Draw(t, "position"))
	vehicles := rapid.IntRange(1, 300).Draw(t, "vehicles")
	wide := rapid.Bool().Draw(t, "wide")
	for range rapid.IntRange(1, 300).Draw(t, "batches") {
		index := uint32(rapid.SampledFrom([]int{0, 0, 0, 3}).Draw(t, "first index"))
		n.begin()
		for range rapid.SampledFrom([]int{1, 1, 2, 7}).Draw(t, "heartbeats") {
			at += event.Time(rapid.SampledFrom([]int{0, 0, 1, 5, 70_000}).Draw(t, "later"))
			b := beat{Heartbeat: event.Heartbeat{
				Vehicle: event.VehicleID(rapid.IntRange(1, vehicles).Draw(t, "vehicle")), ReceivedAt: at, Sequence: event.NoSequence,
			}, id: event.ID{Position: position, Index: index}, nth: n.nth(at)}
			if wide && rapid.Bool().Draw(t, "says more") {
				b.SentAt, b.Sequence, b.Flags = at-event.Time(rapid.Int64Range(-9, 1e12).Draw(t, "sent")), rapid.Int64Range(-1, event.MaxSequence).Draw(t, "sequence"), event.Flags(rapid.IntRange(0, 15).Draw(t, "flags"))
			}
			beats = append(beats, b)
			index += uint32(rapid.IntRange(1, 3).Draw(t, "facts between"))
		}
		position += event.Position(rapid.SampledFrom([]int{1, 1, 1, 4}).Draw(t, "positions"))
	}
	return beats
}

var beatsAsTheyAre = cmp.AllowUnexported(beat{})

func TestAChunkGivesBackWhatItTook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		beats := drawBeats(t)
		cut := rapid.IntRange(0, len(beats)-1).Draw(t, "cut") // a batch may begin in the chunk before
		beats = beats[cut:]
		c := newChunk(beats)
		want := slices.Clone(beats)
		slices.SortStableFunc(want, func(a, b beat) int { return int(a.Vehicle) - int(b.Vehicle) })
		var got []beat
		for u := c.cursor(); u.rows > 0; {
			got = append(got, u.next())
		}
		if diff := cmp.Diff(want, got, beatsAsTheyAre, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("rows (-in +out):\n%s", diff)
		}
		vehicle := event.VehicleID(rapid.IntRange(1, 301).Draw(t, "vehicle looked for"))
		got = nil
		for u := c.find(vehicle); ; {
			if v, ok := u.peek(); !ok || v != vehicle {
				break
			}
			got = append(got, u.next())
		}
		want = slices.DeleteFunc(want, func(b beat) bool { return b.Vehicle != vehicle })
		if diff := cmp.Diff(want, got, beatsAsTheyAre, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("vehicle %d (-in +out):\n%s", vehicle, diff)
		}
	})
}
