package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen is a receiver of frames as a browser is one: it holds a grid and its position, and a list of transitions.
type screen struct {
	grid        fleet.Grid
	transitions []fleet.Transition
	last        *fleet.Frame
}

func (s *screen) receive(t rapid.TB, v *fleet.View, f *fleet.Frame) {
	if s.last != nil && !f.Resync && f.From > s.last.To {
		t.Fatalf("frame from %d follows one to %d", f.From, s.last.To)
	}
	if f.Resync {
		s.transitions = nil
	}
	s.transitions = append(s.transitions, f.Transitions...)
	s.last = f
	switch {
	case f.Resync || f.Regrid:
		s.grid = v.Grid()
	case f.To > s.grid.Position:
		if f.Epoch != s.grid.Epoch && len(f.Changes) > 0 {
			t.Fatalf("changes of epoch %d for a grid of %d", f.Epoch, s.grid.Epoch)
		}
		for _, change := range f.Changes {
			s.grid.Presences[change>>4] = byte(change & 15)
		}
		s.grid.Position = f.To
	}
}

// pending gives all frames that a subscriber would get now.
func pending(t rapid.TB, s *fleet.Subscription) (frames []*fleet.Frame) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		f, err := s.Next(ended)
		if errors.Is(err, context.Canceled) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
}

func TestASubscriberThatAppliesFramesEqualsTheView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := fleet.New(fleet.Config{Transitions: rapid.SampledFrom([]int{3, 1000}).Draw(t, "kept")})
		now := time.Unix(0, 0)
		sub, err := v.Subscribe("")
		must(err)
		var s screen
		for _, h := range drawStory(t) {
			h.to(t, v)
			now = now.Add(100 * time.Millisecond)
			switch rapid.IntRange(0, 9).Draw(t, "then") {
			case 0, 1, 2, 3:
				v.Tick(now)
			case 4, 5, 6:
				v.Tick(now)
				for _, f := range pending(t, sub) {
					s.receive(t, v, f)
				}
			case 7: // the connection breaks; another begins where this one ended
				sub.Close()
				after := ""
				if s.last != nil {
					after = s.last.ID()
				}
				sub, err = v.Subscribe(after)
				must(err)
			case 8: // or after a long time
				sub.Close()
				v.Tick(now)
				now = now.Add(2 * time.Minute)
				v.Tick(now)
				sub, err = v.Subscribe("")
				must(err)
			}
		}
		v.Tick(now.Add(time.Second))
		for _, f := range pending(t, sub) {
			s.receive(t, v, f)
		}
		if want := v.Grid(); !bytes.Equal(want.Presences, s.grid.Presences) || want.Epoch != s.grid.Epoch {
			t.Fatalf("screen shows %v of epoch %d, the view %v of epoch %d", s.grid.Presences, s.grid.Epoch, want.Presences, want.Epoch)
		}
		if s.last.Summary != v.Summary() {
			t.Fatalf("the last frame says %+v, the view %+v", s.last.Summary, v.Summary())
		}
	})
}

// watched is a view of a few vehicles, all watched, with a log to go on with.
func watched(config fleet.Config, vehicles int) (*fleet.View, *traffic) {
	u, log := directoryOf(vehicles, 3), new(traffic)
	v := fleet.New(config)
	must(v.Update(u))
	must(v.Apply(log.added(&u)))
	return v, log
}

// heard is a batch in which one vehicle is heard.
func (t *traffic) heard(id event.VehicleID) event.Stored {
	var b event.Batch
	t.now++
	b.Heartbeats.Append(event.Heartbeat{Vehicle: id, ReceivedAt: t.now, Sequence: event.NoSequence})
	return t.stored(b)
}

