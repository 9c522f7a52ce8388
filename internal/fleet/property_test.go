package fleet_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

func TestAnyPrefixSavedAndLoadedAndTheRestEqualsFullReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawStory(t)
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		whole, parts := fleet.New(fleet.Config{}), fleet.New(fleet.Config{})
		for i, h := range all {
			h.to(t, whole)
			if i == cut {
				parts = loaded(t, saved(t, parts))
			}
			h.to(t, parts)
		}
		if !bytes.Equal(saved(t, whole), saved(t, parts)) {
			t.Fatal("the saved bytes differ")
		}
		if diff := cmp.Diff(whole.Summary(), parts.Summary()); diff != "" {
			t.Fatal(diff)
		}
		if a, b := whole.Grid(), parts.Grid(); !bytes.Equal(a.Presences, b.Presences) {
			t.Fatalf("grids differ: %v, %v", a, b)
		}
		q := drawQuery(t)
		if diff := cmp.Diff(query(t, whole, q), query(t, parts, q)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func query(t rapid.TB, v *fleet.View, q fleet.Query) fleet.Page {
	page, err := v.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestQueryFindsWhatAScanFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, o := fleet.New(fleet.Config{}), newOracle()
		for _, h := range drawStory(t) {
			h.to(t, v)
			h.told(o)
			if rapid.IntRange(0, 9).Draw(t, "ask") == 0 {
				q := drawQuery(t)
				checkPages(t, v, q, o.query(q), rapid.IntRange(1, 5).Draw(t, "limit"))
			}
		}
		q := drawQuery(t)
		checkPages(t, v, q, o.query(q), rapid.IntRange(1, 5).Draw(t, "limit"))
		checkMatches(t, v, o, q)
		checkCounts(t, v, o)
	})
}

// checkPages compares all pages of a query to what they should be together.
func checkPages(t rapid.TB, v *fleet.View, q fleet.Query, want fleet.Page, limit int) {
	t.Helper()
	q.Limit = limit
	got := query(t, v, q)
	rows := got.Rows
	for next := got; next.NextCursor != ""; {
		if len(next.Rows) != limit {
			t.Fatalf("a page that is not the last has %d rows, not %d", len(next.Rows), limit)
		}
		q.Cursor = next.NextCursor
		next = query(t, v, q)
		rows = append(rows, next.Rows...)
	}
	got.Rows, got.NextCursor = rows, ""
	checkOffsets(t, v, q, want.Rows)
	if reflect.DeepEqual(want, got) {
		return // much sooner than Diff finds out
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		asked, _ := json.Marshal(q)
		t.Fatalf("%s by %d: %s", asked, limit, diff)
	}
}

// checkOffsets compares what comes after some offsets to what should.
func checkOffsets(t rapid.TB, v *fleet.View, q fleet.Query, want []fleet.Row) {
	t.Helper()
	q.Cursor, q.Facets = "", 0
	for _, offset := range []int{1, q.Limit, len(want) / 2, len(want) - 1, len(want), len(want) + 3} {
		q.Offset = max(offset, 0)
		page := query(t, v, q)
		first := min(q.Offset, len(want))
		last := min(first+q.Limit, len(want))
		if diff := cmp.Diff(want[first:last], page.Rows, cmpopts.EquateEmpty()); diff != "" || (page.NextCursor == "") != (last == len(want)) {
			t.Fatalf("after %d of %d by %s, up to %d (next %q): %s", q.Offset, len(want), q.Sort, q.Limit, page.NextCursor, diff)
		}
	}
}

