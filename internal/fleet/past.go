package fleet

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Past is what the log said at some moment, of which a view can be made.
type Past struct {
	Rule     *presence.Rule
	Tallies  tally.Tallies
	LastGap  event.Gap // zero when there was none
	Position event.Position

	// Heard, unless nil, says of a vehicle what Rule and Tallies do not say yet: when it was heard last, and its tally. Whole
	// gives a Rule and Tallies that say all, which takes longer; it is asked once at most.
	Heard func(event.VehicleID) (last event.Time, t tally.Tally, err error)
	Whole func() (*presence.Rule, tally.Tallies, error)

	// Then, unless nil, says what the directory was at that moment; else it was as it is now. It is asked once, after the
	// directory of now was read, so that it may say more of what changed than this view knows yet.
	Then func() (Then, error)
}

// Then is a directory of the past, as it differs from that of now: what has a number up to the last ones and is not listed
// is as it is now.
type Then struct {
	LastCustomer event.CustomerID // higher numbers were not given yet
	LastVehicle  event.VehicleID
	Customers    []Customer // as they were, each once
	Vehicles     []Vehicle  // likewise
}

// unheard is what a view of the past does not know yet.
type unheard struct {
	heard func(event.VehicleID) (last event.Time, t tally.Tally, err error)
	whole func() (*presence.Rule, tally.Tallies, error)

	once sync.Mutex // held while whole is asked
}

// hear completes rows of a view of the past.
func (v *View) hear(rows []Row) error {
	u := v.missing()
	if u == nil {
		return nil
	}
	if u.all(rows) == nil {
		return nil
	}
	if err := v.hearAll(); err != nil {
		return err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	for i := range rows {
		rows[i].LastHeartbeat = v.rule.LastHeartbeat(rows[i].Number)
		rows[i].tell(&v.tallies.Of[rows[i].Number])
	}
	return nil
}

// all asks for rows side by side, since each is read from files. It ends with the first error.
func (u *unheard) all(rows []Row) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var asking sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		asking.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(rows)) && failed.Load() == nil; i = next.Add(1) - 1 {
				last, t, err := u.heard(rows[i].Number)
				if err != nil {
					failed.Store(&err)
				}
				rows[i].LastHeartbeat = last
				rows[i].tell(&t)
			}
		})
	}
	asking.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (v *View) missing() *unheard {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.unheard
}

// hearAll makes a view of the past one that lacks nothing.
func (v *View) hearAll() error {
	u := v.missing()
	if u == nil {
		return nil
	}
	u.once.Lock()
	defer u.once.Unlock()
	if v.missing() == nil { // another was first
		return nil
	}
	rule, tallies, err := u.whole()
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	n := len(v.where)
	v.rule, v.tallies, v.unheard = rule, tallies, nil
	v.tallies.Grow(n)
	return nil
}

// Past is a view of another moment, for reading alone: the vehicles that the log knew then, with the customers that it said,
// and the texts and tags of the directory of then. A vehicle that this directory does not describe is not listed. It shares
// with this view what does not change, and takes the past over. Errors are those of Past.Then, and ErrInvalidUpdate.
func (v *View) Past(p Past) (*View, error) {
	past := newView(Config{Transitions: 1, Gaps: 1}, p.Rule)
	past.checkpoint, past.tallies = p.Position, p.Tallies
	if p.Heard != nil {
		past.unheard = &unheard{heard: p.Heard, whole: p.Whole}
	}
	if p.LastGap != (event.Gap{}) {
		past.gaps.add(p.LastGap)
	}
	d := &past.dir
	unlock := v.readDirectory()
	d.copyOf(&v.dir)
	d.index = v.dir.index.Clone(d.texts)
	unlock()
	if p.Then != nil {
		then, err := p.Then()
		if err != nil {
			return nil, err
		}
		if err := d.goBack(then); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalidUpdate, err)
		}
	}
	for id := range event.VehicleID(len(d.owner)) {
		if c := p.Rule.Customer(id); c != 0 && d.has(id) && c != d.owner[id] {
			d.growCustomers(int(c) + 1)
			d.soil(id)
			d.owner[id] = c
		}
	}
	d.settle()
	past.grow(max(p.Rule.Cap(), len(d.owner)))
	past.byCustomer = grown(past.byCustomer, len(d.customers))
	for id := range event.VehicleID(len(d.owner)) {
		past.place(id)
	}
	return past, nil
}

// goBack makes a directory of now one of the past. Who came later goes first: the VIN or the public id may have been
// another's.
func (d *directory) goBack(then Then) error {
	u := Update{Customers: then.Customers, Vehicles: then.Vehicles}
	if err := errors.Join(u.check(), d.makeRoom(&u)); err != nil {
		return err
	}
	for id := then.LastVehicle + 1; int(id) < len(d.owner); id++ {
		if d.has(id) {
			d.soil(id)
			d.drop(id)
			d.owner[id] = 0
		}
	}
	for c := range d.named.All {
		if c := event.CustomerID(c); c > then.LastCustomer {
			d.unname(c)
		}
	}
	for _, c := range then.Customers {
		d.name(c)
	}
	for i := range then.Vehicles {
		v := &then.Vehicles[i]
		d.soil(v.Number)
		d.owner[v.Number] = v.Customer
		d.set(v, canonicalTags(v.Tags))
	}
	return nil
}

// copyOf makes of d a directory that says the same as another, which is settled and may change from then on. The arena is
// shared: what stands in it stays.
func (d *directory) copyOf(from *directory) {
	*d = directory{
		owner: slices.Clone(from.owner), named: slices.Clone(from.named), revision: from.revision,
		arena: slices.Clip(from.arena), spans: slices.Clone(from.spans), tagSet: slices.Clone(from.tagSet),
		tags:      tagSets{sets: slices.Clone(from.tags.sets), ids: maps.Clone(from.tags.ids), free: slices.Clone(from.tags.free)},
		customers: slices.Clone(from.customers), numbers: maps.Clone(from.numbers),
		dirty: slices.Clone(from.dirty), dirtyOwners: make(map[event.CustomerID]struct{}),
		byVIN: slices.Clone(from.byVIN), byPlate: slices.Clone(from.byPlate), byName: slices.Clone(from.byName),
		names: haystack{text: slices.Clone(from.names.text), ends: slices.Clone(from.names.ends), ids: slices.Clone(from.names.ids)},
	}
	all := make([]event.VehicleID, 0, len(from.byVIN)) // of all customers: one piece of memory
	for c := range d.customers {
		begin := len(all)
		all = append(all, d.customers[c].vehicles...)
		d.customers[c].vehicles = all[begin:len(all):len(all)]
	}
}
