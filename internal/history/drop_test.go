package history

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// openKeeping opens a history that keeps so much.
func openKeeping(t rapid.TB, dir string, log aLog, keep time.Duration) *History {
	t.Helper()
	h, err := Open(Config{Dir: dir, Log: log.follow, Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// checkKept holds every answer about what is to be kept against the log, and wants everything before it to be refused.
func checkKept(t *rapid.T, h *History, log aLog, keep time.Duration) {
	t.Helper()
	begin := h.Begin()
	if len(log) == 0 {
		return
	}
	end := log[len(log)-1].EndTime()
	if kept := h.manifest.Kept; kept > end.Add(-keep) {
		t.Fatalf("dropped up to %d, and %d is to be kept", kept, end.Add(-keep))
	}
	all := log.changes().Transitions
	for v := event.VehicleID(1); v <= vehicles; v += 3 {
		want := between(log.beats(v), begin, 0)
		if diff := gocmp.Diff(want, allHeartbeats(t, h, v, begin, 0, 7), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("heartbeats of %d (-log +history):\n%s", v, diff)
		}
		var changes []event.Transition
		for _, c := range all {
			if c.Vehicle == v && c.At >= begin {
				changes = append(changes, c)
			}
		}
		found, err := h.TransitionsOf(v, begin, endOfTime)
		if err != nil || !slices.EqualFunc(found, changes, func(a Transition, b event.Transition) bool { return a.Transition == b }) {
			t.Fatalf("transitions of %d: %v, not %v (%v)", v, found, changes, err)
		}
	}
	for _, at := range []event.Time{begin, end} {
		want := newState()
		var position event.Position
		for _, s := range log.until(at) {
			r := pastReader{state: want, past: &Past{At: at}}
			if err := r.batch(&s); err != nil {
				t.Fatal(err)
			}
			position = s.Position
		}
		past, err := h.At(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		checkPast(t, want, past)
		replayed, err := h.Replay(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		if past.Position != position || replayed.Position != position {
			t.Fatalf("at %d it shows position %d, by the log %d, not %d", at, past.Position, replayed.Position, position)
		}
		if diff := gocmp.Diff(saved(t, want), saved(t, &state{rule: replayed.Rule, tallies: replayed.Tallies})); diff != "" {
			t.Fatalf("at %d (-replay +history):\n%s", at, diff)
		}
	}
	if h.manifest.Kept != 0 {
		checkRefused(t, h)
	}
}

// checkRefused asks about the time before what is kept.
func checkRefused(t *rapid.T, h *History) {
	t.Helper()
	kept := h.manifest.Kept
	_, err1 := h.At(t.Context(), kept-1)
	_, err2 := h.Heartbeats(t.Context(), HeartbeatQuery{Vehicle: 1, To: kept, Limit: 1})
	_, err3 := h.Transitions(t.Context(), TransitionQuery{Until: kept, Limit: 1})
	_, err4 := h.TransitionsOf(1, 0, kept)
	_, err5 := h.Gaps(0, kept)
	for i, err := range []error{err1, err2, err3, err4, err5, h.Reaches(kept)} {
		if !errors.Is(err, ErrNotKept) {
			t.Errorf("question %d about what was dropped: %v", i+1, err)
		}
	}
}

// TestWhatIsOldIsDroppedAndTheRestStays, whatever the history was doing when it crashed.
func TestWhatIsOldIsDroppedAndTheRestStays(t *testing.T) {
	inTemp(t, func(t *rapid.T, dir string) {
		log := drawLog(t)
		keep := rapid.SampledFrom([]time.Duration{time.Hour, 3 * time.Hour, 30 * time.Hour}).Draw(t, "keep")
		h := openKeeping(t, dir, log, keep)
		crash, steps, crashed := rapid.IntRange(0, 150).Draw(t, "crash at step"), 0, dir+"-crashed"
		h.disk.step = func(string) {
			if steps++; steps == crash {
				copyFolder(t, dir, crashed)
			}
		}
		apply(t, h, log, compacted)
		checkKept(t, h, log, keep)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if steps < crash {
			copyFolder(t, dir, crashed)
		}
		after := openKeeping(t, crashed, log, keep)
		apply(t, after, log, compacted)
		work(t, after, compacted)
		checkKept(t, after, log, keep)
		if n := len(after.manifest.Missing) + len(after.manifest.Gone); n > 0 {
			t.Fatalf("%d parts are missing", n)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestThreeDaysAreDroppedToOne: the files of days that are older are gone, from the disk too, and the day is whole.
func TestThreeDaysAreDroppedToOne(t *testing.T) {
	dir, begin := t.TempDir(), event.At(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	log := aLog{{Position: 1, Epoch: 1, Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: begin, Fact: event.VehicleAdded{Vehicle: 1, Customer: 1}}}}}}
	for at := begin; at < begin+4*day; at += hour / 4 {
		s := event.Stored{Position: event.Position(len(log) + 1), Epoch: 1}
		s.Heartbeats.Append(event.Heartbeat{Vehicle: 1, ReceivedAt: at, Sequence: event.NoSequence})
		s.Entries = append(s.Entries, event.Entry{After: 1, ReceivedAt: at, Fact: event.Canary{Door: "a"}})
		log = append(log, s)
	}
	h := openKeeping(t, dir, log, 24*time.Hour)
	apply(t, h, log, compacted)
	if want := begin + 2*day; h.Begin() != want {
		t.Errorf("it is kept from %v on, not %v", h.Begin(), want)
	}
	for _, f := range h.manifest.Files {
		if f.To < begin+2*day {
			t.Errorf("%s is still there", f.Name)
		}
	}
	if beats := allHeartbeats(t, h, 1, 0, 0, 100); len(beats) != 2*96 {
		t.Errorf("%d heartbeats are kept", len(beats))
	}
	live := map[string]bool{}
	for _, f := range h.manifest.Files {
		live[f.Name] = true
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if ours(e.Name()) && !live[e.Name()] {
			t.Errorf("%s lies there", e.Name())
		}
	}
}
