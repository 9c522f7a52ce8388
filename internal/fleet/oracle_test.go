package fleet_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/fleet/text"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// oracle is a fleet as simple as can be: maps, and a scan for everything. It shares the presence rule with the view.
type oracle struct {
	rule        *presence.Rule
	position    event.Position
	transitions []event.Transition
	heartbeats  map[event.VehicleID]uint64
	sequence    map[event.VehicleID]int64
	sent        map[event.VehicleID]event.Time
	watched     map[event.VehicleID]bool
	customers   map[event.CustomerID]fleet.Customer
	vehicles    map[event.VehicleID]fleet.Vehicle
}

func newOracle() *oracle {
	return &oracle{
		rule:       presence.New(),
		heartbeats: map[event.VehicleID]uint64{},
		sequence:   map[event.VehicleID]int64{},
		sent:       map[event.VehicleID]event.Time{},
		watched:    map[event.VehicleID]bool{},
		customers:  map[event.CustomerID]fleet.Customer{},
		vehicles:   map[event.VehicleID]fleet.Vehicle{},
	}
}

func (o *oracle) apply(s event.Stored) {
	var changes presence.Changes
	o.rule.Apply(s, &changes)
	o.transitions = append(o.transitions, changes.Transitions...)
	o.position = s.Position
	for run := range s.Runs {
		for i := run.From; i < run.To; i++ {
			o.heartbeat(s.Heartbeats.At(i))
		}
		if run.Entry == nil {
			continue
		}
		switch f := run.Entry.Fact.(type) {
		case event.VehicleAdded:
			o.watched[f.Vehicle] = true
		case event.VehicleRemoved:
			delete(o.watched, f.Vehicle)
			delete(o.heartbeats, f.Vehicle)
			delete(o.sequence, f.Vehicle)
			delete(o.sent, f.Vehicle)
		}
	}
}

func (o *oracle) heartbeat(h event.Heartbeat) {
	if !o.watched[h.Vehicle] || h.Flags&event.Repeat != 0 {
		return
	}
	o.heartbeats[h.Vehicle]++
	if h.Flags&event.Buffered != 0 {
		return
	}
	o.sent[h.Vehicle] = h.SentAt
	if h.Sequence != event.NoSequence {
		o.sequence[h.Vehicle] = h.Sequence
	}
}

func (o *oracle) update(u fleet.Update) {
	for _, c := range u.Customers {
		o.customers[c.Number] = c
	}
	for _, v := range u.Vehicles {
		o.vehicles[v.Number] = v
	}
	for _, c := range u.RemovedCustomers {
		delete(o.customers, c)
	}
	for _, v := range u.RemovedVehicles {
		delete(o.vehicles, v)
	}
}

// rows are all listed vehicles, by number.
func (o *oracle) rows() (rows []fleet.Row) {
	for _, id := range slices.Sorted(maps.Keys(o.vehicles)) {
		v := o.vehicles[id]
		c, named := o.customers[v.Customer]
		if !named || !o.watched[id] {
			continue
		}
		policy, scope := o.rule.Policy(id)
		sequence, ok := o.sequence[id]
		if !ok {
			sequence = event.NoSequence
		}
		rows = append(rows, fleet.Row{
			Number: id, VIN: v.VIN, RegistrationNumber: v.RegistrationNumber, Customer: c,
			Tags: slices.Compact(slices.Sorted(slices.Values(v.Tags))), Presence: o.rule.Presence(id), Since: o.rule.Since(id),
			LastHeartbeat: o.rule.LastHeartbeat(id), LastSentAt: o.sent[id], LastSequence: sequence, Heartbeats: o.heartbeats[id],
			Policy: policy, PolicyScope: scope,
		})
	}
	return rows
}

