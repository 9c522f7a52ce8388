package fleet_test

import (
	"bytes"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

func TestLogAndDirectoryOfAViewMakeTheSameView(t *testing.T) {
	batch := event.Stored{Position: 1, Epoch: 1}
	for v := event.VehicleID(1); v <= 3; v++ {
		batch.Entries = append(batch.Entries, event.Entry{ReceivedAt: 1000, Fact: event.VehicleAdded{Vehicle: v, Customer: 1}})
	}
	apply := func(v *fleet.View) {
		if err := v.Apply(batch); err != nil {
			t.Fatal(err)
		}
	}
	saved := func(v *fleet.View) []byte {
		var b bytes.Buffer
		if err := v.Save(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	view := fleet.New(fleet.Config{})
	apply(view)
	for _, u := range []fleet.Update{
		{Revision: 1, Customers: []fleet.Customer{{Number: 1, ID: "a", Name: "Åkeriet"}, {Number: 2, ID: "b", Name: "Bulk"}},
			Vehicles: []fleet.Vehicle{
				{Number: 3, VIN: "THREE", Customer: 1, Tags: []string{"city", "night"}},
				{Number: 1, VIN: "ONE", Customer: 1, RegistrationNumber: "ABC123"},
				{Number: 2, VIN: "TWO", Customer: 2},
			}},
		{Revision: 2, RemovedVehicles: []event.VehicleID{1}, Vehicles: []fleet.Vehicle{{Number: 2, VIN: "TWO", Customer: 1}}},
	} {
		if err := view.Update(u); err != nil {
			t.Fatal(err)
		}
	}
	again := fleet.New(fleet.Config{})
	apply(again)
	if err := again.Update(view.Directory()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved(view), saved(again)) {
		t.Error("the view made of another's directory and its log differs from it")
	}
}
