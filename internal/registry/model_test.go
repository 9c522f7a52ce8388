package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// TestRandomHistoriesAgreeWithTheModel runs random sequences of calls against a registry and a model in memory. All along,
// three mirrors pull the changes now and then, and the outbox is relayed now and then, sometimes twice. At the end all of
// them, and what the facts say, are the state of the model.
func TestRandomHistoriesAgreeWithTheModel(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		eachHistory(t, on, func(t *rapid.T, h *history) {
			t.Repeat(map[string]func(*rapid.T){
				"create customer": h.createCustomer,
				"update customer": h.updateCustomer,
				"delete customer": h.deleteCustomer,
				"create vehicle":  h.createVehicle,
				"update vehicle":  h.updateVehicle,
				"delete vehicle":  h.deleteVehicle,
				"import":          h.importFile,
				"default policy":  h.setDefaultPolicy,
				"pull":            h.pull,
				"relay":           h.relay,
				"reopen":          h.reopen,
				"":                h.check,
			})
			h.finish(t)
		})
	})
}

// eachHistory checks many random histories, each of a registry of its own.
func eachHistory(t *testing.T, on store, check func(*rapid.T, *history)) {
	on.eachRound(t, func(rt *rapid.T) {
		h := newHistory(rt, on.config(t, Config{Path: memoryDir(t) + "/registry.db"}))
		defer func() { h.registry.Close() }()
		check(rt, h)
	})
}

// history is one random history: the registry, what must be in it, and its readers.
type history struct {
	registry *Registry
	config   Config

	customers    map[string]Customer
	vehicles     map[string]Vehicle
	policy       event.Policy
	lastCustomer event.CustomerID
	lastVehicle  event.VehicleID
	revision     int64
	clock        event.Time

	mirrors []*mirror
	facts   folded
	told    []event.Fact // all that made them
}

func newHistory(t *rapid.T, config Config) *history {
	h := &history{config: config, customers: make(map[string]Customer), vehicles: make(map[string]Vehicle), policy: event.DefaultPolicy,
		mirrors: []*mirror{newMirror(), newMirror(), newMirror()}, facts: newFolded()}
	h.registry = h.open(t)
	return h
}

func (h *history) open(t *rapid.T) *Registry {
	h.config.Now = func() event.Time { return h.clock }
	r, err := Open(context.Background(), h.config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func drawPolicy(t *rapid.T) event.Policy {
	return rapid.SampledFrom([]event.Policy{{}, event.DefaultPolicy, slow(), {LateAfter: 2 * time.Second, OfflineAfter: 2500 * time.Millisecond}}).Draw(t, "policy")
}

func drawCustomer(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "customer")
}
func drawVIN(t *rapid.T) string  { return rapid.StringMatching(`v[0-9]`).Draw(t, "vin") }
func drawText(t *rapid.T) string { return rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "text") }
func drawTags(t *rapid.T) []string {
	return rapid.SampledFrom([][]string{nil, {"p"}, {"p", "q"}}).Draw(t, "tags")
}

// drawPtr is nil, or something.
func drawPtr[T any](t *rapid.T, draw func(*rapid.T) T) *T {
	if rapid.Bool().Draw(t, "absent") {
		return nil
	}
	return new(draw(t))
}

// wrote checks how a call ended, and counts its revision when it changed something.
func (h *history) wrote(t *rapid.T, revision int64, err, want error, changed bool) {
	if want != nil {
		if !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
		return
	}
	if changed {
		h.revision++
	}
	if err != nil || revision != h.revision {
		t.Fatalf("revision %d, %v, want %d", revision, err, h.revision)
	}
}

func (h *history) createCustomer(t *rapid.T) {
	n := NewCustomer{ID: drawCustomer(t), Name: "n" + drawText(t), Address: drawText(t), Policy: drawPolicy(t)}
	c, revision, err := h.registry.CreateCustomer(context.Background(), n)
	if _, taken := h.customers[n.ID]; taken {
		h.wrote(t, 0, err, ErrConflict, false)
		return
	}
	h.wrote(t, revision, err, nil, true)
	h.addCustomer(t, n)
	if c != h.customers[n.ID] {
		t.Fatalf("got %v, want %v", c, h.customers[n.ID])
	}
}

