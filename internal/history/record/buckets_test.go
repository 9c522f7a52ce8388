package record_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// TestBucketsFollowTheClocksOfTheZone: each line is what a clock on the wall shows at the begin of each bucket and at the end.
func TestBucketsFollowTheClocksOfTheZone(t *testing.T) {
	for _, c := range []struct{ name, zone, from, to, step, want string }{
		{"a day of 23 hours", "Europe/Stockholm", "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z", "day", "29 00:00 +01, 30 00:00 +02, 31 00:00 +02"},
		{"a day of 25 hours", "Europe/Stockholm", "2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z", "day", "25 00:00 +02, 26 00:00 +01, 27 00:00 +01"},
		{"an hour that does not exist", "Europe/Stockholm", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z", "hour", "29 01:00 +01, 29 03:00 +02, 29 04:00 +02, 29 05:00 +02"},
		{"an hour that comes twice", "Europe/Stockholm", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z", "hour", "25 02:00 +02, 25 02:00 +01, 25 03:00 +01, 25 04:00 +01"},
		{"quarters of a short day", "Europe/Stockholm", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "6h", "29 00:00 +01, 29 06:00 +02, 29 12:00 +02, 29 18:00 +02, 30 00:00 +02"},
		{"quarters of a long day", "Europe/Stockholm", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "6h", "25 00:00 +02, 25 06:00 +01, 25 12:00 +01, 25 18:00 +01, 26 00:00 +01"},
		{"two hours of which one is jumped over", "Europe/Stockholm", "2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z", "2h", "29 00:00 +01, 29 03:00 +02, 29 04:00 +02, 29 06:00 +02"},
		{"clocks that move by half an hour, forward", "Australia/Lord_Howe", "2026-10-03T14:30:00Z", "2026-10-03T17:00:00Z", "hour", "04 01:00 +1030, 04 02:30 +11, 04 03:00 +11, 04 04:00 +11"},
		{"clocks that move by half an hour, back", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z", "hour", "05 01:00 +11, 05 02:00 +1030, 05 03:00 +1030"},
		{"a zone of half an hour", "Asia/Kolkata", "2026-06-01T00:00:00Z", "2026-06-01T02:00:00Z", "hour", "01 05:30 +0530, 01 06:00 +0530, 01 07:00 +0530, 01 07:30 +0530"},
		{"midnight does not exist", "America/Sao_Paulo", "2018-11-03T03:00:00Z", "2018-11-06T02:00:00Z", "day", "03 00:00 -03, 04 01:00 -02, 05 00:00 -02, 06 00:00 -02"},
		{"midnight comes twice", "America/Havana", "2026-10-31T04:00:00Z", "2026-11-02T05:00:00Z", "day", "31 00:00 -04, 01 00:00 -04, 02 00:00 -05"},
		{"the hour before midnight comes twice", "America/Sao_Paulo", "2019-02-16T02:00:00Z", "2019-02-18T03:00:00Z", "day", "16 00:00 -02, 17 00:00 -03, 18 00:00 -03"},
		{"a date does not exist", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z", "day", "29 00:00 -10, 31 00:00 +14, 01 00:00 +14"},
		{"weeks begin on Monday", "Europe/Stockholm", "2026-03-18T23:00:00Z", "2026-04-06T22:00:00Z", "week", "19 00:00 +01, 23 00:00 +01, 30 00:00 +02, 06 00:00 +02, 07 00:00 +02"},
		{"months", "America/New_York", "2026-01-31T05:00:00Z", "2026-04-10T04:00:00Z", "month", "31 00:00 -05, 01 00:00 -05, 01 00:00 -05, 01 00:00 -04, 10 00:00 -04"},
		{"the whole window", "UTC", "2026-01-31T05:17:00Z", "2026-04-10T04:00:00Z", "", "31 05:17 +00, 10 04:00 +00"},
		{"a first one that is short", "UTC", "2026-01-31T05:17:00Z", "2026-01-31T06:20:00Z", "15m", "31 05:17 +00, 31 05:30 +00, 31 05:45 +00, 31 06:00 +00, 31 06:15 +00, 31 06:20 +00"},
		{"before 1970", "America/New_York", "1969-12-31T20:30:00Z", "1970-01-01T00:00:00Z", "2h", "31 15:30 -05, 31 16:00 -05, 31 18:00 -05, 31 19:00 -05"},
	} {
		t.Run(c.name, func(t *testing.T) {
			step, err := record.ParseStep(c.step)
			if err != nil {
				t.Fatal(err)
			}
			parse := func(s string) event.Time {
				at, err := time.Parse(time.RFC3339, s)
				if err != nil {
					t.Fatal(err)
				}
				return event.At(at)
			}
			location := zone(t, c.zone)
			buckets, err := record.Buckets(parse(c.from), parse(c.to), step, location)
			if err != nil {
				t.Fatal(err)
			}
			show := func(at event.Time) string { return at.Std().In(location).Format("02 15:04 -07") }
			if c.zone == "Asia/Kolkata" || c.zone == "Australia/Lord_Howe" {
				show = func(at event.Time) string {
					s := at.Std().In(location).Format("02 15:04 -0700")
					return s[:len(s)-2] + map[string]string{"00": "", "30": "30"}[s[len(s)-2:]]
				}
			}
			got := show(parse(c.from))
			for _, b := range buckets {
				got += ", " + show(b.To)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("buckets begin (-want +got):\n%s", diff)
			}
		})
	}
}

// zones are some whose clocks do what others do not.
var zones = []string{"UTC", "Europe/Stockholm", "America/New_York", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Beirut", "Pacific/Apia", "Africa/Casablanca", "America/Asuncion", "Antarctica/Troll"}

func TestBucketsCoverTheWindowAndEachDayIsItsDate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		location := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		start := event.At(time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC)).Add(time.Duration(rapid.Int64Range(0, 25*365*24).Draw(t, "hours")) * time.Hour)
		if rapid.Bool().Draw(t, "near a change of clocks") {
			if _, end := start.Std().In(location).ZoneBounds(); !end.IsZero() {
				start = event.At(end).Add(-time.Duration(rapid.IntRange(0, 30*3600).Draw(t, "seconds before")) * time.Second)
			}
		}
		end := start.Add(time.Duration(rapid.IntRange(1, 4*24*3600).Draw(t, "seconds")) * time.Second)
		name := rapid.SampledFrom([]string{"day", "week", "month", "hour", "5m", "6h", "8h", "12h", "24h"}).Draw(t, "step")
		step, err := record.ParseStep(name)
		if err != nil {
			t.Fatal(err)
		}
		buckets, err := record.Buckets(start, end, step, location)
		if err != nil {
			t.Fatal(err)
		}
		at := start
		for _, b := range buckets {
			if b.From != at || b.To <= b.From {
				t.Fatalf("a bucket from %s to %s after %s", b.From, b.To, at)
			}
			at = b.To
			if name == "day" || name == "24h" {
				y, m, d := b.From.Std().In(location).Date()
				for probe := b.From; probe < b.To; probe = probe.Add(7 * time.Minute) {
					py, pm, pd := probe.Std().In(location).Date()
					if py != y || pm != m || pd != d {
						t.Fatalf("%s is in the day that begins at %s", probe.Std().In(location), b.From.Std().In(location))
					}
				}
				if b.To < end && b.To.Std().In(location).Day() == d {
					t.Fatalf("the day ends at %s, before it is over", b.To.Std().In(location))
				}
			}
		}
		if at != end {
			t.Fatalf("the buckets end at %s, the window at %s", at, end)
		}
	})
}

func TestStepsThatAreNoneAreRefused(t *testing.T) {
	for _, s := range []string{"fortnight", "7h", "0s", "-1h", "25h", "999ms", "1.0005s", "1h ", "day,week"} {
		if _, err := record.ParseStep(s); !errors.Is(err, record.ErrInvalid) {
			t.Errorf("step %q: %v", s, err)
		}
	}
	second, err := record.ParseStep("1s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := record.Buckets(scripttest.Start, scripttest.Start.Add(time.Hour), second, time.UTC); !errors.Is(err, record.ErrInvalid) {
		t.Errorf("3600 buckets: %v", err)
	}
}
