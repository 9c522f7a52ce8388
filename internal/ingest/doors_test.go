package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/ingest/ingestpb"
)

const ndjsonHeader = "Content-Type: " + typeNDJSON

func TestHeartbeatOfTheOriginalContract(t *testing.T) {
	h := newHouse(t, options{})
	for i, body := range []string{"", "{}", "not json at all", strings.Repeat("x", 100_000)} {
		got := h.post(t, "/heartbeat/"+vin(7), body)
		if want := fmt.Sprintf(`{"entity_id":"%d-0"}`, i+1); got.status != 200 || got.body != want || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("body of %d bytes: %+v", len(body), got)
		}
	}
	for _, hb := range h.heartbeats(t) {
		if hb.Vehicle != 7 || hb.Sequence != event.NoSequence || hb.SentAt != 0 || hb.Flags != 0 {
			t.Errorf("stored %+v", hb)
		}
	}
	if got := h.do(t, "GET", "/heartbeat/ping", nil); got.status != 200 || got.body != `{"message":"pong"}` {
		t.Errorf("ping: %+v", got)
	}
}

func TestUnknownVehicleIs404StoresNothingAndIsListed(t *testing.T) {
	h := newHouse(t, options{})
	for _, path := range []string{"/heartbeat/NOBODY-1", "/v1/vehicles/NOBODY-1/heartbeats"} {
		got := h.post(t, path, "")
		if got.status != 404 || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %+v", path, got)
		}
		want := `{"type":"about:blank","title":"Not Found","status":404,"detail":"no vehicle is registered as NOBODY-1","reason":"unknown_vehicle"}`
		if got.body != want {
			t.Errorf("%s: got  %s\nwant %s", path, got.body, want)
		}
	}
	h.post(t, "/v1/heartbeats", `{"vehicle":"NOBODY-2"}`, ndjsonHeader)
	if h.log.Head() != 0 {
		t.Error("something was stored")
	}
	if page, _ := h.unregistered.Page(0, 10); len(page) != 2 || page[0].ID != "NOBODY-2" || page[1].Count != 2 || page[1].Last == 0 {
		t.Errorf("listed: %+v", page)
	}
	if got := h.metric(t, "rejected_total", "unknown_vehicle"); got != 3 {
		t.Errorf("%v are counted", got)
	}
}

func TestHeartbeatOfOneVehicleWithItsBody(t *testing.T) {
	h := newHouse(t, options{})
	path := "/v1/vehicles/" + vin(3) + "/heartbeats"
	body := `{"sent_at":"2020-01-01T00:00:00Z","sequence":5,"buffered":true}`
	for position, want := range []string{``, `,"repeat":true`} {
		got := h.post(t, path, body, "Content-Type: application/json; charset=utf-8")
		hb := h.heartbeats(t)[position]
		if want := fmt.Sprintf(`{"id":"%d-0","position":%d,"received_at":"%s"%s}`, position+1, position+1, hb.ReceivedAt, want); got.status != 200 || got.body != want {
			t.Errorf("got %d %s, want %s", got.status, got.body, want)
		}
	}
	first := h.heartbeats(t)[0]
	if first.Vehicle != 3 || first.Sequence != 5 || first.SentAt.String() != "2020-01-01T00:00:00.000Z" || first.Flags != event.Buffered|event.ClockBehind {
		t.Errorf("stored %+v", first)
	}
	for body, status := range map[string]int{
		``:                             200,
		`{}`:                           200,
		`{"vehicle":"` + vin(4) + `"}`: 400,
		`{"sequence":-1}`:              400,
		`{"sequence":1`:                400,
		`[]`:                           400,
		` `:                            400,
	} {
		if got := h.post(t, path, body, "Content-Type: application/json"); got.status != status {
			t.Errorf("%q: %+v", body, got)
		}
	}
	if got := h.post(t, path, `{}`, "Content-Type: text/plain"); got.status != 415 {
		t.Errorf("text: %+v", got)
	}
	if got := h.do(t, "POST", path, io.MultiReader(strings.NewReader(`{"sequence":6}`)), "Content-Type: application/json"); got.status != 200 {
		t.Errorf("a body of unknown length: %+v", got)
	}
}

// batches are the same three heartbeats in each form that a batch may have, plain and compressed.
func batches(t testing.TB) map[string][2]string {
	t.Helper()
	lines := []string{
		`{"vehicle":"` + vin(1) + `","sequence":9}`,
		`{"vehicle":"NOBODY"}`,
		`{"vehicle":"` + vin(2) + `","sent_at":"2020-01-01T00:00:00Z"}`,
	}
	plain := map[string]string{
		typeNDJSON: strings.Join(lines, "\n") + "\n",
		typeJSON:   "[" + strings.Join(lines, ",") + "]",
		typeProtobuf: string(protobufBody(t,
			&ingestpb.Heartbeat{Vehicle: vin(1), Sequence: new(uint64(9))}, &ingestpb.Heartbeat{Vehicle: "NOBODY"},
			&ingestpb.Heartbeat{Vehicle: vin(2), SentAtMs: new(int64(1_577_836_800_000))})),
	}
	all := map[string][2]string{}
	for kind, body := range plain {
		for encoding, encode := range encoders {
			all[kind+" "+encoding] = [2]string{kind, string(encode(t, []byte(body)))}
		}
	}
	return all
}

