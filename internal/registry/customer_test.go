package registry

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func slow() event.Policy { return event.Policy{LateAfter: time.Hour, OfflineAfter: 2 * time.Hour} }

func TestCustomerIsStoredAsSaid(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		c, revision, err := r.CreateCustomer(ctx, NewCustomer{ID: "kalles", Name: " Kalles Grustransporter AB ",
			Address: "Cementva\u0308gen 8, 111 11 So\u0308derta\u0308lje", Policy: slow()})
		if err != nil {
			t.Fatal(err)
		}
		want := Customer{Number: 1, ID: "kalles", Name: "Kalles Grustransporter AB", Address: "Cementvägen 8, 111 11 Södertälje", Policy: slow()}
		if diff := cmp.Diff(want, c); diff != "" || revision != 1 {
			t.Error(revision, diff)
		}
		mustVehicle(t, r, "v1", "kalles")
		stored, err := r.Customer(ctx, "kalles")
		if diff := cmp.Diff(CountedCustomer{Customer: want, Vehicles: 1}, stored); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

func TestCustomerPatchChangesWhatItNames(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		want, _, err := r.CreateCustomer(ctx, NewCustomer{ID: "kalles", Name: "Kalles", Address: "A", Policy: slow()})
		if err != nil {
			t.Fatal(err)
		}
		for i, step := range []struct {
			patch  CustomerPatch
			change func()
		}{
			{CustomerPatch{Name: new("Kalle")}, func() { want.Name = "Kalle" }},
			{CustomerPatch{Address: new("")}, func() { want.Address = "" }},
			{CustomerPatch{Policy: &event.Policy{}}, func() { want.Policy = event.Policy{} }},
			{CustomerPatch{Policy: new(slow()), Name: new("K")}, func() { want.Policy, want.Name = slow(), "K" }},
		} {
			step.change()
			got, revision, err := r.UpdateCustomer(ctx, "kalles", step.patch)
			if diff := cmp.Diff(want, got); diff != "" || err != nil || revision != int64(i+2) {
				t.Error(i, revision, err, diff)
			}
		}
		for _, patch := range []CustomerPatch{{}, {Name: new(" K ")}, {Policy: new(slow())}} {
			if _, revision, err := r.UpdateCustomer(ctx, "kalles", patch); err != nil || revision != 5 {
				t.Errorf("a patch that changes nothing gives revision %d, %v", revision, err)
			}
		}
		if len(outbox(t, r)) != 3 {
			t.Errorf("outbox %v, want the three changes of the policy", outbox(t, r))
		}
	})
}

func TestCustomerErrors(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		mustVehicle(t, r, "v2", "kalles")
		_, _, err := r.CreateCustomer(ctx, NewCustomer{ID: "kalles", Name: "Another"})
		if !errors.Is(err, ErrConflict) {
			t.Error(err)
		}
		_, err = r.Customer(ctx, "Kalles") // ids are exact
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		_, _, err = r.UpdateCustomer(ctx, "nobody", CustomerPatch{})
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		_, err = r.DeleteCustomer(ctx, "nobody")
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		_, err = r.DeleteCustomer(ctx, "kalles")
		var has *HasVehiclesError
		if !errors.Is(err, ErrHasVehicles) || !errors.As(err, &has) || has.Vehicles != 2 {
			t.Error(err)
		}
		if r.Revision() != 3 {
			t.Errorf("revision %d after refusals, want 3", r.Revision())
		}
	})
}

func TestDeleteCustomerTakesItsVehiclesWhenToldTo(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		mustCustomer(t, r, "johans")
		if _, _, err := r.UpdateCustomer(ctx, "kalles", CustomerPatch{Policy: new(slow())}); err != nil {
			t.Fatal(err)
		}
		v1 := mustVehicle(t, r, "v1", "kalles")
		mustVehicle(t, r, "v2", "johans")
		v3 := mustVehicle(t, r, "v3", "kalles")
		told := len(outbox(t, r))
		n, revision, err := r.DeleteCustomerAndVehicles(ctx, "kalles")
		if n != 2 || revision != 7 || err != nil {
			t.Errorf("%d vehicles removed, revision %d, %v", n, revision, err)
		}
		want := []event.Fact{event.VehicleRemoved{Vehicle: v1.Number}, event.VehicleRemoved{Vehicle: v3.Number}, event.PolicyChanged{Customer: 1}}
		if diff := cmp.Diff(want, outbox(t, r)[told:]); diff != "" {
			t.Error(diff)
		}
		if _, err := r.Vehicle(ctx, "v2"); err != nil {
			t.Error("the vehicle of another customer is gone", err)
		}
		n, _, err = r.DeleteCustomerAndVehicles(ctx, "johans")
		if n != 1 || err != nil {
			t.Errorf("%d vehicles removed, %v", n, err)
		}
		if c := mustCustomer(t, r, "kalles"); c.Number != 3 {
			t.Errorf("the new customer has number %d, want 3: numbers are not used twice", c.Number)
		}
	})
}