func (h *history) addCustomer(_ *rapid.T, n NewCustomer) {
	h.lastCustomer++
	h.customers[n.ID] = Customer{Number: h.lastCustomer, ID: n.ID, Name: n.Name, Address: n.Address, Policy: n.Policy}
}

func (h *history) updateCustomer(t *rapid.T) {
	id := drawCustomer(t)
	patch := CustomerPatch{Address: drawPtr(t, drawText), Policy: drawPtr(t, drawPolicy)}
	_, revision, err := h.registry.UpdateCustomer(context.Background(), id, patch)
	c, ok := h.customers[id]
	if !ok {
		h.wrote(t, 0, err, ErrNotFound, false)
		return
	}
	if patch.Address != nil {
		c.Address = *patch.Address
	}
	if patch.Policy != nil {
		c.Policy = *patch.Policy
	}
	h.wrote(t, revision, err, nil, c != h.customers[id])
	h.customers[id] = c
}

func (h *history) deleteCustomer(t *rapid.T) {
	id := drawCustomer(t)
	c, ok := h.customers[id]
	owned := func(_ string, v Vehicle) bool { return v.Customer == c.Number }
	rest := maps.Clone(h.vehicles)
	maps.DeleteFunc(rest, owned)
	if rapid.Bool().Draw(t, "with vehicles") {
		_, revision, err := h.registry.DeleteCustomerAndVehicles(context.Background(), id)
		if !ok {
			h.wrote(t, 0, err, ErrNotFound, false)
			return
		}
		h.wrote(t, revision, err, nil, true)
		h.vehicles = rest
	} else {
		revision, err := h.registry.DeleteCustomer(context.Background(), id)
		if !ok {
			h.wrote(t, 0, err, ErrNotFound, false)
			return
		}
		if len(rest) < len(h.vehicles) {
			h.wrote(t, 0, err, ErrHasVehicles, false)
			return
		}
		h.wrote(t, revision, err, nil, true)
	}
	delete(h.customers, id)
}

func (h *history) createVehicle(t *rapid.T) {
	n := NewVehicle{VIN: drawVIN(t), RegistrationNumber: drawText(t), CustomerID: drawCustomer(t), Tags: drawTags(t),
		Policy: drawPolicy(t), Paused: rapid.Bool().Draw(t, "paused")}
	_, revision, err := h.registry.CreateVehicle(context.Background(), n)
	c, ok := h.customers[n.CustomerID]
	if !ok {
		h.wrote(t, 0, err, ErrInvalid, false)
		return
	}
	if _, taken := h.vehicles[n.VIN]; taken {
		h.wrote(t, 0, err, ErrConflict, false)
		return
	}
	h.wrote(t, revision, err, nil, true)
	h.lastVehicle++
	h.vehicles[n.VIN] = Vehicle{Number: h.lastVehicle, VIN: n.VIN, RegistrationNumber: n.RegistrationNumber, Customer: c.Number,
		CustomerID: c.ID, Tags: n.Tags, Policy: n.Policy, Paused: n.Paused}
}

func (h *history) updateVehicle(t *rapid.T) {
	vin := drawVIN(t)
	patch := VehiclePatch{RegistrationNumber: drawPtr(t, drawText), CustomerID: drawPtr(t, drawCustomer), Tags: drawPtr(t, drawTags),
		Policy: drawPtr(t, drawPolicy), Paused: drawPtr(t, func(t *rapid.T) bool { return rapid.Bool().Draw(t, "paused") })}
	got, revision, err := h.registry.UpdateVehicle(context.Background(), vin, patch)
	old, ok := h.vehicles[vin]
	if !ok {
		h.wrote(t, 0, err, ErrNotFound, false)
		return
	}
	v := patch.apply(old, new(problems))
	if patch.CustomerID != nil {
		c, ok := h.customers[*patch.CustomerID]
		if !ok {
			h.wrote(t, 0, err, ErrInvalid, false)
			return
		}
		v.Customer, v.CustomerID = c.Number, c.ID
	}
	h.wrote(t, revision, err, nil, !cmp.Equal(v, old, cmpopts.EquateEmpty()))
	if diff := cmp.Diff(v, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatal(diff)
	}
	h.vehicles[vin] = v
}