// paused is a batch in which every vehicle is paused or resumed: a transition of each.
func (t *traffic) paused(pause bool) event.Stored {
	var b event.Batch
	t.now++
	for id := range event.VehicleID(t.vehicles) {
		fact := event.Fact(event.VehicleResumed{Vehicle: id + 1})
		if pause {
			fact = event.VehiclePaused{Vehicle: id + 1}
		}
		b.Entries = append(b.Entries, event.Entry{ReceivedAt: t.now, Fact: fact})
	}
	return t.stored(b)
}

func TestFramesCoalesceAndProofsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, log := watched(fleet.Config{}, 10)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { must(v.Run(ctx)) })
		s, err := v.Subscribe("")
		must(err)
		next := func() *fleet.Frame {
			f, err := s.Next(ctx)
			must(err)
			return f
		}
		if f := next(); !f.Resync || f.To != 1 || f.Summary.Vehicles != 10 {
			t.Fatalf("the first frame is %+v", f)
		}
		began := time.Now()
		next()
		must(v.Apply(log.paused(true)))
		must(v.Apply(log.paused(false)))
		must(v.Apply(log.heard(1)))
		f := next()
		if f.From != 1 || f.To != 4 || len(f.Changes) != 10 || len(f.Transitions) != 21 || f.Summary.Presences[event.Online] != 1 {
			t.Fatalf("the frame of two batches is %+v", f)
		}
		for range 3 {
			must(v.Apply(log.next(0)))
			if f := next(); len(f.Changes) != 0 || f.Summary.Listening.Proof != log.now || f.To != log.position {
				t.Fatalf("the frame of a proof is %+v", f)
			}
		}
		if took := time.Since(began); took < 3*time.Second || took > 4*time.Second {
			t.Fatalf("three proofs took %v", took)
		}
		cancel()
		running.Wait()
		if _, err := s.Next(t.Context()); !errors.Is(err, fleet.ErrClosed) {
			t.Fatalf("after Run, Next gives %v", err)
		}
		if _, err := v.Subscribe(""); !errors.Is(err, fleet.ErrClosed) {
			t.Fatalf("after Run, Subscribe gives %v", err)
		}
	})
}

func TestASlowSubscriberBeginsAnew(t *testing.T) {
	v, log := watched(fleet.Config{}, 10)
	s, err := v.Subscribe("")
	must(err)
	pending(t, s)
	now := time.Unix(0, 0)
	for i := range 1000 { // more frames than are kept
		must(v.Apply(log.paused(i%2 == 0)))
		now = now.Add(100 * time.Millisecond)
		v.Tick(now)
	}
	frames := pending(t, s)
	if len(frames) != 1 || !frames[0].Resync || frames[0].To != log.position {
		t.Fatalf("a slow subscriber gets %d frames, first %+v", len(frames), frames[0])
	}
}

func TestResumeFromWhereItEndedOrAnew(t *testing.T) {
	v, log := watched(fleet.Config{}, 10)
	first, err := v.Subscribe("")
	must(err)
	defer first.Close()
	now := time.Unix(0, 0)
	for i := range 5 {
		must(v.Apply(log.heard(1)))
		must(v.Apply(log.paused(i%2 == 0)))
		now = now.Add(100 * time.Millisecond)
		v.Tick(now)
	}
	_, id, _ := strings.Cut(pending(t, first)[0].ID(), "-")
	layout, err := strconv.ParseUint(id, 10, 64)
	must(err)
	for after, want := range map[event.Position]int{0: 1, 1: 5, 2: 5, 3: 4, 10: 1, 11: 0, 12: 1} {
		s, err := v.Subscribe(fmt.Sprintf("%d-%d", after, layout))
		must(err)
		frames := pending(t, s)
		s.Close()
		if len(frames) != want {
			t.Fatalf("after %d there are %d frames, not %d", after, len(frames), want)
		}
		if want > 0 && frames[0].Resync != (after == 0 || after == 12) {
			t.Fatalf("after %d the first frame is %+v", after, frames[0])
		}
	}
	later := func(when time.Time, pause bool) *fleet.Frame {
		v.Tick(when)
		s, err := v.Subscribe(fmt.Sprintf("11-%d", layout))
		must(err)
		defer s.Close()
		must(v.Apply(log.paused(pause)))
		v.Tick(when)
		return pending(t, s)[0]
	}
	if f := later(now.Add(time.Hour), false); f.Resync || f.From != 11 {
		t.Fatalf("an hour later, while another was there, the first frame is %+v", f)
	}
	first.Close()
	if f := later(now.Add(2*time.Hour), true); !f.Resync {
		t.Fatalf("an hour after the last has left, the first frame is %+v", f)
	}
	for _, strange := range []string{"-", "1", "x-1", "-1-2", fmt.Sprint("11-", layout-1), fmt.Sprint("11-", layout+1), "99999999999999999999-1"} {
		s, err := v.Subscribe(strange)
		must(err)
		if frames := pending(t, s); len(frames) != 1 || !frames[0].Resync {
			t.Fatalf("after %q the first frame is %+v", strange, frames[0])
		}
		s.Close()
	}
}

