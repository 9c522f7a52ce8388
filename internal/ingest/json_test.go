package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const goodLine = `{"vehicle":"YS2R4X20005399401","sent_at":"2026-07-01T12:00:00.250Z","sequence":17,"buffered":true}`

func TestHeartbeatIsReadWithAllItsMembers(t *testing.T) {
	items, err := decodeNDJSON([]byte(goodLine), nil, 1)
	if err != nil || len(items) != 1 {
		t.Fatalf("got %v, %v", items, err)
	}
	it := items[0]
	want := event.At(time.Date(2026, 7, 1, 12, 0, 0, 250e6, time.UTC))
	if string(it.vehicle) != "YS2R4X20005399401" || it.sentAt != want || it.sequence != 17 || !it.buffered || it.fault != "" {
		t.Errorf("got %+v", it)
	}
}

func TestEveryFormGivesTheSameItems(t *testing.T) {
	lines := []string{goodLine, `{"vehicle":"a"}`, `{"vehicle":"\u0061b","sequence":0}`, `{"vehicle":5}`, `null`}
	ndjson, err := decodeNDJSON([]byte(strings.Join(lines, "\r\n\n")), nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	array, err := decodeJSON([]byte(" [\n"+strings.Join(lines, " ,\n")+" ]\n"), nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%v", array), fmt.Sprintf("%v", ndjson); got != want || len(array) != len(lines) {
		t.Errorf("array gives %s\nlines give %s", got, want)
	}
}

func TestHeartbeatFaultsAreSaidPerItem(t *testing.T) {
	for line, fault := range map[string]string{
		`{}`:                    faultMissing,
		`{"sequence":1}`:        faultMissing,
		`{"vehicle":""}`:        faultVehicle,
		`{"vehicle":"a b"}`:     faultVehicle,
		`{"vehicle":"a/b"}`:     faultVehicle,
		`{"vehicle":"a\u0000"}`: faultVehicle,
		`{"vehicle":"Ä"}`:       faultVehicle,
		`{"vehicle":"` + strings.Repeat("x", 65) + `"}`: faultVehicle,
		`{"vehicle":null}`:              faultVehicle,
		`{"vehicle":["a"]}`:             faultVehicle,
		`[]`:                            faultObject,
		`null`:                          faultObject,
		`"a"`:                           faultObject,
		`-0.5e+7`:                       faultObject,
		`{"vehicle":"a","vehicle":"a"}`: `member "vehicle" stands twice`,
		`{"vehicle":"a","sequence":1,"sequence":1}`: `member "sequence" stands twice`,
		`{"Vehicle":"a"}`:                                       `unknown member "Vehicle"`,
		`{"vehicle":"a","ſequence":1}`:                          `unknown member "\u017fequence"`,
		`{"vehicle":"a","x":{"y":[1,{}]}}`:                      `unknown member "x"`,
		`{"vehicle":"a","sequence":-1}`:                         faultSequence,
		`{"vehicle":"a","sequence":-0}`:                         faultSequence,
		`{"vehicle":"a","sequence":1.0}`:                        faultSequence,
		`{"vehicle":"a","sequence":1e400}`:                      faultSequence,
		`{"vehicle":"a","sequence":9007199254740992}`:           faultSequence,
		`{"vehicle":"a","sequence":9223372036854775808}`:        faultSequence,
		`{"vehicle":"a","sequence":"1"}`:                        faultSequence,
		`{"vehicle":"a","sequence":null}`:                       faultSequence,
		`{"vehicle":"a","sent_at":1700000000}`:                  faultSentAt,
		`{"vehicle":"a","sent_at":"yesterday"}`:                 faultSentAt,
		`{"vehicle":"a","sent_at":"2026-02-29T00:00:00Z"}`:      faultSentAt,
		`{"vehicle":"a","sent_at":"2026-01-01T00:00:60Z"}`:      faultSentAt,
		`{"vehicle":"a","sent_at":"2026-01-01T00:00:00"}`:       faultSentAt,
		`{"vehicle":"a","sent_at":"2026-01-01T00:00:00+25:00"}`: faultSentAt,
		`{"vehicle":"a","sent_at":"10000-01-01T00:00:00Z"}`:     faultSentAt,
		`{"vehicle":"a","sent_at":"9999-12-31T23:59:59-01:00"}`: faultSentAt,
		`{"vehicle":"a","buffered":1}`:                          faultBuffered,
		`{"vehicle":"a","buffered":null}`:                       faultBuffered,
	} {
		items, err := decodeNDJSON([]byte(line), nil, 1)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		} else if items[0].fault != fault {
			t.Errorf("%s: fault is %q, want %q", line, items[0].fault, fault)
		}
	}
}