func (h *history) deleteVehicle(t *rapid.T) {
	vin := drawVIN(t)
	revision, err := h.registry.DeleteVehicle(context.Background(), vin)
	if _, ok := h.vehicles[vin]; !ok {
		h.wrote(t, 0, err, ErrNotFound, false)
		return
	}
	h.wrote(t, revision, err, nil, true)
	delete(h.vehicles, vin)
}

func (h *history) importFile(t *rapid.T) {
	vins := rapid.SliceOfNDistinct(rapid.StringMatching(`v[0-9]`), 0, 5, rapid.ID[string]).Draw(t, "vins")
	file := "vin,customer_id,customer_name,tags,paused\n"
	changed := false
	for _, vin := range vins {
		id, tags, paused := drawCustomer(t), drawTags(t), rapid.Bool().Draw(t, "paused")
		c, ok := h.customers[id]
		if !ok {
			h.addCustomer(t, NewCustomer{ID: id, Name: "imported"})
			c = h.customers[id]
		}
		file += fmt.Sprintf("%s,%s,%s,%s,%v\n", vin, id, c.Name, joinTags(tags), paused)
		old, ok := h.vehicles[vin]
		v := old
		if !ok {
			h.lastVehicle++
			v = Vehicle{Number: h.lastVehicle, VIN: vin}
		}
		v.Customer, v.CustomerID, v.Tags, v.Paused = c.Number, c.ID, tags, paused
		changed = changed || !cmp.Equal(v, old, cmpopts.EquateEmpty())
		h.vehicles[vin] = v
	}
	result, err := h.registry.Import(context.Background(), strings.NewReader(file), ImportOptions{})
	if result.Rejected > 0 {
		t.Fatal(result)
	}
	h.wrote(t, result.Revision, err, nil, changed)
}

func (h *history) setDefaultPolicy(t *rapid.T) {
	policy := drawPolicy(t)
	revision, err := h.registry.SetDefaultPolicy(context.Background(), policy)
	h.wrote(t, revision, err, nil, orDefault(policy) != h.policy)
	h.policy = orDefault(policy)
}

func (h *history) pull(t *rapid.T) {
	h.pullInto(t, rapid.SampledFrom(h.mirrors).Draw(t, "mirror"))
}

func (h *history) pullInto(t *rapid.T, m *mirror) {
	if err := h.registry.Changes(context.Background(), m.revision, m.apply); err != nil || m.revision != h.revision {
		t.Fatalf("pulled to revision %d, %v, want %d", m.revision, err, h.revision)
	}
}

func (h *history) relay(t *rapid.T) {
	crash := rapid.Bool().Draw(t, "crash")
	waiting, _ := h.registry.now()
	if waiting.fact == waiting.relayed {
		return
	}
	err := h.registry.relaySome(context.Background(), func(_ context.Context, facts []event.Fact) (event.Position, error) {
		for _, fact := range facts {
			h.facts.apply(fact)
			h.told = append(h.told, fact)
		}
		if crash {
			return 0, errors.New("crash before the note")
		}
		return 1, nil
	}, new(appended))
	if (err != nil) != crash {
		t.Fatal(err)
	}
}

func (h *history) reopen(t *rapid.T) {
	if err := h.registry.Close(); err != nil {
		t.Fatal(err)
	}
	h.registry = h.open(t)
}

func (h *history) check(t *rapid.T) {
	if h.registry.Revision() != h.revision {
		t.Fatalf("revision %d, want %d", h.registry.Revision(), h.revision)
	}
}

func (h *history) finish(t *rapid.T) {
	want := newMirror()
	want.revision = h.revision
	for _, c := range h.customers {
		want.customers[c.Number] = c
	}
	for _, v := range h.vehicles {
		want.vehicles[v.Number] = v
	}
	for _, m := range append(h.mirrors, newMirror()) {
		h.pullInto(t, m)
		if diff := diffMirrors(want, m); diff != "" {
			t.Fatal(diff)
		}
	}
	for waiting, _ := h.registry.now(); waiting.fact != waiting.relayed; waiting, _ = h.registry.now() {
		h.relay(t)
	}
	if diff := cmp.Diff(foldedOf(want, h.policy), h.facts, cmp.AllowUnexported(folded{}, watched{})); diff != "" {
		t.Fatal(diff)
	}
	h.delayFacts(t)
	if diff := cmp.Diff(foldedOf(want, h.policy), h.facts, cmp.AllowUnexported(folded{}, watched{})); diff != "" {
		t.Fatalf("after facts came again too late: %s", diff)
	}
	h.loseFacts(t)
	if diff := cmp.Diff(foldedOf(want, h.policy), h.facts, cmp.AllowUnexported(folded{}, watched{})); diff != "" {
		t.Fatalf("after facts were lost and told again: %s", diff)
	}
	page, err := h.registry.Customers(context.Background(), CustomerQuery{})
	ids := slices.Sorted(maps.Keys(h.customers))
	if err != nil || len(page.Items) != len(ids) || page.Total != len(ids) {
		t.Fatalf("%d customers are listed, want %v", len(page.Items), ids)
	}
}

