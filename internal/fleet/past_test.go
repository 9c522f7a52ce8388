package fleet_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// past is what a story's log says, up to so many happenings.
func past(story []happening) (p fleet.Past) {
	p.Rule = presence.New()
	var changes presence.Changes
	for _, h := range story {
		if h.stored == nil {
			continue
		}
		p.Rule.Apply(*h.stored, &changes)
		for run := range h.stored.Runs {
			p.Tallies.Count(&h.stored.Heartbeats, run.From, run.To)
			if run.Entry == nil {
				continue
			}
			switch f := run.Entry.Fact.(type) {
			case event.VehicleAdded:
				p.Tallies.Grow(int(f.Vehicle) + 1)
				p.Tallies.Watch(f.Vehicle)
			case event.VehicleRemoved:
				p.Tallies.Forget(f.Vehicle)
			}
		}
		p.Position = h.stored.Position
	}
	if n := len(changes.Gaps); n > 0 {
		p.LastGap = changes.Gaps[n-1]
	}
	return p
}

// withHoles is a past that says of a vehicle's heartbeats only what it is asked for, and sometimes cannot.
func withHoles(t *rapid.T, story []happening) fleet.Past {
	p, all := past(story), past(story)
	clear(p.Tallies.Of)
	fails := rapid.IntRange(0, 3).Draw(t, "Heard fails") == 0
	p.Heard = func(v event.VehicleID) (event.Time, tally.Tally, error) {
		if fails {
			return 0, tally.Tally{}, errors.New("it cannot be said")
		}
		return all.Rule.LastHeartbeat(v), all.Tallies.Of[v], nil
	}
	asked := false
	p.Whole = func() (*presence.Rule, tally.Tallies, error) {
		if asked {
			t.Error("it is asked for the whole twice")
		}
		asked = true
		return all.Rule, all.Tallies, nil
	}
	return p
}

// TestAPastViewAnswersAsAViewThatWasNeverLater: a view of the past is one that read the log up to there, with the
// directory of now and the customers of then; and making it changes nothing in the view it is made from.
func TestAPastViewAnswersAsAViewThatWasNeverLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		story := drawStory(t)
		cut := rapid.IntRange(0, len(story)).Draw(t, "cut")
		live := fleet.New(fleet.Config{})
		for _, h := range story {
			h.to(t, live)
		}
		before := saved(t, live)
		then := past(story[:cut])
		directory := live.Directory()
		for i := range directory.Vehicles {
			if c := then.Rule.Customer(directory.Vehicles[i].Number); c != 0 {
				directory.Vehicles[i].Customer = c
			}
		}
		want := fleet.New(fleet.Config{})
		if err := want.Update(directory); err != nil {
			t.Fatal(err)
		}
		for _, h := range story[:cut] {
			if h.stored != nil {
				h.to(t, want)
			}
		}
		got := live.Past(then)
		for range 3 {
			q := drawQuery(t)
			q.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
			if diff := cmp.Diff(query(t, want, q), query(t, got, q)); diff != "" {
				t.Fatalf("%+v (-never later +past):\n%s", q, diff)
			}
		}
		lazy := live.Past(withHoles(t, story[:cut]))
		for range 3 {
			q := drawQuery(t)
			q.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
			if diff := cmp.Diff(query(t, want, q), query(t, lazy, q)); diff != "" {
				t.Fatalf("%+v (-never later +past that asks):\n%s", q, diff)
			}
		}
		if diff := cmp.Diff(want.Summary(), got.Summary()); diff != "" {
			t.Fatalf("summary (-never later +past):\n%s", diff)
		}
		if diff := cmp.Diff(want.Grid().Presences, got.Grid().Presences); diff != "" {
			t.Fatalf("grid (-never later +past):\n%s", diff)
		}
		if diff := cmp.Diff(before, saved(t, live)); diff != "" {
			t.Fatal("the live view is another now")
		}
	})
}
