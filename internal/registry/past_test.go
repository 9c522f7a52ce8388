package registry

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// directory is what the past is about: no policies, no pauses.
type directory struct {
	Customers map[event.CustomerID]Customer
	Vehicles  map[event.VehicleID]Vehicle
}

func newDirectory() directory {
	return directory{make(map[event.CustomerID]Customer), make(map[event.VehicleID]Vehicle)}
}

func (d directory) addCustomer(c Customer) {
	c.Policy = event.Policy{}
	d.Customers[c.Number] = c
}

func (d directory) addVehicle(v Vehicle) {
	v.CustomerID, v.Policy, v.Paused = "", event.Policy{}, false
	d.Vehicles[v.Number] = v
}

// directoryOf is the registry's directory of now.
func directoryOf(t rapid.TB, r *Registry) directory {
	d := newDirectory()
	err := r.Changes(context.Background(), 0, func(c Changes) error {
		for _, customer := range c.Customers {
			d.addCustomer(customer)
		}
		for _, v := range c.Vehicles {
			d.addVehicle(v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// directoryAt is the registry's directory of a moment: that of now, and what differs.
func directoryAt(t rapid.TB, r *Registry, at event.Time) directory {
	past, err := r.Past(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	d := directoryOf(t, r)
	maps.DeleteFunc(d.Customers, func(c event.CustomerID, _ Customer) bool { return c > past.LastCustomer })
	maps.DeleteFunc(d.Vehicles, func(v event.VehicleID, _ Vehicle) bool { return v > past.LastVehicle })
	for _, c := range past.Customers {
		d.addCustomer(c)
	}
	for _, v := range past.Vehicles {
		d.addVehicle(v)
	}
	return d
}

// TestTheDirectoryOfAMomentIsACopyTakenThen changes a registry at random, while it takes copies of its directory; forgets
// the oldest past now and then; and compares the directory of any moment with the copy.
func TestTheDirectoryOfAMomentIsACopyTakenThen(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		eachHistory(t, on, func(t *rapid.T, h *history) {
			copies := map[event.Time]directory{0: newDirectory()}
			forgotten := event.Time(0)
			takeCopy := func(t *rapid.T) {
				d := newDirectory()
				for _, c := range h.customers {
					d.addCustomer(c)
				}
				for _, v := range h.vehicles {
					d.addVehicle(v)
				}
				copies[h.clock] = d
				h.clock += event.Time(rapid.IntRange(0, 2).Draw(t, "passes"))
			}
			t.Repeat(map[string]func(*rapid.T){
				"update customer": h.updateCustomer,
				"rename customer": h.renameCustomer,
				"create customer": h.createCustomer,
				"delete customer": h.deleteCustomer,
				"create vehicle":  h.createVehicle,
				"update vehicle":  h.updateVehicle,
				"delete vehicle":  h.deleteVehicle,
				"import":          h.importFile,
				"reopen":          h.reopen,
				"forget": func(t *rapid.T) {
					before := event.Time(rapid.Int64Range(-1, max(0, int64(h.clock)-1)).Draw(t, "before"))
					revision := h.registry.Revision()
					if err := h.registry.ForgetPast(t.Context(), before); err != nil {
						t.Fatal(err)
					}
					forgotten = max(forgotten, before)
					h.revision += h.registry.Revision() - revision
				},
				"": takeCopy,
			})
			for at := range h.clock + 2 {
				moment := max(at, forgotten)
				for _, ok := copies[moment]; !ok; _, ok = copies[moment] {
					moment--
				}
				if diff := cmp.Diff(copies[moment], directoryAt(t, h.registry, at), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("the directory of %d of %d (-copy +said), forgotten before %d:\n%s", at, h.clock, forgotten, diff)
				}
			}
		})
	})
}

// renameCustomer is part of what updateCustomer leaves alone.
func (h *history) renameCustomer(t *rapid.T) {
	id := drawCustomer(t)
	c, ok := h.customers[id]
	name := "n" + drawText(t)
	_, revision, err := h.registry.UpdateCustomer(context.Background(), id, CustomerPatch{Name: &name})
	if !ok {
		h.wrote(t, 0, err, ErrNotFound, false)
		return
	}
	h.wrote(t, revision, err, nil, c.Name != name)
	c.Name = name
	h.customers[id] = c
}

// TestMomentsNeverGoBack: a clock that was put back does not bring changes in disorder.
func TestMomentsNeverGoBack(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		clock := event.Time(100)
		r, err := Open(t.Context(), on.config(t, Config{Now: func() event.Time { return clock }}))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		clock = 50
		if _, _, err := r.UpdateVehicle(t.Context(), "v1", VehiclePatch{RegistrationNumber: new("NEW")}); err != nil {
			t.Fatal(err)
		}
		if d := directoryAt(t, r, 99); len(d.Vehicles) != 0 {
			t.Errorf("before all changes there are %v", d.Vehicles)
		}
		if d := directoryAt(t, r, 100); d.Vehicles[1].RegistrationNumber != "NEW" {
			t.Errorf("after all changes there are %v", d.Vehicles)
		}
	})
}

// TestThePastIsBounded: past rows beyond the bound are dropped, the oldest first, and the directory of an older moment is
// that of the oldest that is kept.
func TestThePastIsBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		clock := event.Time(0)
		const most = 10
		r, err := Open(t.Context(), on.config(t, Config{MaxPast: most, Now: func() event.Time { clock++; return clock }}))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		for i := range 50 {
			if _, _, err := r.UpdateVehicle(t.Context(), "v1", VehiclePatch{RegistrationNumber: new(fmt.Sprint(i))}); err != nil {
				t.Fatal(err)
			}
			var rows, moments int64
			if err := r.reader.QueryRow(`SELECT (SELECT count(*) FROM past_vehicles), (SELECT count(*) FROM moments)`).Scan(&rows, &moments); err != nil {
				t.Fatal(err)
			}
			if p, _ := r.now(); rows > most || rows != p.past.lastPast-p.past.firstPast || moments > most+4 {
				t.Fatalf("after %d changes %d past rows are kept, with %d moments, and the metric says %+v", i+1, rows, moments, p.past)
			}
		}
		if d := directoryAt(t, r, 5); d.Vehicles[1].RegistrationNumber != "39" {
			t.Errorf("the oldest that is known is %v", d.Vehicles)
		}
		if d := directoryAt(t, r, clock-1); d.Vehicles[1].RegistrationNumber != "48" {
			t.Errorf("the one before the last is %v", d.Vehicles)
		}
	})
}

