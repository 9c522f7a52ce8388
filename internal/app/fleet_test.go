package app_test

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

// find is the first page that a query gives.
func find(t *testing.T, s *fleettest.Server, q client.VehicleQuery) client.VehiclePage {
	t.Helper()
	page, err := s.Vehicles(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestHundredThousandVehiclesAreImportedAndFound(t *testing.T) {
	t.Parallel()
	const vehicles, heard = manyVehicles, manyVehicles / 10
	s := fleettest.Start(t)
	roster := simulate.NewRoster(1, vehicles, false)
	var csv bytes.Buffer
	if err := roster.WriteCSV(&csv, 0, vehicles); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	result, err := s.Import(t.Context(), &csv, client.ImportOptions{})
	if err != nil || !result.Applied || result.Created != vehicles || result.Rejected != 0 || result.CustomersCreated == 0 {
		t.Fatalf("importing gives %+v, %v", result, err)
	}
	t.Logf("imported, and shown by every reader, in %s", time.Since(began))

	owned, tagged := map[string]int{}, map[string]int{}
	for n := range vehicles {
		v := roster.Vehicle(n)
		owned[v.Customer.ID]++
		for _, tag := range v.Tags {
			tagged[tag]++
		}
	}
	last := roster.Vehicle(vehicles - 1)
	for what, c := range map[string]struct {
		query client.VehicleQuery
		total int
	}{
		"everything":    {client.VehicleQuery{}, vehicles},
		"a VIN":         {client.VehicleQuery{Text: last.VIN}, 1},
		"a VIN's end":   {client.VehicleQuery{Text: strings.ToLower(last.VIN[5:])}, 1},
		"a plate":       {client.VehicleQuery{Text: last.RegistrationNumber}, 1},
		"a customer":    {client.VehicleQuery{Customers: []string{last.Customer.ID}}, owned[last.Customer.ID]},
		"its name":      {client.VehicleQuery{Text: strings.ToUpper(last.Customer.Name)}, owned[last.Customer.ID]},
		"a tag":         {client.VehicleQuery{Tags: last.Tags[:1]}, tagged[last.Tags[0]]},
		"what is not":   {client.VehicleQuery{Text: "no such thing"}, 0},
		"the never met": {client.VehicleQuery{Presence: []client.Presence{client.Unknown}}, vehicles},
		"the connected": {client.VehicleQuery{Presence: []client.Presence{client.Online}}, 0},
	} {
		if page := find(t, s, c.query); page.Total != c.total {
			t.Errorf("looking for %s finds %d of %d", what, page.Total, c.total)
		}
	}

	var batch client.Batch
	for n := range heard {
		batch.Items = append(batch.Items, client.NewHeartbeat{Vehicle: roster.VIN(n)})
	}
	accepted, err := s.Heartbeats(t.Context(), batch)
	if err != nil || accepted.Accepted != len(batch.Items) {
		t.Fatalf("accepted %d, %v", accepted.Accepted, err)
	}
	page := find(t, s, client.VehicleQuery{Presence: []client.Presence{client.Online}, MinPosition: accepted.Position})
	if page.Total != len(batch.Items) || page.Facets.Presence.Unknown != vehicles-len(batch.Items) {
		t.Errorf("of %d that were heard, %d are found; %+v", len(batch.Items), page.Total, page.Facets.Presence)
	}
}

// TestSimulatedFleetEndsAsItsPlanSays lets vehicles drive through tunnels, reboot, repeat themselves and fall
// silent, and holds what the server knows of each against what the vehicle did.
func TestSimulatedFleetEndsAsItsPlanSays(t *testing.T) {
	t.Parallel()
	policy := event.Policy{LateAfter: 2500 * time.Millisecond, OfflineAfter: 4 * time.Second}
	s := fleettest.Start(t, func(c *app.Config) { c.DefaultPolicy = policy })
	mixed, err := simulate.ParseScenario("mixed,tunnels,silent")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	stored := map[string]uint64{} // heartbeats by VIN, repeats not counted
	var last uint64               // position of them all
	simulation, err := simulate.New(simulate.Config{
		BaseURL: s.URL, Vehicles: someVehicles, Original: true, Seed: 5, Interval: time.Second, Behaviour: mixed,
		Start: time.Now().Add(2 * time.Second), Duration: 14 * time.Second, MaxWaiting: 100 * someVehicles,
		Acknowledged: func(r simulate.Receipt) {
			mu.Lock()
			defer mu.Unlock()
			last = max(last, r.Position)
			if !r.Repeat {
				stored[r.VIN]++
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := simulation.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	result, err := simulation.Run(t.Context())
	if err != nil || result.Accepted != result.Sent || result.Rejected+result.Dropped+result.Unsent != 0 || result.Repeats == 0 {
		t.Fatalf("the simulation ends with %+v, %v", result, err)
	}
	page, proof := snapshot(t, s, last)
	gaps, err := s.Gaps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := lastLive(simulation, event.At(began), event.At(began.Add(14*time.Second)))
	counts := map[client.Presence]int{}
	for _, v := range page.Items {
		counts[v.Presence]++
		if v.Heartbeats != stored[v.VIN] {
			t.Errorf("%s: %d heartbeats were acknowledged, %d are stored", v.VIN, stored[v.VIN], v.Heartbeats)
		}
		checkLeft(t, v, left[v.VIN])
		if want := presenceAt(v, gaps.Items, policy, proof); !slices.Contains(want, v.Presence) {
			t.Errorf("%s was heard last at %s; at %s it is %s, not %v", v.VIN, v.LastHeartbeatAt, proof.to, v.Presence, want)
		}
	}
	recovered := 0
	for _, tr := range fleettest.Transitions(t, s.Client) {
		if tr.To == client.Online && tr.From != client.Unknown {
			recovered++
		}
	}
	t.Logf("%d heartbeats, %d repeats; %d recovered, at the end %v", result.Accepted, result.Repeats, recovered, counts)
	if recovered == 0 || counts[client.Unknown] == 0 {
		t.Errorf("too little happened: %d recovered, at the end %v", recovered, counts)
	}
	fleettest.Eventually(t, "all fall silent", func() error {
		return presences(t, s.Client, client.Counts{Unknown: counts[client.Unknown], Offline: len(page.Items) - counts[client.Unknown]})
	})
}

// span is a moment of which the test knows no more than that it lies between two.
type span struct{ from, to time.Time }

// snapshot is the whole fleet at a position or later, and the moment up to which the server had proof then.
func snapshot(t *testing.T, s *fleettest.Server, position uint64) (client.VehiclePage, span) {
	t.Helper()
	before, err := s.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page := find(t, s, client.VehicleQuery{Limit: 1000, MinPosition: position})
	after, err := s.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return page, span{before.Observer.ProvenUntil.Time, after.Observer.ProvenUntil.Time}
}

// lastLive is the last heartbeat that moved each vehicle's presence, as planned from one moment to another.
func lastLive(s *simulate.Simulation, from, to event.Time) map[string]event.Time {
	last := map[string]event.Time{}
	for _, m := range s.Plan().Window(from, to, nil) {
		if !m.Buffered {
			last[s.Roster().VIN(m.Vehicle)] = m.At
		}
	}
	return last
}

// checkLeft holds when a vehicle was heard last against when it reported last. Between them is the way, and between the
// two clocks' ends of the run a moment in which one more may have left.
func checkLeft(t *testing.T, v client.Vehicle, left event.Time) {
	t.Helper()
	heard := v.LastHeartbeatAt
	switch {
	case heard.IsZero() != (left == 0):
		t.Errorf("%s was heard last at %q, and reported last at %q", v.VIN, heard, left)
	case heard.IsZero():
	case heard.Before(left.Std().Add(-50*time.Millisecond)) || heard.After(left.Std().Add(5*time.Second)):
		t.Errorf("%s was heard last at %s, and reported last at %s", v.VIN, heard, left)
	}
}

// presenceAt is what a vehicle may be, when the server's proof reaches up to some moment of a span.
func presenceAt(v client.Vehicle, gaps []client.Gap, p event.Policy, proof span) (may []client.Presence) {
	if v.LastHeartbeatAt.IsZero() {
		return []client.Presence{client.Unknown}
	}
	late := fleettest.Deadline(v.LastHeartbeatAt.Time, gaps, p.LateAfter)
	offline := fleettest.Deadline(v.LastHeartbeatAt.Time, gaps, p.OfflineAfter)
	for _, at := range []time.Time{proof.from, proof.to} {
		switch {
		case offline.Before(at):
			may = append(may, client.Offline)
		case late.Before(at):
			may = append(may, client.Late)
		default:
			may = append(may, client.Online)
		}
	}
	return may
}
