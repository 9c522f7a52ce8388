package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/natstest"
)

// node is one of several that write one log, with its committer running.
type node struct {
	log       *eventlog.Log
	dir       string
	committer *Committer
	stop      func() error
}

func newNode(t *testing.T, door string, shared eventlog.Shared, clock Clock) *node {
	t.Helper()
	n := &node{dir: t.TempDir()}
	var err error
	if n.log, err = eventlog.Open(t.Context(), eventlog.Config{Dir: n.dir, Shared: &shared}); err != nil {
		t.Fatal(err)
	}
	window := NewWindow()
	if _, err := eventlog.Read(n.dir, 1, window.Apply); err != nil {
		t.Fatal(err)
	}
	if n.committer, err = NewCommitter(CommitterConfig{Log: n.log, Window: window, Door: door, Clock: clock}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.committer.Run(ctx) }()
	n.stop = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-done, n.log.Close())
	})
	t.Cleanup(func() { _ = n.stop() })
	return n
}

// TestNodesRecogniseEachOthersRepeats sends every heartbeat through two doors at once: in the log, one of them is a repeat,
// whatever each node's clock says.
func TestNodesRecogniseEachOthersRepeats(t *testing.T) {
	shared := eventlog.Shared{URLs: natstest.Start(t, 1, "", "").URLs()}
	slow := Clock{Wall: func() time.Time { return time.Now().Add(-time.Hour) }}
	nodes := []*node{newNode(t, "east", shared, Clock{}), newNode(t, "west", shared, slow)}
	const vehicles, each = 20, 30
	var sending sync.WaitGroup
	for _, n := range nodes {
		for v := range event.VehicleID(vehicles) {
			sending.Go(func() {
				for sequence := range int64(each) {
					receipt, err := n.committer.Submit(t.Context(), []event.Heartbeat{{Vehicle: v + 1, Sequence: sequence}})
					if err != nil {
						t.Error(err)
						return
					}
					if receipt.Position == 0 || receipt.ReceivedAt == 0 {
						t.Errorf("a receipt says %+v", receipt)
					}
				}
			})
		}
	}
	sending.Wait()
	if err := nodes[0].log.Wait(t.Context(), nodes[1].log.Head()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	var last event.Time
	if _, err := eventlog.Read(nodes[0].dir, 1, func(s event.Stored) error {
		for i := range s.Heartbeats.Len() {
			hb := s.Heartbeats.At(i)
			if hb.ReceivedAt < last {
				return fmt.Errorf("received at goes back at position %d", s.Position)
			}
			last = hb.ReceivedAt
			seen[fmt.Sprintf("%d/%d repeat %t", hb.Vehicle, hb.Sequence, hb.Flags&event.Repeat != 0)]++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for v := range vehicles {
		for sequence := range each {
			for _, repeat := range []bool{false, true} {
				if key := fmt.Sprintf("%d/%d repeat %t", v+1, sequence, repeat); seen[key] != 1 {
					t.Errorf("%s is in the log %d times", key, seen[key])
				}
			}
		}
	}
	if got := len(seen); got != 2*vehicles*each {
		t.Errorf("%d different heartbeats", got)
	}
}

// TestNameOfADoorIsOneProcessOnly starts a second process under a name that is in use, and one that takes it over.
func TestNameOfADoorIsOneProcessOnly(t *testing.T) {
	shared := eventlog.Shared{URLs: natstest.Start(t, 1, "", "").URLs()}
	first, second := newNode(t, "east", shared, Clock{}), newNode(t, "east", shared, Clock{})
	canary := []event.Fact{event.Canary{Door: "east"}}
	sending, stop := context.WithCancel(t.Context())
	var canaries sync.WaitGroup
	canaries.Go(func() {
		for sending.Err() == nil {
			if _, err := first.committer.SubmitFacts(t.Context(), canary); err != nil {
				t.Error(err)
			}
		}
	})
	if err := AwaitAlone(t.Context(), second.log, "east", time.Minute); !errors.Is(err, ErrTaken) {
		t.Errorf("beside a living one: %v", err)
	}
	if err := AwaitAlone(t.Context(), second.log, "west", 100*time.Millisecond); err != nil {
		t.Errorf("another name: %v", err)
	}
	stop()
	canaries.Wait()
	if err := second.log.Wait(t.Context(), first.log.Head()); err != nil {
		t.Fatal(err)
	}
	if err := AwaitAlone(t.Context(), second.log, "east", 100*time.Millisecond); err != nil {
		t.Errorf("beside a dead one: %v", err)
	}
	if _, err := second.committer.SubmitFacts(t.Context(), []event.Fact{event.ObserverStarted{Door: "east"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := first.committer.SubmitFacts(t.Context(), canary); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the one that was taken for dead goes on: %v", err)
	}
	if err := first.stop(); !errors.Is(err, ErrSuperseded) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := second.committer.SubmitFacts(t.Context(), canary); err != nil {
		t.Errorf("the one that took over: %v", err)
	}
	var doors []string
	if _, err := eventlog.Read(second.dir, second.log.Head()-1, func(s event.Stored) error {
		for _, e := range s.Entries {
			doors = append(doors, fmt.Sprintf("%T", e.Fact))
		}
		return nil
	}); err != nil || !slices.Equal(doors, []string{"event.ObserverStarted", "event.Canary"}) {
		t.Errorf("the log ends with %v, %v", doors, err)
	}
}