func TestIDsAreMadeUp(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		mustCustomer(t, r, "c2")
		mustCustomer(t, r, "c3-1")
		for _, want := range []string{"c3", "c4"} {
			if c := mustCustomer(t, r, ""); c.ID != want {
				t.Errorf("id %q, want %q", c.ID, want)
			}
		}
		mustCustomer(t, r, "c6")
		mustCustomer(t, r, "c7") // which is the sixth, so that the seventh finds its id taken
		if c := mustCustomer(t, r, ""); c.ID != "c7-1" {
			t.Errorf("id %q, want c7-1", c.ID)
		}
	})
}

func TestCustomersAreListedByNameAndFound(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		for _, c := range []NewCustomer{
			{ID: "j", Name: "Johans Bulk AB", Address: "Balkvägen 12, 222 22 Stockholm"},
			{ID: "k", Name: "Kalles Grustransporter AB", Address: "Cementvägen 8, 111 11 Södertälje"},
			{ID: "h", Name: "Haralds Värdetransporter AB", Address: "Budgetvägen 1, 333 33 Uppsala"},
			{ID: "a1", Name: "åkeri 100% i_norr \\ syd"},
		} {
			if _, _, err := r.CreateCustomer(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		mustVehicle(t, r, "v1", "j")
		for _, c := range []struct{ search, want string }{
			{"", "a1:0 h:0 j:1 k:0 "}, {"sodertalje", "k:0 "}, {"SÖDER", "k:0 "}, {"transporter", "h:0 k:0 "}, {"vägen 1", "h:0 j:1 "},
			{" bulk ", "j:1 "}, {"a1", "a1:0 "}, {"100%", "a1:0 "}, {"%", "a1:0 "}, {"i_n", "a1:0 "}, {"_", "a1:0 "}, {`\`, "a1:0 "}, {"zzz", ""},
		} {
			page, err := r.Customers(ctx, CustomerQuery{Search: c.search})
			if got := listed(page); got != c.want || err != nil || page.Total != len(page.Items) || page.NextCursor != "" {
				t.Errorf("%q: %q %v, want %q", c.search, got, err, c.want)
			}
		}
	})
}

func listed(page CustomerPage) (s string) {
	for _, c := range page.Items {
		s += fmt.Sprintf("%s:%d ", c.ID, c.Vehicles)
	}
	return s
}

func TestPagesShowEachCustomerOnceWhileOthersComeAndGo(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.openInMemory(t)
		for i := range 25 { // many of the same name
			if _, _, err := r.CreateCustomer(ctx, NewCustomer{Name: fmt.Sprintf("Åkeri %d", i%3)}); err != nil {
				t.Fatal(err)
			}
		}
		seen := make(map[string]bool)
		q := CustomerQuery{Search: "akeri", Limit: 4}
		for page := 0; ; page++ {
			p, err := r.Customers(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range p.Items {
				if seen[c.ID] {
					t.Errorf("customer %s is shown twice", c.ID)
				}
				seen[c.ID] = true
			}
			if p.NextCursor == "" {
				break
			}
			last := p.Items[len(p.Items)-1]
			if _, err := r.DeleteCustomer(ctx, last.ID); err != nil { // the very one that the cursor names
				t.Fatal(err)
			}
			mustCustomer(t, r, fmt.Sprintf("before-%d", page))
			q.Cursor = p.NextCursor
		}
		if len(seen) != 25 {
			t.Errorf("%d customers were shown, want 25", len(seen))
		}
	})
}

func TestDefaultPolicy(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		set := func(p event.Policy, revision int64, want event.Policy) {
			t.Helper()
			if got, err := r.SetDefaultPolicy(ctx, p); got != revision || err != nil {
				t.Errorf("revision %d, %v, want %d", got, err, revision)
			}
			if got, err := r.DefaultPolicy(ctx); got != want || err != nil {
				t.Errorf("default policy %v, %v, want %v", got, err, want)
			}
		}
		set(event.Policy{}, 0, event.DefaultPolicy)
		set(event.DefaultPolicy, 0, event.DefaultPolicy)
		set(slow(), 1, slow())
		set(slow(), 1, slow())
		set(event.Policy{}, 2, event.DefaultPolicy)
		want := []event.Fact{event.PolicyChanged{Policy: slow()}, event.PolicyChanged{}}
		if diff := cmp.Diff(want, outbox(t, r)); diff != "" {
			t.Error(diff)
		}
	})
}
