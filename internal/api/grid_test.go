package api

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

func TestGridIsTheVehiclesInOrder(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	h.hear(1, 4)
	h.listen(95 * time.Second)
	h.hear(4)
	grid := must(h.client.Grid(t.Context()))(t)
	page := must(h.client.Vehicles(t.Context(), client.VehicleQuery{Sort: "customer"}))(t)
	rows := must(h.client.GridVehicles(t.Context(), 0, 100))(t)
	if grid.Position != page.Position || rows.Epoch != grid.Epoch || len(grid.Cells) != 7 || len(rows.Items) != 7 {
		t.Fatalf("%d cells of epoch %d at position %d, %d rows of epoch %d, page at position %d",
			len(grid.Cells), grid.Epoch, grid.Position, len(rows.Items), rows.Epoch, page.Position)
	}
	seen := map[client.Presence]int{}
	for i, v := range page.Items {
		p, err := event.ParsePresence(string(v.Presence))
		if err != nil || byte(p) != grid.Cells[i] || rows.Items[i].VIN != v.VIN {
			t.Errorf("cell %d is %d of %s, the list has %s, %s", i, grid.Cells[i], rows.Items[i].VIN, v.VIN, v.Presence)
		}
		seen[v.Presence]++
	}
	if seen[client.Online] != 1 || seen[client.Late] != 1 || seen[client.Unknown] != 5 {
		t.Errorf("the presences are %v", seen)
	}
	groups := must(h.client.GridGroups(t.Context()))(t)
	if groups.Epoch != grid.Epoch || len(groups.Items) != 3 {
		t.Fatalf("the groups are %+v", groups)
	}
	for _, g := range groups.Items {
		for i := g.Start; i < g.Start+g.Vehicles; i++ {
			if page.Items[i].CustomerID != g.CustomerID {
				t.Errorf("cell %d is %s's, its group %s's", i, page.Items[i].CustomerID, g.CustomerID)
			}
		}
	}
}

func TestCellsMatchWhereTheirVehiclesAreFound(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	h.hear(1)
	rows := must(h.client.GridVehicles(t.Context(), 0, 100))(t)
	for _, q := range []client.VehicleQuery{
		{}, {Text: "sodertalje"}, {Customers: []string{"johans", "haralds"}}, {Tags: []string{"south", "gravel"}}, {Text: "zeppelin"},
		{Text: "j", Customers: []string{"johans"}},
	} {
		found := vins(must(h.client.Vehicles(t.Context(), q))(t))
		matches := must(h.client.GridMatches(t.Context(), q))(t)
		if matches.Epoch != rows.Epoch || matches.Position != uint64(h.head()) || matches.Cells != 7 || matches.Has(-1) || matches.Has(7) {
			t.Fatalf("%+v: the matches are %+v, want 7 of epoch %d", q, matches, rows.Epoch)
		}
		for i, v := range rows.Items {
			if matches.Has(i) != slices.Contains(found, v.VIN) {
				t.Errorf("%+v: cell %d, %s, is said to match: %t", q, i, v.VIN, matches.Has(i))
			}
		}
	}
}

func TestGridKeptByUpdatesIsTheGridAsked(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	events, _ := h.watch(client.LiveOptions{Grid: true})
	until(t, events, isHello)
	grid := must(h.client.Grid(t.Context()))(t)
	h.hear(1, 2, 3)
	h.hear(6, 2)
	last := uint64(h.head())
	until(t, events, func(e client.LiveEvent) bool {
		if e.Grid != nil && !grid.Apply(*e.Grid) {
			t.Errorf("update %+v does not fit the grid of epoch %d", e.Grid, grid.Epoch)
		}
		return grid.Position >= last
	})
	if fresh := must(h.client.Grid(t.Context()))(t); string(fresh.Cells) != string(grid.Cells) || fresh.Epoch != grid.Epoch {
		t.Errorf("kept by updates: %v, asked for: %v", grid.Cells, fresh.Cells)
	}
}

func TestEveryReadOfAMomentAsksForIt(t *testing.T) {
	var asked []event.Time
	h := newHarness(t, func(cfg *Config) {
		view := cfg.View
		cfg.At = func(_ context.Context, at event.Time) (*fleet.View, error) {
			asked = append(asked, at)
			return view, nil
		}
	})
	for _, path := range []string{"/v1/vehicles", "/v1/summary", "/v1/grid", "/v1/grid/groups", "/v1/grid/vehicles", "/v1/grid/matches"} {
		for _, at := range []event.Time{0, 1_700_000_000_000} {
			asked = nil
			if answer := h.get(path + "?at=" + at.Std().UTC().Format(time.RFC3339)); answer.StatusCode != http.StatusOK || !slices.Equal(asked, []event.Time{at}) {
				t.Errorf("%s at %d answers %s and asked for %v", path, at, answer.Status, asked)
			}
		}
	}
}
