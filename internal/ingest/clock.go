package ingest

import "time"

// Clock is where a Committer reads the time. The zero Clock is the machine's.
type Clock struct {
	Wall      func() time.Time     // default time.Now
	Monotonic func() time.Duration // time since some fixed moment; never steps, may stop while the machine sleeps
}

func (c Clock) orDefault() Clock {
	start := time.Now()
	if c.Wall == nil {
		c.Wall = time.Now
	}
	if c.Monotonic == nil {
		c.Monotonic = func() time.Duration { return time.Since(start) }
	}
	return c
}

// clockTolerance is how far the wall clock may be ahead before a stamper steps after it.
const clockTolerance = time.Second

// stamper gives the moments that are stamped as received-at. They never go back, whatever the wall clock does, and
// pass as the monotonic clock does:
//
//   - while the wall clock is at most clockTolerance ahead, it is not followed;
//   - when it is further ahead (the machine slept, or its clock was put right), the stamper steps to it. A step of
//     more than the listening clock's longest gap is a gap, which is the truth: nobody can say what was heard then;
//   - while it is behind, the stamper goes on at 9/10 of the monotonic rate, so that they meet.
//
// A stamper is not safe for concurrent use.
type stamper struct {
	clock Clock
	last  time.Time     // what now answered last, without a monotonic reading
	mono  time.Duration // the monotonic clock then
}

// newStamper starts at the wall clock, or at floor when that is later: the time of the log's last event.
func newStamper(clock Clock, floor time.Time) *stamper {
	s := &stamper{clock: clock.orDefault()}
	s.last, s.mono = s.clock.Wall().Round(0), s.clock.Monotonic()
	s.raise(floor)
	return s
}

// raise makes sure that no moment before floor is stamped from now on.
func (s *stamper) raise(floor time.Time) {
	if s.last.Before(floor) {
		s.last = floor.Round(0)
	}
}

// now is the present moment.
func (s *stamper) now() time.Time {
	mono, wall := s.clock.Monotonic(), s.clock.Wall().Round(0)
	passed := max(0, mono-s.mono)
	next := s.last.Add(passed)
	switch {
	case wall.Sub(next) > clockTolerance:
		next = wall
	case wall.Before(next):
		next = s.last.Add(passed - passed/10)
		if next.Before(wall) {
			next = wall
		}
	}
	s.last, s.mono = next, mono
	return next
}

// ahead is how far the last moment was ahead of the wall clock; negative when it was behind.
func (s *stamper) ahead() time.Duration { return s.last.Sub(s.clock.Wall().Round(0)) }
