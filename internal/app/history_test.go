package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

const someVIN = "YS2R4X20005399401"

// TestWhatWasHeardCanBeAskedAtOnceAndPageByPage: an acknowledged heartbeat is in the history's answers, as JSON and as CSV.
func TestWhatWasHeardCanBeAskedAtOnceAndPageByPage(t *testing.T) {
	t.Parallel()
	s := original(t)
	before := client.At(time.Now().Add(-time.Minute))
	var ids []string
	for range 5 {
		accepted, err := s.Heartbeat(t.Context(), someVIN, client.NewHeartbeat{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, accepted.ID)
	}
	var found []string
	q := client.HeartbeatQuery{From: before, Limit: 2}
	for {
		page, err := s.VehicleHeartbeats(t.Context(), someVIN, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range page.Items {
			found = append([]string{h.ID}, found...)
		}
		if page.NextCursor == nil {
			break
		}
		q.Cursor = *page.NextCursor
	}
	if strings.Join(found, " ") != strings.Join(ids, " ") {
		t.Errorf("heartbeats %v were acknowledged, %v are kept", ids, found)
	}
	text := call(t, http.MethodGet, s.URL+"/v1/vehicles/"+someVIN+"/heartbeats.csv?from="+before.String(), "", http.StatusOK)
	if lines := strings.Split(strings.TrimSpace(text), "\r\n"); len(lines) != 6 || !strings.HasPrefix(lines[1], ids[4]+",") {
		t.Errorf("the file does not have the five heartbeats, newest first:\n%s", text)
	}
	changes, err := s.Transitions(t.Context(), client.TransitionQuery{Vehicle: someVIN, From: before, To: []client.Presence{client.Online}})
	if err != nil || len(changes.Items) != 1 || changes.Items[0].VIN != someVIN {
		t.Errorf("the vehicle went online once: %+v, %v", changes, err)
	}
	text = call(t, http.MethodGet, s.URL+"/v1/transitions.csv?customer=kalles&from="+before.String(), "", http.StatusOK)
	if !strings.Contains(text, someVIN+",unknown,online,") {
		t.Errorf("the file does not have the transition:\n%s", text)
	}
	call(t, http.MethodGet, s.URL+"/v1/vehicles/"+someVIN+"/heartbeats?cursor=wrong", "", http.StatusUnprocessableEntity)
	call(t, http.MethodGet, s.URL+"/v1/vehicles/NOBODY/heartbeats.csv", "", http.StatusNotFound)
}

// TestTheFleetIsShownAsItWas: presences of then, without the vehicle that came later; and now is now.
func TestTheFleetIsShownAsItWas(t *testing.T) {
	t.Parallel()
	s := original(t)
	before := waitMillisecond(t)
	if _, err := s.Heartbeat(t.Context(), someVIN, client.NewHeartbeat{}); err != nil {
		t.Fatal(err)
	}
	then := waitMillisecond(t)
	if _, err := s.CreateVehicle(t.Context(), client.NewVehicle{VIN: "LATER", RegistrationNumber: "L8R", CustomerID: "kalles"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at            string
		total, online int
	}{
		"before the heartbeat":  {before, 7, 0},
		"after the heartbeat":   {then, 7, 1},
		"long ago":              {"2001-02-03T04:05:06Z", 0, 0},
		"after a vehicle came":  {waitMillisecond(t), 8, 1},
		"in a future not known": {"2101-02-03T04:05:06Z", 8, 1},
	} {
		var page client.VehiclePage
		get(t, s.URL+"/v1/vehicles?at="+c.at, &page)
		if page.Total != c.total || page.Facets.Presence.Online != c.online {
			t.Errorf("%s: %d vehicles, %d online, not %d and %d", name, page.Total, page.Facets.Presence.Online, c.total, c.online)
		}
		var summary client.Summary
		get(t, s.URL+"/v1/summary?at="+c.at, &summary)
		if summary.Vehicles != c.total {
			t.Errorf("%s: the summary has %d vehicles, not %d", name, summary.Vehicles, c.total)
		}
		grid := call(t, http.MethodGet, s.URL+"/v1/grid?at="+c.at, "", http.StatusOK)
		if len(grid) != 20+c.total {
			t.Errorf("%s: the grid has %d bytes", name, len(grid))
		}
	}
	call(t, http.MethodGet, s.URL+"/v1/grid?at=yesterday", "", http.StatusUnprocessableEntity)
}

// TestThePastHasTheNamesOfThePast: a vehicle that moved, and a customer that was renamed, are found as they were, also when
// they were removed since and after a restart; not once the vehicle is erased.
func TestThePastHasTheNamesOfThePast(t *testing.T) {
	t.Parallel()
	s := original(t)
	ctx := t.Context()
	for _, vin := range []string{"MOVED", "SOLD"} {
		_, err := s.CreateVehicle(ctx, client.NewVehicle{VIN: vin, RegistrationNumber: "OLD " + vin, CustomerID: "kalles", Tags: []string{"north"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	at := waitMillisecond(t)
	was := call(t, http.MethodGet, s.URL+"/v1/vehicles?sort=vin&at="+at, "", http.StatusOK)
	if _, err := s.UpdateVehicle(ctx, "MOVED", client.VehiclePatch{RegistrationNumber: new("NEW"), CustomerID: new("johans"), Tags: &[]string{"south"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateCustomer(ctx, "kalles", client.CustomerPatch{Name: new("Renamed AB")}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteVehicle(ctx, "SOLD"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateVehicle(ctx, client.NewVehicle{VIN: "SOLD", RegistrationNumber: "ANOTHER", CustomerID: "johans"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if is := call(t, http.MethodGet, s.URL+"/v1/vehicles?sort=vin&at="+at, "", http.StatusOK); is != was {
			t.Errorf("the fleet of then was\n%s\nand is\n%s", was, is)
		}
		for query, total := range map[string]int{
			"customer=kalles&q=old&tag=north": 2, "q=another": 0, "tag=south": 0, "customer=johans&q=moved": 0, "q=renamed": 0,
		} {
			var page client.VehiclePage
			get(t, s.URL+"/v1/vehicles?"+query+"&at="+at, &page)
			if page.Total != total {
				t.Errorf("%s finds %d then, not %d", query, page.Total, total)
			}
		}
		var now client.VehiclePage
		get(t, s.URL+"/v1/vehicles?customer=johans&tag=south&q=new", &now)
		if now.Total != 1 {
			t.Errorf("%d are found now, not 1", now.Total)
		}
		s.Restart(t)
	}
	if err := s.EraseVehicle(ctx, "SOLD"); err != nil {
		t.Fatal(err)
	}
	var page client.VehiclePage
	get(t, s.URL+"/v1/vehicles?q=old&at="+at, &page)
	if page.Total != 1 || page.Items[0].VIN != "MOVED" {
		t.Errorf("after the erasure the past has %+v", page.Items)
	}
}

// waitMillisecond is a moment after everything before and before everything after.
func waitMillisecond(t *testing.T) string {
	t.Helper()
	at := time.Now()
	for time.Since(at) < 1100*time.Millisecond { // received-at may be up to a second behind the wall clock
		select {
		case <-t.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
	return at.Add(1050 * time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z")
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(call(t, http.MethodGet, url, "", http.StatusOK)), into); err != nil {
		t.Fatal(err)
	}
}
