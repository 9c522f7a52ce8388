package main

import (
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestDemoPolicyFollowsTheIntervalAndIsNeverShorterThanAllowed(t *testing.T) {
	for interval, want := range map[time.Duration]event.Policy{
		time.Second:            {LateAfter: 3 * time.Second, OfflineAfter: 6 * time.Second},
		time.Minute:            {LateAfter: 3 * time.Minute, OfflineAfter: 6 * time.Minute},
		100 * time.Millisecond: {LateAfter: 2 * time.Second, OfflineAfter: 4 * time.Second},
		1200 * time.Millisecond: {
			LateAfter: 4 * time.Second, OfflineAfter: 8 * time.Second,
		},
	} {
		if got := demoPolicy(interval); got != want {
			t.Errorf("an interval of %v gives %v, want %v", interval, got, want)
		}
	}
}
