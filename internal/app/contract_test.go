package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

// search finds one vehicle by the original contract.
func search(t *testing.T, s *fleettest.Server, vin string) client.SearchVehicle {
	t.Helper()
	found, err := s.Search(t.Context(), client.SearchQuery{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(found, func(v client.SearchVehicle) bool { return v.ID == vin })
	if i < 0 {
		t.Fatalf("%s is not among %d vehicles", vin, len(found))
	}
	return found[i]
}

// call makes a request as a device of the original contract does, and gives the answer's body.
func call(t *testing.T, method, url, body string, status int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != status {
		t.Fatalf("%s %s: %s\n%s", method, url, answer.Status, text)
	}
	return string(text)
}

// original starts a server with the original three customers and their seven vehicles.
func original(t *testing.T) *fleettest.Server {
	t.Helper()
	s := fleettest.Start(t)
	fleet, err := simulate.New(simulate.Config{BaseURL: s.URL, Original: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// found are the registration numbers that a query of the original contract gives.
func found(t *testing.T, s *fleettest.Server, query string) []string {
	t.Helper()
	var vehicles []client.SearchVehicle
	if err := json.Unmarshal([]byte(call(t, http.MethodGet, s.URL+"/search"+query, "", http.StatusOK)), &vehicles); err != nil {
		t.Fatal(err)
	}
	plates := []string{}
	for _, v := range vehicles {
		plates = append(plates, v.RegNo)
	}
	slices.Sort(plates)
	return plates
}

func TestOriginalContractHolds(t *testing.T) {
	t.Parallel()
	s := original(t)
	for _, side := range []string{"/heartbeat/ping", "/search/ping"} {
		if got := call(t, http.MethodGet, s.URL+side, "", http.StatusOK); got != `{"message":"pong"}` {
			t.Errorf("%s: %s", side, got)
		}
	}
	for _, body := range []string{"", "{}", "any body \x00 is ignored", `{"vehicle":"another"}`} {
		var entity client.Entity
		answer := call(t, http.MethodPost, s.URL+"/heartbeat/YS2R4X20005399401", body, http.StatusOK)
		if err := json.Unmarshal([]byte(answer), &entity); err != nil || entity.EntityID == "" {
			t.Errorf("with the body %q, a heartbeat gives %s", body, answer)
		}
	}
	call(t, http.MethodPost, s.URL+"/heartbeat/YS2R4X20005387055", "", http.StatusOK)
	call(t, http.MethodPost, s.URL+"/heartbeat/UNKNOWN", "", http.StatusNotFound)

	all := []string{"ABC123", "DEF456", "GHI789", "JKL012", "MNO345", "PQR678", "STU901"}
	for query, want := range map[string][]string{
		"":                                 all,
		"?online=true":                     {"ABC123", "STU901"},
		"?online=false":                    {"DEF456", "GHI789", "JKL012", "MNO345", "PQR678"},
		"?customer_name=kalles":            {"ABC123", "DEF456", "GHI789"},
		"?customer_name=BULK":              {"JKL012", "MNO345"},
		"?customer_name=v%C3%84rde":        {"PQR678", "STU901"},
		"?customer_name=+AB":               all,
		"?customer_name=haral&online=true": {"STU901"},
		"?customer_name=Balkv":             {}, // an address is not a name
		"?customer_name=nobody":            {},
	} {
		if diff := cmp.Diff(want, found(t, s, query)); diff != "" {
			t.Errorf("/search%s: want -, got +\n%s", query, diff)
		}
	}
	heard, silent := search(t, s, "YS2R4X20005399401"), search(t, s, "VLUR4X20009093588")
	if age := time.Since(heard.HeartbeatTS.Time); !heard.Online || age < -time.Second || age > time.Minute {
		t.Errorf("a vehicle that was heard is %+v", heard)
	}
	want := client.SearchVehicle{ID: "VLUR4X20009093588", RegNo: "DEF456", Customer: heard.Customer}
	if diff := cmp.Diff(want, silent); diff != "" || silent.Customer.Name != "Kalles Grustransporter AB" ||
		silent.Customer.Address != "Cementvägen 8, 111 11 Södertälje" || silent.Customer.ID == "" {
		t.Errorf("a vehicle that was never heard is %+v\n%s", silent, diff)
	}
}

func TestReadersSeeWhatWasWrittenBefore(t *testing.T) {
	t.Parallel()
	s := original(t)
	roster := simulate.NewRoster(1, 0, true)
	for n := range 140 {
		vin := roster.VIN(n % roster.Vehicles())
		accepted, err := s.Heartbeat(t.Context(), vin, client.NewHeartbeat{})
		if err != nil {
			t.Fatal(err)
		}
		if got := search(t, s, vin); !got.Online || got.HeartbeatTS != accepted.ReceivedAt {
			t.Fatalf("heartbeat %d was received at %s; the search has %+v", n, accepted.ReceivedAt, got)
		}
		page, err := s.Vehicles(t.Context(), client.VehicleQuery{Text: vin, MinPosition: accepted.Position})
		if err != nil || len(page.Items) != 1 || page.Position < accepted.Position || page.Items[0].LastHeartbeatAt != accepted.ReceivedAt {
			t.Fatalf("heartbeat %d was received at %s; the page is %+v, %v", n, accepted.ReceivedAt, page, err)
		}
	}
}

func TestVehiclesAreKnownFromTheMomentOfTheAnswer(t *testing.T) {
	t.Parallel()
	s := fleettest.Start(t)
	if _, err := s.CreateCustomer(t.Context(), client.NewCustomer{ID: "c", Name: "C"}); err != nil {
		t.Fatal(err)
	}
	for n := range 50 {
		vin := fleettest.VIN(n)
		if _, err := s.CreateVehicle(t.Context(), client.NewVehicle{VIN: vin, CustomerID: "c"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Heartbeat(t.Context(), vin, client.NewHeartbeat{}); err != nil {
			t.Fatalf("right after it was added: %v", err)
		}
		if vehicle, err := s.Vehicle(t.Context(), vin); err != nil || vehicle.VIN != vin {
			t.Fatalf("%+v, %v", vehicle, err)
		}
		if err := s.DeleteVehicle(t.Context(), vin); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Heartbeat(t.Context(), vin, client.NewHeartbeat{}); !client.IsNotFound(err) {
			t.Fatalf("right after it was removed: %v", err)
		}
	}
}

func TestUnknownVehiclesAreListedUntilTheyAreRegistered(t *testing.T) {
	t.Parallel()
	s := fleettest.Start(t)
	fleettest.Register(t, s.Client, "KNOWN")
	for range 3 {
		call(t, http.MethodPost, s.URL+"/heartbeat/STRANGER-1", "", http.StatusNotFound)
	}
	_, err := s.Heartbeat(t.Context(), "STRANGER-2", client.NewHeartbeat{})
	if !client.IsNotFound(err) {
		t.Errorf("a stranger's heartbeat gives %v", err)
	}
	accepted, err := s.Heartbeats(t.Context(), client.Batch{Items: []client.NewHeartbeat{{Vehicle: "KNOWN"}, {Vehicle: "STRANGER-1"}}})
	if err != nil || accepted.Accepted != 1 || len(accepted.Rejected) != 1 || accepted.Rejected[0].Index != 1 {
		t.Errorf("a batch with a stranger gives %+v, %v", accepted, err)
	}
	if got, want := strangers(t, s), (map[string]uint64{"STRANGER-1": 4, "STRANGER-2": 1}); !cmp.Equal(got, want) {
		t.Errorf("%v are listed, want %v", got, want)
	}

	fleettest.Register(t, s.Client, "STRANGER-1")
	if _, err := s.Heartbeat(t.Context(), "STRANGER-1", client.NewHeartbeat{}); err != nil {
		t.Errorf("a stranger that was registered: %v", err)
	}
	if got, want := strangers(t, s), (map[string]uint64{"STRANGER-2": 1}); !cmp.Equal(got, want) {
		t.Errorf("%v are listed, want %v", got, want)
	}
	if vehicle, err := s.Vehicle(t.Context(), "STRANGER-1"); err != nil || vehicle.Heartbeats != 1 {
		t.Errorf("nothing is stored of a stranger, and all of a vehicle: %+v, %v", vehicle, err)
	}
}

func strangers(t *testing.T, s *fleettest.Server) map[string]uint64 {
	t.Helper()
	page, err := s.Unregistered(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]uint64{}
	for _, v := range page.Items {
		listed[v.VIN] = v.Count
	}
	if len(listed) != page.Total {
		t.Errorf("the list has %d, its total is %d", len(listed), page.Total)
	}
	return listed
}