// query answers a query, without its limit and cursor, by looking at every row.
func (o *oracle) query(q fleet.Query) fleet.Page {
	page := fleet.Page{Position: o.position}
	needle := strings.TrimSpace(text.Fold(q.Text))
	customers, tags := map[event.CustomerID]int{}, map[string]int{}
	for _, row := range o.rows() {
		hit := func(s string) bool { return strings.Contains(text.Fold(s), needle) }
		named := len(q.VINs) == 0 || slices.Contains(q.VINs, row.VIN)
		found := hit(row.VIN) || hit(row.RegistrationNumber) || hit(row.Customer.Name) || hit(row.Customer.Address)
		found = found && named
		for _, tag := range q.Tags {
			found = found && slices.Contains(row.Tags, tag)
		}
		owned := len(q.Customers) == 0 || slices.Contains(q.Customers, row.Customer.ID)
		present := len(q.Presences) == 0 || slices.Contains(q.Presences, row.Presence)
		if found && owned {
			page.Presences[row.Presence]++
		}
		if found && present {
			customers[row.Customer.Number]++
		}
		if found && owned && present {
			page.Rows = append(page.Rows, row)
			for _, tag := range row.Tags {
				tags[tag]++
			}
		}
	}
	page.Total = len(page.Rows)
	sortRows(page.Rows, q.Sort)
	for c, n := range customers {
		page.Customers = append(page.Customers, fleet.CustomerCount{Customer: o.customers[c], Vehicles: n})
	}
	slices.SortFunc(page.Customers, func(a, b fleet.CustomerCount) int {
		return cmp.Or(b.Vehicles-a.Vehicles, compareNames(a.Customer, b.Customer))
	})
	for tag, n := range tags {
		page.Tags = append(page.Tags, fleet.TagCount{Tag: tag, Vehicles: n})
	}
	slices.SortFunc(page.Tags, func(a, b fleet.TagCount) int { return cmp.Or(b.Vehicles-a.Vehicles, cmp.Compare(a.Tag, b.Tag)) })
	page.Customers, page.Tags = page.Customers[:min(50, len(page.Customers))], page.Tags[:min(50, len(page.Tags))]
	return page
}

func compareNames(a, b fleet.Customer) int {
	return cmp.Or(cmp.Compare(text.Fold(a.Name), text.Fold(b.Name)), cmp.Compare(a.Number, b.Number))
}

func sortRows(rows []fleet.Row, sort string) {
	key, descending := strings.CutPrefix(sort, "-")
	slices.SortFunc(rows, func(a, b fleet.Row) int {
		if descending {
			a, b = b, a
		}
		order := 0
		switch key {
		case "", "vin":
			order = cmp.Compare(a.VIN, b.VIN)
		case "registration_number":
			order = cmp.Compare(a.RegistrationNumber, b.RegistrationNumber)
		case "customer":
			order = cmp.Or(compareNames(a.Customer, b.Customer), cmp.Compare(a.VIN, b.VIN))
		case "last_heartbeat_at":
			order = cmp.Compare(a.LastHeartbeat, b.LastHeartbeat)
		case "since":
			order = cmp.Compare(a.Since, b.Since)
		}
		return cmp.Or(order, cmp.Compare(a.Number, b.Number))
	})
}

// story draws what happens to a small fleet: batches of a log and changes of the directory, in any order.
type story struct {
	t        *rapid.T
	now      event.Time
	position event.Position
}

// happening is one of the two.
type happening struct {
	stored *event.Stored
	update *fleet.Update
}

func drawStory(t *rapid.T) (all []happening) {
	s := &story{t: t, now: start}
	for range rapid.IntRange(1, 40).Draw(t, "happenings") {
		if rapid.IntRange(0, 2).Draw(t, "kind") == 0 {
			all = append(all, happening{update: s.update()})
		} else {
			all = append(all, happening{stored: s.batch()})
		}
	}
	return all
}

func (s *story) vehicle() event.VehicleID {
	return rapid.Custom(func(t *rapid.T) event.VehicleID { return event.VehicleID(rapid.IntRange(1, 12).Draw(t, "n")) }).Draw(s.t, "vehicle")
}

func (s *story) customer() event.CustomerID {
	return event.CustomerID(rapid.IntRange(1, 5).Draw(s.t, "customer"))
}

func (s *story) batch() *event.Stored {
	s.position++
	var b event.Batch
	for range rapid.IntRange(0, 6).Draw(s.t, "events") {
		s.now += event.Time(rapid.SampledFrom([]int{0, 1, 250, 2000, 5000, 9000, 60000}).Draw(s.t, "wait"))
		if rapid.Bool().Draw(s.t, "heartbeat") {
			b.Heartbeats.Append(event.Heartbeat{
				Vehicle: s.vehicle(), ReceivedAt: s.now, SentAt: event.Time(rapid.SampledFrom([]int64{0, 1, -5, 1 << 40}).Draw(s.t, "sent")), Sequence: rapid.Int64Range(-1, 5).Draw(s.t, "sequence"),
				Flags: event.Flags(rapid.SampledFrom([]int{0, 0, 0, int(event.Buffered), int(event.Repeat)}).Draw(s.t, "flags")),
			})
			continue
		}
		b.Entries = append(b.Entries, event.Entry{After: b.Heartbeats.Len(), ReceivedAt: s.now, Fact: s.fact()})
	}
	return &event.Stored{Position: s.position, Epoch: 1, Batch: b}
}

