package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// vins are the VINs on a page.
func vins(page client.VehiclePage) []string {
	out := make([]string, len(page.Items))
	for i, v := range page.Items {
		out[i] = v.VIN
	}
	return out
}

func TestVehiclesAreFoundByWhatIsAsked(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	h.hear(h.number("YS2R4X20005399401"), h.number("YS2R4X20005388011"))
	for name, c := range map[string]struct {
		query client.VehicleQuery
		want  []string // registration numbers
	}{
		"all":                      {client.VehicleQuery{}, []string{"GHI789", "DEF456", "STU901", "PQR678", "MNO345", "JKL012", "ABC123"}},
		"text, folded":             {client.VehicleQuery{Text: "sodertalje"}, []string{"GHI789", "DEF456", "ABC123"}},
		"customer":                 {client.VehicleQuery{Customers: []string{"johans"}}, []string{"MNO345", "JKL012"}},
		"customers":                {client.VehicleQuery{Customers: []string{"johans", "haralds"}}, []string{"STU901", "PQR678", "MNO345", "JKL012"}},
		"presence":                 {client.VehicleQuery{Presence: []client.Presence{"online"}}, []string{"JKL012", "ABC123"}},
		"customer and presence":    {client.VehicleQuery{Customers: []string{"kalles"}, Presence: []client.Presence{"online", "late"}}, []string{"ABC123"}},
		"tag":                      {client.VehicleQuery{Tags: []string{"south"}}, []string{"PQR678", "ABC123"}},
		"tags":                     {client.VehicleQuery{Tags: []string{"south", "gravel"}}, []string{"ABC123"}},
		"sorted":                   {client.VehicleQuery{Sort: "registration_number", Limit: 2}, []string{"ABC123", "DEF456"}},
		"sorted, turned round":     {client.VehicleQuery{Sort: "-registration_number", Limit: 2}, []string{"STU901", "PQR678"}},
		"from an offset on":        {client.VehicleQuery{Sort: "registration_number", Offset: 5, Limit: 9}, []string{"PQR678", "STU901"}},
		"beyond the last":          {client.VehicleQuery{Offset: 1_000_000, Limit: 9}, nil},
		"VINs":                     {client.VehicleQuery{VINs: []string{"YS2R4X20005388011", "nobody", "YS2R4X20005399401"}}, []string{"JKL012", "ABC123"}},
		"VINs and a customer":      {client.VehicleQuery{VINs: []string{"YS2R4X20005388011", "YS2R4X20005399401"}, Customers: []string{"johans"}}, []string{"JKL012"}},
		"a customer there is not":  {client.VehicleQuery{Customers: []string{"nobody"}}, nil},
		"a text that nothing has":  {client.VehicleQuery{Text: "zeppelin"}, nil},
		"a position that is there": {client.VehicleQuery{MinPosition: uint64(h.head()), Text: "stu"}, []string{"STU901"}},
	} {
		t.Run(name, func(t *testing.T) {
			page := must(h.client.Vehicles(t.Context(), c.query))(t)
			var plates []string
			for _, v := range page.Items {
				plates = append(plates, v.RegistrationNumber)
			}
			if diff := cmp.Diff(c.want, plates); diff != "" {
				t.Error(diff)
			}
			if c.query.Limit == 0 && page.Total != len(c.want) {
				t.Errorf("the total is %d, want %d", page.Total, len(c.want))
			}
		})
	}
}

func TestQueriesThatCannotBeMeantAreRefused(t *testing.T) {
	h := newHarness(t)
	for _, path := range []string{
		"/v1/vehicles?offset=1&cursor=AAAA", "/v1/vehicles?offset=-1", "/v1/vehicles?offset=1000001", "/v1/vehicles?offset=x",
		"/v1/vehicles?limit=1" + strings.Repeat("&vin=V", 201), "/v1/grid/matches?presence=online", "/v1/grid/matches?q=" + strings.Repeat("a", 300),
		"/v1/vehicles/V/heartbeats?limit=0", "/v1/vehicles/V/heartbeats?limit=1001",
	} {
		h.refused(h.get(path), http.StatusUnprocessableEntity)
	}
}

