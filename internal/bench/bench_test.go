package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

func TestQuantileIsAValueThatEnoughDoNotExceed(t *testing.T) {
	values := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for q, want := range map[float64]int{0: 1, 0.1: 1, 0.11: 2, 0.5: 5, 0.99: 10, 1: 10} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %g is %d, not %d", q, got, want)
		}
	}
	if got := quantile([]int(nil), 0.5); got != 0 {
		t.Errorf("of nothing it is %d", got)
	}
}

func TestFigureIsItsMedianHeldAgainstItsGoal(t *testing.T) {
	b := &bench{Config: Config{Progress: t.Output()}, started: time.Now()}
	for _, value := range []float64{5, 1, 4} {
		b.add("rate", "rate", "/s", atLeast(4), value, value/100)
	}
	b.add("time", "time", "ms", atMost(3), 3.5, 0)
	b.add("other", "other", "", nil, 1, 0)
	rate := b.figures[0]
	if rate.Min != 1 || rate.Median != 4 || rate.Max != 5 || rate.Busy != 0.05 || !*rate.Met {
		t.Errorf("three rounds gave %+v", rate)
	}
	if *b.figures[1].Met || b.figures[2].Met != nil {
		t.Errorf("a time over its bound and a figure without one: %+v, %+v", b.figures[1], b.figures[2])
	}
	if r := (Report{Figures: b.figures}); r.Missed() != 1 {
		t.Errorf("%d figures miss their goal, not 1", r.Missed())
	}
}

func TestNumbersHaveThreeDigitsOrGroups(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 0.12345: "0.123", 7: "7", 999: "999", 1000: "1,000", 1234567.8: "1,234,568"} {
		if got := number(value); got != want {
			t.Errorf("%g is written %q, not %q", value, got, want)
		}
	}
}

func TestCallReadsAnswersHoweverTheyArrive(t *testing.T) {
	long := strings.Repeat("x", 3*maxHead)
	answers := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab" +
		"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone" +
		fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(long), long) +
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for _, piece := range []int{1, 7, 1000, len(answers)} {
		c := &conn{net: dribble(t, answers, piece), buf: make([]byte, maxHead)}
		for i, want := range []string{"ab", "", long, ""} {
			body, err := c.call(nil)
			if refused := errors.Is(err, errRefused); refused != (i == 1) || err != nil && !refused {
				t.Fatalf("pieces of %d: answer %d: %v", piece, i, err)
			}
			if string(body) != want {
				t.Fatalf("pieces of %d: answer %d has %d bytes", piece, i, len(body))
			}
		}
	}
}

func TestCallBoundsWhatItReads(t *testing.T) {
	for name, answer := range map[string]string{
		"head":   "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead),
		"length": "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
		"none":   "HTTP/1.1 200 OK\r\n\r\n",
		"minus":  "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"cut":    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
	} {
		c := &conn{net: dribble(t, answer, 1000), buf: make([]byte, maxHead)}
		if _, err := c.call(nil); err == nil || errors.Is(err, errRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// dribble is a connection that gives text in pieces, and then ends.
func dribble(t *testing.T, text string, piece int) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	go func() {
		for len(text) > 0 {
			n := min(piece, len(text))
			if _, err := server.Write([]byte(text[:n])); err != nil {
				return
			}
			text = text[n:]
		}
		server.Close()
	}()
	return silent{client}
}

// silent swallows what is written to it.
type silent struct{ net.Conn }

func (silent) Write(b []byte) (int, error) { return len(b), nil }

func TestLoadCountsWhatWasAnswered(t *testing.T) {
	var seen sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, twice := seen.LoadOrStore(r.URL.Path, true); twice || r.URL.Path == "/heartbeat/7" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, "ok")
	}))
	defer server.Close()
	for _, rate := range []float64{0, 10_000} {
		seen.Clear()
		l := load{
			address: server.Listener.Addr().String(), connections: 5, items: 1, requests: 100, rate: rate,
			traffic: func() requests {
				return func(n int) []byte {
					return append(post(nil, fmt.Sprintf("/heartbeat/%d", n)), "Content-Length: 0\r\n\r\n"...)
				}
			},
		}
		o, err := l.run(t.Context())
		if !errors.Is(err, errRefused) || o.refused != 1 || o.requests != 99 || len(o.times) != 99 {
			t.Errorf("rate %g: %d answered, %d refused, %d times, %v", rate, o.requests, o.refused, len(o.times), err)
		}
	}
}

func TestBatchesHoldEveryVehicleOnceWithItsNumber(t *testing.T) {
	roster := simulate.NewRoster(1, 3*batchSize, false)
	for _, format := range []client.Format{client.NDJSON, client.Protobuf} {
		made := newTemplates(batchForm{format, true}, roster)
		next := made.from(firstSequence)()
		heard := make(map[string][]int64)
		for n := range 2 * len(made) {
			request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(next(n))))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(request.Body)
			if err != nil || request.Header.Get("Content-Type") != string(format) {
				t.Fatal(request.Header, err)
			}
			for _, item := range itemsOf(t, format, body) {
				heard[item.Vehicle] = append(heard[item.Vehicle], *item.Sequence)
			}
		}
		for i := range roster.Vehicles() {
			if got := heard[roster.VIN(i)]; !slices.Equal(got, []int64{firstSequence, firstSequence + 1}) {
				t.Fatalf("%s: vehicle %d sent %v", format, i, got)
			}
		}
	}
}

func itemsOf(t *testing.T, format client.Format, body []byte) (items []client.NewHeartbeat) {
	t.Helper()
	if format == client.NDJSON {
		for line := range bytes.Lines(body) {
			var item client.NewHeartbeat
			if err := json.Unmarshal(line, &item); err != nil {
				t.Fatal(err)
			}
			items = append(items, item)
		}
		return items
	}
	for len(body) > 0 {
		number, _, n := protowire.ConsumeTag(body)
		heartbeat, m := protowire.ConsumeBytes(body[n:])
		if number != 1 || n < 0 || m < 0 {
			t.Fatalf("field %d, %d, %d", number, n, m)
		}
		body = body[n+m:]
		_, _, n = protowire.ConsumeTag(heartbeat)
		vin, m := protowire.ConsumeString(heartbeat[n:])
		rest := heartbeat[n+m:]
		_, _, n = protowire.ConsumeField(rest) // sent_at
		_, _, m = protowire.ConsumeTag(rest[n:])
		sequence, end := protowire.ConsumeVarint(rest[n+m:])
		if n+m+end != len(rest) {
			t.Fatalf("%d bytes after the number", len(rest)-n-m-end)
		}
		said := int64(sequence)
		items = append(items, client.NewHeartbeat{Vehicle: vin, Sequence: &said})
	}
	return items
}

func TestGroupCommitWritesEveryRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plain")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	g := newGroup(file)
	var run, callers sync.WaitGroup
	run.Go(g.run)
	for vehicle := range uint32(20) {
		callers.Go(func() {
			for range 50 {
				if err := g.submit(vehicle); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	g.stop()
	run.Wait()
	info, err := file.Stat()
	if err != nil || info.Size() < 20*50*12 || info.Size() > 20*50*16 {
		t.Errorf("1,000 records of 12 bytes, and as many checksums of 4 at most, take %d bytes, %v", info.Size(), err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}
