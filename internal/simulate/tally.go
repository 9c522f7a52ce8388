package simulate

import (
	"maps"
	"sync"
	"time"
)

// Result says what became of a simulation's heartbeats. Every one that was sent is accepted, rejected, dropped or unsent.
type Result struct {
	Elapsed  time.Duration
	Sent     int64 // heartbeats that left their vehicle, duplicates and buffered ones included
	Accepted int64 // acknowledged by the server: durable there
	Repeats  int64 // of those, how many the server said it had; in batches it does not say
	Rejected int64 // refused for good
	Dropped  int64 // given up to make room for newer ones
	Unsent   int64 // still waiting, or without an answer, at the end

	Reasons map[string]int64 // Rejected by reason
	Retries map[string]int64 // failed requests that were tried again, by reason

	Requests      int64         // requests made
	P50, P99, Max time.Duration // time to an answer, or to the failure of a request
}

// maxReasons bounds how many different reasons are told apart; the rest is "other".
const maxReasons = 20

// tally counts while a simulation runs.
type tally struct {
	begin time.Time

	mu      sync.Mutex // guards all below
	sum     Result     // but Elapsed and the answer times
	answers histogram
}

func newTally(begin time.Time) *tally {
	return &tally{begin: begin, sum: Result{Reasons: make(map[string]int64), Retries: make(map[string]int64)}}
}

func (t *tally) left(n, dropped int) {
	t.mu.Lock()
	t.sum.Sent += int64(n)
	t.sum.Dropped += int64(dropped)
	t.mu.Unlock()
}

func (t *tally) unsent(n int) {
	t.mu.Lock()
	t.sum.Unsent += int64(n)
	t.mu.Unlock()
}

func (t *tally) answered(after time.Duration) {
	t.mu.Lock()
	t.sum.Requests++
	t.answers.add(after)
	t.mu.Unlock()
}

func (t *tally) accepted(n int, repeat bool) {
	t.mu.Lock()
	t.sum.Accepted += int64(n)
	if repeat {
		t.sum.Repeats += int64(n)
	}
	t.mu.Unlock()
}

func (t *tally) rejected(reason string, n int) {
	t.mu.Lock()
	t.sum.Rejected += int64(n)
	count(t.sum.Reasons, reason, n)
	t.mu.Unlock()
}

func (t *tally) retried(reason string) {
	t.mu.Lock()
	count(t.sum.Retries, reason, 1)
	t.mu.Unlock()
}

func count(by map[string]int64, reason string, n int) {
	if _, known := by[reason]; !known && len(by) >= maxReasons {
		reason = "other"
	}
	by[reason] += int64(n)
}

// result is the sum so far.
func (t *tally) result() Result {
	r, answers := t.snapshot()
	r.P50, r.P99, r.Max = answers.quantile(0.5), answers.quantile(0.99), answers.quantile(1)
	return r
}

func (t *tally) snapshot() (Result, histogram) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.sum
	r.Elapsed = time.Since(t.begin)
	r.Reasons, r.Retries = maps.Clone(r.Reasons), maps.Clone(r.Retries)
	return r, t.answers
}