func TestPresencesMayBeRepeatedOrListed(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	h.hear(1)
	for _, query := range []string{"presence=online&presence=unknown", "presence=online,unknown", "presence=unknown,online&presence=late"} {
		var page client.VehiclePage
		if err := json.NewDecoder(h.get("/v1/vehicles?" + query).Body).Decode(&page); err != nil || page.Total != 7 {
			t.Errorf("%s finds %d (%v), want 7", query, page.Total, err)
		}
	}
}

func TestFacetsCountWhatOtherChoicesWouldFind(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	h.hear(h.number("YS2R4X20005399401"), h.number("YS2R4X20005388011"))
	page := must(h.client.Vehicles(t.Context(), client.VehicleQuery{Customers: []string{"kalles"}, Presence: []client.Presence{"online"}}))(t)
	want := client.Facets{
		Presence: client.Counts{Online: 1, Unknown: 2},
		Customers: []client.CustomerFacet{
			{ID: "johans", Name: "Johans Bulk AB", Count: 1}, {ID: "kalles", Name: "Kalles Grustransporter AB", Count: 1},
		},
		Tags: []client.TagFacet{{Tag: "gravel", Count: 1}, {Tag: "south", Count: 1}},
	}
	if diff := cmp.Diff(want, page.Facets); diff != "" {
		t.Error(diff)
	}
	bare := must(h.client.Vehicles(t.Context(), client.VehicleQuery{NoFacets: true}))(t)
	if bare.Facets.Presence.Total() != 7 || len(bare.Facets.Customers) != 0 || len(bare.Facets.Tags) != 0 {
		t.Errorf("without facets: %+v", bare.Facets)
	}
}

func TestPagesTogetherAreTheWholeFleet(t *testing.T) {
	h := newHarness(t)
	const vehicles = 5000
	var file strings.Builder
	file.WriteString("vin,customer_name\n")
	for i := range vehicles {
		fmt.Fprintf(&file, "V%05d,Customer %d\n", i, i%50)
	}
	result := must(h.client.Import(t.Context(), strings.NewReader(file.String()), client.ImportOptions{}))(t)
	if result.Created != vehicles || result.Position == 0 {
		t.Fatalf("the import said %+v", result)
	}
	for _, sort := range []string{"vin", "-vin", "customer", "-since", "last_heartbeat_at"} {
		seen := map[string]bool{}
		pages := 0
		for cursor := ""; ; pages++ {
			page := must(h.client.Vehicles(t.Context(), client.VehicleQuery{Sort: sort, Limit: 700, Cursor: cursor}))(t)
			for _, vin := range vins(page) {
				if seen[vin] {
					t.Fatalf("by %s: %s is on two pages", sort, vin)
				}
				seen[vin] = true
			}
			if page.Total != vehicles {
				t.Fatalf("by %s: the total is %d", sort, page.Total)
			}
			if page.NextCursor == nil {
				break
			}
			cursor = *page.NextCursor
		}
		if len(seen) != vehicles || pages != 7 {
			t.Errorf("by %s: %d vehicles on %d pages", sort, len(seen), pages+1)
		}
	}
	first := must(h.client.Vehicles(t.Context(), client.VehicleQuery{Limit: 10}))(t)
	_, err := h.client.Vehicles(t.Context(), client.VehicleQuery{Limit: 10, Text: "V", Cursor: *first.NextCursor})
	if status(err) != http.StatusUnprocessableEntity {
		t.Errorf("the cursor of another query gives %v", err)
	}
}

