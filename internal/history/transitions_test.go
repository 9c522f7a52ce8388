package history

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// changes are what the rule makes of a log.
func (l aLog) changes() (out presence.Changes) {
	rule := presence.New()
	for _, s := range l {
		rule.Apply(s, &out)
	}
	return out
}

// TestTransitionsAndGapsAreThoseOfTheRule: sealed, compacted or in memory, after a start or without.
func TestTransitionsAndGapsAreThoseOfTheRule(t *testing.T) {
	inTemp(t, func(t *rapid.T, dir string) {
		log := drawLog(t)
		h := open(t, dir, log)
		apply(t, h, log[:rapid.IntRange(0, len(log)).Draw(t, "restart after")], compacted)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		h = open(t, dir, log)
		apply(t, h, log, working(rapid.IntRange(int(inMemory), int(compacted)).Draw(t, "work")))
		want := log.changes()
		q := TransitionQuery{Limit: rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "limit")}
		if len(log) > 0 && rapid.Bool().Draw(t, "some") {
			q.From = log[0].EndTime() + event.Time(rapid.IntRange(0, 10_000_000).Draw(t, "from"))
			q.Until = q.From + event.Time(rapid.IntRange(0, 10_000_000).Draw(t, "for"))
			q.Vehicle = event.VehicleID(rapid.IntRange(0, 3).Draw(t, "vehicle"))
			q.To = map[event.Presence]bool{event.Online: true, event.Offline: true}
		}
		checkTransitions(t, h, q, want.Transitions)
		checkGaps(t, h, q, want.Gaps)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func checkTransitions(t *rapid.T, h *History, q TransitionQuery, want []event.Transition) {
	t.Helper()
	end := q.Until
	if end == 0 {
		end = endOfTime
	}
	want = slices.DeleteFunc(slices.Clone(want), func(c event.Transition) bool { return c.At < q.From || c.At >= end })
	for v := event.VehicleID(1); v <= vehicles; v++ {
		found, err := h.TransitionsOf(v, q.From, end)
		if err != nil {
			t.Fatal(err)
		}
		of := slices.DeleteFunc(slices.Clone(want), func(c event.Transition) bool { return c.Vehicle != v })
		if diff := gocmp.Diff(of, plain(found), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("vehicle %d (-rule +history):\n%s", v, diff)
		}
	}
	want = slices.DeleteFunc(want, func(c event.Transition) bool {
		return q.Vehicle != 0 && c.Vehicle != q.Vehicle || q.To != nil && !q.To[c.To]
	})
	slices.Reverse(want)
	var found []Transition
	for {
		page, err := h.Transitions(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, page.Items...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
	}
	if diff := gocmp.Diff(want, plain(found), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("all (-rule +history):\n%s", diff)
	}
}

func plain(found []Transition) (out []event.Transition) {
	for _, f := range found {
		out = append(out, f.Transition)
	}
	return out
}

func checkGaps(t *rapid.T, h *History, q TransitionQuery, want []event.Gap) {
	t.Helper()
	if q.Until == 0 {
		q.Until = endOfTime
	}
	want = slices.DeleteFunc(want, func(g event.Gap) bool { return g.To <= q.From || g.From >= q.Until })
	found, err := h.Gaps(q.From, q.Until)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, found, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("gaps (-rule +history):\n%s", diff)
	}
}
