package ingest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// TestHostileIDsGetAClearAnswer sends ids as they stand in the path.
func TestHostileIDsGetAClearAnswer(t *testing.T) {
	h := newHouse(t, options{})
	for id, status := range map[string]int{
		"%2f..":                      400,
		"..%2f..%2fetc%2fpasswd":     400,
		"%2e%2e":                     404,
		"a%00b":                      400,
		"%00":                        400,
		"a%0d%0aX-Evil:%20yes":       400,
		"%c3%84":                     400,
		"%ff%fe":                     400,
		"%e2%80%ae":                  400,
		"%ef%bc%a1":                  400, // a full-width A
		"%20":                        400,
		"a%20b":                      400,
		strings.Repeat("x", 64):      404,
		strings.Repeat("x", 65):      400,
		strings.Repeat("x", 60_000):  400,
		"%2541":                      404, // decoded once: %41, not A
		"%24%7Bjndi:ldap:%2F%2Fx%7D": 400,
		"'%20OR%201=1--":             400,
		"=cmd()":                     404,
		"<script>":                   404,
		strings.ToLower(vin(1)):      404,
		vin(1) + "%20":               400,
		"%59%53" + vin(1)[2:]:        200,
	} {
		for _, path := range []string{"/heartbeat/" + id, "/v1/vehicles/" + id + "/heartbeats"} {
			got := h.raw(t, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
			if got.status != status || got.header.Get("X-Evil") != "" {
				t.Errorf("%.80s: %+v", path, got)
			}
		}
	}
	if got := h.raw(t, "POST /heartbeat/%zz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); got.status != 400 {
		t.Errorf("not percent-encoded: %+v", got)
	}
	h.serves(t)
}

// TestHostileBodiesGetAClearAnswer sends bodies to the door for many.
func TestHostileBodiesGetAClearAnswer(t *testing.T) {
	h := newHouse(t, options{})
	good := `{"vehicle":"` + vin(1) + `"}`
	bomb := func(n int) string {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		return string(written(t, w, &out, make([]byte, n)))
	}
	zeros := string(encoders["zstd"](t, make([]byte, 100<<20)))
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"no content type":       {good, nil, 415},
		"form":                  {good, []string{"Content-Type: application/x-www-form-urlencoded"}, 415},
		"broken content type":   {good, []string{"Content-Type: ;;;"}, 415},
		"brotli":                {good, []string{ndjsonHeader, "Content-Encoding: br"}, 415},
		"gzip twice":            {bomb(10), []string{ndjsonHeader, "Content-Encoding: gzip, gzip"}, 415},
		"two encodings":         {bomb(10), []string{ndjsonHeader, "Content-Encoding: gzip", "Content-Encoding: zstd"}, 415},
		"not gzip":              {good, []string{ndjsonHeader, "Content-Encoding: gzip"}, 400},
		"gzip cut short":        {bomb(1000)[:20], []string{ndjsonHeader, "Content-Encoding: gzip"}, 400},
		"not zstd":              {good, []string{ndjsonHeader, "Content-Encoding: zstd"}, 400},
		"zstd cut short":        {zeros[:len(zeros)/2], []string{ndjsonHeader, "Content-Encoding: zstd"}, 413},
		"gzip bomb 100 MiB":     {bomb(100 << 20), []string{ndjsonHeader, "Content-Encoding: gzip"}, 413},
		"zstd bomb 100 MiB":     {zeros, []string{ndjsonHeader, "Content-Encoding: zstd"}, 413},
		"gzip in gzip":          {string(encoders["gzip"](t, []byte(bomb(100<<20)))), []string{ndjsonHeader, "Content-Encoding: gzip"}, 400},
		"5 MiB":                 {strings.Repeat(good+"\n", 5<<20/len(good)), []string{ndjsonHeader}, 413},
		"one line of 3 MiB":     {`{"vehicle":"` + strings.Repeat("x", 3<<20) + `"}`, []string{ndjsonHeader}, 200},
		"deep":                  {strings.Repeat("[", 1<<20), []string{"Content-Type: application/json"}, 400},
		"100,000 members":       {"{" + strings.Repeat(`"a":1,`, 100_000) + `"b":1}`, []string{ndjsonHeader}, 200},
		"two documents":         {"[" + good + "][" + good + "]", []string{"Content-Type: application/json"}, 400},
		"NaN":                   {`[{"vehicle":"x","sequence":NaN}]`, []string{"Content-Type: application/json"}, 400},
		"NUL":                   {"{\"vehicle\":\"\x00\"}", []string{ndjsonHeader}, 400},
		"UTF-16":                {"\xff\xfe[\x00]\x00", []string{"Content-Type: application/json"}, 400},
		"bad UTF-8":             {"{\"vehicle\":\"\xc0\xaf\"}", []string{ndjsonHeader}, 400},
		"protobuf, length lies": {"\x0a\xff\xff\xff\xff\x0f", []string{"Content-Type: " + typeProtobuf}, 400},
		"protobuf, group":       {strings.Repeat("\x0b", 100_000), []string{"Content-Type: " + typeProtobuf}, 400},
		"JSON as protobuf":      {good, []string{"Content-Type: " + typeProtobuf}, 400},
	} {
		began := time.Now()
		got := h.post(t, "/v1/heartbeats", c.body, c.headers...)
		if got.status != c.status || c.status != 200 && got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %.200s", name, got.status, got.body)
		}
		if c.status == 415 && strings.Contains(name, "encod") && got.header.Get("Accept-Encoding") == "" {
			t.Errorf("%s: the answer does not say which encodings are read", name)
		}
		if len(got.body) > 1000 {
			t.Errorf("%s: the answer has %d bytes", name, len(got.body))
		}
		t.Logf("%s: %s", name, time.Since(began).Round(time.Millisecond))
	}
	if h.log.Head() != 0 {
		t.Error("something was stored")
	}
	h.serves(t)
}

