package ingest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// runCanary starts a canary and gives what ends it.
func runCanary(t *testing.T, config CanaryConfig) (stop func()) {
	t.Helper()
	canary, err := NewCanary(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := canary.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// facts are all facts of the log.
func (h *house) facts(t *testing.T) []event.Fact {
	t.Helper()
	var all []event.Fact
	for _, s := range h.stored(t) {
		for _, e := range s.Entries {
			all = append(all, e.Fact)
		}
	}
	return all
}

func TestCanariesStandBetweenStartAndStopOfTheObserver(t *testing.T) {
	h := newHouse(t, options{})
	stop := runCanary(t, CanaryConfig{Doors: h.doors, URL: h.server.URL + "/", Interval: time.Millisecond})
	if err := h.log.Wait(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	stop()
	facts := h.facts(t)
	for i, fact := range facts {
		var want event.Fact = event.Canary{Door: "http"}
		switch i {
		case 0:
			want = event.ObserverStarted{Door: "http"}
		case len(facts) - 1:
			want = event.ObserverStopped{Door: "http"}
		}
		if fact != want {
			t.Fatalf("fact %d is %#v, want %#v", i, fact, want)
		}
	}
	if h.heartbeats(t) != nil || h.unregistered.Len() != 0 {
		t.Error("a canary was taken for a vehicle")
	}
}

func TestCanaryTellsWhenTheDoorIsClosed(t *testing.T) {
	h := newHouse(t, options{})
	var closed atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if closed.Load() {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		h.server.Config.Handler.ServeHTTP(w, r)
	}))
	defer front.Close()
	var logged lockedBuffer
	stop := runCanary(t, CanaryConfig{
		Doors: h.doors, URL: front.URL, Interval: time.Millisecond, Registerer: h.registry, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	wait := func(n int) {
		t.Helper()
		if err := h.log.Wait(t.Context(), h.log.Head()+event.Position(n)); err != nil {
			t.Fatal(err)
		}
	}
	wait(3)
	closed.Store(true)
	eventually(t, func() bool { return h.metric(t, "canary_failures_total") > 5 })
	closed.Store(false)
	wait(3)
	eventually(t, func() bool { return strings.Contains(logged.String(), "comes through again") })
	stop()
	if text := logged.String(); strings.Count(text, "level=WARN") != 1 || strings.Count(text, "level=INFO") != 1 || strings.Contains(text, h.doors.canary) {
		t.Errorf("logged:\n%s", text)
	}
}

func TestCanaryKeepsItsSecretWhenNobodyListens(t *testing.T) {
	h := newHouse(t, options{})
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	var logged lockedBuffer
	stop := runCanary(t, CanaryConfig{Doors: h.doors, URL: gone.URL, Interval: time.Millisecond, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	eventually(t, func() bool { return strings.Contains(logged.String(), "refused") })
	stop()
	if strings.Contains(logged.String(), h.doors.canary) {
		t.Errorf("logged:\n%s", logged.String())
	}
}

func TestCanaryOfAnotherProcessIsUnknown(t *testing.T) {
	h := newHouse(t, options{})
	other := newHouse(t, options{})
	if h.doors.canary == other.doors.canary {
		t.Fatal("two processes have the same secret")
	}
	if got := h.post(t, "/heartbeat/"+other.doors.canary, ""); got.status != 404 {
		t.Errorf("got %+v", got)
	}
	if got := h.post(t, "/v1/vehicles/"+h.doors.canary+"/heartbeats", ""); got.status != 404 {
		t.Errorf("by another door: %+v", got)
	}
	if h.unregistered.Len() != 0 {
		t.Error("the secret is listed")
	}
}

func TestCanaryTakesTheWayOfAllHeartbeats(t *testing.T) {
	h := newHouse(t, options{idle: true, committer: CommitterConfig{QueueRows: 1}})
	if _, err := h.committer.enter(t.Context(), []event.Heartbeat{row(1, 1)}, nil); err != nil {
		t.Fatal(err)
	}
	if got := h.post(t, "/heartbeat/"+h.doors.canary, ""); got.status != 503 {
		t.Errorf("past a full queue: %+v", got)
	}
	h.run(t)
}

func TestCanaryNeedsAPublicAddress(t *testing.T) {
	h := newHouse(t, options{})
	for _, url := range []string{"", "localhost:8080", "ftp://x", "http://", "://"} {
		if _, err := NewCanary(CanaryConfig{Doors: h.doors, URL: url}); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
	if _, err := NewCanary(CanaryConfig{URL: "http://x"}); err == nil {
		t.Error("a canary without doors was made")
	}
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprint(&b.text)
}

func TestNoCanaryComesAfterTheStop(t *testing.T) {
	h := newHouse(t, options{})
	arrived, pass := make(chan struct{}), make(chan struct{})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-pass
		h.server.Config.Handler.ServeHTTP(w, r)
	}))
	defer front.Close()
	stop := runCanary(t, CanaryConfig{Doors: h.doors, URL: front.URL, Interval: time.Hour})
	<-arrived
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("the canary stopped while one of its heartbeats was on its way")
	case <-time.After(100 * time.Millisecond): // long enough for a stop that does not wait
	}
	close(pass)
	<-stopped
	front.Close()
	want := []event.Fact{event.ObserverStarted{Door: "http"}, event.Canary{Door: "http"}, event.ObserverStopped{Door: "http"}}
	if got := h.facts(t); !slices.Equal(got, want) {
		t.Errorf("the log says %#v", got)
	}
}
