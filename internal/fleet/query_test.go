package fleet_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

func TestImpossibleQueriesSayWhatIsWrong(t *testing.T) {
	v, _ := watched(fleet.Config{}, 10)
	for _, c := range []struct {
		says  string
		query fleet.Query
	}{
		{"limit -1 is not from 1 to 1000", fleet.Query{Limit: -1}},
		{"limit 1001 is not from 1 to 1000", fleet.Query{Limit: 1001}},
		{`sort "name" is none of vin, registration_number`, fleet.Query{Sort: "name"}},
		{`sort "--vin" is none of vin, registration_number`, fleet.Query{Sort: "--vin"}},
		{"text of 257 bytes, at most 256 are allowed", fleet.Query{Text: strings.Repeat("a", 257)}},
		{"presence(5)", fleet.Query{Presences: []event.Presence{5}}},
		{"more than 1000 customers or tags", fleet.Query{Customers: make([]string, 1001)}},
		{"more than 200 VINs", fleet.Query{VINs: make([]string, 201)}},
		{"offset -1 is not from 0 to 1000000", fleet.Query{Offset: -1}},
		{"offset 1000001 is not from 0 to 1000000", fleet.Query{Offset: 1_000_001}},
		{"offset and cursor do not go together", fleet.Query{Offset: 1, Cursor: "x"}},
		{"more than 1000 customers or tags", fleet.Query{Tags: make([]string, 1001)}},
	} {
		_, err := v.Query(c.query)
		if !errors.Is(err, fleet.ErrInvalidQuery) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v gives %v, not: %s", c.query, err, c.says)
		}
	}
	for _, q := range []fleet.TransitionQuery{{Limit: -1}, {Limit: 1001}, {Customers: make([]string, 1001)}, {To: []event.Presence{9}}} {
		if _, err := v.Transitions(q); !errors.Is(err, fleet.ErrInvalidQuery) {
			t.Errorf("transitions %+v give %v", q, err)
		}
	}
	for _, cursor := range []string{"-1", "0", "zz zz", "99999999999999999999"} {
		if _, err := v.Transitions(fleet.TransitionQuery{Cursor: cursor}); !errors.Is(err, fleet.ErrInvalidCursor) {
			t.Errorf("transitions with cursor %q give %v", cursor, err)
		}
	}
}

func TestHostileTextsFindNothingAndHarmNothing(t *testing.T) {
	v, _ := watched(fleet.Config{}, 10)
	for _, text := range []string{"\xff\xfe", "a\x00b", "%", "' OR 1=1", "\u202e", "💥", strings.Repeat("\u0301", 100), "ﷺﷺﷺ", "ys\x002"} {
		if page := query(t, v, fleet.Query{Text: text}); page.Total != 0 && text != "\u202e" && !strings.Contains(text, "\u0301") {
			t.Errorf("%q finds %d", text, page.Total)
		}
	}
	for _, blank := range []string{"", " ", "\x00", "\t\n", "\u00a0"} {
		if page := query(t, v, fleet.Query{Text: blank}); page.Total != 10 {
			t.Errorf("%q finds %d", blank, page.Total)
		}
	}
}