// checkMatches compares the cells that a query finds to the vehicles that it finds.
func checkMatches(t rapid.TB, v *fleet.View, o *oracle, q fleet.Query) {
	t.Helper()
	matches, err := v.GridMatches(q)
	if err != nil {
		t.Fatal(err)
	}
	q.Presences = nil
	found := map[string]bool{}
	for _, row := range o.query(q).Rows {
		found[row.VIN] = true
	}
	epoch, cells, _ := v.GridRows(0, fleet.MaxLimit)
	if matches.Epoch != epoch || matches.Cells != len(cells) || matches.Position != o.position {
		t.Fatalf("matches %+v are of another grid than %d cells of epoch %d", matches, len(cells), epoch)
	}
	for i, cell := range cells {
		if (matches.Bits[i/8]>>(i%8)&1 == 1) != found[cell.VIN] {
			t.Fatalf("cell %d, %s, is said to match: %08b", i, cell.VIN, matches.Bits)
		}
	}
}

// checkCounts compares all that is counted on the way to a recount.
func checkCounts(t rapid.TB, v *fleet.View, o *oracle) {
	var presences [event.Presences]int
	customers := map[string][event.Presences]int{}
	rows := o.rows()
	for _, row := range rows {
		presences[row.Presence]++
		counts := customers[row.Customer.ID]
		counts[row.Presence]++
		customers[row.Customer.ID] = counts
		if got, ok := v.Vehicle(row.VIN); !ok || !cmp.Equal(got, row, cmpopts.EquateEmpty()) {
			t.Fatal(cmp.Diff(row, got))
		}
	}
	summary := v.Summary()
	if summary.Presences != presences || summary.Vehicles != len(rows) || summary.Customers != len(o.customers) || summary.Listening != o.rule.Listening() {
		t.Fatalf("summary is %+v, but there are %v and %d customers", summary, presences, len(o.customers))
	}
	for _, c := range o.customers {
		if got, ok := v.CustomerCounts(c.ID); !ok || got != customers[c.ID] {
			t.Fatalf("customer %s has %v, a recount says %v", c.ID, got, customers[c.ID])
		}
	}
	checkGrid(t, v, rows)
	checkTransitions(t, v, o)
}

func checkGrid(t rapid.TB, v *fleet.View, rows []fleet.Row) {
	sortRows(rows, "customer")
	grid := v.Grid()
	_, groups := v.GridGroups()
	_, inGrid, _ := v.GridRows(0, 1000)
	if len(grid.Presences) != len(rows) || len(inGrid) != len(rows) {
		t.Fatalf("grid has %d vehicles, not %d", len(grid.Presences), len(rows))
	}
	for i, row := range rows {
		if grid.Presences[i] != byte(row.Presence) || inGrid[i].VIN != row.VIN {
			t.Fatalf("grid differs at %d, where %s is %v", i, row.VIN, row.Presence)
		}
	}
	at := 0
	for _, g := range groups {
		if g.Start != at || g.Vehicles == 0 || rows[at].Customer != g.Customer {
			t.Fatalf("group %+v does not begin at %d", g, at)
		}
		at += g.Vehicles
	}
	if at != len(rows) {
		t.Fatalf("groups end at %d, not %d", at, len(rows))
	}
}

func checkTransitions(t rapid.TB, v *fleet.View, o *oracle) {
	listed := map[event.VehicleID]bool{}
	for _, row := range o.rows() {
		listed[row.Number] = true
	}
	var want []event.Transition
	for _, transition := range slices.Backward(o.transitions) {
		if listed[transition.Vehicle] {
			want = append(want, transition)
		}
	}
	var got []event.Transition
	for q := (fleet.TransitionQuery{Limit: 3}); ; {
		page, err := v.Transitions(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			got = append(got, item.Transition)
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestOneUpdateEqualsManySmallOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := directoryOf(rapid.IntRange(0, 200).Draw(t, "vehicles"), 10)
		once, piecemeal := fleet.New(fleet.Config{}), fleet.New(fleet.Config{})
		must(once.Update(u))
		for _, i := range rapid.Permutation(u.Vehicles).Draw(t, "order") {
			must(piecemeal.Update(fleet.Update{Revision: u.Revision, Vehicles: []fleet.Vehicle{i}}))
			if rapid.IntRange(0, 9).Draw(t, "read") == 0 {
				piecemeal.Vehicle(i.VIN)
			}
		}
		must(piecemeal.Update(fleet.Update{Customers: u.Customers, Revision: u.Revision}))
		if !bytes.Equal(saved(t, once), saved(t, piecemeal)) {
			t.Fatal("the saved bytes differ")
		}
	})
}

