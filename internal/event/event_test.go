package event_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestColumnsGiveBackEveryHeartbeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Custom(func(t *rapid.T) event.Heartbeat {
			return event.Heartbeat{
				Vehicle:    event.VehicleID(rapid.Uint32().Draw(t, "vehicle")),
				ReceivedAt: event.Time(rapid.Int64Min(0).Draw(t, "received at")),
				SentAt:     rapid.SampledFrom([]event.Time{0, 0, 1, -5, 1 << 40}).Draw(t, "sent at"),
				Sequence:   rapid.SampledFrom([]int64{event.NoSequence, event.NoSequence, 0, event.MaxSequence}).Draw(t, "sequence"),
				Flags:      event.Flags(rapid.SampledFrom([]uint8{0, 0, 1, 8}).Draw(t, "flags")),
			}
		})).Draw(t, "heartbeats")
		var columns event.Heartbeats
		for _, heartbeat := range want {
			columns.Append(heartbeat)
		}
		if columns.Len() != len(want) {
			t.Fatalf("%d heartbeats in, %d out", len(want), columns.Len())
		}
		for i := range want {
			if diff := cmp.Diff(want[i], columns.At(i)); diff != "" {
				t.Fatalf("heartbeat %d (-in +out):\n%s", i, diff)
			}
		}
	})
}

func TestRunsWalkTheBatchInLogOrder(t *testing.T) {
	batch := event.Batch{Entries: []event.Entry{
		{After: 0, Fact: event.Canary{Door: "a"}},
		{After: 2, Fact: event.Canary{Door: "b"}},
		{After: 2, Fact: event.Canary{Door: "c"}},
	}}
	for v := event.VehicleID(1); v <= 3; v++ {
		batch.Heartbeats.Append(event.Heartbeat{Vehicle: v, Sequence: event.NoSequence})
	}
	var walked []string
	for run := range batch.Runs {
		for i := run.From; i < run.To; i++ {
			walked = append(walked, string(rune('0'+batch.Heartbeats.Vehicle[i])))
		}
		if run.Entry != nil {
			walked = append(walked, run.Entry.Fact.(event.Canary).Door)
		}
	}
	if diff := cmp.Diff([]string{"a", "1", "2", "b", "c", "3"}, walked); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestIDReadsBackWhatItWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := event.ID{Position: event.Position(rapid.Uint64().Draw(t, "position")), Index: rapid.Uint32().Draw(t, "index")}
		back, err := event.ParseID(id.String())
		if err != nil || back != id {
			t.Fatalf("%v read back as %v, %v", id, back, err)
		}
	})
	for _, wrong := range []string{"", "-", "1", "1-", "-1", "a-1", "1-a", "1-1-1", "1-4294967296", "18446744073709551616-0"} {
		if id, err := event.ParseID(wrong); err == nil {
			t.Errorf("%q was read as %v", wrong, id)
		}
	}
}

func TestTimeKeepsMillisecondsAndWritesUTC(t *testing.T) {
	zone := time.FixedZone("UTC+2", 7200)
	at := event.At(time.Date(2026, 3, 1, 14, 30, 0, 123_999_999, zone))
	if got := at.String(); got != "2026-03-01T12:30:00.123Z" {
		t.Errorf("got %s", got)
	}
	if got := at.Add(1500 * time.Millisecond).Sub(at); got != 1500*time.Millisecond {
		t.Errorf("got %v", got)
	}
	if event.Time(0).String() != "" {
		t.Errorf("no time is written as %q", event.Time(0).String())
	}
}

func TestPresenceWordsReadBack(t *testing.T) {
	for p := range event.Presence(event.Presences) {
		if back, err := event.ParsePresence(p.String()); err != nil || back != p {
			t.Errorf("%v read back as %v, %v", p, back, err)
		}
	}
	if _, err := event.ParsePresence("ONLINE"); err == nil {
		t.Error("a word in the wrong case was read")
	}
}

func TestEndTimeIsTheLastEvents(t *testing.T) {
	var batch event.Batch
	if batch.EndTime() != 0 {
		t.Error("an empty batch has an end")
	}
	batch.Heartbeats.Append(event.Heartbeat{Vehicle: 1, ReceivedAt: 10, Sequence: event.NoSequence})
	batch.Entries = append(batch.Entries, event.Entry{After: 0, ReceivedAt: 7, Fact: event.Canary{}})
	if batch.EndTime() != 10 {
		t.Errorf("ends at %d", batch.EndTime())
	}
	batch.Entries = append(batch.Entries, event.Entry{After: 1, ReceivedAt: 12, Fact: event.Canary{}})
	if batch.EndTime() != 12 {
		t.Errorf("ends at %d", batch.EndTime())
	}
}
