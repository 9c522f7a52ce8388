package simulate

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestQuantilesAreRightToASixteenth(t *testing.T) {
	var h histogram
	if h.quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	for ms := range 1000 {
		h.add(time.Duration(ms+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second} {
		if got := h.quantile(q); got < want || got > want+want/16 {
			t.Errorf("quantile %.2f is %s, want %s", q, got, want)
		}
	}
	earlier := h
	h.add(3 * time.Microsecond)
	if recent := h.since(earlier); recent.total != 1 || recent.quantile(0.5) != 3*time.Microsecond {
		t.Errorf("since then there were %d, at %s", recent.total, recent.quantile(0.5))
	}
	h.add(1000 * time.Hour) // beyond the last bucket
}

func TestReasonsAreBounded(t *testing.T) {
	tally := newTally(time.Now())
	for i := range 10_000 {
		tally.rejected(strconv.Itoa(i), 1)
	}
	result := tally.result()
	if len(result.Reasons) != maxReasons+1 || result.Reasons["other"] != 10_000-maxReasons {
		t.Errorf("%d reasons, %d others", len(result.Reasons), result.Reasons["other"])
	}
}

func TestResultReadsWell(t *testing.T) {
	got := Result{
		Elapsed: 2 * time.Minute, Sent: 1_234_567, Accepted: 1_200_000, Repeats: 12, Rejected: 567, Dropped: 34_000,
		Reasons: map[string]int64{"unknown vehicle": 567}, Retries: map[string]int64{"no connection": 3, "503 Service Unavailable": 4},
		Requests: 1300, P50: 1234 * time.Microsecond, P99: 12345 * time.Microsecond, Max: 2345 * time.Millisecond,
	}.String()
	want := `1,234,567 heartbeats sent in 2m0s (10,000/s accepted)
accepted 1,200,000  repeats 12  rejected 567 (unknown vehicle: 567)  retries 7 (503 Service Unavailable: 4, no connection: 3)  dropped 34,000
1,300 requests, answered in p50 1.2ms, p99 12.3ms, max 2.35s`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTerminalGetsOneLineThatIsWrittenOver(t *testing.T) {
	var out strings.Builder
	line := progressLine{w: &out, terminal: true}
	for range 3 {
		line.write(Result{Elapsed: time.Second}, histogram{})
	}
	line.end()
	if strings.Count(out.String(), "\r") != 3 || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got %q", out.String())
	}
}
