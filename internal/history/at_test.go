package history

import (
	"bytes"
	"errors"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
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
			checkPast(t, want, past)
			if past.LastGap != gap || past.Position != position {
				t.Fatalf("at %d: gap %+v at position %d, not %+v at %d", at, past.LastGap, past.Position, gap, position)
			}
			if past, err = h.Replay(t.Context(), at); err != nil {
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

// checkPast compares all that a past says with the state of a reading of the log.
func checkPast(t *rapid.T, want *state, past *Past) {
	t.Helper()
	if diff := gocmp.Diff(want.rule.Listening(), past.Rule.Listening()); diff != "" {
		t.Fatalf("at %d: the clock (-replay +history):\n%s", past.At, diff)
	}
	if want.rule.Counts() != past.Rule.Counts() {
		t.Fatalf("at %d: %v vehicles by presence, not %v", past.At, past.Rule.Counts(), want.rule.Counts())
	}
	for v := range event.VehicleID(vehicles + 2) {
		type said struct {
			Known    bool
			Presence event.Presence
			Since    event.Time
			Customer event.CustomerID
			Policy   event.Policy
			Scope    presence.Scope
			Heard    event.Time
			Tally    tally.Tally
		}
		says := func(r *presence.Rule, heard event.Time, of tally.Tally) said {
			s := said{Known: r.Known(v), Presence: r.Presence(v), Since: r.Since(v), Customer: r.Customer(v), Heard: heard, Tally: of}
			s.Policy, s.Scope = r.Policy(v)
			return s
		}
		heard, of := past.Rule.LastHeartbeat(v), tallyOf(&past.Tallies, v)
		if past.Heard != nil {
			var err error
			if heard, of, err = past.Heard(v); errors.Is(err, ErrAmbiguous) {
				heard, of = want.rule.LastHeartbeat(v), tallyOf(&want.tallies, v) // who asks is sent to Replay
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if diff := gocmp.Diff(says(want.rule, want.rule.LastHeartbeat(v), tallyOf(&want.tallies, v)), says(past.Rule, heard, of)); diff != "" {
			t.Fatalf("at %d: vehicle %d (-replay +history):\n%s", past.At, v, diff)
		}
	}
}

func tallyOf(all *tally.Tallies, v event.VehicleID) tally.Tally {
	if int(v) < len(all.Of) && all.Watched.Has(uint32(v)) {
		return all.Of[v]
	}
	return tally.Tally{}
}

func saved(t *rapid.T, s *state) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
