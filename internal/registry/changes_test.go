package registry

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// mirror is a reader's copy of the registry.
type mirror struct {
	revision  int64
	customers map[event.CustomerID]Customer
	vehicles  map[event.VehicleID]Vehicle
}

func newMirror() *mirror {
	return &mirror{customers: make(map[event.CustomerID]Customer), vehicles: make(map[event.VehicleID]Vehicle)}
}

// apply takes in one part, and complains when a vehicle's customer is not known or a VIN is there twice.
func (m *mirror) apply(c Changes) error {
	for _, v := range c.RemovedVehicles {
		delete(m.vehicles, v)
	}
	for _, customer := range c.Customers {
		m.customers[customer.Number] = customer
	}
	for _, v := range c.Vehicles {
		if _, ok := m.customers[v.Customer]; !ok {
			return errors.New("a vehicle came before its customer")
		}
		m.vehicles[v.Number] = v
	}
	for _, customer := range c.RemovedCustomers {
		delete(m.customers, customer)
	}
	if c.Revision < m.revision {
		return errors.New("the revision goes back")
	}
	m.revision = c.Revision
	return nil
}

func (m *mirror) pull(t testing.TB, r *Registry) {
	t.Helper()
	if err := r.Changes(t.Context(), m.revision, m.apply); err != nil {
		t.Fatal(err)
	}
	if m.revision != r.Revision() {
		t.Fatalf("the mirror is at revision %d, the registry at %d", m.revision, r.Revision())
	}
}

func diffMirrors(a, b *mirror) string {
	return cmp.Diff(a, b, cmp.AllowUnexported(mirror{}), cmpopts.EquateEmpty())
}

func TestChangesTellEachKindOfChange(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		mustCustomer(t, r, "johans")
		v1 := mustVehicle(t, r, "v1", "kalles")
		v2 := mustVehicle(t, r, "v2", "kalles")
		since := r.Revision()
		var calls int
		count := func(Changes) error { calls++; return nil }
		if err := r.Changes(ctx, since, count); err != nil || calls != 0 {
			t.Errorf("%d calls, %v, when nothing has changed", calls, err)
		}
		if _, err := r.DeleteVehicle(ctx, "v1"); err != nil {
			t.Fatal(err)
		}
		again := mustVehicle(t, r, "v1", "johans")
		if _, _, err := r.UpdateVehicle(ctx, "v2", VehiclePatch{CustomerID: new("johans")}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.DeleteCustomer(ctx, "kalles"); err != nil {
			t.Fatal(err)
		}
		c3, _, err := r.CreateCustomer(ctx, NewCustomer{ID: "kalles", Name: "Another"})
		if err != nil {
			t.Fatal(err)
		}
		var got []Changes
		err = r.Changes(ctx, since, func(c Changes) error { got = append(got, c); return nil })
		v2.Customer, v2.CustomerID = 2, "johans"
		want := []Changes{{Revision: since + 5, RemovedVehicles: []event.VehicleID{v1.Number}, Customers: []Customer{c3},
			Vehicles: []Vehicle{again, v2}, RemovedCustomers: []event.CustomerID{1}}}
		sorted := cmpopts.SortSlices(func(a, b Vehicle) bool { return a.Number < b.Number })
		if diff := cmp.Diff(want, got, sorted); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

func TestMirrorsFromAnyRevisionAgree(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.openInMemory(t)
		early := newMirror()
		mustImport(t, r, fleetCSV(2*maxChanges+500))
		early.pull(t, r)
		if _, _, err := r.DeleteCustomerAndVehicles(ctx, "k7"); err != nil {
			t.Fatal(err)
		}
		mustImport(t, r, fleetCSV(3*maxChanges)) // brings the customer back, with other numbers
		early.pull(t, r)
		late := newMirror()
		late.pull(t, r)
		if diff := diffMirrors(late, early); diff != "" {
			t.Error(diff)
		}
		if len(late.vehicles) != 3*maxChanges {
			t.Errorf("%d vehicles", len(late.vehicles))
		}
	})
}

func TestRevisionMovesOnlyWithTheLastPart(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.openInMemory(t)
		mustImport(t, r, fleetCSV(2*maxChanges+500))
		var revisions []int64
		err := r.Changes(ctx, 0, func(c Changes) error {
			revisions = append(revisions, c.Revision)
			if c.len() > maxChanges {
				t.Errorf("a part of %d", c.len())
			}
			return nil
		})
		if diff := cmp.Diff([]int64{0, 0, 1}, revisions); diff != "" || err != nil {
			t.Error(err, diff)
		}
		stop := errors.New("stop")
		calls := 0
		err = r.Changes(ctx, 0, func(Changes) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("%d calls, %v, want one and the error that stopped it", calls, err)
		}
	})
}

func TestChangesAreOfOneMomentWhateverIsWrittenMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.openInMemory(t)
		mustImport(t, r, fleetCSV(2*maxChanges))
		m := newMirror()
		err := r.Changes(t.Context(), 0, func(c Changes) error {
			if m.revision == 0 {
				mustCustomer(t, r, "") // the reader does not hold the writer up
			}
			return m.apply(c)
		})
		if err != nil || m.revision != 1 || len(m.vehicles) != 2*maxChanges {
			t.Errorf("revision %d, %d vehicles, %v", m.revision, len(m.vehicles), err)
		}
		m.pull(t, r)
	})
}
