package presence

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

// The simulation counts true time in ticks of 100 ms.
const (
	tick        = 100 * time.Millisecond
	simCanary   = 5 * time.Second
	simVehicles = 2000
	simHours    = 100
)

func ticks(d time.Duration) int { return int(d / tick) }

// TestObserverFaultsCallNobodyOffline simulates a million vehicle-hours: 2,000 vehicles and 100 hours for each kind of
// fault, which happens once an hour. Vehicles send every 57 to 63 s; about one in twenty-five is dead at any time. No
// vehicle that lives is ever called late or offline, and each dead one is offline within its policy and two canaries of
// listening time.
func TestObserverFaultsCallNobodyOffline(t *testing.T) {
	for name, fault := range map[string]func(*simulation){
		"paused for 10 minutes": func(s *simulation) { s.deaf = ticks(10 * time.Minute) },
		"crashed, back after 30 minutes": func(s *simulation) {
			s.deaf, s.back = ticks(30*time.Minute), event.ObserverStarted{}
		},
		"reader stalled for 10 minutes": func(s *simulation) { s.unread = ticks(10 * time.Minute) },
		"clock stepped by an hour":      func(s *simulation) { s.wall = time.Hour - s.wall },
		"stopped for seconds": func(s *simulation) {
			s.fact(event.ObserverStopped{})
			s.deaf, s.back = 1+s.rand.IntN(ticks(20*time.Second)), event.ObserverStarted{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSimulation(t)
			hours := simHours
			if testing.Short() || raceDetector {
				hours /= 10
			}
			for range hours {
				at := s.rand.IntN(ticks(time.Hour))
				for i := range ticks(time.Hour) {
					if i == at {
						fault(s)
					}
					s.step()
				}
			}
			t.Logf("%d heartbeats stored, %d gaps, %d deaths, %d found", s.stored, s.gaps, s.deaths, s.found)
			if s.found < s.deaths/2 {
				t.Error("too few of the dead were found for the simulation to show anything")
			}
		})
	}
}

// simulation is the world outside, the log, and the rule that reads it.
type simulation struct {
	t    *testing.T
	rand *rand.Rand

	now      int           // true time
	wall     time.Duration // how far the machine's clock is ahead of true time
	ahead    time.Duration // how far the log's clock is: it follows wall forward at once and backward slowly
	vehicles []simVehicle
	dead     []event.VehicleID
	due      [][]event.VehicleID // by tick, a ring: who sends next

	deaf   int        // ticks for which nothing reaches the log
	back   event.Fact // what the log says first after that
	unread int        // ticks for which the log is not read

	open   event.Batch
	log    []event.Stored // written and not read yet
	canary event.Time     // the newest in the log
	start  event.Time     // since when we have been listening, reckoned apart from the rule
	broken bool

	rule                        *Rule
	out                         Changes
	stored, gaps, deaths, found int
}

type simVehicle struct {
	dead    bool
	revives int        // when, if dead
	since   event.Time // when it died or came back, by the log's clock
	heard   event.Time // its last heartbeat in the log
}

func newSimulation(t *testing.T) *simulation {
	t.Helper()
	s := &simulation{
		t: t, rand: rand.New(rand.NewPCG(1, 2)), rule: New(),
		vehicles: make([]simVehicle, simVehicles+1),
		due:      make([][]event.VehicleID, ticks(64*time.Second)),
	}
	for v := event.VehicleID(1); v <= simVehicles; v++ {
		s.fact(event.VehicleAdded{Vehicle: v, Customer: 1})
		first := s.rand.IntN(ticks(time.Minute))
		s.due[first] = append(s.due[first], v)
	}
	return s
}

// clock is what the log stamps now.
func (s *simulation) clock() event.Time {
	return scripttest.Start.Add(time.Duration(s.now)*tick + s.ahead)
}

func (s *simulation) step() {
	s.now++
	if s.ahead = max(s.wall, s.ahead-tick/10); s.rand.IntN(ticks(50*time.Second)) == 0 && s.now > ticks(10*time.Minute) {
		s.die(event.VehicleID(1 + s.rand.IntN(simVehicles)))
	}
	here := s.now % len(s.due)
	for _, v := range s.due[here] {
		s.send(v)
		next := (s.now + ticks(57*time.Second) + s.rand.IntN(ticks(6*time.Second))) % len(s.due)
		s.due[next] = append(s.due[next], v)
	}
	s.due[here] = s.due[here][:0]
	if s.deaf > 0 {
		if s.deaf--; s.deaf == 0 && s.back != nil {
			s.fact(s.back)
		}
		return
	}
	if s.now%ticks(simCanary) == 0 {
		s.listen()
	}
	if s.unread > 0 {
		s.unread--
	} else {
		s.read()
	}
}

func (s *simulation) die(v event.VehicleID) {
	if car := &s.vehicles[v]; !car.dead {
		car.dead, car.since, car.revives = true, s.clock(), s.now+ticks(20*time.Minute)+s.rand.IntN(ticks(100*time.Minute))
		s.dead = append(s.dead, v)
		s.deaths++
	}
}

func (s *simulation) send(v event.VehicleID) {
	car := &s.vehicles[v]
	if car.dead {
		if s.now < car.revives {
			return
		}
		car.dead, car.since = false, s.clock()
		s.dead = slices.DeleteFunc(s.dead, func(d event.VehicleID) bool { return d == v })
	}
	if s.deaf == 0 {
		car.heard = s.clock()
		s.open.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: car.heard, Sequence: event.NoSequence})
		s.stored++
	}
}

func (s *simulation) fact(f event.Fact) {
	s.open.Entries = append(s.open.Entries, event.Entry{After: s.open.Heartbeats.Len(), ReceivedAt: s.clock(), Fact: f})
	switch f.(type) {
	case event.ObserverStarted, event.ObserverStopped:
		s.broken = true
	}
}

// listen writes a canary and ends the batch.
func (s *simulation) listen() {
	s.fact(event.Canary{})
	if now := s.clock(); s.broken || now.Sub(s.canary) > 10*time.Second {
		s.start, s.broken = now, false
	}
	s.canary = s.clock()
	s.log = append(s.log, event.Stored{Batch: s.open})
	s.open = event.Batch{}
}

// read lets the rule catch up with the log, and compares what it says with the truth.
func (s *simulation) read() {
	if len(s.log) == 0 {
		return
	}
	s.out.Reset()
	for _, batch := range s.log {
		s.rule.Apply(batch, &s.out)
	}
	s.log = s.log[:0]
	s.gaps += len(s.out.Gaps)
	for _, tr := range s.out.Transitions {
		if tr.To == event.Online {
			continue
		}
		if car := s.vehicles[tr.Vehicle]; car.dead != (tr.At >= car.since) {
			s.t.Fatalf("%v, but it lived", tr)
		}
		if tr.To == event.Offline {
			s.found++
		}
	}
	for _, v := range s.dead {
		proven := s.canary.Sub(max(s.vehicles[v].heard, s.start))
		if proven > event.DefaultPolicy.OfflineAfter+2*simCanary && s.rule.Presence(v) != event.Offline {
			s.t.Fatalf("vehicle %d is dead since %s and still %s at %s", v, s.vehicles[v].since, s.rule.Presence(v), s.canary)
		}
	}
}
