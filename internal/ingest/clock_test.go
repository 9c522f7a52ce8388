package ingest

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// handClock is a clock moved by hand.
type handClock struct {
	wall time.Time
	mono time.Duration
}

func newHandClock() *handClock { return &handClock{wall: time.Unix(1_800_000_000, 0)} }

func (h *handClock) clock() Clock {
	return Clock{Wall: func() time.Time { return h.wall }, Monotonic: func() time.Duration { return h.mono }}
}

// pass lets time go by on both.
func (h *handClock) pass(d time.Duration) {
	h.wall = h.wall.Add(d)
	h.mono += d
}

func TestStampsNeverGoBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHandClock()
		s := newStamper(h.clock(), h.wall.Add(time.Duration(rapid.Int64Range(-1e10, 1e10).Draw(t, "floor"))))
		last := s.now()
		for range 50 {
			h.wall = h.wall.Add(time.Duration(rapid.Int64Range(-1e13, 1e13).Draw(t, "step")))
			h.pass(time.Duration(rapid.Int64Range(0, 1e11).Draw(t, "passed")))
			now := s.now()
			if now.Before(last) {
				t.Fatalf("%s came after %s", now, last)
			}
			if h.wall.Sub(now) > clockTolerance {
				t.Fatalf("%s is behind the wall clock %s", now, h.wall)
			}
			last = now
		}
	})
}

func TestStampsFollowTheMonotonicClock(t *testing.T) {
	h := newHandClock()
	s := newStamper(h.clock(), time.Time{})
	h.mono += 10 * time.Second
	h.wall = h.wall.Add(10*time.Second + clockTolerance) // slightly ahead: not followed
	if got := s.now().Sub(newHandClock().wall); got != 10*time.Second {
		t.Errorf("after 10 s: %s", got)
	}
}

func TestStampsStepAfterAWallClockFarAhead(t *testing.T) {
	h := newHandClock()
	s := newStamper(h.clock(), time.Time{})
	h.wall = h.wall.Add(10 * time.Minute) // the machine slept
	if got := s.now(); !got.Equal(h.wall) {
		t.Errorf("%s, the wall clock says %s", got, h.wall)
	}
}

func TestStampsSlowDownUntilTheWallClockIsThere(t *testing.T) {
	h := newHandClock()
	s := newStamper(h.clock(), time.Time{})
	h.wall = h.wall.Add(-time.Second)
	start := s.now()
	h.pass(time.Second)
	if got := s.now().Sub(start); got != 900*time.Millisecond {
		t.Errorf("after 1 s: %s", got)
	}
	for range 100 {
		h.pass(time.Second)
		s.now()
	}
	if s.ahead() != 0 {
		t.Errorf("still %s ahead", s.ahead())
	}
}

func TestStampsBeginAfterTheLogsLast(t *testing.T) {
	h := newHandClock()
	floor := h.wall.Add(time.Hour)
	s := newStamper(h.clock(), floor)
	if got := s.now(); got.Before(floor) || s.ahead() != time.Hour {
		t.Errorf("begins at %s, the log ended at %s", got, floor)
	}
}
