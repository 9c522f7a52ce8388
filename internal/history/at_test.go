package history

import (
	"bytes"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// until is a log as it was at a moment: what was received later is not in it.
func (l aLog) until(at event.Time) (out aLog) {
	for _, s := range l {
		cut := event.Stored{Position: s.Position, Epoch: s.Epoch}
		for run := range s.Runs {
			for i := run.From; i < run.To; i++ {
				if s.Heartbeats.ReceivedAt[i] <= at {
					cut.Heartbeats.Append(s.Heartbeats.At(i))
				}
			}
			if e := run.Entry; e != nil && e.ReceivedAt <= at {
				cut.Entries = append(cut.Entries, event.Entry{After: cut.Heartbeats.Len(), ReceivedAt: e.ReceivedAt, Fact: e.Fact})
			}
		}
		if cut.Heartbeats.Len()+len(cut.Entries) > 0 {
			out = append(out, cut)
		}
	}
	return out
}

// TestThePastIsAReplayThatEndsThere, for any moment, and now is what Apply came to.
func TestThePastIsAReplayThatEndsThere(t *testing.T) {
	inTemp(t, func(t *rapid.T, dir string) {
		log := drawLog(t)
		h := open(t, dir, log)
		apply(t, h, log, working(rapid.IntRange(int(inMemory), int(compacted)).Draw(t, "work")))
		end := event.Time(1_764_000_000_000)
		if len(log) > 0 {
			end = log[len(log)-1].EndTime()
		}
		at := event.Time(rapid.Int64Range(1_764_000_000_000-1, int64(end)).Draw(t, "at"))
		for _, at := range []event.Time{at, end} {
			want := newState()
			var gap event.Gap
			var position event.Position
			cut := log.until(at)
			for _, s := range cut {
				r := pastReader{state: want, past: &Past{At: at}}
				if err := r.batch(&s); err != nil {
					t.Fatal(err)
				}
				position = s.Position
			}
			if gaps := cut.changes().Gaps; len(gaps) > 0 {
				gap = gaps[len(gaps)-1]
			}
			past, err := h.At(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			got := &state{rule: past.Rule, tallies: past.Tallies}
			if diff := gocmp.Diff(saved(t, want), saved(t, got)); diff != "" {
				t.Fatalf("at %d (-replay +history):\n%s", at, diff)
			}
			if past.LastGap != gap || past.Position != position {
				t.Fatalf("at %d: gap %+v at position %d, not %+v at %d", at, past.LastGap, past.Position, gap, position)
			}
			if at == end && !bytes.Equal(saved(t, h.state), saved(t, got)) {
				t.Fatal("now is not what it came to")
			}
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func saved(t *rapid.T, s *state) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
