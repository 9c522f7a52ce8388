package fleet

import (
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Load is the view that Save wrote, with everything by which vehicles are found. It takes about a second for a million
// vehicles. What is corrupt or of another version is ErrSnapshot; memory is taken only for what rd really holds.
func Load(config Config, rd io.Reader) (*View, error) {
	d := newDecoder(rd)
	d.header()
	checkpoint := event.Position(d.uint())
	if d.err != nil {
		return nil, fmt.Errorf("loading the fleet: %w", d.err)
	}
	rule, err := presence.Load(d.r)
	if err != nil {
		return nil, fmt.Errorf("loading the fleet: %w: %w", ErrSnapshot, err)
	}
	v := newView(config, rule)
	v.checkpoint = checkpoint
	v.loadState(d)
	v.loadDirectory(d)
	if d.err != nil {
		return nil, fmt.Errorf("loading the fleet: %w", d.err)
	}
	v.register(config.Registerer)
	return v, nil
}

func (d *decoder) header() {
	magic := make([]byte, len(saveMagic))
	if _, err := io.ReadFull(d.r, magic); err != nil {
		d.fail(err)
	} else if string(magic) != saveMagic {
		d.corrupt(fmt.Sprintf("it begins with %q", magic))
	}
	if version := d.uint(); d.err == nil && version != saveVersion {
		d.corrupt(fmt.Sprintf("its version is %d, not %d", version, saveVersion))
	}
}

func (v *View) loadState(d *decoder) {
	v.grow(v.rule.Cap())
	for id := range event.VehicleID(v.rule.Cap()) {
		if v.rule.Known(id) {
			v.tallies.Watch(id)
			v.tallies.Of[id] = tally.Tally{
				Heartbeats: d.uint(), Sequence: d.upTo(uint64(event.MaxSequence)+1, "a sequence number is too large"), SentAt: d.time(),
			}
		}
	}
	loadRing(d, &v.recent, func(t *event.Transition) {
		t.Vehicle = event.VehicleID(d.upTo(max(uint64(v.rule.Cap()), 1)-1, "a transition is of no vehicle"))
		change := d.upTo(0xff, "a transition is none")
		t.From, t.To = event.Presence(change>>4), event.Presence(change&15)
		t.At, t.Position = d.time(), event.Position(d.uint())
		if t.From >= event.Presences || t.To >= event.Presences {
			d.corrupt("a transition is none")
		}
	})
	loadRing(d, &v.gaps, func(g *event.Gap) {
		g.From, g.To = d.time(), d.time()
		g.Reason, g.Position = event.GapReason(d.upTo(0xff, "a gap has no reason")), event.Position(d.uint())
	})
}

func loadRing[T any](d *decoder, r *ring[T], item func(*T)) {
	last, n := d.upTo(1<<62, "a series is too long"), uint64(d.count())
	if n > last || n == 0 && last > 0 {
		d.corrupt("a series does not have the items that it says")
		return
	}
	r.base, r.last = last-n, last-n
	if skip := max(n, uint64(r.limit)) - uint64(r.limit); skip > 0 {
		r.base += skip // the ring is smaller now; the oldest are read and dropped
	}
	for range n {
		var t T
		if item(&t); d.err != nil {
			return
		}
		if r.last < r.base {
			r.last++
		} else {
			r.add(t)
		}
	}
}

func (v *View) loadDirectory(d *decoder) {
	dir := &v.dir
	dir.revision = d.int()
	dir.loadCustomers(d)
	sets := loadTagSets(d)
	vehicles := dir.loadVehicles(d, sets)
	if d.err != nil {
		return
	}
	// The index takes as long as all that follows.
	var indexed sync.WaitGroup
	indexed.Go(func() { dir.index.Changed(dir.described(vehicles), len(dir.spans)) })
	v.loadOrders(d, vehicles)
	indexed.Wait()
}

// described lists the numbers of the vehicles of which something is said.
func (d *directory) described(n int) []uint32 {
	ids := make([]uint32, 0, n)
	for id, owner := range d.owner {
		if owner != 0 {
			ids = append(ids, uint32(id))
		}
	}
	return ids
}

// loadOrders reads the orders, and builds from them what Save leaves out.
func (v *View) loadOrders(d *decoder, vehicles int) {
	dir := &v.dir
	dir.byVIN = d.vehicles(vehicles)
	dir.byPlate = d.vehicles(vehicles)
	if _, err := d.r.Peek(1); err == nil {
		d.corrupt("it is longer than its contents")
	}
	if d.err != nil {
		return
	}
	if !dir.sorted(dir.byVIN, dir.compareVIN) || !dir.sorted(dir.byPlate, dir.comparePlate) {
		d.corrupt("an order is none")
		return
	}
	v.grow(len(dir.owner))
	v.byCustomer = grown(v.byCustomer, len(dir.customers))
	dir.settleNames()
	dir.settleOwners(dir.byVIN)
	for id := range event.VehicleID(len(dir.owner)) {
		v.place(id)
	}
}

func (d *directory) loadCustomers(dec *decoder) {
	n := event.CustomerID(dec.upTo(uint64(MaxCustomer), "a customer's number is too large"))
	for c := event.CustomerID(1); c <= n && dec.err == nil; c++ {
		d.growCustomers(int(c) + 1)
		if dec.upTo(1, "a customer is neither there nor not") == 0 {
			continue
		}
		d.name(Customer{Number: c, ID: dec.string(), Name: dec.string(), Address: dec.string()})
	}
}

func loadTagSets(d *decoder) [][]string {
	sets := [][]string{nil}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		var tags []string
		for m := d.count(); m > 0 && d.err == nil; m-- {
			tags = append(tags, d.string())
		}
		if len(tags) == 0 || checkTags(tags) != nil || !slices.IsSorted(tags) {
			d.corrupt("a set of tags is none")
		}
		sets = append(sets, tags)
	}
	return sets
}

