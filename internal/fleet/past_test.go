package fleet_test

import (
	"errors"
	"slices"
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

func pastOf(t *rapid.T, live *fleet.View, p fleet.Past) *fleet.View {
	view, err := live.Past(p)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// TestAPastThatCannotBeToldIsRefused: with the error of who should tell it, or for what no directory can say.
func TestAPastThatCannotBeToldIsRefused(t *testing.T) {
	live := fleet.New(fleet.Config{})
	unread := errors.New("it cannot be read")
	for want, then := range map[error]func() (fleet.Then, error){
		unread:                 func() (fleet.Then, error) { return fleet.Then{}, unread },
		fleet.ErrInvalidUpdate: func() (fleet.Then, error) { return fleet.Then{Vehicles: []fleet.Vehicle{{Number: 1}}}, nil },
	} {
		p := past(nil)
		p.Then = then
		if _, err := live.Past(p); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// mixed is a directory of then that fits that of now: what now has up to the last numbers, then had too, perhaps as
// something else. It comes with how it differs.
func mixed(t *rapid.T, then, now fleet.Update) (fleet.Update, fleet.Then) {
	differs := fleet.Then{
		LastVehicle:  event.VehicleID(rapid.IntRange(0, 13).Draw(t, "last vehicle")),
		LastCustomer: event.CustomerID(rapid.IntRange(0, 6).Draw(t, "last customer")),
	}
	vehicles, customers := make(map[event.VehicleID]fleet.Vehicle), make(map[event.CustomerID]fleet.Customer)
	for _, of := range []fleet.Update{now, then} {
		for _, v := range of.Vehicles {
			vehicles[v.Number] = v
		}
		for _, c := range of.Customers {
			customers[c.Number] = c
		}
	}
	was := fleet.Update{Revision: now.Revision}
	for number, v := range vehicles {
		if number > differs.LastVehicle {
			continue
		}
		was.Vehicles = append(was.Vehicles, v)
		if !slices.ContainsFunc(now.Vehicles, func(is fleet.Vehicle) bool { return cmp.Equal(is, v) }) {
			differs.Vehicles = append(differs.Vehicles, v)
		}
	}
	for number, c := range customers {
		if number > differs.LastCustomer {
			continue
		}
		was.Customers = append(was.Customers, c)
		if !slices.Contains(now.Customers, c) {
			differs.Customers = append(differs.Customers, c)
		}
	}
	return was, differs
}

// TestAPastViewAnswersAsAViewThatWasNeverLater: a view of the past is one that read the log up to there, with the
// directory of then, or of now when that of then is not known, and the customers that the log said; and making it changes
// nothing in the view it is made from.
func TestAPastViewAnswersAsAViewThatWasNeverLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		story := drawStory(t)
		cut := rapid.IntRange(0, len(story)).Draw(t, "cut")
		live := fleet.New(fleet.Config{})
		for _, h := range story[:cut] {
			h.to(t, live)
		}
		directoryThen := live.Directory()
		for _, h := range story[cut:] {
			h.to(t, live)
		}
		before := saved(t, live)
		then, lazily := past(story[:cut]), withHoles(t, story[:cut])
		directory := live.Directory()
		if rapid.Bool().Draw(t, "then is known") {
			var differs fleet.Then
			directory, differs = mixed(t, directoryThen, directory)
			then.Then = func() (fleet.Then, error) { return differs, nil }
			lazily.Then = then.Then
		}
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
		got := pastOf(t, live, then)
		for range 3 {
			q := drawQuery(t)
			q.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
			if diff := cmp.Diff(query(t, want, q), query(t, got, q)); diff != "" {
				t.Fatalf("%+v (-never later +past):\n%s", q, diff)
			}
		}
		lazy := pastOf(t, live, lazily)
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
