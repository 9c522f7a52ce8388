package app_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
)

// hear lets every vehicle report once.
func hear(t *testing.T, c *client.Client, vins []string) {
	t.Helper()
	batch := client.Batch{}
	for _, vin := range vins {
		batch.Items = append(batch.Items, client.NewHeartbeat{Vehicle: vin})
	}
	if accepted, err := c.Heartbeats(t.Context(), batch); err != nil || accepted.Accepted != len(vins) {
		t.Fatalf("of %d heartbeats: %+v, %v", len(vins), accepted, err)
	}
}

// shortPolicy is the shortest that there may be.
func shortPolicy(c *app.Config) {
	c.DefaultPolicy = event.Policy{LateAfter: 2 * time.Second, OfflineAfter: 2500 * time.Millisecond}
}

func TestEveryClientIsToldTheSameAtOnce(t *testing.T) {
	t.Parallel()
	s := fleettest.Start(t, shortPolicy)
	var vins []string
	for n := range 40 {
		vins = append(vins, fleettest.VIN(n))
	}
	fleettest.Register(t, s.Client, vins...)
	var witnesses []*fleettest.Witness
	for range 3 {
		witnesses = append(witnesses, fleettest.Watch(t, s.Client))
	}
	hear(t, s.Client, vins)
	fleettest.Eventually(t, "all are offline", func() error { return presences(t, s.Client, client.Counts{Offline: len(vins)}) })

	want := fleettest.Transitions(t, s.Client)
	for i, w := range witnesses {
		w.CatchUp(t)
		if diff := cmp.Diff(want, w.Transitions()); diff != "" {
			t.Errorf("the server remembers -, client %d was told +\n%s", i, diff)
		}
		for _, presence := range []client.Presence{client.Online, client.Late, client.Offline} {
			// A canary comes every 250 ms, a frame every 100 ms. The rest is for a machine that has much else to do.
			delays := slices.Sorted(slices.Values(w.Delays(presence)))
			if median := delays[len(delays)/2]; len(delays) != len(vins) || median > time.Second {
				t.Errorf("client %d was told of %d that were %s; half of them %s late or more", i, len(delays), presence, median)
			}
		}
	}
}

// presences is nil when the fleet's presences are as wanted.
func presences(t *testing.T, c *client.Client, want client.Counts) error {
	t.Helper()
	summary, err := c.Summary(t.Context())
	if err != nil {
		return err
	}
	if summary.Presence != want {
		return fmt.Errorf("they are %+v, not %+v", summary.Presence, want)
	}
	return nil
}

// TestLiveStreamGoesOnAfterARestart reads a stream, restarts the server, and goes on. Either nothing is missing or the
// stream says that something may be; what it shows then is never older than what it showed before.
func TestLiveStreamGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	s := fleettest.Start(t, shortPolicy)
	vins := []string{fleettest.VIN(0), fleettest.VIN(1)}
	fleettest.Register(t, s.Client, vins...)
	hear(t, s.Client, vins)
	first := readLive(t, s.Client, "", client.Offline, 2)
	s.Restart(t)
	hear(t, s.Client, vins[:1])
	second := readLive(t, s.Client, first.id, client.Online, 1)
	if second.hello.Resumed {
		t.Error("a server that was just started says that nothing is missing")
	}
	if second.hello.Position < first.position || second.position < second.hello.Position {
		t.Errorf("the stream was at %d; it began again at %d and went on to %d", first.position, second.hello.Position, second.position)
	}
	third := readLive(t, s.Client, second.id, client.Late, 1)
	if !third.hello.Resumed || len(third.told) == 0 || third.told[0].Position <= second.position {
		t.Errorf("a stream that was left at %d went on with %+v", second.position, third)
	}
	all := fleettest.Transitions(t, s.Client)
	rest := slices.DeleteFunc(slices.Clone(all), func(tr client.Transition) bool { return tr.Position <= second.position })
	if diff := cmp.Diff(rest[:len(third.told)], third.told); diff != "" {
		t.Errorf("after %d: remembered -, told +\n%s", second.position, diff)
	}
}

// liveRead is what a live stream told.
type liveRead struct {
	hello    client.Hello
	told     []client.Transition
	position uint64 // of the last summary
	id       string // of the last event
}

// readLive reads a stream, after the event with an id, until the summary says that at least n vehicles have a presence.
func readLive(t *testing.T, c *client.Client, after string, presence client.Presence, n int) (read liveRead) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for event, err := range c.Live(ctx, client.LiveOptions{LastEventID: after}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.ID != "" {
			read.id = event.ID
		}
		switch {
		case event.Hello != nil:
			read.hello = *event.Hello
		case event.Transitions != nil:
			read.told = append(read.told, event.Transitions.Items...)
		case event.Summary != nil:
			read.position = event.Summary.Position
			if countOf(event.Summary.Presence, presence) >= n {
				return read
			}
		}
	}
	t.Fatalf("the stream ended before %d were %s", n, presence)
	return read
}

func countOf(c client.Counts, p client.Presence) int {
	return map[client.Presence]int{client.Unknown: c.Unknown, client.Online: c.Online, client.Late: c.Late, client.Offline: c.Offline, client.Paused: c.Paused}[p]
}