// loadVehicles reads the columns and gives the number of vehicles in them.
func (d *directory) loadVehicles(dec *decoder, sets [][]string) (described int) {
	const step = 1 << 16 // numbers for which memory is taken at once
	n := int(dec.upTo(uint64(presence.MaxVehicle), "a vehicle's number is too large"))
	for id := event.VehicleID(1); int(id) <= n && dec.err == nil; id++ {
		if int(id) >= len(d.owner) {
			d.growVehicles(min(n+1, len(d.owner)+step))
		}
		if d.loadVehicle(dec, id, sets) {
			described++
		}
	}
	d.trim()
	return described
}

func (d *directory) loadVehicle(dec *decoder, id event.VehicleID, sets [][]string) bool {
	owner := dec.upTo(uint64(len(d.customers))-1, "a vehicle's customer is none")
	if owner == 0 {
		return false
	}
	start := len(d.arena)
	d.arena = append(d.arena, dec.bytes()...)
	end := len(d.arena)
	d.arena = append(d.arena, dec.bytes()...)
	vin, plate := d.arena[start:end], d.arena[end:]
	if len(vin) == 0 || !fits(vin) || !fits(plate) || len(d.arena) > math.MaxUint32 {
		dec.corrupt("a vehicle's texts are none")
		return false
	}
	d.owner[id] = event.CustomerID(owner)
	d.spans[id] = span{uint32(start), uint8(len(vin)), uint8(len(plate))}
	d.tagSet[id] = d.tags.use(sets[dec.upTo(uint64(len(sets))-1, "a vehicle's tags are none")])
	return true
}

// trim gives back the memory that growing step by step took too much.
func (d *directory) trim() {
	d.arena, d.owner, d.spans, d.tagSet = exact(d.arena), exact(d.owner), exact(d.spans), exact(d.tagSet)
}

func exact[T any](column []T) []T { return append(make([]T, 0, len(column)), column...) }

// sorted says whether ids are described vehicles, each once, in order.
func (d *directory) sorted(ids []event.VehicleID, compare func(a, b event.VehicleID) int) bool {
	for i, id := range ids {
		if !d.has(id) || i > 0 && compare(ids[i-1], id) >= 0 {
			return false
		}
	}
	return true
}
