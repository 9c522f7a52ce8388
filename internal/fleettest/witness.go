package fleettest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// Witness watches the live stream of a server, over every interruption, and remembers what it was told. It relies on what
// the stream promises: after a resync it asks for the transitions that it missed, and for nothing else. It fails its test
// when the stream goes back to what is past.
type Witness struct {
	t      testing.TB
	client *client.Client
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex // guards the following
	told     []client.Transition
	arrivals []time.Time // of told, by the machine's clock
	position uint64      // up to which everything is told
	resumes  int         // streams that went on where another ended
	resyncs  int         // times at which something was to be fetched anew
}

var errNotYet = errors.New("not yet")

// Watch begins to watch, and returns when the stream is open. The witness stops when the test ends.
func Watch(t testing.TB, c *client.Client) *Witness {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &Witness{t: t, client: c, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.run(ctx)
	}()
	t.Cleanup(w.Stop)
	Eventually(t, "the live stream is open", func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.resumes+w.resyncs == 0 {
			return errNotYet
		}
		return nil
	})
	return w
}

// Stop ends the watching.
func (w *Witness) Stop() {
	w.cancel()
	<-w.done
}

// Transitions are all that the witness was told, in the order in which it was.
func (w *Witness) Transitions() []client.Transition {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.told)
}

// Of are the transitions of one vehicle.
func (w *Witness) Of(vin string) []client.Transition {
	return slices.DeleteFunc(w.Transitions(), func(t client.Transition) bool { return t.VIN != vin })
}

// CatchUp returns when the witness was told everything that the server shows at this moment.
func (w *Witness) CatchUp(t testing.TB) {
	t.Helper()
	page, err := w.client.Transitions(t.Context(), client.TransitionQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) == 0 {
		return
	}
	Eventually(t, "the live stream tells of the newest transition", func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.position < page.Items[0].Position {
			return fmt.Errorf("it is at %d, not at %d", w.position, page.Items[0].Position)
		}
		return nil
	})
}

// Delays say how long after its moment each transition to a presence was told.
func (w *Witness) Delays(to client.Presence) []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var delays []time.Duration
	for i, t := range w.told {
		if t.To == to {
			delays = append(delays, w.arrivals[i].Sub(t.At.Time))
		}
	}
	return delays
}

// Streams says how many streams went on where another had ended, and how often something was to be fetched anew.
func (w *Witness) Streams() (resumes, resyncs int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.resumes, w.resyncs
}

// run reads one stream after the other. It is less patient than a client's own reconnects: a test waits for it.
func (w *Witness) run(ctx context.Context) {
	var last string
	for ctx.Err() == nil {
		for event, err := range w.client.Live(ctx, client.LiveOptions{LastEventID: last}) {
			if err == nil {
				err = w.take(ctx, event)
			}
			if err != nil {
				break
			}
			if event.ID != "" {
				last = event.ID
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// take notes what one event says.
func (w *Witness) take(ctx context.Context, event client.LiveEvent) error {
	switch {
	case event.Hello != nil && event.Hello.Resumed:
		w.mu.Lock()
		w.resumes++
		w.mu.Unlock()
	case event.Hello != nil:
		w.notBack("hello", event.Hello.Position)
		return w.fetch(ctx, event.Hello.Position)
	case event.Resync != nil && event.Resync.Reason == "missed":
		w.notBack("resync", event.Resync.Position)
		return w.fetch(ctx, event.Resync.Position)
	case event.Transitions != nil:
		w.note(event.Transitions.Items, event.Transitions.Position)
	case event.Summary != nil:
		w.notBack("summary", event.Summary.Position)
		w.note(nil, event.Summary.Position)
	}
	return nil
}

// notBack fails the test when what the stream says is of before what it told.
func (w *Witness) notBack(what string, position uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if position < w.position {
		w.t.Errorf("a %s is of position %d, after the stream had come to %d", what, position, w.position)
	}
}

// fetch asks for the transitions between what was told and a position, which the stream does not tell.
func (w *Witness) fetch(ctx context.Context, position uint64) error {
	w.mu.Lock()
	query := client.TransitionQuery{Since: w.position, Limit: 1000}
	w.mu.Unlock()
	var missed []client.Transition
	for {
		page, err := w.client.Transitions(ctx, query)
		if err != nil {
			return err
		}
		for _, t := range page.Items {
			if t.Position <= position {
				missed = append(missed, t)
			}
		}
		if page.NextCursor == nil {
			break
		}
		query.Cursor = *page.NextCursor
	}
	slices.Reverse(missed) // pages have the newest first
	w.note(missed, position)
	w.mu.Lock()
	w.resyncs++
	w.mu.Unlock()
	return nil
}

// note adds what is new up to a position.
func (w *Witness) note(items []client.Transition, position uint64) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range items {
		if t.Position > w.position {
			w.told = append(w.told, t)
			w.arrivals = append(w.arrivals, now)
		}
	}
	w.position = max(w.position, position)
}
