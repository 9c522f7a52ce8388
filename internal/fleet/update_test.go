package fleet_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

func TestAnImpossibleUpdateIsRefusedAsAWhole(t *testing.T) {
	v, _ := watched(fleet.Config{}, 10)
	before := saved(t, v)
	good := fleet.Vehicle{Number: 11, VIN: "new", Customer: 1}
	for name, change := range map[string]func(*fleet.Vehicle){
		"no number":        func(v *fleet.Vehicle) { v.Number = 0 },
		"number too large": func(v *fleet.Vehicle) { v.Number = presence.MaxVehicle + 1 },
		"no VIN":           func(v *fleet.Vehicle) { v.VIN = "" },
		"long VIN":         func(v *fleet.Vehicle) { v.VIN = strings.Repeat("x", 256) },
		"NUL in VIN":       func(v *fleet.Vehicle) { v.VIN = "a\x00" },
		"broken UTF-8":     func(v *fleet.Vehicle) { v.RegistrationNumber = "\xff" },
		"long plate":       func(v *fleet.Vehicle) { v.RegistrationNumber = strings.Repeat("x", 256) },
		"no customer":      func(v *fleet.Vehicle) { v.Customer = 0 },
		"customer's number too large": func(v *fleet.Vehicle) {
			v.Customer = fleet.MaxCustomer + 1
		},
		"empty tag":  func(v *fleet.Vehicle) { v.Tags = []string{""} },
		"NUL in tag": func(v *fleet.Vehicle) { v.Tags = []string{"a\x00"} },
	} {
		bad := good
		change(&bad)
		if err := v.Update(fleet.Update{Revision: 9, Vehicles: []fleet.Vehicle{good, bad}}); !errors.Is(err, fleet.ErrInvalidUpdate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := v.Update(fleet.Update{Customers: []fleet.Customer{{Number: 0}}}); !errors.Is(err, fleet.ErrInvalidUpdate) {
		t.Error(err)
	}
	if !bytes.Equal(before, saved(t, v)) {
		t.Error("something of a refused update was taken in")
	}
}

func TestAnOldBatchIsRefused(t *testing.T) {
	v, log := watched(fleet.Config{}, 10)
	s := log.heard(1)
	must(v.Apply(s))
	before := saved(t, v)
	for _, position := range []event.Position{0, 1, s.Position} {
		s.Position = position
		if err := v.Apply(s); !errors.Is(err, fleet.ErrOldBatch) {
			t.Errorf("position %d gives %v", position, err)
		}
	}
	if !bytes.Equal(before, saved(t, v)) {
		t.Error("a refused batch changed the view")
	}
}

func TestARemovedVehicleIsGoneFromEverything(t *testing.T) {
	for name, remove := range map[string]func(*fleet.View, *traffic){
		"by the directory": func(v *fleet.View, _ *traffic) {
			must(v.Update(fleet.Update{RemovedVehicles: []event.VehicleID{2}}))
		},
		"by the log": func(v *fleet.View, log *traffic) {
			must(v.Apply(log.stored(event.Batch{Entries: []event.Entry{{ReceivedAt: log.now, Fact: event.VehicleRemoved{Vehicle: 2}}}})))
		},
		"with its customer": func(v *fleet.View, _ *traffic) {
			row, _ := v.Vehicle(directoryOf(2, 3).Vehicles[1].VIN)
			must(v.Update(fleet.Update{RemovedCustomers: []event.CustomerID{row.Customer.Number}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, log := watched(fleet.Config{}, 2)
			must(v.Apply(log.heard(2)))
			gone, ok := v.Vehicle(directoryOf(2, 3).Vehicles[1].VIN)
			if !ok {
				t.Fatal("it was not there")
			}
			left := v.Summary().Vehicles - 1
			if name == "with its customer" {
				counts, _ := v.CustomerCounts(gone.Customer.ID)
				left = v.Summary().Vehicles - counts[event.Unknown] - counts[event.Online]
			}
			remove(v, log)
			if _, ok := v.Vehicle(gone.VIN); ok {
				t.Error("it is found by its VIN")
			}
			if page := query(t, v, fleet.Query{Text: gone.VIN}); page.Total != 0 || page.Presences[event.Online] != 0 {
				t.Errorf("it is found by a part of its VIN: %+v", page)
			}
			if n := v.Summary().Vehicles; n != left {
				t.Errorf("summary counts %d", n)
			}
			if grid := v.Grid(); len(grid.Presences) != left {
				t.Errorf("grid has %d", len(grid.Presences))
			}
			if page, err := v.Transitions(fleet.TransitionQuery{}); err != nil || len(page.Items) != 0 {
				t.Errorf("transitions are %+v, %v", page, err)
			}
			for row := range v.Search(fleet.SearchQuery{}) {
				if row.Number == 2 {
					t.Error("the original contract's search finds it")
				}
			}
		})
	}
}

func TestAPublicCustomerIDMayPassToAnother(t *testing.T) {
	v, _ := watched(fleet.Config{}, 10)
	must(v.Update(fleet.Update{
		RemovedCustomers: []event.CustomerID{1},
		Customers:        []fleet.Customer{{Number: 4, ID: "c1", Name: "The new one"}},
		Vehicles:         []fleet.Vehicle{{Number: 1, VIN: "moved", Customer: 4}},
	}))
	page := query(t, v, fleet.Query{Customers: []string{"c1"}})
	if page.Total != 1 || page.Rows[0].VIN != "moved" || page.Rows[0].Customer.Name != "The new one" {
		t.Fatalf("c1 has %+v", page.Rows)
	}
}

func TestTextsThatNobodyHasTakeNoRoom(t *testing.T) {
	u := directoryOf(2000, 10)
	v := fleet.New(fleet.Config{})
	must(v.Update(u))
	first := v.TextBytes()
	for i := range 20 {
		for n := range u.Vehicles {
			u.Vehicles[n].RegistrationNumber = strings.Repeat("x", i%7)
			u.Vehicles[n].Tags = []string{strings.Repeat("y", n%10+i+1)}
		}
		must(v.Update(u))
		v.Vehicle("settled")
	}
	if now := v.TextBytes(); now > 2*first {
		t.Errorf("texts took %d bytes at first, and %d after many changes", first, now)
	}
	if n := v.TagSets(); n > 40 {
		t.Errorf("%d sets of tags are kept, of which 10 are in use", n)
	}
}