func (s *story) fact() event.Fact {
	switch rapid.IntRange(0, 9).Draw(s.t, "fact") {
	case 0, 1, 2:
		return event.VehicleAdded{Vehicle: s.vehicle(), Customer: s.customer()}
	case 3:
		return event.VehicleRemoved{Vehicle: s.vehicle()}
	case 4:
		return event.VehiclePaused{Vehicle: s.vehicle()}
	case 5:
		return event.VehicleResumed{Vehicle: s.vehicle()}
	case 6:
		return event.ObserverStarted{Door: "http"}
	}
	return event.Canary{Door: "http"}
}

func (s *story) update() *fleet.Update {
	u := &fleet.Update{Revision: int64(s.position) + 1}
	for range rapid.IntRange(0, 3).Draw(s.t, "customers") {
		c := s.customer()
		u.Customers = append(u.Customers, fleet.Customer{
			Number: c, ID: fmt.Sprint("c", c),
			Name:    rapid.SampledFrom([]string{"Kalles Åkeri", "kalles akeri", "Ørsted Bulk", "Łódź Bus", ""}).Draw(s.t, "name"),
			Address: rapid.SampledFrom([]string{"Södertälje", "Straße 1", ""}).Draw(s.t, "address"),
		})
	}
	for range rapid.IntRange(0, 5).Draw(s.t, "vehicles") {
		id := s.vehicle()
		u.Vehicles = append(u.Vehicles, fleet.Vehicle{
			Number: id, Customer: s.customer(),
			VIN:                fmt.Sprintf("%s%02d", rapid.SampledFrom([]string{"YS2R4X200", "VLUR4X", "x"}).Draw(s.t, "vin"), id),
			RegistrationNumber: rapid.SampledFrom([]string{"", "ABC123", "abc12", "ÅÄÖ 1"}).Draw(s.t, "plate"),
			Tags:               rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 4).Draw(s.t, "tags"),
		})
	}
	if rapid.IntRange(0, 3).Draw(s.t, "removals") == 0 {
		u.RemovedVehicles = append(u.RemovedVehicles, s.vehicle())
		u.RemovedCustomers = append(u.RemovedCustomers, s.customer())
	}
	return u
}

func (h happening) to(t rapid.TB, v *fleet.View) {
	var err error
	if h.stored != nil {
		err = v.Apply(*h.stored)
	} else {
		err = v.Update(*h.update)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (h happening) told(o *oracle) {
	if h.stored != nil {
		o.apply(*h.stored)
	} else {
		o.update(*h.update)
	}
}

func saved(t rapid.TB, v *fleet.View) []byte {
	var b bytes.Buffer
	if err := v.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func loaded(t rapid.TB, b []byte) *fleet.View {
	v, err := fleet.Load(fleet.Config{}, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func drawQuery(t *rapid.T) fleet.Query {
	return fleet.Query{
		Text: rapid.OneOf(
			rapid.Just(""),
			rapid.SampledFrom([]string{"kalle", "SODERTALJE", "x2", "r4x", "strasse", "lodz", "orsted", "abc", " 1 ", "\x00", "åäö", "nothing"}),
			rapid.StringMatching(`[a-z0-9]{1,3}`),
		).Draw(t, "text"),
		Customers: rapid.SliceOfN(rapid.SampledFrom([]string{"c1", "c2", "c3", "c4", "nobody"}), 0, 3).Draw(t, "customers"),
		Presences: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Presence {
			return event.Presence(rapid.IntRange(0, event.Presences-1).Draw(t, "presence"))
		}), 0, 3).Draw(t, "presences"),
		Tags:   rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "z"}), 0, 2).Draw(t, "tags"),
		VINs:   rapid.SliceOfN(rapid.SampledFrom([]string{"x01", "x02", "YS2R4X20003", "VLUR4X04", "nobody"}), 0, 2).Draw(t, "vins"),
		Sort:   drawSort(t),
		Facets: fleet.FacetCustomers | fleet.FacetTags,
	}
}

func drawSort(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "-"}).Draw(t, "direction") +
		rapid.SampledFrom([]string{"vin", "registration_number", "customer", "last_heartbeat_at", "since"}).Draw(t, "sort")
}
