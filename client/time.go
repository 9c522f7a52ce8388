package client

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// timeLayout is RFC 3339 UTC with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// Time is a moment on the wire: RFC 3339 in UTC with milliseconds, and null when it is the zero Time.
type Time struct{ time.Time }

// At is t as it goes over the wire: in UTC, cut to the millisecond.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// MarshalJSON writes the moment, or null when there is none.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads any RFC 3339 moment, or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*t = Time{}
		return nil
	}
	moment, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(data))
	if err != nil {
		return fmt.Errorf("reading a time: %s is not RFC 3339", data)
	}
	t.Time = moment.UTC()
	return nil
}

// String is the moment as on the wire, and "" when there is none.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// Seconds is a length of time on the wire: a number of seconds, exact to the millisecond.
type Seconds float64

// SecondsOf is d on the wire.
func SecondsOf(d time.Duration) Seconds { return Seconds(float64(d.Milliseconds()) / 1000) }

// Duration is s rounded to the millisecond, and the longest there is for what is longer.
func (s Seconds) Duration() time.Duration {
	const most = float64(math.MaxInt64 / time.Millisecond)
	return time.Duration(max(-most, min(math.Round(float64(s)*1000), most))) * time.Millisecond
}
