package record

import (
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Move says whose a vehicle is from a moment on; a customer of 0 says that it is not watched any more.
type Move struct {
	At       event.Time
	Vehicle  event.VehicleID
	Customer event.CustomerID
}

// Point is how many vehicles had each presence at a moment, as the log showed it by then.
type Point struct {
	At         event.Time
	Presences  [event.Presences]int
	Observed   bool          // we were listening at that moment
	Unobserved time.Duration // between it and the next point; 0 for the last
}

// Vehicles is how many they are in all.
func (p *Point) Vehicles() (n int) {
	for _, of := range p.Presences {
		n += of
	}
	return n
}

// Series counts vehicles by presence at moments, in one walk through what happened. Tell it what happened in the order
// in which the log showed it, and then ask for the Points.
type Series struct {
	at     []event.Time
	points []Point
	moves  []Move
	counts func(event.CustomerID) bool

	vehicles []member // by number
	now      [event.Presences]int
}

type member struct {
	customer event.CustomerID // 0: not watched
	presence event.Presence
}

// NewSeries counts at moments, in order, the vehicles whose moves are given, in order, while they are a customer's that
// counts.
func NewSeries(at []event.Time, moves []Move, counts func(event.CustomerID) bool) *Series {
	return &Series{at: at, moves: moves, counts: counts}
}

// Begin says what presences the vehicles had right before a moment, from which on transitions will be told.
func (s *Series) Begin(at event.Time, presence func(event.VehicleID) event.Presence) {
	for len(s.moves) > 0 && s.moves[0].At < at {
		s.move(s.moves[0])
		s.moves = s.moves[1:]
	}
	for v := range s.vehicles {
		if s.vehicles[v].customer != 0 {
			s.become(&s.vehicles[v], presence(event.VehicleID(v)))
		}
	}
}

// Tell takes in the next transition, and when the log showed it. Of a vehicle that is not watched it says nothing.
func (s *Series) Tell(v event.VehicleID, to event.Presence, shown event.Time) {
	s.reach(shown)
	if int(v) < len(s.vehicles) && s.vehicles[v].customer != 0 {
		s.become(&s.vehicles[v], to)
	}
}

// Points are the counts, after everything was told.
func (s *Series) Points(gaps []event.Gap) []Point {
	if n := len(s.at); n > 0 {
		s.reach(s.at[n-1] + 1)
	}
	for i := range s.points {
		p := &s.points[i]
		p.Observed = true
		until := p.At
		if i+1 < len(s.points) {
			until = s.points[i+1].At
		}
		for len(gaps) > 0 && gaps[0].To <= p.At {
			gaps = gaps[1:]
		}
		for _, g := range gaps {
			if g.From >= until {
				break
			}
			p.Observed = p.Observed && g.From >= p.At
			p.Unobserved += max(0, min(until, g.To).Sub(max(p.At, g.From)))
		}
	}
	return s.points
}

// reach takes in the moves up to and with a moment, and counts at every moment before.
func (s *Series) reach(at event.Time) {
	for len(s.moves) > 0 && s.moves[0].At <= at {
		s.count(s.moves[0].At)
		s.move(s.moves[0])
		s.moves = s.moves[1:]
	}
	s.count(at)
}

// count makes the points before a moment.
func (s *Series) count(before event.Time) {
	for n := len(s.points); n < len(s.at) && s.at[n] < before; n++ {
		s.points = append(s.points, Point{At: s.at[n], Presences: s.now})
	}
}

func (s *Series) move(m Move) {
	if more := int(m.Vehicle) + 1 - len(s.vehicles); more > 0 {
		s.vehicles = append(s.vehicles, make([]member, more)...)
	}
	of := &s.vehicles[m.Vehicle]
	s.add(of, -1)
	if of.customer == 0 {
		of.presence = event.Unknown
	}
	of.customer = m.Customer
	s.add(of, 1)
}

func (s *Series) become(of *member, to event.Presence) {
	s.add(of, -1)
	of.presence = to
	s.add(of, 1)
}

func (s *Series) add(of *member, n int) {
	if of.customer != 0 && s.counts(of.customer) {
		s.now[of.presence] += n
	}
}
