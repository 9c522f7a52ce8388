package record

import (
	"errors"
	"fmt"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// ErrInvalid says that a question cannot be answered as it is asked; the error says why.
var ErrInvalid = errors.New("invalid")

// MaxBuckets bounds the buckets of one answer.
const MaxBuckets = 2000

// Bucket is a stretch of time, From up to but without To.
type Bucket struct {
	From, To event.Time
}

// Step is how long buckets are: a day, a week from Monday, or a month of some time zone, or a length of time that divides
// a day. The zero Step is the whole window in one.
type Step struct {
	months, days int
	length       time.Duration
}

// ParseStep reads "hour", "day", "week", "month", or a length such as "15m" or "6h" that divides 24 hours; "" is the
// whole window.
func ParseStep(s string) (Step, error) {
	switch s {
	case "":
		return Step{}, nil
	case "hour":
		return Step{length: time.Hour}, nil
	case "day":
		return Step{days: 1}, nil
	case "week":
		return Step{days: 7}, nil
	case "month":
		return Step{months: 1}, nil
	}
	const day = 24 * time.Hour
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d > day || day%d != 0 || d%time.Millisecond != 0 {
		return Step{}, fmt.Errorf("%w step %q: it is none of hour, day, week, month, nor a length such as 15m or 6h that divides 24h", ErrInvalid, s)
	}
	if d == day {
		return Step{days: 1}, nil
	}
	return Step{length: d}, nil
}

// Buckets cuts a stretch of time where a step begins by the clocks of a time zone. The first and the last bucket may be
// shorter than the others, and so may those in which clocks change: a day has 23 or 25 hours then. A step shorter than a day begins
// whenever the clock shows a multiple of it, or jumps over one. It is ErrInvalid to ask for more than MaxBuckets.
func Buckets(from, to event.Time, step Step, zone *time.Location) ([]Bucket, error) {
	var out []Bucket
	for at := from; at < to; {
		if len(out) == MaxBuckets {
			return nil, fmt.Errorf("%w: the window has more than %d such steps", ErrInvalid, MaxBuckets)
		}
		next := to
		if step != (Step{}) {
			next = min(step.after(at, zone), to)
		}
		out = append(out, Bucket{at, next})
		at = next
	}
	return out, nil
}

// Borders are the begins of buckets that follow one another, and the end of the last.
func Borders(buckets []Bucket) []event.Time {
	var out []event.Time
	for _, b := range buckets {
		out = append(out, b.From)
	}
	if n := len(buckets); n > 0 {
		out = append(out, buckets[n-1].To)
	}
	return out
}

// after is the next begin of a step after t.
func (s Step) after(t event.Time, zone *time.Location) event.Time {
	if s.length > 0 {
		return s.afterClock(t, zone)
	}
	year, month, day := t.Std().In(zone).Date()
	switch {
	case s.months > 0:
		return midnight(year, month+time.Month(s.months), 1, zone)
	case s.days == 7:
		// Counted from the date alone, whose weekday no clock changes.
		since := (int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()) + 6) % 7 // days since Monday
		return midnight(year, month, day+7-since, zone)
	default:
		return midnight(year, month, day+1, zone)
	}
}

// midnight is the first moment of a date in a time zone, which is 0:00 except where clocks jump over it.
func midnight(year int, month time.Month, day int, zone *time.Location) event.Time {
	naive := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	// The clock that shows 0:00 is one in force a day before or after; where it jumps over 0:00, the date begins there.
	first := time.Time{}
	try := func(t time.Time) {
		y, m, d := t.In(zone).Date()
		if !time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Before(naive) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, near := range []time.Time{naive.Add(-26 * time.Hour), naive.Add(26 * time.Hour)} {
		_, offset := near.In(zone).Zone()
		try(naive.Add(-time.Duration(offset) * time.Second))
		if start, end := near.In(zone).ZoneBounds(); near.Before(naive) && !end.IsZero() {
			try(end)
		} else if near.After(naive) && !start.IsZero() {
			try(start)
		}
	}
	return event.At(first)
}

// afterClock is the next moment after t at which the zone's clock shows a multiple of the step or jumps over one.
func (s Step) afterClock(t event.Time, zone *time.Location) event.Time {
	length := event.Time(s.length.Milliseconds())
	at, shown := t, clock(t, zone)
	for {
		next := at + length - shown%length
		_, end := at.Std().In(zone).ZoneBounds()
		if end.IsZero() || event.At(end) > next {
			return next
		}
		change := event.At(end)
		before := (shown + change - at - 1) / length // the step in which the old clock ends
		at, shown = change, clock(change, zone)
		if shown%length == 0 || shown/length != before {
			return change
		}
	}
}

// clock is what a zone's clock shows at t, in milliseconds since it showed a midnight long ago.
func clock(t event.Time, zone *time.Location) event.Time {
	const midnight = 100_000 * 24 * 60 * 60 * 1000 // before 1970, so that no time is negative
	_, offset := t.Std().In(zone).Zone()
	return t + event.Time(offset)*1000 + midnight
}
