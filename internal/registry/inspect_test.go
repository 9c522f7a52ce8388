package registry

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// TestACopyInPostgresGoesOnWhereTheFileEnds: everything is there, the past and what waits for the log too, and numbers are
// counted on.
func TestACopyInPostgresGoesOnWhereTheFileEnds(t *testing.T) {
	on := onPostgres(t)
	clock := event.Time(10)
	from := openWith(t, store{}.config(t, Config{Now: func() event.Time { return clock }}))
	mustImport(t, from, fleetCSV(2500))
	if _, err := from.SetDefaultPolicy(t.Context(), slow()); err != nil {
		t.Fatal(err)
	}
	clock = 20
	mustImport(t, from, strings.ReplaceAll(fleetCSV(2500), "ABC", "XYZ"))
	if _, _, err := from.DeleteCustomerAndVehicles(t.Context(), "k3"); err != nil {
		t.Fatal(err)
	}
	to := on.open(t)
	counts, err := CopyAll(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if c.From != c.To || c.From == 0 && c.Table != "past_customers" && c.Table != "removed_customers" {
			t.Errorf("%+v", c)
		}
	}
	a, b := newMirror(), newMirror()
	a.pull(t, from)
	b.pull(t, to)
	if diff := diffMirrors(a, b); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(outbox(t, from), outbox(t, to)); diff != "" {
		t.Error("the outbox differs", diff)
	}
	if diff := cmp.Diff(directoryAt(t, from, 15), directoryAt(t, to, 15)); diff != "" {
		t.Error("the past differs", diff)
	}
	if v := mustVehicle(t, to, "next", "k1"); v.Number != 2501 {
		t.Errorf("the next vehicle has number %d", v.Number)
	}
	if _, err := CopyAll(t.Context(), from, to); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("copying into a registry that is in use: %v", err)
	}
}

func TestInspectSaysWhatThereIs(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		config := on.config(t, Config{})
		r := openWith(t, config)
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		s, err := Inspect(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		want := Summary{Engine: s.Engine, Where: r.Where(), Version: s.Newest, Newest: s.Newest, Revision: 2, Customers: 1, Vehicles: 1, Outbox: 1}
		if diff := cmp.Diff(want, s); diff != "" || s.Newest == 0 {
			t.Error(diff)
		}
	})
}

func TestInspectOfAnEmptyDatabaseSaysSo(t *testing.T) {
	s, err := Inspect(t.Context(), onPostgres(t).config(t, Config{}))
	if err != nil || s.Version != 0 || s.Newest == 0 {
		t.Error(s, err)
	}
}