var encoders = map[string]func(testing.TB, []byte) []byte{
	"identity": func(_ testing.TB, b []byte) []byte { return b },
	"gzip": func(t testing.TB, b []byte) []byte {
		t.Helper()
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		return written(t, w, &out, b)
	},
	"zstd": func(t testing.TB, b []byte) []byte {
		t.Helper()
		var out bytes.Buffer
		w, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		return written(t, w, &out, b)
	},
}

func written(t testing.TB, w io.WriteCloser, out *bytes.Buffer, b []byte) []byte {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBatchInEveryFormAndEncoding(t *testing.T) {
	for name, batch := range batches(t) {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, options{})
			encoding := name[strings.Index(name, " ")+1:]
			got := h.post(t, "/v1/heartbeats", batch[1], "Content-Type: "+batch[0], "Content-Encoding: "+encoding)
			want := `{"accepted":2,"rejected":[{"index":1,"vehicle":"NOBODY","error":"unknown vehicle"}],"position":1}`
			if got.status != 200 || got.body != want {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			stored := h.heartbeats(t)
			if len(stored) != 2 || stored[0].Vehicle != 1 || stored[0].Sequence != 9 || stored[1].Vehicle != 2 || stored[1].SentAt != 1_577_836_800_000 || stored[1].Flags != event.ClockBehind {
				t.Errorf("stored %+v", stored)
			}
		})
	}
}

func TestRejectedItemsAreSaidAndTheOthersStored(t *testing.T) {
	h := newHouse(t, options{})
	lines := []string{
		`{"vehicle":"` + vin(1) + `"}`,
		`{"vehicle":"` + vin(1) + `","sequence":-1}`,
		`{"sequence":1}`,
		`{"vehicle":"a\u0000\"ä` + strings.Repeat("z", 100) + `"}`,
		`5`,
		`{"vehicle":"` + h.doors.canary + `"}`,
		`{"vehicle":"` + vin(1) + `"}`,
	}
	got := h.post(t, "/v1/heartbeats", strings.Join(lines, "\n"), ndjsonHeader)
	var answered struct {
		Accepted int
		Rejected []struct {
			Index          int
			Vehicle, Error string
		}
		Position uint64
	}
	if err := json.Unmarshal([]byte(got.body), &answered); err != nil || got.status != 200 {
		t.Fatalf("%+v: %v", got, err)
	}
	var said []string
	for _, r := range answered.Rejected {
		said = append(said, fmt.Sprintf("%d: %s", r.Index, r.Error))
	}
	want := []string{"1: " + faultSequence, "2: " + faultMissing, "3: " + faultVehicle, "4: " + faultObject, "5: " + faultUnknown}
	if fmt.Sprint(said) != fmt.Sprint(want) || answered.Accepted != 2 || answered.Position != 1 {
		t.Errorf("got %s", got.body)
	}
	if page, _ := h.unregistered.Page(0, 10); len(page) != 0 {
		t.Errorf("%+v are listed as unregistered: a canary's secret is none", page)
	}
}

func TestBrokenBatchIsStoredInNoPart(t *testing.T) {
	h := newHouse(t, options{})
	good := `{"vehicle":"` + vin(1) + `"}`
	got := h.post(t, "/v1/heartbeats", good+"\n"+good+"\n{", ndjsonHeader)
	if got.status != 400 || !strings.Contains(got.body, "line 3, byte 1: expected a string") {
		t.Errorf("got %+v", got)
	}
	if h.log.Head() != 0 {
		t.Error("a part was stored")
	}
}