// delayFacts is what a server does that lost its turn while it relayed: facts that the log had come again, after newer ones.
func (h *history) delayFacts(t *rapid.T) {
	if len(h.told) == 0 {
		return
	}
	from := rapid.IntRange(0, len(h.told)-1).Draw(t, "from")
	late := h.told[from:rapid.IntRange(from, len(h.told)).Draw(t, "to")]
	for _, fact := range late {
		h.facts.apply(fact)
	}
	if err := h.registry.tellAgain(context.Background(), late); err != nil {
		t.Fatal(err)
	}
	for waiting, _ := h.registry.now(); waiting.fact != waiting.relayed; waiting, _ = h.registry.now() {
		h.relay(t)
	}
}

// loseFacts is what damage to the log does: vehicles, customers and pauses that it told of are forgotten, removed
// vehicles are there again, and then everything is told again.
func (h *history) loseFacts(t *rapid.T) {
	for v := range h.lastVehicle + 1 {
		switch rapid.IntRange(0, 3).Draw(t, "loss") {
		case 0:
			delete(h.facts.vehicles, v)
		case 1:
			if v != 0 {
				h.facts.vehicles[v] = watched{customer: 1, policy: slow(), paused: true}
			}
		}
	}
	clear(h.facts.customers)
	h.facts.policy = slow()
	if _, err := h.registry.Resend(context.Background()); err != nil {
		t.Fatal(err)
	}
	for waiting, _ := h.registry.now(); waiting.fact != waiting.relayed; waiting, _ = h.registry.now() {
		h.relay(t)
	}
}

// folded is what a log reader knows by facts alone.
type folded struct {
	vehicles  map[event.VehicleID]watched
	customers map[event.CustomerID]event.Policy
	policy    event.Policy
}

type watched struct {
	customer event.CustomerID
	policy   event.Policy
	paused   bool
}

func newFolded() folded {
	return folded{vehicles: make(map[event.VehicleID]watched), customers: make(map[event.CustomerID]event.Policy), policy: event.DefaultPolicy}
}

func (f *folded) apply(fact event.Fact) {
	switch fact := fact.(type) {
	case event.VehicleAdded:
		f.change(fact.Vehicle, func(w *watched) { w.customer = fact.Customer })
	case event.VehiclePaused:
		f.change(fact.Vehicle, func(w *watched) { w.paused = true })
	case event.VehicleResumed:
		f.change(fact.Vehicle, func(w *watched) { w.paused = false })
	case event.VehicleRemoved:
		delete(f.vehicles, fact.Vehicle)
	case event.PolicyChanged:
		switch {
		case fact.Vehicle != 0:
			f.change(fact.Vehicle, func(w *watched) { w.policy = fact.Policy })
		case fact.Customer == 0:
			f.policy = orDefault(fact.Policy)
		case fact.Policy == event.Policy{}:
			delete(f.customers, fact.Customer)
		default:
			f.customers[fact.Customer] = fact.Policy
		}
	}
}

func (f *folded) change(v event.VehicleID, change func(*watched)) {
	w := f.vehicles[v]
	change(&w)
	f.vehicles[v] = w
}

func foldedOf(m *mirror, policy event.Policy) folded {
	f := newFolded()
	f.policy = policy
	for _, c := range m.customers {
		if c.Policy != (event.Policy{}) {
			f.customers[c.Number] = c.Policy
		}
	}
	for _, v := range m.vehicles {
		f.vehicles[v.Number] = watched{customer: v.Customer, policy: v.Policy, paused: v.Paused}
	}
	return f
}