func TestTransitionsAndGapsAreTheNewestFirst(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	start := h.time()
	h.hear(1, 2)
	h.listen(200 * time.Second)
	page := must(h.client.Transitions(t.Context(), client.TransitionQuery{}))(t)
	var got []string
	for _, transition := range page.Items {
		got = append(got, fmt.Sprintf("%s %s %s", transition.VIN[len(transition.VIN)-4:], transition.To, transition.At.Sub(start.Std())))
	}
	want := []string{"3588 offline 2m30s", "9401 offline 2m30s", "3588 late 1m30s", "9401 late 1m30s", "3588 online 0s", "9401 online 0s"}
	if !slices.Equal(got, want) {
		t.Errorf("the transitions are %q, want %q", got, want)
	}
	some := must(h.client.Transitions(t.Context(), client.TransitionQuery{To: []client.Presence{"late", "offline"}, Limit: 3}))(t)
	if len(some.Items) != 3 || some.NextCursor == nil {
		t.Fatalf("the first of them are %+v", some)
	}
	rest := must(h.client.Transitions(t.Context(), client.TransitionQuery{To: []client.Presence{"late", "offline"}, Cursor: *some.NextCursor}))(t)
	if len(rest.Items) != 1 || rest.NextCursor != nil {
		t.Errorf("the rest of them is %+v", rest)
	}
	one := must(h.client.Transitions(t.Context(), client.TransitionQuery{Vehicle: "YS2R4X20005399401", Customers: []string{"kalles"}}))(t)
	if len(one.Items) != 3 {
		t.Errorf("of one vehicle there are %d", len(one.Items))
	}

	if gaps := must(h.client.Gaps(t.Context()))(t); len(gaps.Items) != 0 {
		t.Errorf("the gaps are %+v", gaps.Items)
	}
	from := h.time()
	h.skip(time.Hour)
	h.listen(0)
	gaps := must(h.client.Gaps(t.Context()))(t)
	if len(gaps.Items) != 1 || gaps.Items[0].Reason != "silent" || gaps.Items[0].To.Sub(from.Std()) != time.Hour {
		t.Errorf("after an hour without proof the gaps are %+v", gaps.Items)
	}
	summary := must(h.client.Summary(t.Context()))(t)
	if summary.Vehicles != 7 || summary.Customers != 3 || summary.Presence.Offline != 2 || summary.Observer.LastGap == nil ||
		*summary.Observer.LastGap != gaps.Items[0] || !summary.Observer.Listening {
		t.Errorf("the summary is %+v", summary)
	}
}

func TestReadsWaitForThePositionTheyMustShow(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	next := uint64(h.head()) + 1
	read := make(chan error, 1)
	go func() {
		page, err := h.client.Vehicles(t.Context(), client.VehicleQuery{MinPosition: next, Presence: []client.Presence{"online"}})
		if err == nil && page.Total != 1 {
			err = fmt.Errorf("the page at position %d has %d vehicles", page.Position, page.Total)
		}
		read <- err
	}()
	select {
	case err := <-read:
		t.Fatalf("the read did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	h.hear(1)
	if err := <-read; err != nil {
		t.Error(err)
	}
}

func TestOriginalContractFindsByNameAndConnection(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	h := newHarness(t, func(cfg *Config) { cfg.Now = func() time.Time { return now } })
	h.set(event.At(now.Add(-60 * time.Second)))
	h.withThreeCustomers()
	h.hear(h.number("YS2R4X20005388011")) // just too old
	h.set(event.At(now.Add(-60*time.Second + time.Millisecond)))
	h.hear(h.number("YS2R4X20005399401"))
	yes, no := true, false
	for name, c := range map[string]struct {
		query client.SearchQuery
		want  int
	}{
		"all":               {client.SearchQuery{}, 7},
		"name, in any case": {client.SearchQuery{CustomerName: "värdeTRANSPORTER"}, 2},
		"name, no accents":  {client.SearchQuery{CustomerName: "vardetransporter"}, 2},
		"not the address":   {client.SearchQuery{CustomerName: "Cement"}, 0},
		"online":            {client.SearchQuery{Online: &yes}, 1},
		"not online":        {client.SearchQuery{Online: &no}, 6},
		"both":              {client.SearchQuery{CustomerName: "kalle", Online: &yes}, 1},
		"neither":           {client.SearchQuery{CustomerName: "johan", Online: &yes}, 0},
	} {
		if found := must(h.client.Search(t.Context(), c.query))(t); len(found) != c.want || found == nil {
			t.Errorf("%s: %d vehicles, want %d", name, len(found), c.want)
		}
	}
	var raw []map[string]any
	if err := json.NewDecoder(h.get("/search?customer_name=kalle&online=true").Body).Decode(&raw); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{
		"id": "YS2R4X20005399401", "reg_no": "ABC123", "heartbeat_ts": "2026-11-23T11:59:00.001Z", "online": true,
		"customer": map[string]any{"id": "kalles", "name": "Kalles Grustransporter AB", "address": "Cementvägen 8, 111 11 Södertälje"},
	}}
	if diff := cmp.Diff(want, raw); diff != "" {
		t.Error(diff)
	}
	var pong map[string]any
	if err := json.NewDecoder(h.get("/search/ping").Body).Decode(&pong); err != nil || pong["message"] != "pong" || len(pong) != 1 {
		t.Errorf("ping gives %v (%v)", pong, err)
	}
}
