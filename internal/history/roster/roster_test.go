package roster_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/history/roster"
)

// drawLog draws what operators did.
func drawLog(t *rapid.T) []event.Stored {
	now := event.Time(1000)
	var log []event.Stored
	for range rapid.IntRange(0, 40).Draw(t, "facts") {
		now += event.Time(rapid.IntRange(0, 3).Draw(t, "milliseconds"))
		v := event.VehicleID(rapid.IntRange(1, 4).Draw(t, "vehicle"))
		var f event.Fact = event.VehicleAdded{Vehicle: v, Customer: event.CustomerID(rapid.IntRange(1, 3).Draw(t, "customer"))}
		if rapid.IntRange(0, 2).Draw(t, "kind") == 0 {
			f = event.VehicleRemoved{Vehicle: v}
		}
		log = append(log, event.Stored{Position: event.Position(len(log) + 1), Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: now, Fact: f}}}})
	}
	return log
}

// memberAt says the plain way whose a vehicle is at a moment; 0 for nobody's.
func memberAt(log []event.Stored, v event.VehicleID, at event.Time) (c event.CustomerID) {
	for _, s := range log {
		if s.Entries[0].ReceivedAt > at {
			break
		}
		switch f := s.Entries[0].Fact.(type) {
		case event.VehicleAdded:
			if f.Vehicle == v {
				c = f.Customer
			}
		case event.VehicleRemoved:
			if f.Vehicle == v {
				c = 0
			}
		}
	}
	return c
}

func TestRosterSaysWhoseAVehicleWasAtAnyMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := drawLog(t)
		r := roster.New()
		for i, s := range log {
			if err := r.Apply(s); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(t, "reload") == 0 {
				r = reload(t, r)
			}
			if r.Checkpoint() != event.Position(i+1) || r.Apply(s) == nil {
				t.Fatal("a batch was taken twice")
			}
		}
		at := event.Time(rapid.IntRange(990, 1200).Draw(t, "at"))
		for v := event.VehicleID(1); v <= 4; v++ {
			var is event.CustomerID
			for _, m := range r.Memberships(v) {
				if m.From <= at && (m.To == 0 || at < m.To) {
					is = m.Customer
				}
			}
			if want := memberAt(log, v, at); is != want {
				t.Fatalf("vehicle %d at %d: of customer %d, want %d, in %v", v, at, is, want, r.Memberships(v))
			}
			for c := event.CustomerID(1); c <= 3; c++ {
				if got := slices.Contains(r.Members(c, at, at+1), v); got != (is == c) {
					t.Fatalf("vehicle %d at %d is a member of %d: %v", v, at, c, got)
				}
			}
		}
	})
}

func reload(t *rapid.T, r *roster.Roster) *roster.Roster {
	var saved, again bytes.Buffer
	if err := r.Save(&saved); err != nil {
		t.Fatal(err)
	}
	loaded, err := roster.Load(bytes.NewReader(saved.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := loaded.Save(&again); err != nil || !bytes.Equal(saved.Bytes(), again.Bytes()) {
		t.Fatalf("what was loaded saves other bytes (%v)", err)
	}
	return loaded
}

func TestMovesAndRepeatedFacts(t *testing.T) {
	r := roster.New()
	for i, e := range []event.Entry{
		{ReceivedAt: 10, Fact: event.VehicleAdded{Vehicle: 1, Customer: 1}},
		{ReceivedAt: 20, Fact: event.VehicleAdded{Vehicle: 1, Customer: 1}},
		{ReceivedAt: 30, Fact: event.VehicleAdded{Vehicle: 1, Customer: 2}},
		{ReceivedAt: 40, Fact: event.VehicleRemoved{Vehicle: 1}},
		{ReceivedAt: 50, Fact: event.VehicleRemoved{Vehicle: 1}},
	} {
		if err := r.Apply(event.Stored{Position: event.Position(i + 1), Batch: event.Batch{Entries: []event.Entry{e}}}); err != nil {
			t.Fatal(err)
		}
	}
	want := []record.Membership{{Customer: 1, From: 10, To: 30}, {Customer: 2, From: 30, To: 40}}
	if diff := cmp.Diff(want, r.Memberships(1)); diff != "" {
		t.Errorf("memberships (-want +got):\n%s", diff)
	}
}

func FuzzLoad(f *testing.F) {
	r := roster.New()
	if err := r.Apply(event.Stored{Position: 1, Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: 10, Fact: event.VehicleAdded{Vehicle: 1, Customer: 1}}}}}); err != nil {
		f.Fatal(err)
	}
	var saved bytes.Buffer
	if err := r.Save(&saved); err != nil {
		f.Fatal(err)
	}
	f.Add(saved.Bytes())
	f.Add([]byte("fleetbeat roster 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := roster.Load(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, roster.ErrSnapshot) {
				t.Fatalf("%v is not ErrSnapshot", err)
			}
			return
		}
		var again bytes.Buffer
		if err := loaded.Save(&again); err != nil || !bytes.Equal(data, again.Bytes()) {
			t.Fatalf("what was loaded saves other bytes (%v)", err)
		}
	})
}
