// Package fleet is the projection that knows every vehicle now, and finds any of them.
//
// What enters is the log, batch by batch through Apply, and what the registry says of vehicles and customers, through
// Update. A vehicle is listed when both know it: the log that it is watched, the registry its VIN and its customer.
// What leaves is pages of a search with exact totals and facets, the fleet in one glance, the transitions and gaps of the
// recent past, a grid of one byte per vehicle, and a live stream of what changes.
//
// It guarantees that a view is a function of the log up to its Checkpoint and of the directory up to its Revision: a
// view saved and loaded on the way, or replayed from nothing, is the same. It reads no clock but to pace live frames,
// and it keeps nothing on disk: Save and Load leave that to the caller. DESIGN.md, beside this file, says how it is so
// quick and so small.
package fleet

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/fleet/text"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Errors that a caller tells apart.
var (
	ErrInvalidQuery       = errors.New("invalid query")               // the message says what is wrong with it
	ErrInvalidCursor      = errors.New("invalid cursor")              // damaged, or of another query
	ErrInvalidUpdate      = errors.New("invalid directory update")    // nothing of it was taken in
	ErrTooManySubscribers = errors.New("too many subscribers")        // come back later
	ErrClosed             = errors.New("subscription closed")         // by Close, or because Run has ended
	ErrSnapshot           = errors.New("saved fleet cannot be read")  // corrupt, or of another version
	ErrOldBatch           = errors.New("batch is not after the last") // applied already
)

// Config says how much of the recent past a view remembers and how many may watch it. The zero Config is ready for use.
type Config struct {
	Transitions int // how many recent ones are kept; default 100,000
	Gaps        int // how many recent ones are kept; default 1,000
	Subscribers int // how many there may be at once; default 1,000
	Matches     int // bytes for remembering what recent search texts found; default 8 MiB

	Registerer prometheus.Registerer // nil: no metrics
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *int
		value int
	}{{&c.Transitions, 100_000}, {&c.Gaps, 1_000}, {&c.Subscribers, 1_000}, {&c.Matches, 8 << 20}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// View is the fleet as of one position in the log. All its methods may be called at once, but Apply, which has one
// caller only.
//
// Two locks guard it, always taken in this order: dirMu the directory with its orders and indexes, mu what comes from
// the log. Apply takes mu alone, so that reading or rebuilding an index never holds up the log.
type View struct {
	config  Config
	hub     hub
	matches matches
	grids   grids

	dirMu sync.RWMutex
	dir   directory // two columns of it are written under both locks, see there

	mu         sync.RWMutex // guards the following
	checkpoint event.Position
	rule       *presence.Rule
	changes    presence.Changes // reused by Apply
	tallies    tally.Tallies
	where      []spot // by vehicle
	listed     [event.Presences]bitset.Set
	counts     [event.Presences]int
	byCustomer [][event.Presences]uint32 // listed vehicles, by customer
	recent     ring[event.Transition]
	gaps       ring[event.Gap]
	unheard    *unheard // of a view of the past that lacks something; else nil
	layout     uint64   // of the grid, numbered: moves on when the listed vehicles or their order change
}

// spot is where a vehicle is listed: 0 for nowhere, else one more than its presence.
type spot uint8

const unlisted spot = 0

func spotOf(p event.Presence) spot { return 1 + spot(p) }

func (s spot) presence() event.Presence { return event.Presence(s - 1) }

// New is the view at the beginning of a log, with an empty directory.
func New(config Config) *View {
	v := newView(config, presence.New())
	v.register(config.Registerer)
	return v
}

func newView(config Config, rule *presence.Rule) *View {
	config = config.withDefaults()
	v := &View{
		config: config,
		dir:    newDirectory(),
		rule:   rule,
		recent: newRing[event.Transition](config.Transitions),
		gaps:   newRing[event.Gap](config.Gaps),
		// Two views must not take the readers of each other for their own.
		layout: rand.Uint64N(1 << 52),
	}
	v.dir.index = text.NewIndex(v.dir.texts)
	v.hub.init(config.Subscribers)
	v.matches.limit = config.Matches
	return v
}

// Checkpoint is the position of the last batch applied.
func (v *View) Checkpoint() event.Position {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.checkpoint
}

// Revision is the registry revision of the last Update.
func (v *View) Revision() int64 {
	v.dirMu.RLock()
	defer v.dirMu.RUnlock()
	return v.dir.revision
}

// read takes both locks for reading, with the directory settled, and returns what releases them.
func (v *View) read() (unlock func()) {
	unlockDir := v.readDirectory()
	v.mu.RLock()
	return func() {
		v.mu.RUnlock()
		unlockDir()
	}
}

// readDirectory takes the directory's lock for reading, with the directory settled, and returns what releases it.
func (v *View) readDirectory() (unlock func()) {
	for {
		v.dirMu.RLock()
		if v.dir.settled() {
			return v.dirMu.RUnlock
		}
		v.dirMu.RUnlock()
		v.dirMu.Lock()
		v.dir.settle()
		v.dirMu.Unlock()
	}
}

// place lists a vehicle as what the rule says of it now, or takes it off the list. It is called whenever that may have
// changed, with mu held for writing.
func (v *View) place(id event.VehicleID) {
	was, now := v.where[id], unlisted
	if v.dir.complete(id) && v.rule.Known(id) {
		now = spotOf(v.rule.Presence(id))
	}
	if was == now {
		return
	}
	v.unlist(id)
	if now != unlisted {
		p := now.presence()
		v.listed[p].Add(uint32(id))
		v.counts[p]++
		v.byCustomer[v.dir.owner[id]][p]++
		v.where[id] = now
	}
	if was == unlisted || now == unlisted {
		v.layout++
	}
}

// unlist takes a vehicle off the list.
func (v *View) unlist(id event.VehicleID) {
	was := v.where[id]
	if was == unlisted {
		return
	}
	p := was.presence()
	v.listed[p].Remove(uint32(id))
	v.counts[p]--
	v.byCustomer[v.dir.owner[id]][p]--
	v.where[id] = unlisted
}

// grow makes room for vehicles with numbers below n.
func (v *View) grow(n int) {
	if n <= len(v.where) {
		return
	}
	v.tallies.Grow(n)
	v.where = grown(v.where, n)
	for p := range v.listed {
		v.listed[p] = v.listed[p].Grow(n)
	}
}

// Rule is a copy of the rule that the view goes by, as it stands at its checkpoint.
func (v *View) Rule() (*presence.Rule, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var saved bytes.Buffer
	if err := v.rule.Save(&saved); err != nil {
		return nil, err
	}
	return presence.Load(&saved)
}
