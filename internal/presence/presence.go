// Package presence is the rule that says which vehicles are connected.
//
// What enters is the log, batch by batch; what leaves is transitions and gaps. The rule is a pure fold: it reads no
// clock, starts no goroutine and takes no lock, so the same log gives the same transitions on every machine, live or
// replayed. The caller guards a Rule that several goroutines use.
//
// Time passes only by proof. A canary in the log proves that its door was listening since its canary before, unless it
// comes too late or the observer was stopped, started or damaged in between. Then a gap is noted and every deadline
// starts anew at that canary: a vehicle is called late or offline only when all doors were listening all that time.
//
// A heartbeat of an online vehicle costs one store. Deadlines lie in a ring that is brought up to date only when a
// vehicle's old deadline comes due (see ring).
package presence

import "github.com/fleetbeat/fleetbeat/internal/event"

// MaxVehicle is the highest vehicle number the rule accepts. The registry numbers vehicles densely from 1, so a higher
// number is an error somewhere and not a vehicle: what is said of it is ignored and counted.
const MaxVehicle event.VehicleID = 1<<28 - 1

// Rule holds what the log says about every vehicle so far. The zero Rule is not ready for use: make one with New or
// Load.
type Rule struct {
	clock    clock
	policies policies
	ring     ring

	// Columns by vehicle number, all of one length. With its place in the ring a vehicle takes 33 bytes.
	state    []state
	heard    []event.Time // newest received-at, 0 for never
	since    []event.Time // when the presence began
	customer []event.CustomerID
	policy   []slot // the policy in force for it

	counts  [event.Presences]int
	ignored uint64

	recalling bool // see BeginRecall
}

// Changes is what Apply found out: transitions and gaps, in the order of the log. Those that one canary brings to
// light come in the order of their moment, then of the vehicle's number.
type Changes struct {
	Transitions []event.Transition
	Gaps        []event.Gap

	position event.Position // of the batch being applied
}

// Reset empties c and keeps its memory, for the next Apply.
func (c *Changes) Reset() { c.Transitions, c.Gaps = c.Transitions[:0], c.Gaps[:0] }

// New returns the rule at the beginning of a log: no vehicles, no proof, event.DefaultPolicy for all.
func New() *Rule {
	return &Rule{policies: newPolicies(), ring: newRing()}
}

// Apply takes in the next batch of the log and appends to out what changed by it.
func (r *Rule) Apply(s event.Stored, out *Changes) {
	out.position = s.Position
	for run := range s.Runs {
		r.heartbeats(&s.Heartbeats, run.From, run.To, out)
		if run.Entry != nil {
			r.fact(run.Entry.Fact, run.Entry.ReceivedAt, out)
		}
	}
}

// heartbeats is the hot path: for a vehicle that is online it reads a byte and stores a time.
func (r *Rule) heartbeats(h *event.Heartbeats, from, to int, out *Changes) {
	times := h.ReceivedAt[from:to]
	for i, v := range h.Vehicle[from:to] {
		if h.Flags != nil && h.Flags[from+i]&event.Buffered != 0 {
			continue
		}
		if !r.Known(v) {
			r.ignored++
			continue
		}
		if times[i] <= r.heard[v] {
			continue // nothing newer; the log's times never go back, so the vehicle is online or paused
		}
		r.heard[v] = times[i]
		if p := r.state[v].presence(); p != event.Online && p != event.Paused {
			r.move(v, event.Online, times[i], out)
			r.schedule(v)
		}
	}
}

// fact takes in everything that is not a heartbeat. at is when it entered the log.
func (r *Rule) fact(f event.Fact, at event.Time, out *Changes) {
	switch f := f.(type) {
	case event.Canary:
		r.canary(f.Door, at, out)
	case event.ObserverStarted:
		r.clock.started(f.Door)
	case event.ObserverStopped:
		r.clock.stopped(f.Door)
	case event.Lost:
		r.clock.broke(event.Damaged)
	case event.VehicleAdded:
		r.add(f.Vehicle, f.Customer, at, out)
	case event.VehiclePaused:
		r.pause(f.Vehicle, at, out)
	case event.VehicleResumed:
		r.resume(f.Vehicle, at, out)
	case event.VehicleRemoved:
		r.remove(f.Vehicle)
	case event.PolicyChanged:
		r.changePolicy(f, at, out)
	default:
		r.ignored++
	}
}

// Known says whether v is watched: added, and not removed since.
func (r *Rule) Known(v event.VehicleID) bool {
	return int(v) < len(r.state) && r.state[v]&watched != 0
}

// Presence is the presence of v, and Unknown for a vehicle that is not watched.
func (r *Rule) Presence(v event.VehicleID) event.Presence {
	if !r.Known(v) {
		return event.Unknown
	}
	return r.state[v].presence()
}

// Since is the moment at which the presence of v began, and 0 for a vehicle that is not watched.
func (r *Rule) Since(v event.VehicleID) event.Time {
	if !r.Known(v) {
		return 0
	}
	return r.since[v]
}

// LastHeartbeat is when we last received a heartbeat of v, buffered ones left out, and 0 if never.
func (r *Rule) LastHeartbeat(v event.VehicleID) event.Time {
	if !r.Known(v) {
		return 0
	}
	return r.heard[v]
}

// Cap is one more than the highest vehicle number that was ever watched: all numbers lie below it. It never shrinks.
func (r *Rule) Cap() int { return len(r.state) }

// Counts says how many watched vehicles there are of each presence.
func (r *Rule) Counts() [event.Presences]int { return r.counts }

// Ignored counts what the log said in vain: heartbeats and facts of vehicles that were not watched, vehicle numbers
// above MaxVehicle, policies that are none.
func (r *Rule) Ignored() uint64 { return r.ignored }