func TestBombsDoNotTakeMemory(t *testing.T) {
	h := newHouse(t, options{})
	bomb := string(encoders["zstd"](t, make([]byte, 200<<20)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		if got := h.post(t, "/v1/heartbeats", bomb, ndjsonHeader, "Content-Encoding: zstd"); got.status != 413 {
			t.Fatalf("got %+v", got)
		}
	}
	runtime.ReadMemStats(&after)
	// Each is stopped at zstdMemory; growing a buffer to there by steps allocates a few times that.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 10*8*zstdMemory {
		t.Errorf("ten bombs of 200 MiB allocated %d MiB", grown>>20)
	}
}

// TestLyingAndDyingSendersLeaveTheDoorsOpen breaks off in the middle of requests.
func TestLyingAndDyingSendersLeaveTheDoorsOpen(t *testing.T) {
	h := newHouse(t, options{})
	for _, sent := range []string{
		"",
		"POST",
		"POST /v1/heartbeats HTTP/1.1\r\n",
		"POST /v1/heartbeats HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n{",
		"POST /v1/heartbeats HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"veh",
		"POST /v1/vehicles/" + vin(1) + "/heartbeats HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
	} {
		conn := h.dial(t)
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if h.log.Head() != 0 {
		t.Error("something was stored")
	}
	h.serves(t)
	eventually(t, func() bool { return h.metric(t, "body_bytes") == 0 })
}

// TestEndlessBodyIsCutOff sends chunks until the door has had enough.
func TestEndlessBodyIsCutOff(t *testing.T) {
	h := newHouse(t, options{})
	conn := h.dial(t)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/heartbeats HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
	go func() {
		chunk := fmt.Sprintf("10000\r\n%s\r\n", strings.Repeat(" ", 0x10000))
		for range 1000 {
			if _, err := io.WriteString(conn, chunk); err != nil {
				return
			}
		}
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %s", response.Status)
	}
}

// TestStalledSendersDoNotHoldOthersUp leaves more requests open than batches are decoded at a time.
func TestStalledSendersDoNotHoldOthersUp(t *testing.T) {
	h := newHouse(t, options{})
	for range 2 * decoders {
		conn := h.dial(t)
		t.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "POST /v1/heartbeats HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n{")
	}
	if got := h.post(t, "/v1/heartbeats", `{"vehicle":"`+vin(1)+`"}`, ndjsonHeader); got.status != 200 {
		t.Errorf("got %+v", got)
	}
}

// serves checks that a good heartbeat still comes through.
func (h *house) serves(t *testing.T) {
	t.Helper()
	if got := h.post(t, "/heartbeat/"+vin(1), ""); got.status != 200 {
		t.Errorf("afterwards: %+v", got)
	}
}

func (h *house) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", h.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// raw sends bytes and reads one response.
func (h *house) raw(t *testing.T, request string) answer {
	t.Helper()
	conn := h.dial(t)
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}