func TestEmptyBatchIsNoError(t *testing.T) {
	h := newHouse(t, options{})
	for kind, body := range map[string]string{typeNDJSON: "", typeJSON: "[]", typeProtobuf: ""} {
		got := h.post(t, "/v1/heartbeats", body, "Content-Type: "+kind)
		if got.status != 200 || got.body != `{"accepted":0,"rejected":[],"position":0}` {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

func TestLimitsOfABatchHoldToTheItem(t *testing.T) {
	h := newHouse(t, options{})
	line := `{"vehicle":"` + vin(1) + `"}` + "\n"
	if got := h.post(t, "/v1/heartbeats", strings.Repeat(line, MaxItems), ndjsonHeader); got.status != 200 || !strings.HasPrefix(got.body, `{"accepted":10000,`) {
		t.Errorf("10,000 items: %+v", got)
	}
	if got := h.post(t, "/v1/heartbeats", strings.Repeat(line, MaxItems+1), ndjsonHeader); got.status != 413 {
		t.Errorf("10,001 items: %+v", got)
	}
	for size, status := range map[int]int{MaxBody: 200, MaxBody + 1: 413, 5 << 20: 413} {
		body := line + strings.Repeat(" ", size-len(line))
		for name, encode := range encoders {
			got := h.post(t, "/v1/heartbeats", string(encode(t, []byte(body))), ndjsonHeader, "Content-Encoding: "+name)
			if got.status != status {
				t.Errorf("%d bytes as %s: %+v", size, name, got)
			}
		}
		if got := h.do(t, "POST", "/v1/heartbeats", io.MultiReader(strings.NewReader(body)), ndjsonHeader); got.status != status {
			t.Errorf("%d bytes, length not announced: %+v", size, got)
		}
	}
	path := "/v1/vehicles/" + vin(1) + "/heartbeats"
	for size, status := range map[int]int{maxSingleBody: 200, maxSingleBody + 1: 413} {
		body := "{}" + strings.Repeat(" ", size-2)
		for name, encode := range encoders {
			got := h.post(t, path, string(encode(t, []byte(body))), "Content-Type: "+typeJSON, "Content-Encoding: "+name)
			if got.status != status {
				t.Errorf("single, %d bytes as %s: %+v", size, name, got)
			}
		}
	}
}

func TestOtherMethodsAre405(t *testing.T) {
	h := newHouse(t, options{})
	for path, allow := range map[string]string{
		"/heartbeat/" + vin(1):                   "POST",
		"/heartbeat/ping":                        "GET, HEAD, POST",
		"/v1/heartbeats":                         "POST",
		"/v1/vehicles/" + vin(1) + "/heartbeats": "POST",
	} {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "BREW"} {
			if got := h.do(t, method, path, nil); got.status != 405 || got.header.Get("Allow") != allow {
				t.Errorf("%s %s: %+v", method, path, got)
			}
		}
	}
}

func TestFullQueueIs503BeforeTheBodyIsRead(t *testing.T) {
	h := newHouse(t, options{idle: true, committer: CommitterConfig{QueueRows: 1}})
	if _, err := h.committer.enter(t.Context(), []event.Heartbeat{row(1, 1)}, nil); err != nil {
		t.Fatal(err)
	}
	seconds := map[string]bool{}
	for range 30 {
		unread := &countingReader{Reader: strings.NewReader(goodLine)}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/heartbeats", unread)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", typeNDJSON)
		w := newRecorder()
		h.doors.heartbeats(w, request)
		if w.Code != 503 || unread.read > 0 || !strings.Contains(w.Body.String(), `"reason":"busy"`) {
			t.Fatalf("got %d %s after reading %d bytes", w.Code, w.Body, unread.read)
		}
		after := w.Header().Get("Retry-After")
		if n, err := strconv.Atoi(after); err != nil || n < 1 || n > 3 {
			t.Fatalf("Retry-After: %q", after)
		}
		seconds[after] = true
	}
	if len(seconds) < 2 {
		t.Error("all are told to come back at the same time")
	}
	if got := h.post(t, "/heartbeat/"+vin(1), ""); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("single: %+v", got)
	}
	h.run(t)
	eventually(t, func() bool { return h.committer.Refuses() == nil })
	if got := h.post(t, "/heartbeat/"+vin(1), ""); got.status != 200 {
		t.Errorf("afterwards: %+v", got)
	}
}

type countingReader struct {
	io.Reader
	read int
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.read += n
	return n, err
}

func TestBodiesTakeNoMoreMemoryThanTheirBudget(t *testing.T) {
	h := newHouse(t, options{doors: DoorsConfig{BodyBytes: 1 << 20}})
	line := `{"vehicle":"` + vin(1) + `"}` + "\n"
	large := line + strings.Repeat(" ", 2<<20)
	if got := h.post(t, "/v1/heartbeats", large, ndjsonHeader); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("a body over the budget: %+v", got)
	}
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for range 20 {
				if got := h.post(t, "/v1/heartbeats", line, ndjsonHeader); got.status != 200 {
					t.Errorf("a small body: %+v", got)
				}
			}
		})
	}
	senders.Wait()
	eventually(t, func() bool { return h.metric(t, "body_bytes") == 0 })
}

func TestStoppedCommitterIs503(t *testing.T) {
	h := newHouse(t, options{})
	h.stop()
	if got := h.post(t, "/heartbeat/"+vin(1), ""); got.status != 503 || !strings.Contains(got.body, `"reason":"unavailable"`) || got.header.Get("Retry-After") == "" {
		t.Errorf("got %+v", got)
	}
}
