package ingest

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// plainWindow is what a Window promises, without any cleverness.
type plainWindow map[event.VehicleID]*plainSeen

type plainSeen struct {
	highest int64
	seen    map[int64]bool
}

func (w plainWindow) mark(v event.VehicleID, sequence int64) (repeat bool) {
	s := w[v]
	if s == nil || sequence <= s.highest-WindowLength {
		w[v] = &plainSeen{sequence, map[int64]bool{sequence: true}}
		return false
	}
	repeat = s.seen[sequence]
	s.seen[sequence] = true
	s.highest = max(s.highest, sequence)
	for old := range s.seen {
		if old <= s.highest-WindowLength {
			delete(s.seen, old)
		}
	}
	return repeat
}

// drawSequence is a number near the beginning, near the end, or near one that was drawn before.
func drawSequence(t *rapid.T) int64 {
	base := rapid.SampledFrom([]int64{0, 100, 170, 1000, event.MaxSequence - 70}).Draw(t, "base")
	return base + rapid.Int64Range(0, 70).Draw(t, "above")
}

// TestWindowIsItsPromise compares with the plain model, live and replayed from any snapshot.
func TestWindowIsItsPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		live, plain := NewWindow(), plainWindow{}
		var log []event.Stored
		var saved bytes.Buffer
		if err := live.Save(&saved); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 20).Draw(t, "batches") {
			batch := event.Stored{Position: live.position + 1}
			for range rapid.IntRange(0, 10).Draw(t, "rows") {
				v := event.VehicleID(rapid.IntRange(1, 3).Draw(t, "vehicle") * 700)
				sequence := event.NoSequence
				if rapid.Bool().Draw(t, "numbered") {
					sequence = drawSequence(t)
					if got, want := live.of(v).mark(sequence), plain.mark(v, sequence); got != want {
						t.Fatalf("vehicle %d, sequence %d: repeat is %v, want %v", v, sequence, got, want)
					}
				}
				batch.Heartbeats.Append(event.Heartbeat{Vehicle: v, Sequence: sequence})
			}
			live.position++
			log = append(log, batch)
			if rapid.IntRange(0, 4).Draw(t, "snapshot") == 0 {
				saved.Reset()
				if err := live.Save(&saved); err != nil {
					t.Fatal(err)
				}
			}
		}
		replayed, err := LoadWindow(&saved)
		if err != nil {
			t.Fatal(err)
		}
		for _, batch := range log {
			if err := replayed.Apply(batch); err != nil {
				t.Fatal(err)
			}
		}
		requireEqualWindows(t, replayed, live)
	})
}

func requireEqualWindows(t interface{ Fatal(...any) }, got, want *Window) {
	var a, b bytes.Buffer
	if err := errors.Join(got.Save(&a), want.Save(&b)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatal("the windows differ")
	}
}

func TestWindowNoticesAHoleInTheLog(t *testing.T) {
	w := NewWindow()
	if err := w.Apply(event.Stored{Position: 2}); err == nil {
		t.Error("batch 2 was taken as the first")
	}
}

func TestDamagedSnapshotOfWindowIsAnError(t *testing.T) {
	w := NewWindow()
	w.position = 7
	for v := range event.VehicleID(5) {
		w.of(v*900 + 1).mark(int64(v) * 1e9)
	}
	var saved bytes.Buffer
	if err := w.Save(&saved); err != nil {
		t.Fatal(err)
	}
	damagedSnapshots(saved.Bytes(), func(what string, damaged []byte) {
		if _, err := LoadWindow(bytes.NewReader(damaged)); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v", what, err)
		}
	})
}

func TestLogWithImpossibleNumbersDoesNotBreakTheWindow(t *testing.T) {
	w := NewWindow()
	var batch event.Stored
	batch.Position = 1
	for _, sequence := range []int64{-5, -1 << 63, 1<<63 - 1, event.MaxSequence} {
		batch.Heartbeats.Append(event.Heartbeat{Vehicle: 1, Sequence: sequence})
	}
	if err := w.Apply(batch); err != nil {
		t.Fatal(err)
	}
	if !w.of(1).mark(event.MaxSequence) {
		t.Error("the possible number was not marked")
	}
}
