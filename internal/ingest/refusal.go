package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// reason says why a door refused a request or an item of it. It is a label of a metric, so the set is closed.
type reason uint8

const (
	reasonUnknownVehicle reason = iota
	reasonInvalidID
	reasonInvalidHeartbeat
	reasonMalformed
	reasonIncomplete
	reasonTooLarge
	reasonTooMany
	reasonType
	reasonEncoding
	reasonMethod
	reasonBusy
	reasonUnavailable
	reasons // how many there are
)

// reasonTable is the one place that turns reasons into words and HTTP statuses.
var reasonTable = [reasons]struct {
	label  string
	status int
}{
	reasonUnknownVehicle:   {"unknown_vehicle", http.StatusNotFound},
	reasonInvalidID:        {"invalid_id", http.StatusBadRequest},
	reasonInvalidHeartbeat: {"invalid_heartbeat", http.StatusBadRequest},
	reasonMalformed:        {"malformed", http.StatusBadRequest},
	reasonIncomplete:       {"incomplete", http.StatusBadRequest},
	reasonTooLarge:         {"too_large", http.StatusRequestEntityTooLarge},
	reasonTooMany:          {"too_many", http.StatusRequestEntityTooLarge},
	reasonType:             {"content_type", http.StatusUnsupportedMediaType},
	reasonEncoding:         {"content_encoding", http.StatusUnsupportedMediaType},
	reasonMethod:           {"method", http.StatusMethodNotAllowed},
	reasonBusy:             {"busy", http.StatusServiceUnavailable},
	reasonUnavailable:      {"unavailable", http.StatusServiceUnavailable},
}

// refusal is why a request is not served, for its sender.
type refusal struct {
	reason reason
	detail string
}

func (r *refusal) Error() string { return r.detail }

func refuse(why reason, format string, args ...any) error {
	return &refusal{why, fmt.Sprintf(format, args...)}
}

// refusalOf is the refusal that an error of this package means to a sender. Nothing internal shows in it.
func refusalOf(err error) *refusal {
	if known, ok := errors.AsType[*refusal](err); ok {
		return known
	}
	if place, ok := errors.AsType[*malformedError](err); ok {
		return &refusal{reasonMalformed, "the body cannot be read: " + place.Error()}
	}
	if many, ok := errors.AsType[tooManyError](err); ok {
		return &refusal{reasonTooMany, many.Error()}
	}
	switch {
	case errors.Is(err, ErrBusy):
		return &refusal{reasonBusy, "too many heartbeats are waiting; nothing of this request was stored"}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &refusal{reasonIncomplete, "the request was given up before the heartbeats were stored"}
	}
	return &refusal{reasonUnavailable, "heartbeats cannot be stored at present; send them again later"}
}

// refuse answers a request with a problem (RFC 9457) and counts it.
func (d *Doors) refuse(w http.ResponseWriter, err error) {
	r := refusalOf(err)
	d.metrics.rejected[r.reason].Inc()
	row := reasonTable[r.reason]
	header := w.Header()
	header["Content-Type"] = []string{"application/problem+json"}
	switch r.reason {
	case reasonBusy, reasonUnavailable:
		header["Retry-After"] = []string{retryAfter(r.reason)}
	case reasonEncoding:
		header["Accept-Encoding"] = []string{"gzip, zstd"}
	}
	body := make([]byte, 0, 256)
	body = append(body, `{"type":"about:blank","title":"`...)
	body = append(body, http.StatusText(row.status)...)
	body = append(body, `","status":`...)
	body = strconv.AppendInt(body, int64(row.status), 10)
	body = append(body, `,"detail":`...)
	body = appendJSONText(body, r.detail)
	body = append(body, `,"reason":"`...)
	body = append(body, row.label...)
	body = append(body, `"}`...)
	w.WriteHeader(row.status)
	w.Write(body) // a sender that has gone needs no answer
}

// retryAfter is in how many seconds to come again. It is drawn at random, so that those who were refused together do
// not come back together. A full queue empties in about two seconds.
func retryAfter(why reason) string {
	if why == reasonBusy {
		return strconv.Itoa(1 + rand.IntN(3))
	}
	return strconv.Itoa(2 + rand.IntN(9))
}

// appendJSONText appends s as a JSON string.
func appendJSONText[T string | []byte](to []byte, s T) []byte {
	const hex = "0123456789abcdef"
	to = append(to, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c < ' ' || c == 0x7f:
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			to = append(to, c)
		default:
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			to = utf8.AppendRune(to, r)
			i += n
			continue
		}
		i++
	}
	return append(to, '"')
}