// TestAnErasedVehicleHasNoPast: neither under the number that it had, nor under one that its VIN had before.
func TestAnErasedVehicleHasNoPast(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		clock := event.Time(0)
		r, err := Open(t.Context(), on.config(t, Config{Now: func() event.Time { clock++; return clock }}))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		mustCustomer(t, r, "kalles")
		for i := range 3 {
			mustVehicle(t, r, "v1", "kalles")
			if _, _, err := r.UpdateVehicle(t.Context(), "v1", VehiclePatch{RegistrationNumber: new(fmt.Sprint("PLATE", i))}); err != nil {
				t.Fatal(err)
			}
			if _, err := r.DeleteVehicle(t.Context(), "v1"); err != nil {
				t.Fatal(err)
			}
		}
		mustVehicle(t, r, "v2", "kalles")
		then := clock
		if _, err := r.DeleteVehicle(t.Context(), "v2"); err != nil {
			t.Fatal(err)
		}
		for range 2 { // again, there is nothing to do
			before := r.Revision()
			if err := r.EraseVehicle(t.Context(), "v1"); err != nil || r.Revision() > 13 {
				t.Fatalf("revision %d, %d before: %v", r.Revision(), before, err)
			}
		}
		for at := range clock + 1 {
			for _, v := range directoryAt(t, r, at).Vehicles {
				if v.VIN == "v1" {
					t.Errorf("the vehicle is there at %d", at)
				}
			}
		}
		if d := directoryAt(t, r, then); len(d.Vehicles) != 1 {
			t.Errorf("the other vehicle is gone too: %v", d)
		}
	})
}

// TestThePastGoesWithCopyAndImport: an import keeps what vehicles were, and a copy of the registry has it.
func TestThePastGoesWithCopyAndImport(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		clock := event.Time(10)
		config := on.config(t, Config{Now: func() event.Time { return clock }})
		r, err := Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		mustImport(t, r, fleetCSV(2000))
		before := directoryOf(t, r)
		clock = 20
		mustImport(t, r, strings.ReplaceAll(fleetCSV(2000), "ABC", "XYZ"))
		if _, _, err := r.DeleteCustomerAndVehicles(t.Context(), "k3"); err != nil {
			t.Fatal(err)
		}
		registries := []*Registry{r}
		if config.URL == "" {
			to := config.Path + ".copy"
			if _, err := Copy(t.Context(), config.Path, to); err != nil {
				t.Fatal(err)
			}
			registries = append(registries, openAt(t, to))
		}
		for _, from := range registries {
			if diff := cmp.Diff(before, directoryAt(t, from, 19), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("before the second import (-was +said):\n%s", diff)
			}
		}
	})
}

// TestARegistryOfTheVersionBeforeHasThePastFromNowOn: what it says when it is first opened is all that is known of before.
func TestARegistryOfTheVersionBeforeHasThePastFromNowOn(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		config := on.config(t, Config{})
		r := openWith(t, config)
		mustImport(t, r, fleetCSV(300))
		migrations, err := newMigrations(r.writer, r.engine, r.logger)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := migrations.DownTo(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = openWith(t, config)
		before := directoryOf(t, r)
		if len(before.Vehicles) != 300 {
			t.Fatalf("there are %d vehicles", len(before.Vehicles))
		}
		mustImport(t, r, strings.ReplaceAll(fleetCSV(300), "ABC", "XYZ"))
		if diff := cmp.Diff(before, directoryAt(t, r, 1), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("before the version came (-was +said):\n%s", diff)
		}
	})
}
