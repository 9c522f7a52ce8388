package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// watch reads the live stream into a channel until the test ends or stop is called.
func (h *harness) watch(options client.LiveOptions) (events <-chan client.LiveEvent, stop func()) {
	ctx, cancel := context.WithCancel(h.Context())
	out := make(chan client.LiveEvent)
	var reading sync.WaitGroup
	reading.Go(func() {
		for e, err := range h.client.Live(ctx, options) {
			if err != nil && ctx.Err() == nil {
				h.Errorf("the live stream broke: %v", err)
				return
			}
			select {
			case out <- e:
			case <-ctx.Done():
			}
		}
	})
	stop = func() { cancel(); reading.Wait() }
	h.Cleanup(stop)
	return out, stop
}

// until reads events until one fits, and gives that one.
func until(t *testing.T, events <-chan client.LiveEvent, fits func(client.LiveEvent) bool) client.LiveEvent {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case e := <-events:
			if fits(e) {
				return e
			}
		case <-deadline:
			t.Fatal("the event does not come")
		}
	}
}

func isHello(e client.LiveEvent) bool       { return e.Hello != nil }
func isSummary(e client.LiveEvent) bool     { return e.Summary != nil }
func isTransitions(e client.LiveEvent) bool { return e.Transitions != nil }
func isResync(e client.LiveEvent) bool      { return e.Resync != nil }
func isObserver(e client.LiveEvent) bool    { return e.Observer != nil }

func TestLiveTellsWhatChanges(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	vin := "YS2R4X20005399401"
	events, _ := h.watch(client.LiveOptions{})
	hello := until(t, events, isHello)
	if hello.Hello.Resumed || event.Position(hello.Hello.Position) != h.head() {
		t.Errorf("hello says %+v, with the log at %d", hello.Hello, h.head())
	}
	if s := until(t, events, isSummary); s.Summary.Presence.Unknown != 7 || s.ID == "" {
		t.Errorf("at first the summary %s is %+v", s.ID, s.Summary)
	}
	at := h.time()
	position := h.hear(h.number(vin))
	e := until(t, events, isTransitions)
	want := client.Transition{VIN: vin, From: client.Unknown, To: client.Online, At: timeOf(at), Position: uint64(position)}
	if len(e.Transitions.Items) != 1 || e.Transitions.Items[0] != want || e.Transitions.Position != uint64(position) {
		t.Errorf("the transitions are %+v, want %+v", e.Transitions, want)
	}
	if s := until(t, events, isSummary); s.Summary.Presence.Online != 1 || s.Summary.Position != uint64(position) {
		t.Errorf("then the summary %s is %+v", s.ID, s.Summary)
	}
	h.listen(10 * time.Second)
	until(t, events, func(e client.LiveEvent) bool {
		return e.Observer != nil && e.Observer.Listening && !e.Observer.ProvenUntil.IsZero()
	})
	if _, err := h.client.PauseVehicle(t.Context(), vin); err != nil {
		t.Fatal(err)
	}
	if e := until(t, events, isTransitions); e.Transitions.Items[0].To != client.Paused {
		t.Errorf("after the pause: %+v", e.Transitions)
	}
	must(h.client.CreateVehicle(t.Context(), client.NewVehicle{VIN: "NEW", CustomerID: "kalles"}))(t)
	if e := until(t, events, isResync); e.Resync.Reason != "directory" || e.Resync.Epoch == hello.Hello.Epoch {
		t.Errorf("after a vehicle was added: %+v", e.Resync)
	}
}

func TestLiveGoesOnWhereAnotherEnded(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	h.hear(7)
	events, stop := h.watch(client.LiveOptions{})
	until(t, events, isHello)
	h.hear(1)
	until(t, events, isTransitions)
	last := until(t, events, isSummary).ID
	stop()
	h.hear(2)
	h.hear(3)
	events, stop = h.watch(client.LiveOptions{LastEventID: last})
	if hello := until(t, events, isHello).Hello; !hello.Resumed || hello.Position != 0 {
		t.Errorf("hello says %+v, to go on after %s", hello, last)
	}
	var missed []uint64
	until(t, events, func(e client.LiveEvent) bool {
		if isTransitions(e) {
			for _, transition := range e.Transitions.Items {
				missed = append(missed, transition.Position)
			}
		}
		return len(missed) == 2
	})
	head := uint64(h.head())
	if missed[0] != head-1 || missed[1] != head {
		t.Errorf("what was missed came from positions %v, want %d and %d", missed, head-1, head)
	}
	stop()
	for _, lost := range []string{"1-1", "9" + last, "18446744073709551615-1", "what"} {
		events, stop := h.watch(client.LiveOptions{LastEventID: lost})
		if hello := until(t, events, isHello).Hello; hello.Resumed || hello.Position != head {
			t.Errorf("after %s: hello says %+v", lost, hello)
		}
		stop()
	}
}

