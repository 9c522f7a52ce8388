package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server for one test and returns a client for it.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := New(Config{BaseURL: server.URL + "/"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestRefusalsAreProblems(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, body string
		status            int
		want              Problem
	}{
		"a problem": {
			"application/problem+json", `{"title":"Not Found","status":404,"detail":"no such vehicle","errors":[{"message":"m","location":"path.vin"}]}`, 404,
			Problem{Title: "Not Found", Status: 404, Detail: "no such vehicle", Errors: []ProblemPlace{{Message: "m", Location: "path.vin"}}, RetryAfter: 3 * time.Second},
		},
		"a page of a proxy": {"text/html", "<h1>Bad gateway</h1>", 502, Problem{Title: "Bad Gateway", Status: 502, RetryAfter: 3 * time.Second}},
		"a broken problem":  {"application/problem+json", `{"title":`, 500, Problem{Title: "Internal Server Error", Status: 500, RetryAfter: 3 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				w.Header().Set("Retry-After", "3")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			_, err := server.Vehicle(t.Context(), "x")
			var problem *Problem
			if !errors.As(err, &problem) {
				t.Fatalf("the error is %v", err)
			}
			if diff := cmp.Diff(c.want, *problem); diff != "" {
				t.Error(diff)
			}
			if IsNotFound(err) != (c.status == 404) {
				t.Errorf("IsNotFound is wrong for %v", err)
			}
		})
	}
}

func TestAddressesAreChecked(t *testing.T) {
	for _, bad := range []string{"127.0.0.1:8080", "ftp://x", "http://", "://"} {
		if _, err := New(Config{BaseURL: bad}); err == nil {
			t.Errorf("%q passes for an address", bad)
		}
	}
}

func TestNamesAreEscapedInPaths(t *testing.T) {
	var asked string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.EscapedPath()
		fmt.Fprint(w, "{}")
	})
	if _, err := c.Vehicle(t.Context(), "a?b#c%d/.."); err != nil || asked != "/v1/vehicles/a%3Fb%23c%25d%2F.." {
		t.Errorf("asked for %s (%v)", asked, err)
	}
}

func TestProtobufIsAsTheServersFileSays(t *testing.T) {
	one := int64(1)
	batch := Batch{Format: Protobuf, Items: []NewHeartbeat{
		{Vehicle: "A"},
		{Vehicle: "BC", SentAt: Time{time.UnixMilli(300)}, Sequence: &one, Buffered: true},
	}}
	data, err := batch.encode()
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{
		0x0a, 3, // field 1 of HeartbeatBatch, 3 bytes
		0x0a, 1, 'A', // field 1 of Heartbeat
		0x0a, 11, // the second heartbeat
		0x0a, 2, 'B', 'C',
		0x10, 0xac, 0x02, // field 2: 300
		0x18, 1, // field 3: 1
		0x20, 1, // field 4: true
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Error(diff)
	}
}

// liveScript answers each connection of a live stream with the next text, and notes where each one went on from.
type liveScript struct {
	texts  []string
	resume []string
}

func (s *liveScript) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := len(s.resume)
	s.resume = append(s.resume, r.Header.Get("Last-Event-ID"))
	if n >= len(s.texts) {
		w.WriteHeader(http.StatusGone)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, s.texts[n])
}

func TestLiveGoesOnAfterTheLastEvent(t *testing.T) {
	script := &liveScript{texts: []string{
		"retry: 1\n\nevent: hello\nid: 5\ndata: {\"position\":5}\n\n: keep alive\n\nevent: transitions\nid: 7\n" +
			"data: {\"position\":7,\ndata: \"items\":[]}\n\nevent: transitions\nid: 8\ndata: {\"posit", // cut off inside
		"event: hello\nid: 7\ndata: {\"position\":7,\"resumed\":true}\n\nevent: brand_new\nid: 9\ndata: what\n\nevent: resync\ndata: {\"position\":9,\"reason\":\"behind\"}\n\n",
	}}
	c := serve(t, script.ServeHTTP)
	var seen []string
	var last error
	for event, err := range c.Live(t.Context(), LiveOptions{}) {
		switch {
		case err != nil:
			seen, last = append(seen, "error"), err
		case event.Hello != nil:
			seen = append(seen, fmt.Sprint("hello ", event.Hello.Position, event.Hello.Resumed))
		case event.Transitions != nil:
			seen = append(seen, fmt.Sprint("transitions ", event.Transitions.Position))
		case event.Resync != nil:
			seen = append(seen, "resync "+event.Resync.Reason)
		}
	}
	if want := []string{"hello 5 false", "transitions 7", "error", "hello 7 true", "resync behind", "error", "error"}; !slices.Equal(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
	if want := []string{"", "7", "9"}; !slices.Equal(script.resume, want) {
		t.Errorf("went on from %q, want %q", script.resume, want)
	}
	var problem *Problem
	if !errors.As(last, &problem) || problem.Status != http.StatusGone {
		t.Errorf("the stream ended by %v, want what the server said for good", last)
	}
}

func TestLiveEndsWithItsContext(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "event: hello\ndata: {\"position\":1}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range c.Live(ctx, LiveOptions{}) {
		if err != nil {
			t.Errorf("the stream broke: %v", err)
		}
		cancel()
	}
}
