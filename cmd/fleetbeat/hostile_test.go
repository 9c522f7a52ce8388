//go:build linux

package main_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fleetbeat/fleetbeat/client"
)

// request is a request as it goes over the wire.
func request(method, target, contentType, body string, headers ...string) string {
	if contentType != "" {
		headers = append(headers, "Content-Type: "+contentType)
	}
	headers = append(headers, "Host: x", fmt.Sprintf("Content-Length: %d", len(body)))
	return method + " " + target + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

const (
	jsonType     = "application/json"
	ndjsonType   = "application/x-ndjson"
	protobufType = "application/x-protobuf"
	theVIN       = "YS2R4X20005399401"
	theDoor      = "/v1/vehicles/" + theVIN + "/heartbeats"
)

// hostile is a request that is refused, and how.
type hostile struct {
	name, request string
	status        int
}

// hostileBodies are refused for what they say, by a problem.
func hostileBodies(t *testing.T) (table []hostile) {
	for name, body := range map[string]string{
		"malformed":              `{"sequence":1`,
		"not JSON":               `sequence=1`,
		"null":                   `null`,
		"list":                   `[]`,
		"two documents":          `{}{}`,
		"trailing bytes":         `{} x`,
		"byte order mark":        "\ufeff{}",
		"UTF-16":                 "\xff\xfe{\x00}\x00",
		"invalid UTF-8":          "{\"sent_at\":\"\xc0\xaf\"}",
		"NUL":                    "{\"sequence\":1}\x00",
		"NUL in a name":          "{\"sequence\x00\":1}",
		"lone surrogate":         `{"\ud800":1}`,
		"duplicate member":       `{"sequence":1,"sequence":2}`,
		"wrong case":             `{"Sequence":1}`,
		"folded case":            `{"ſequence":1}`,
		"unknown member":         `{"received_at":"2026-01-01T00:00:00Z"}`,
		"vehicle beside path":    `{"vehicle":"tractor-1"}`,
		"deep nesting":           strings.Repeat("[", 10_000),
		"deep objects":           strings.Repeat(`{"a":`, 2_000),
		"NaN":                    `{"sequence":NaN}`,
		"infinity":               `{"sequence":Infinity}`,
		"negative sequence":      `{"sequence":-1}`,
		"sequence of 2^53":       `{"sequence":9007199254740992}`,
		"sequence of 2^63":       `{"sequence":9223372036854775808}`,
		"sequence of 2^64":       `{"sequence":18446744073709551616}`,
		"fraction":               `{"sequence":1.0}`,
		"exponent":               `{"sequence":1e3}`,
		"overflow":               `{"sequence":1e400}`,
		"sequence as text":       `{"sequence":"1"}`,
		"negative time":          `{"sent_at":-1}`,
		"time of 2^63":           `{"sent_at":9223372036854775808}`,
		"time without zone":      `{"sent_at":"2026-01-01T00:00:00"}`,
		"time of year 10000":     `{"sent_at":"10000-01-01T00:00:00Z"}`,
		"time of a negative day": `{"sent_at":"2026-01--1T00:00:00Z"}`,
		"second 61":              `{"sent_at":"2026-01-01T00:00:61Z"}`,
		"30 February":            `{"sent_at":"2026-02-30T00:00:00Z"}`,
		"zone of 25 hours":       `{"sent_at":"2026-01-01T00:00:00+25:00"}`,
		"buffered as number":     `{"buffered":1}`,
	} {
		table = append(table,
			hostile{name, request("POST", theDoor, jsonType, body), 400},
			hostile{name + ", in an array", request("POST", "/v1/heartbeats", jsonType, "["+body), 400},
			hostile{name + ", for the registry", request("POST", "/v1/customers", jsonType, body), 0})
	}
	big := strings.Repeat(" ", 5<<20)
	for _, c := range []struct {
		name, target, contentType, body string
		status                          int
	}{
		{"5 MiB", theDoor, jsonType, big, 413},
		{"5 MiB in a batch", "/v1/heartbeats", ndjsonType, big, 413},
		{"5 MiB for the registry", "/v1/customers", jsonType, big, 413},
		{"300 MiB announced", "/v1/import", "text/csv", "", 413},
		{"10,001 heartbeats", "/v1/heartbeats", ndjsonType, strings.Repeat("{}\n", 10_001), 413},
		{"no type", "/v1/heartbeats", "", "{}", 415},
		{"another type", "/v1/heartbeats", "text/xml", "<a/>", 415},
		{"a form", theDoor, "application/x-www-form-urlencoded", "sequence=1", 415},
		{"broken type", theDoor, ";;;", "{}", 415},
		{"another type for the registry", "/v1/vehicles", "text/plain", "{}", 415},
		{"JSON as protobuf", "/v1/heartbeats", protobufType, `[{"vehicle":"tractor-1"}]`, 400},
		{"protobuf with a length that lies", "/v1/heartbeats", protobufType, "\x0a\xff\xff\xff\xff\x0f", 400},
		{"protobuf groups", "/v1/heartbeats", protobufType, strings.Repeat("\x0b", 100_000), 400},
	} {
		text := request("POST", c.target, c.contentType, c.body)
		if strings.HasPrefix(c.name, "300 MiB") {
			text = strings.Replace(text, "Content-Length: 0", fmt.Sprint("Content-Length: ", 300<<20), 1)
		}
		table = append(table, hostile{c.name, text, c.status})
	}
	for target, size := range map[string]int{"/v1/heartbeats": 200, theDoor: 8} {
		zipBomb, zstdBomb := bombs(t, size)
		for name, c := range map[string]hostile{
			"gzip bomb": {"gzip", zipBomb, 413}, "zstd bomb": {"zstd", zstdBomb, 413}, "brotli": {"br", "x", 415},
			"not gzip": {"gzip", "{}", 400}, "not zstd": {"zstd", "{}", 400}, "gzip in gzip": {"gzip, gzip", zipBomb, 415},
		} {
			table = append(table, hostile{name + " to " + target,
				request("POST", target, jsonType, c.request, "Content-Encoding: "+c.name), c.status})
		}
	}
	zipBomb, _ := bombs(t, 8)
	return append(table, hostile{"compressed for the registry",
		request("POST", "/v1/customers", jsonType, zipBomb, "Content-Encoding: gzip"), 0})
}

// bombs are some MiB of blanks, compressed.
func bombs(t *testing.T, size int) (zipped, zstandard string) {
	t.Helper()
	var a, b bytes.Buffer
	z := gzip.NewWriter(&a)
	s, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	for range size {
		if _, err := io.MultiWriter(z, s).Write(blanks); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

// hostilePaths are refused for what they ask for, by a problem.
func hostilePaths() (table []hostile) {
	for id, status := range map[string]int{
		"%2f..": 400, "..%2f..%2fetc%2fpasswd": 400, "%2e%2e": 404, "%00": 400, "a%0d%0aX-Evil:%20yes": 400,
		"%ff": 400, "%e2%80%ae": 400, "a%20b": 400, strings.Repeat("x", 65): 400, strings.Repeat("x", 5_000): 400,
		"canary-guess": 404, "nobody": 404,
	} {
		table = append(table,
			hostile{"original door: " + id, request("POST", "/heartbeat/"+id, "", ""), status},
			hostile{"door: " + id, request("POST", "/v1/vehicles/"+id+"/heartbeats", "", ""), status},
			hostile{"vehicle: " + id, request("GET", "/v1/vehicles/"+id, "", ""), 404})
	}
	return append(table,
		hostile{"two slashes", request("POST", "//heartbeat//"+theVIN, "", ""), 404},
		hostile{"dots", request("GET", "/v1/../v1/vehicles", "", ""), 404},
		hostile{"method", request("BREW", "/heartbeat/"+theVIN, "", ""), 405},
		hostile{"method for a batch", request("GET", "/v1/heartbeats", "", ""), 405},
		hostile{"trace", request("TRACE", "/", "", ""), 405},
		hostile{"another origin", request("POST", "/v1/customers", jsonType, `{"name":"x"}`, "Origin: https://evil.example"), 403},
	)
}

// hostileHTTP is refused by the HTTP server, before anything of ours sees it.
func hostileHTTP() []hostile {
	start := "POST /heartbeat/" + theVIN + " HTTP/1.1\r\nHost: x\r\n"
	return []hostile{
		{"64 KiB header", start + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431},
		{"10,000 headers", start + strings.Repeat("X: y\r\n", 10_000) + "\r\n", 431},
		{"64 KiB target", request("GET", "/search?customer_name="+strings.Repeat("x", 64<<10), "", ""), 431},
		{"not HTTP", "hello\r\n\r\n", 400},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"no host", "POST /heartbeat/" + theVIN + " HTTP/1.1\r\n\r\n", 400},
		{"two hosts", start + "Host: y\r\n\r\n", 400},
		{"HTTP/3", "POST /heartbeat/" + theVIN + " HTTP/3.0\r\nHost: x\r\n\r\n", 505},
		{"not percent-encoded", "POST /heartbeat/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"NUL in a header", start + "X: \x00\r\n\r\n", 400},
		{"blank before a colon", start + "Transfer-Encoding : chunked\r\n\r\n", 400},
		{"two lengths", start + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
		{"negative length", start + "Content-Length: -1\r\n\r\n", 400},
		{"length of 2^63", start + "Content-Length: 9223372036854775808\r\n\r\n", 400},
		{"unknown transfer encoding", start + "Transfer-Encoding: gzip\r\n\r\n", 501},
		{"unknown expectation", start + "Expect: the-unexpected\r\n\r\n", 417},
	}
}

// TestHostileRequestsGetAClearAnswer sends each on a connection of its own. Nothing of it all is stored.
func TestHostileRequestsGetAClearAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	if _, err := s.Import(t.Context(), strings.NewReader(smallFleet), client.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	before, err := s.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var slowest time.Duration
	for _, c := range append(hostileBodies(t), hostilePaths()...) {
		began := time.Now()
		answer := exchange(t, s, c)
		slowest = max(slowest, time.Since(began))
		var problem client.Problem
		if kind := answer.header.Get("Content-Type"); kind != "application/problem+json" || json.Unmarshal(answer.body, &problem) != nil {
			t.Errorf("%s: the answer is no problem: %s %.100s", c.name, kind, answer.body)
		}
		if problem.Status != answer.status || problem.Title == "" || problem.Detail == "" || len(answer.body) > 2000 {
			t.Errorf("%s: the problem says %.2000s", c.name, answer.body)
		}
		if answer.header.Get("X-Evil") != "" {
			t.Errorf("%s: a header was smuggled in", c.name)
		}
	}
	for _, c := range hostileHTTP() {
		exchange(t, s, c)
	}
	if after, err := s.Summary(t.Context()); err != nil || after.Revision != before.Revision || after.Presence != before.Presence {
		t.Errorf("the fleet was %+v and is %+v, %v", before, after, err)
	}
	if _, err := s.Heartbeat(t.Context(), theVIN, client.NewHeartbeat{}); err != nil {
		t.Errorf("a good heartbeat: %v", err)
	}
	t.Logf("the slowest answer took %v; the server took up to %s of memory", slowest, s.status(t, "VmHWM"))
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if c := readContents(t, s.data); c.Heartbeats != 1 {
		t.Errorf("%d heartbeats are stored", c.Heartbeats)
	}
	if s.stderr.Contains("panic") {
		t.Error("something panicked")
	}
}

// answer is what came back on a connection.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// exchange sends a hostile request and checks the status of the answer; any 4xx will do where none is given.
func exchange(t *testing.T, s *server, c hostile) answer {
	t.Helper()
	connection := dial(t, s)
	defer connection.Close()
	sent := make(chan struct{})
	go func() { // the server may answer, and close, before it has read all
		defer close(sent)
		_, _ = io.WriteString(connection, c.request)
	}()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Errorf("%s: no answer: %v", c.name, err)
		return answer{}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%s: the answer ends early: %v", c.name, err)
	}
	if status := response.StatusCode; status != c.status && (c.status != 0 || status < 400 || status >= 500) {
		t.Errorf("%s: %s, want %d: %.200s", c.name, response.Status, c.status, body)
	}
	connection.Close()
	<-sent
	return answer{response.StatusCode, response.Header, body}
}