func TestMalformedJSONIsRefusedWithItsPlace(t *testing.T) {
	deep := strings.Repeat(`[`, 1e6)
	for body, want := range map[string]string{
		"{\"vehicle\":\"a\"}\n{\"vehicle\":": "line 2, byte 11: expected a value",
		`{"vehicle":"a"} x`:                  "line 1, byte 16: unexpected bytes after the end",
		`{"vehicle":"a"}{"vehicle":"a"}`:     "line 1, byte 15: unexpected bytes after the end",
		"\ufeff{}":                           "line 1, byte 0: expected a value",
		`{"vehicle":"` + "\xff" + `"}`:       "line 1, byte 12: a string is not valid UTF-8",
		`{"vehicle":"\n` + "\xff" + `"}`:     "line 1, byte 12: a string is not valid UTF-8",
		`{"vehicle":"` + "\x00" + `"}`:       "line 1, byte 12: a control character in a string",
		`{"vehicle":"\ud800"}`:               "line 1, byte 18: half of a surrogate pair",
		`{"vehicle":"\ud800\u0041"}`:         "line 1, byte 24: half of a surrogate pair",
		`{"vehicle":"\udc00"}`:               "line 1, byte 18: half of a surrogate pair",
		`{"vehicle":"\x41"}`:                 "line 1, byte 13: not an escape of JSON",
		`{"vehicle":"\u00g0"}`:               `line 1, byte 14: expected four hexadecimal digits after \u`,
		`{"vehicle":"a`:                      "line 1, byte 13: a string does not end",
		`{"vehicle":"a\`:                     "line 1, byte 14: not an escape of JSON",
		`{"vehicle" "a"}`:                    "line 1, byte 11: expected ':'",
		`{"vehicle":"a",}`:                   "line 1, byte 15: expected a string",
		`{"vehicle":"a" "b":1}`:              "line 1, byte 15: expected ',' or '}'",
		`{vehicle:"a"}`:                      "line 1, byte 1: expected a string",
		`{'vehicle':'a'}`:                    "line 1, byte 1: expected a string",
		`{"sequence":01}`:                    "line 1, byte 13: expected ',' or '}'",
		`{"sequence":1.}`:                    "line 1, byte 14: expected a digit after '.'",
		`{"sequence":1e}`:                    "line 1, byte 14: expected a digit in the exponent",
		`{"sequence":NaN}`:                   "line 1, byte 12: expected a value",
		`{"sequence":+1}`:                    "line 1, byte 12: expected a value",
		`{"sequence":-}`:                     "line 1, byte 13: expected a value",
		`{"buffered":tru}`:                   "line 1, byte 12: expected a value",
		`{"x":` + deep:                       "line 1, byte 12: nested too deep",
		deep:                                 "line 1, byte 8: nested too deep",
		"{\"vehicle\":\n\"a\"}":              "line 1, byte 11: expected a value",
	} {
		_, err := decodeNDJSON([]byte(body), nil, 10)
		if err == nil || err.Error() != want {
			t.Errorf("%.60q: got %v, want %s", body, err, want)
		}
	}
	for body, want := range map[string]string{
		``:                     "byte 0, after 0 heartbeats: expected an array of heartbeats",
		`null`:                 "byte 0, after 0 heartbeats: expected an array of heartbeats",
		`{}`:                   "byte 0, after 0 heartbeats: expected an array of heartbeats",
		`[{"vehicle":"a"},]`:   "byte 17, after 1 heartbeats: expected a value",
		`[{"vehicle":"a"}`:     "byte 16, after 1 heartbeats: expected ',' or ']'",
		`[{"vehicle":"a"}] []`: "byte 18, after 1 heartbeats: unexpected bytes after the end",
		`[] x`:                 "byte 3, after 0 heartbeats: unexpected bytes after the end",
		`[{"vehicle":"a"} {}]`: "byte 17, after 1 heartbeats: expected ',' or ']'",
	} {
		_, err := decodeJSON([]byte(body), nil, 10)
		if err == nil || err.Error() != want {
			t.Errorf("%.60q: got %v, want %s", body, err, want)
		}
	}
}

func TestOnlySoManyHeartbeatsAreRead(t *testing.T) {
	line := `{"vehicle":"a"}`
	three := []string{line, line, line}
	for limit, ok := range map[int]bool{2: false, 3: true} {
		if _, err := decodeNDJSON([]byte(strings.Join(three, "\n")), nil, limit); (err == nil) != ok {
			t.Errorf("lines, limit %d: %v", limit, err)
		}
		if _, err := decodeJSON([]byte("["+strings.Join(three, ",")+"]"), nil, limit); (err == nil) != ok {
			t.Errorf("array, limit %d: %v", limit, err)
		}
	}
}

// FuzzJSONHeartbeat compares the scanner with an independent strict decoder: both must accept the same texts, find the
// same texts to be no JSON, and read the same values.
func FuzzJSONHeartbeat(f *testing.F) {
	for _, seed := range []string{
		goodLine, `{}`, `null`, `{"vehicle":"\ud83d\ude00"}`, `{"vehicle":"a","sequence":9007199254740991}`, `{"vehicle":"a","x":[{"y":null}]}`,
		`{"vehicle":"a","sent_at":"1969-12-31T23:59:59.9999+23:59"}`, `{"vehicle":"a","sequence":-0}`, `{"vehicle":"a","buffered":false}`, "{\"vehicle\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		s := scanner{data: line}
		s.space()
		got, err := s.heartbeat(true)
		if err == nil {
			err = s.end()
		}
		if at, ok := errors.AsType[*malformedError](err); ok && at.what == "nested too deep" {
			return
		}
		if valid := jsontext.Value(line).IsValid(jsontext.AllowDuplicateNames(true)); valid != (err == nil) {
			t.Fatalf("%q: JSON: %v, but we say %v", line, valid, err)
		}
		if err != nil {
			return
		}
		want, ok := oracle(line)
		if ok != (got.fault == "") {
			t.Fatalf("%q: a heartbeat: %v, but we say %q", line, ok, got.fault)
		}
		if ok && (!bytes.Equal(got.vehicle, want.vehicle) || got.sentAt != want.sentAt || got.sequence != want.sequence || got.buffered != want.buffered) {
			t.Fatalf("%q: got %+v, want %+v", line, got, want)
		}
	})
}

// FuzzJSONBody looks at whole bodies: an array is read exactly when it is JSON, and lines never break anything.
func FuzzJSONBody(f *testing.F) {
	f.Add([]byte("[" + goodLine + "," + goodLine + "]"))
	f.Add([]byte(goodLine + "\r\n\n" + goodLine))
	f.Add([]byte("[1,\"a\",null,{},[]] "))
	f.Fuzz(func(t *testing.T, body []byte) {
		const limit = 1000
		items, err := decodeNDJSON(body, nil, limit)
		if lines := bytes.Count(body, []byte("\n")) + 1; len(items) > min(lines, limit) {
			t.Fatalf("%q: %d items of %d lines, %v", body, len(items), lines, err)
		}
		_, err = decodeJSON(body, nil, limit)
		at, malformed := errors.AsType[*malformedError](err)
		switch value := jsontext.Value(body); {
		case malformed && at.what == "nested too deep", err != nil && !malformed:
		case (value.Kind() == '[' && value.IsValid(jsontext.AllowDuplicateNames(true))) != (err == nil):
			t.Fatalf("%q: we say %v", body, err)
		}
	})
}

// oracle reads a heartbeat by reflection.
func oracle(line []byte) (item, bool) {
	var members map[string]jsontext.Value
	if json.Unmarshal(line, &members) != nil || members == nil {
		return item{}, false
	}
	for _, value := range members {
		if value.Kind() == 'n' {
			return item{}, false
		}
	}
	var h struct {
		Vehicle  *string `json:"vehicle"`
		SentAt   *string `json:"sent_at"`
		Sequence *uint64 `json:"sequence"`
		Buffered bool    `json:"buffered"`
	}
	if json.Unmarshal(line, &h, json.RejectUnknownMembers(true)) != nil || h.Vehicle == nil || !ValidID(*h.Vehicle) {
		return item{}, false
	}
	it := item{vehicle: []byte(*h.Vehicle), sequence: event.NoSequence, buffered: h.Buffered}
	if h.Sequence != nil {
		if it.sequence = int64(*h.Sequence); *h.Sequence > uint64(event.MaxSequence) {
			return item{}, false
		}
	}
	if h.SentAt != nil {
		at, ok := oracleTime(*h.SentAt)
		if !ok || at < firstSentAt || at > lastSentAt {
			return item{}, false
		}
		if it.sentAt = at; at == 0 {
			it.sentAt = 1
		}
	}
	return it, true
}

var rfc3339Shape = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func oracleTime(text string) (event.Time, bool) {
	at, err := time.Parse(time.RFC3339, text)
	return event.At(at), err == nil && rfc3339Shape.MatchString(text)
}

func FuzzRFC3339(f *testing.F) {
	for _, seed := range []string{
		"2026-07-01T12:00:00.250Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00", "2000-02-29T23:59:59-12:00",
		"1900-02-29T00:00:00Z", "2026-01-01T00:00:60Z", "1970-01-01T00:00:00.0Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:00,5Z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, wantOK := oracleTime(text)
		got, ok := parseTime([]byte(text))
		if ok != wantOK || ok && got != want {
			t.Fatalf("%q: got %v %v, want %v %v", text, got, ok, want, wantOK)
		}
	})
}

// TestEveryDayOfTheCalendarIsRight goes through two whole cycles of leap years.
func TestEveryDayOfTheCalendarIsRight(t *testing.T) {
	for day := time.Date(0, 1, 1, 3, 4, 5, 0, time.UTC); day.Year() < 801; day = day.AddDate(0, 0, 1) {
		if got, ok := parseTime(day.AppendFormat(nil, time.RFC3339)); !ok || got != event.At(day) {
			t.Fatalf("%s: got %d, %v", day, got, ok)
		}
	}
}