func TestTooManyChangesAreANewBeginning(t *testing.T) {
	v, log := watched(fleet.Config{Transitions: 100}, 60)
	s, err := v.Subscribe("")
	must(err)
	pending(t, s)
	must(v.Apply(log.paused(true)))
	must(v.Apply(log.paused(false)))
	v.Tick(time.Unix(1, 0))
	if frames := pending(t, s); len(frames) != 1 || !frames[0].Resync || frames[0].Summary.Presences[event.Unknown] != 60 {
		t.Fatalf("got %d frames, first %+v", len(frames), frames[0])
	}
}

func TestSubscribersAreBounded(t *testing.T) {
	v, _ := watched(fleet.Config{Subscribers: 2}, 1)
	a, err := v.Subscribe("")
	must(err)
	_, err = v.Subscribe("")
	must(err)
	if _, err := v.Subscribe(""); !errors.Is(err, fleet.ErrTooManySubscribers) {
		t.Fatalf("the third gets %v", err)
	}
	a.Close()
	a.Close()
	if _, err := v.Subscribe(""); err != nil {
		t.Fatalf("after one has left, the third gets %v", err)
	}
	if _, err := a.Next(t.Context()); !errors.Is(err, fleet.ErrClosed) {
		t.Fatalf("who has left gets %v", err)
	}
}

// TestEverybodyAtOnce is for the race detector: writers, readers and subscribers that come and go.
func TestEverybodyAtOnce(t *testing.T) {
	v, log := watched(fleet.Config{}, 500)
	u := directoryOf(500, 3)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { must(v.Run(ctx)) })
	all.Go(func() {
		for i := range 400 {
			must(v.Apply(log.paused(i%2 == 0)))
		}
		cancel()
	})
	all.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			one := u.Vehicles[i%len(u.Vehicles)]
			one.Customer = event.CustomerID(i%3 + 1)
			must(v.Update(fleet.Update{Vehicles: []fleet.Vehicle{one}, RemovedVehicles: []event.VehicleID{event.VehicleID(i % 500)}}))
		}
	})
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				s, err := v.Subscribe(fmt.Sprintf("%d-%d", v.Checkpoint()-1, v.Grid().Epoch))
				if errors.Is(err, fleet.ErrClosed) {
					return
				}
				must(err)
				other, leave := context.WithTimeout(ctx, 30*time.Millisecond)
				for {
					if _, err := s.Next(other); err != nil {
						break
					}
				}
				go s.Close()
				s.Close()
				leave()
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			query(t, v, fleet.Query{Text: "a", Sort: "-since", Facets: fleet.FacetCustomers | fleet.FacetTags})
			v.Grid()
			v.GridGroups()
			_, err := v.Transitions(fleet.TransitionQuery{})
			must(err)
			for range v.Search(fleet.SearchQuery{CustomerName: "a", Now: start}) {
				break
			}
			saved(t, v)
		}
	})
	all.Wait()
}
