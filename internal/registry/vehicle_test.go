package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestVehicleIsStoredAsSaidAndTheLogIsTold(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "johans")
		mustCustomer(t, r, "kalles")
		v, revision, err := r.CreateVehicle(ctx, NewVehicle{VIN: "YS2R4X20005399401", RegistrationNumber: " ABC 123",
			CustomerID: "kalles", Tags: []string{"nord", "euro6", "nord "}, Policy: slow(), Paused: true})
		if err != nil || revision != 3 {
			t.Fatal(revision, err)
		}
		want := Vehicle{Number: 1, VIN: "YS2R4X20005399401", RegistrationNumber: "ABC 123", Customer: 2, CustomerID: "kalles",
			Tags: []string{"euro6", "nord"}, Policy: slow(), Paused: true}
		stored, err2 := r.Vehicle(ctx, v.VIN)
		if diff := cmp.Diff([]Vehicle{want, want}, []Vehicle{v, stored}); diff != "" || err2 != nil {
			t.Error(err2, diff)
		}
		facts := []event.Fact{event.VehicleAdded{Vehicle: 1, Customer: 2}, event.PolicyChanged{Vehicle: 1, Policy: slow()}, event.VehiclePaused{Vehicle: 1}}
		if diff := cmp.Diff(facts, outbox(t, r)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestVehiclePatchChangesWhatItNames(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		mustCustomer(t, r, "johans")
		want := mustVehicle(t, r, "v1", "kalles")
		for i, step := range []struct {
			patch  VehiclePatch
			change func()
			facts  []event.Fact
		}{
			{VehiclePatch{RegistrationNumber: new("ABC123")}, func() { want.RegistrationNumber = "ABC123" }, nil},
			{VehiclePatch{CustomerID: new("johans")}, func() { want.Customer, want.CustomerID = 2, "johans" },
				[]event.Fact{event.VehicleAdded{Vehicle: 1, Customer: 2}}},
			{VehiclePatch{Tags: &[]string{"b", "a"}}, func() { want.Tags = []string{"a", "b"} }, nil},
			{VehiclePatch{Policy: new(slow())}, func() { want.Policy = slow() }, []event.Fact{event.PolicyChanged{Vehicle: 1, Policy: slow()}}},
			{VehiclePatch{Paused: new(true)}, func() { want.Paused = true }, []event.Fact{event.VehiclePaused{Vehicle: 1}}},
			{VehiclePatch{Paused: new(false), Policy: &event.Policy{}, Tags: &[]string{}},
				func() { want.Paused, want.Policy, want.Tags = false, event.Policy{}, nil },
				[]event.Fact{event.PolicyChanged{Vehicle: 1}, event.VehicleResumed{Vehicle: 1}}},
		} {
			step.change()
			told := len(outbox(t, r))
			got, revision, err := r.UpdateVehicle(ctx, "v1", step.patch)
			if diff := cmp.Diff(want, got); diff != "" || err != nil || revision != int64(i+4) {
				t.Error(i, revision, err, diff)
			}
			if diff := cmp.Diff(step.facts, append([]event.Fact(nil), outbox(t, r)[told:]...)); diff != "" {
				t.Error(i, diff)
			}
		}
		for _, patch := range []VehiclePatch{{}, {RegistrationNumber: new(" ABC123 ")}, {CustomerID: new("johans"), Tags: &[]string{" "}}} {
			if _, revision, err := r.UpdateVehicle(ctx, "v1", patch); err != nil || revision != 9 {
				t.Errorf("a patch that changes nothing gives revision %d, %v", revision, err)
			}
		}
	})
}

func TestVehicleErrors(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		_, _, err := r.CreateVehicle(ctx, NewVehicle{VIN: "v1", CustomerID: "kalles"})
		if !errors.Is(err, ErrConflict) {
			t.Error(err)
		}
		_, err = r.Vehicle(ctx, "V1") // VINs are exact
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		_, _, err = r.UpdateVehicle(ctx, "v2", VehiclePatch{})
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		_, err = r.DeleteVehicle(ctx, "v2")
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if r.Revision() != 2 {
			t.Errorf("revision %d after refusals, want 2", r.Revision())
		}
		if v := mustVehicle(t, r, "v2", "kalles"); v.Number != 2 {
			t.Errorf("number %d, want 2: refusals leave no holes", v.Number)
		}
	})
}

func TestVehicleNumbersAreNeverUsedTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		config := on.config(t, Config{})
		r := openWith(t, config)
		mustCustomer(t, r, "kalles")
		for want := event.VehicleID(1); want <= 4; want++ {
			if v := mustVehicle(t, r, "v", "kalles"); v.Number != want {
				t.Fatalf("number %d, want %d", v.Number, want)
			}
			if _, err := r.DeleteVehicle(ctx, "v"); err != nil {
				t.Fatal(err)
			}
			if want == 2 {
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				r = openWith(t, config)
			}
		}
	})
}

func TestConcurrentWritersEachGetTheirRevisionAndNumber(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		const writers, each = 8, 10
		var mu sync.Mutex
		revisions, numbers := make(map[int64]bool), make(map[event.VehicleID]bool)
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for i := range each {
					v, revision, err := r.CreateVehicle(ctx, NewVehicle{VIN: fmt.Sprintf("v%d-%d", w, i), CustomerID: "kalles"})
					if err != nil {
						t.Error(err)
					}
					if got, err := r.Vehicle(ctx, v.VIN); err != nil || got.Number != v.Number {
						t.Error("a write cannot be read back", err)
					}
					mu.Lock()
					revisions[revision], numbers[v.Number] = true, true
					mu.Unlock()
				}
			})
		}
		group.Wait()
		for i := range writers * each {
			if !revisions[int64(i+2)] || !numbers[event.VehicleID(i+1)] {
				t.Fatalf("revision %d or number %d was not given", i+2, i+1)
			}
		}
		if r.Revision() != 1+writers*each {
			t.Errorf("revision %d", r.Revision())
		}
	})
}

func TestOneOfManyWithTheSameVINWins(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		var won, lost int
		var mu sync.Mutex
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				_, _, err := r.CreateVehicle(ctx, NewVehicle{VIN: "v1", CustomerID: "kalles"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if errors.Is(err, ErrConflict) {
					lost++
				}
			})
		}
		group.Wait()
		if won != 1 || lost != 7 {
			t.Errorf("%d won and %d lost", won, lost)
		}
	})
}

func TestCancelledWriteChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := r.CreateVehicle(ctx, NewVehicle{VIN: "v1", CustomerID: "kalles"}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if v := mustVehicle(t, r, "v2", "kalles"); v.Number != 1 {
			t.Errorf("number %d, want 1", v.Number)
		}
	})
}

func TestWritesEndWithTheNumbers(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		if _, err := r.writer.Exec(`UPDATE state SET last_vehicle = $1`, maxVehicle-1); err != nil {
			t.Fatal(err)
		}
		if v := mustVehicle(t, r, "last", "kalles"); v.Number != maxVehicle {
			t.Errorf("number %d", v.Number)
		}
		if _, _, err := r.CreateVehicle(t.Context(), NewVehicle{VIN: "one-more", CustomerID: "kalles"}); err == nil {
			t.Error("a number beyond the last was given")
		}
	})
}