func TestLiveHeaderWinsOverTheAddress(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	h.hear(7)
	events, stop := h.watch(client.LiveOptions{})
	until(t, events, isHello)
	h.hear(1)
	last := until(t, events, func(e client.LiveEvent) bool { return isSummary(e) && e.Summary.Presence.Online == 2 }).ID
	stop()
	for name, c := range map[string]struct{ query, header, want string }{
		"address only": {last, "", `"resumed":true,"position":0,"epoch":0`},
		"header only":  {"", last, `"resumed":true,"position":0,"epoch":0`},
		"both":         {"1-1", last, `"resumed":true,"position":0,"epoch":0`},
		"header lost":  {last, "1-1", `"resumed":false`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.http.URL+"/v1/live?last_event_id="+c.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.header != "" {
			request.Header.Set("Last-Event-ID", c.header)
		}
		answer, err := h.http.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
			t.Errorf("%s: the content type is %s", name, kind)
		}
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "data:") {
		}
		if !strings.Contains(lines.Text(), c.want) {
			t.Errorf("%s: hello is %s, want %s", name, lines.Text(), c.want)
		}
		answer.Body.Close()
	}
}

func TestStalledReaderIsCutAndHoldsNothingUp(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a write to time out")
	}
	h := newHarness(t, func(cfg *Config) { cfg.LiveStall = 2 * time.Second })
	h.withThreeCustomers()
	healthy, _ := h.watch(client.LiveOptions{Grid: true})
	until(t, healthy, isHello)
	stalled, err := net.Dial("tcp", h.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	if err := stalled.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(stalled, "GET /v1/live HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := io.ReadFull(stalled, make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
	all := []event.VehicleID{1, 2, 3, 4, 5, 6, 7}
	cut := func() bool { return testutil.ToFloat64(h.server.metrics.stalled) == 1 }
	deadline := time.Now().Add(time.Minute)
	for round := 0; !cut(); round++ { // each round sends much more than the healthy reader needs to know
		if time.Now().After(deadline) {
			t.Fatal("the reader that stalls is not cut")
		}
		for range 1000 {
			for _, v := range all {
				h.append(event.Batch{Entries: []event.Entry{{ReceivedAt: h.time(), Fact: event.VehiclePaused{Vehicle: v}}}})
				h.append(event.Batch{Entries: []event.Entry{{ReceivedAt: h.time(), Fact: event.VehicleResumed{Vehicle: v}}}})
			}
		}
		until(t, healthy, isTransitions)
	}
}

func TestTooManyLiveStreamsAreRefused(t *testing.T) {
	h := newHarness(t)
	for range 1000 {
		subscription, err := h.view.Subscribe("")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(subscription.Close)
	}
	answer := h.get("/v1/live")
	h.refused(answer, http.StatusServiceUnavailable)
	if answer.Header.Get("Retry-After") == "" {
		t.Error("the answer does not say when to come again")
	}
}

func TestStreamsOutliveTheServersTimeouts(t *testing.T) {
	h := newHarness(t)
	const limit = 50 * time.Millisecond
	hasty := httptest.NewUnstartedServer(h.server.handler())
	hasty.Config.ReadTimeout, hasty.Config.WriteTimeout = limit, limit
	hasty.Start()
	t.Cleanup(hasty.Close)
	t.Cleanup(hasty.CloseClientConnections)
	h.client = must(client.New(client.Config{BaseURL: hasty.URL}))(t)
	t.Cleanup(h.client.Close)
	events, _ := h.watch(client.LiveOptions{})
	until(t, events, isHello)
	file, out := io.Pipe()
	go func() {
		fmt.Fprint(out, "vin,customer_name\n")
		for i := range 5 {
			time.Sleep(limit / 2) // a sender that is slow, but not dead
			fmt.Fprintf(out, "V%d,C\n", i)
		}
		out.Close()
	}()
	result := must(h.client.Import(t.Context(), file, client.ImportOptions{}))(t)
	if result.Created != 5 {
		t.Errorf("the import said %+v", result)
	}
	until(t, events, isResync)
	until(t, events, isObserver)
}

func TestHeadOfAStreamEnds(t *testing.T) {
	h := newHarness(t)
	if answer := h.send(http.MethodHead, "/v1/live", "", ""); answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD is answered %s, %s", answer.Status, answer.Header.Get("Content-Type"))
	}
}

func TestLiveEndsWithTheView(t *testing.T) {
	h := newHarness(t)
	answer := h.get("/v1/live")
	h.stopView()
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Errorf("the stream ends by %v, want in order", err)
	}
}

func TestLiveAfterTheViewHasEndedAsksToComeBack(t *testing.T) {
	h := newHarness(t)
	open := h.get("/v1/live")
	h.stopView()
	if _, err := io.ReadAll(open.Body); err != nil { // it ends when the view has
		t.Fatal(err)
	}
	answer := h.get("/v1/live")
	h.refused(answer, http.StatusServiceUnavailable)
	if answer.Header.Get("Retry-After") == "" {
		t.Error("the refusal does not say when to come back")
	}
}