func TestACursorFitsItsQueryAndOrderOnly(t *testing.T) {
	v, _ := watched(fleet.Config{}, 10)
	q := fleet.Query{Limit: 3, Customers: []string{"c1", "c2", "c3"}}
	q.Cursor = query(t, v, q).NextCursor
	same := q
	same.Limit, same.Customers, same.Text = 5, []string{"c3", "c2", "c1"}, " "
	query(t, v, same)
	for _, change := range []func(*fleet.Query){
		func(q *fleet.Query) { q.Sort = "-vin" },
		func(q *fleet.Query) { q.Sort = "since" },
		func(q *fleet.Query) { q.Text = "y" },
		func(q *fleet.Query) { q.Tags = []string{"city"} },
		func(q *fleet.Query) { q.Presences = []event.Presence{event.Unknown} },
		func(q *fleet.Query) { q.Customers = []string{"c1"} },
		func(q *fleet.Query) { q.Cursor = "x" },
		func(q *fleet.Query) { q.Cursor = "====" },
		func(q *fleet.Query) { q.Cursor += "A" },
		func(q *fleet.Query) { q.Cursor = strings.Repeat("A", 100_000) },
	} {
		other := q
		change(&other)
		if _, err := v.Query(other); !errors.Is(err, fleet.ErrInvalidCursor) {
			t.Errorf("%+v gives %v", other, err)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	must(err)
	for i := range raw {
		raw[i] ^= 0x10
		q.Cursor = base64.RawURLEncoding.EncodeToString(raw)
		if _, err := v.Query(q); !errors.Is(err, fleet.ErrInvalidCursor) {
			t.Errorf("with byte %d damaged, the cursor gives %v", i, err)
		}
		raw[i] ^= 0x10
	}
}

// FuzzCursor: a cursor with the right checksum and digest, and any place in it, harms nothing.
func FuzzCursor(f *testing.F) {
	v, _ := watched(fleet.Config{}, 10)
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x03abcYS2"), uint8(0))
	f.Fuzz(func(t *testing.T, place []byte, sort uint8) {
		q := fleet.Query{Limit: 2, Sort: []string{"vin", "registration_number", "customer", "last_heartbeat_at", "-since"}[sort%5]}
		raw, err := base64.RawURLEncoding.DecodeString(query(t, v, q).NextCursor)
		must(err)
		raw = append(raw[:12:12], place...)
		binary.LittleEndian.PutUint32(raw, crc32.Checksum(raw[4:], crc32.MakeTable(crc32.Castagnoli)))
		q.Cursor = base64.RawURLEncoding.EncodeToString(raw)
		if page, err := v.Query(q); err == nil && page.Total != 10 || err != nil && !errors.Is(err, fleet.ErrInvalidCursor) {
			t.Fatalf("%x gives %d, %v", raw, page.Total, err)
		}
	})
}

func TestFacetsAreTheFiftyLargest(t *testing.T) {
	u := directoryOf(400, 120)
	v, log, o := fleet.New(fleet.Config{}), new(traffic), newOracle()
	for i := range u.Vehicles {
		u.Vehicles[i].Tags = []string{fmt.Sprint("tag", i%70), fmt.Sprint("tag", i%7)}
	}
	must(v.Update(u))
	o.update(u)
	added := log.added(&u)
	must(v.Apply(added))
	o.apply(added)
	q := fleet.Query{Facets: fleet.FacetCustomers | fleet.FacetTags}
	if page := query(t, v, q); len(page.Customers) != 50 || len(page.Tags) != 50 {
		t.Fatalf("%d customers and %d tags", len(page.Customers), len(page.Tags))
	}
	checkPages(t, v, q, o.query(q), 400)
	if page := query(t, v, fleet.Query{}); page.Customers != nil || page.Tags != nil {
		t.Fatal("facets that nobody asked for")
	}
}

func TestRecentTextsAreRememberedWithinBounds(t *testing.T) {
	u := directoryOf(1000, 20)
	v := fleet.New(fleet.Config{Matches: 2000})
	must(v.Update(u))
	for i := range 1000 {
		query(t, v, fleet.Query{Text: fmt.Sprint(i)})
		if v.Remembered() > 2000 {
			t.Fatalf("%d bytes are remembered", v.Remembered())
		}
	}
	if v.Remembered() == 0 {
		t.Fatal("nothing is remembered")
	}
	must(v.Update(fleet.Update{RemovedVehicles: []event.VehicleID{1}}))
	if v.Remembered() != 0 {
		t.Fatal("what a changed directory has is remembered from before")
	}
}

func TestCountsOfTagsAreCountedAsRemembered(t *testing.T) {
	u := directoryOf(1000, 20)
	for i := range u.Vehicles {
		u.Vehicles[i].Tags = []string{fmt.Sprint("tag", i)}
	}
	v := fleet.New(fleet.Config{})
	must(v.Update(u))
	query(t, v, fleet.Query{Text: "1", Facets: fleet.FacetTags})
	if least := 4 * v.TagSets(); v.Remembered() < least {
		t.Errorf("%d bytes are remembered by the count, and %d for the sets of tags alone", v.Remembered(), least)
	}
}

func TestSearchOfTheOriginalContract(t *testing.T) {
	v, log := watched(fleet.Config{}, 5000)
	must(v.Apply(log.heard(1)))
	heardAt := log.now
	must(v.Apply(log.heard(4999)))
	count := func(q fleet.SearchQuery) (online, offline int) {
		for row, isOnline := range v.Search(q) {
			if isOnline {
				online++
			} else {
				offline++
			}
			if !strings.Contains(strings.ToLower(row.Customer.Name), strings.ToLower(q.CustomerName)) {
				t.Fatalf("%q finds %q", q.CustomerName, row.Customer.Name)
			}
		}
		return online, offline
	}
	yes, no := true, false
	whose, _ := v.Vehicle(directoryOf(1, 3).Vehicles[0].VIN)
	for _, c := range []struct {
		query           fleet.SearchQuery
		online, offline int
	}{
		{fleet.SearchQuery{Now: heardAt}, 2, 4998},
		{fleet.SearchQuery{Now: heardAt.Add(fleet.OnlineWithin)}, 1, 4999}, // exactly 60 s is no longer online
		{fleet.SearchQuery{Now: heardAt.Add(fleet.OnlineWithin - 1e6)}, 2, 4998},
		{fleet.SearchQuery{Now: heardAt, Online: &yes}, 2, 0},
		{fleet.SearchQuery{Now: heardAt, Online: &no}, 0, 4998},
		{fleet.SearchQuery{Now: heardAt, CustomerName: "no such name"}, 0, 0},
		{fleet.SearchQuery{Now: heardAt, CustomerName: "Södertälje"}, 0, 0}, // an address is not a name
	} {
		if online, offline := count(c.query); online != c.online || offline != c.offline {
			t.Errorf("%+v finds %d online and %d offline, not %d and %d", c.query, online, offline, c.online, c.offline)
		}
	}
	if online, offline := count(fleet.SearchQuery{CustomerName: strings.ToUpper(whose.Customer.Name[:4]), Now: heardAt}); online+offline == 0 {
		t.Error("a customer's name in capital letters finds nothing")
	}
}