// TestQueryOfALargeFleetFindsWhatAScanFinds goes the ways that a small fleet never takes: the trigram index, walking.
func TestQueryOfALargeFleetFindsWhatAScanFinds(t *testing.T) {
	const vehicles = 4500
	u, log, o := directoryOf(vehicles, 40), new(traffic), newOracle()
	v := fleet.New(fleet.Config{})
	must(v.Update(u))
	o.update(u)
	apply := func(s event.Stored) {
		must(v.Apply(s))
		o.apply(s)
	}
	apply(log.added(&u))
	for log.now < start+180_000 {
		apply(log.next(100))
	}
	v = loaded(t, saved(t, v))
	rapid.Check(t, func(t *rapid.T) {
		row := o.vehicles[event.VehicleID(rapid.IntRange(1, vehicles).Draw(t, "of"))]
		from := rapid.IntRange(0, 16).Draw(t, "from")
		q := drawQuery(t)
		q.Text = rapid.SampledFrom([]string{"", "kalles", "S", "4", "YS", "transporter", "bulk 1",
			row.VIN[from:min(17, from+rapid.IntRange(1, 17).Draw(t, "length"))], row.RegistrationNumber[:3]}).Draw(t, "text")
		q.Tags = q.Tags[:0]
		if rapid.IntRange(0, 3).Draw(t, "tagged") == 0 {
			q.Tags = []string{"city"}
		}
		q.Customers = rapid.SliceOfN(rapid.SampledFrom([]string{"c1", "c7", "c40"}), 0, 2).Draw(t, "owners")
		checkPages(t, v, q, o.query(q), rapid.SampledFrom([]int{50, 333, 1000}).Draw(t, "limit"))
	})
}

// TestPagingIsStable: what keeps its place is on exactly one page, whatever happens to the others between the pages.
func TestPagingIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, log := directoryOf(60, 7), new(traffic)
		v := fleet.New(fleet.Config{})
		must(v.Update(u))
		must(v.Apply(log.added(&u)))
		must(v.Apply(log.next(200)))
		q := fleet.Query{Sort: drawSort(t), Limit: 7}
		seen := map[event.VehicleID]int{}
		touched := map[event.VehicleID]bool{}
		for {
			page := query(t, v, q)
			for _, row := range page.Rows {
				seen[row.Number]++
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				id := event.VehicleID(rapid.IntRange(1, 60).Draw(t, "vehicle"))
				touched[id] = true
				disturb(t, v, log, u.Vehicles[id-1])
			}
		}
		for _, vehicle := range u.Vehicles {
			if id := vehicle.Number; !touched[id] && seen[id] != 1 {
				t.Fatalf("vehicle %d, which did not change, was seen %d times", id, seen[id])
			}
		}
	})
}

// disturb changes something that a vehicle may be sorted by.
func disturb(t *rapid.T, v *fleet.View, log *traffic, vehicle fleet.Vehicle) {
	switch rapid.IntRange(0, 3).Draw(t, "disturbance") {
	case 0:
		must(v.Update(fleet.Update{RemovedVehicles: []event.VehicleID{vehicle.Number}}))
	case 1:
		vehicle.VIN, vehicle.RegistrationNumber, vehicle.Customer = "A"+vehicle.VIN[1:], "ZZZ999", 1
		must(v.Update(fleet.Update{Vehicles: []fleet.Vehicle{vehicle}}))
	default:
		var b event.Batch
		log.now += 1000
		b.Heartbeats.Append(event.Heartbeat{Vehicle: vehicle.Number, ReceivedAt: log.now, Sequence: event.NoSequence})
		must(v.Apply(log.stored(b)))
	}
}
