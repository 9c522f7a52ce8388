package presence

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
	"pgregory.net/rapid"
)

const (
	historyVehicles  = 5
	historyCustomers = 3
)

// historyPolicies are those that random histories choose from. The last ones reach beyond the ring's span.
var historyPolicies = []event.Policy{
	{},
	{LateAfter: 2 * time.Second, OfflineAfter: 5 * time.Second},
	{LateAfter: 20 * time.Second, OfflineAfter: 20 * time.Second},
	{LateAfter: 60*time.Second + 1*time.Millisecond, OfflineAfter: 100 * time.Second},
	event.DefaultPolicy,
	{LateAfter: 200 * time.Second, OfflineAfter: 400 * time.Second},
	{LateAfter: 5 * time.Minute, OfflineAfter: 40 * time.Minute},
}

// history draws a log: bursts, silences, stretches of listening, facts of all kinds in any order, cut into batches
// anywhere. Its times never go back, and it says nothing else that a log would not.
type history struct {
	t       *rapid.T
	now     event.Time
	open    event.Batch
	batches []event.Stored
}

func drawHistory(t *rapid.T) []event.Stored {
	h := &history{t: t, now: scripttest.Start}
	for v := range event.VehicleID(rapid.IntRange(0, historyVehicles).Draw(t, "vehicles at first")) {
		h.fact(event.VehicleAdded{Vehicle: v + 1, Customer: h.customer()})
	}
	for range rapid.IntRange(0, 120).Draw(t, "steps") {
		rapid.SampledFrom(historySteps).Draw(t, "step")(h)
	}
	h.cut()
	return h.batches
}

var historySteps = []func(h *history){
	func(h *history) { h.cut() },
	func(h *history) { h.pass(0, 300) },
	func(h *history) { h.pass(0, 30_000) },
	func(h *history) { h.pass(0, 20*60_000) },
	func(h *history) { h.burst() },
	func(h *history) { h.heartbeat(h.vehicle()) },
	func(h *history) { h.listen() },
	func(h *history) { h.listen(h.vehicle(), h.vehicle(), h.vehicle()) },
	func(h *history) { h.fact(h.drawFact()) },
	func(h *history) { h.fact(h.drawPolicy()) },
	func(h *history) { h.fact(h.drawObserver()) },
}

func (h *history) vehicle() event.VehicleID {
	return event.VehicleID(rapid.IntRange(1, historyVehicles).Draw(h.t, "vehicle"))
}

func (h *history) customer() event.CustomerID {
	return event.CustomerID(rapid.IntRange(0, historyCustomers).Draw(h.t, "customer"))
}

func (h *history) drawPolicy() event.Fact {
	f := event.PolicyChanged{Customer: h.customer(), Policy: rapid.SampledFrom(historyPolicies).Draw(h.t, "policy")}
	if rapid.Bool().Draw(h.t, "of a vehicle") {
		f.Vehicle = h.vehicle()
	}
	return f
}

func (h *history) drawObserver() event.Fact {
	return rapid.SampledFrom([]event.Fact{
		event.ObserverStarted{}, event.ObserverStopped{}, event.Lost{},
	}).Draw(h.t, "observer")
}

func (h *history) drawFact() event.Fact {
	return rapid.SampledFrom([]event.Fact{
		event.Canary{},
		event.VehicleAdded{Vehicle: h.vehicle(), Customer: h.customer()},
		event.VehicleRemoved{Vehicle: h.vehicle()},
		event.VehiclePaused{Vehicle: h.vehicle()},
		event.VehicleResumed{Vehicle: h.vehicle()},
	}).Draw(h.t, "fact")
}

func (h *history) pass(from, to int) {
	h.now += event.Time(rapid.IntRange(from, to).Draw(h.t, "milliseconds"))
}

func (h *history) fact(f event.Fact) {
	h.open.Entries = append(h.open.Entries, event.Entry{After: h.open.Heartbeats.Len(), ReceivedAt: h.now, Fact: f})
}

func (h *history) heartbeat(v event.VehicleID) {
	flags := rapid.SampledFrom([]event.Flags{0, 0, 0, event.Buffered, event.Repeat, event.ClockAhead | event.Repeat}).Draw(h.t, "flags")
	h.open.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: h.now, Sequence: event.NoSequence, Flags: flags})
}

func (h *history) burst() {
	for range rapid.IntRange(1, 20).Draw(h.t, "heartbeats") {
		h.heartbeat(h.vehicle())
	}
}

// listen lets canaries come at even distances for a while; the vehicles given send between them.
func (h *history) listen(senders ...event.VehicleID) {
	every := event.Time(rapid.SampledFrom([]int{250, 250, 500, 1000, 5000, 10_000}).Draw(h.t, "canary every"))
	for i := range rapid.IntRange(1, 200).Draw(h.t, "canaries") {
		h.now += every
		if len(senders) > 0 && i%4 == 0 {
			h.heartbeat(senders[i/4%len(senders)])
		}
		h.fact(event.Canary{})
	}
}

func (h *history) cut() {
	h.batches = append(h.batches, event.Stored{Position: event.Position(len(h.batches) + 1), Epoch: 1, Batch: h.open})
	h.open = event.Batch{}
}

func TestRuleAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, o := New(), newOracle()
		for _, s := range drawHistory(t) {
			var got Changes
			r.Apply(s, &got)
			want := o.apply(s)
			if !slices.Equal(got.Transitions, want.Transitions) {
				t.Fatalf("batch %d: transitions\n%v, the oracle says\n%v", s.Position, got.Transitions, want.Transitions)
			}
			if !slices.Equal(got.Gaps, want.Gaps) {
				t.Fatalf("batch %d: gaps\n%v, the oracle says\n%v", s.Position, got.Gaps, want.Gaps)
			}
			sameState(t, r, o)
		}
	})
}

// sameState compares what the rule answers about every vehicle with the oracle.
func sameState(t *rapid.T, r *Rule, o *oracle) {
	var counts [event.Presences]int
	for v := range event.VehicleID(historyVehicles + 2) {
		want := o.vehicles[v]
		if r.Known(v) != (want != nil) {
			t.Fatalf("vehicle %d: known is %v", v, r.Known(v))
		}
		if want == nil {
			want = &oracleVehicle{number: v}
			counts[event.Unknown]-- // which counts only those that are watched
		}
		counts[want.presence]++
		policy, _ := r.Policy(v)
		if r.Presence(v) != want.presence || r.Since(v) != want.since || r.LastHeartbeat(v) != want.heard || policy != o.policy(want) {
			t.Fatalf("vehicle %d: %s since %s, heard %s, policy %v; the oracle says %+v",
				v, r.Presence(v), r.Since(v), r.LastHeartbeat(v), policy, want)
		}
	}
	if r.Counts() != counts {
		t.Fatalf("counts are %v, the oracle says %v", r.Counts(), counts)
	}
	if l := r.Listening(); l.Since != o.start || l.Proof != o.last || l.Broken != (len(o.since) > 0) {
		t.Fatalf("listening is %+v, the oracle says since %s, proof %s", l, o.start, o.last)
	}
}

func TestPrefixSavedAndRestEqualsFullReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := drawHistory(t)
		cuts := rapid.SliceOfDistinct(rapid.IntRange(0, len(batches)), rapid.ID).Draw(t, "reload after")
		full, resumed := New(), New()
		var want, got Changes
		for i, s := range batches {
			if slices.Contains(cuts, i) {
				resumed = reload(t, resumed)
			}
			full.Apply(s, &want)
			resumed.Apply(s, &got)
		}
		if !slices.Equal(got.Transitions, want.Transitions) || !slices.Equal(got.Gaps, want.Gaps) {
			t.Fatalf("resumed: %v\nreplayed: %v", got, want)
		}
		if !bytes.Equal(saved(t, full), saved(t, resumed)) {
			t.Fatal("the resumed rule saves other bytes than the replayed one")
		}
		if full.Counts() != resumed.Counts() || full.Listening() != resumed.Listening() {
			t.Fatal("the resumed rule answers otherwise than the replayed one")
		}
	})
}

// TestSilenceIsAlwaysProven checks each verdict against the log itself: nobody is called offline, and nobody who was
// online late, unless the log shows unbroken listening without a heartbeat for as long as the policy says.
func TestSilenceIsAlwaysProven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New()
		heard := map[event.VehicleID]event.Time{}
		for _, s := range drawHistory(t) {
			for one := range single(s) {
				maxGap := r.Listening().MaxGap
				var out Changes
				proof := r.Listening().Proof
				r.Apply(one, &out)
				if one.Heartbeats.Len() == 1 && one.Heartbeats.At(0).Flags&event.Buffered == 0 {
					heard[one.Heartbeats.Vehicle[0]] = one.Heartbeats.ReceivedAt[0]
				}
				l := r.Listening()
				if l.Proof != proof && l.Since < proof && l.Proof.Sub(proof) > maxGap {
					t.Fatalf("canaries %s and %s count as listening, max gap %s", proof, l.Proof, maxGap)
				}
				for _, tr := range out.Transitions {
					policy, _ := r.Policy(tr.Vehicle)
					silent := l.Proof.Sub(max(heard[tr.Vehicle], l.Since))
					if tr.To == event.Offline && silent <= policy.OfflineAfter ||
						tr.To == event.Late && tr.From == event.Online && silent <= policy.LateAfter {
						t.Fatalf("%v, but only %s of silence are proven", tr, silent)
					}
				}
			}
		}
	})
}

// TestTheSilentAreFound listens on after any history: within their policy and two canaries, all have gone offline.
func TestTheSilentAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New()
		var out Changes
		begin := scripttest.Start
		for _, s := range drawHistory(t) {
			r.Apply(s, &out)
			begin = max(begin, s.EndTime())
		}
		longest := time.Duration(0)
		for v := range event.VehicleID(r.Cap()) {
			policy, _ := r.Policy(v)
			longest = max(longest, policy.OfflineAfter)
		}
		every := r.Listening().MaxGap.Truncate(time.Millisecond)
		h := &history{t: t, now: begin}
		for h.now <= begin.Add(longest+2*every) {
			h.now = h.now.Add(every)
			h.fact(event.Canary{})
		}
		r.Apply(event.Stored{Batch: h.open}, &out)
		for v := range event.VehicleID(r.Cap()) {
			if p := r.Presence(v); p == event.Online || p == event.Late {
				t.Fatalf("vehicle %d is %s since %s", v, p, r.Since(v))
			}
		}
	})
}

// TestVehiclesThatReportAreNeverLate adds to any history one vehicle that sends within its policy whenever we listen,
// and that nobody pauses or gives another policy.
func TestVehiclesThatReportAreNeverLate(t *testing.T) {
	const steady = event.VehicleID(historyVehicles + 1)
	policy := event.Policy{LateAfter: 20 * time.Second, OfflineAfter: 30 * time.Second}
	rapid.Check(t, func(t *rapid.T) {
		batches := drawHistory(t)
		r := New()
		var out Changes
		r.Apply(event.Stored{Batch: event.Batch{Entries: []event.Entry{
			{ReceivedAt: scripttest.Start, Fact: event.VehicleAdded{Vehicle: steady, Customer: 9}},
			{ReceivedAt: scripttest.Start, Fact: event.PolicyChanged{Vehicle: steady, Policy: policy}},
		}}}, &out)
		var sent event.Time
		for _, s := range batches {
			for one := range single(s) {
				r.Apply(one, &out)
				if at := one.EndTime(); at.Sub(sent) >= policy.LateAfter-r.Listening().MaxGap {
					sent = at
					var b event.Batch
					b.Heartbeats.Append(event.Heartbeat{Vehicle: steady, ReceivedAt: at, Sequence: event.NoSequence})
					r.Apply(event.Stored{Batch: b}, &out)
				}
			}
		}
		for _, tr := range out.Transitions {
			if tr.Vehicle == steady && tr.To != event.Online {
				t.Fatalf("%v", tr)
			}
		}
	})
}

// single cuts a batch into batches of one event.
func single(s event.Stored) func(yield func(event.Stored) bool) {
	return func(yield func(event.Stored) bool) {
		for run := range s.Runs {
			for i := run.From; i < run.To; i++ {
				one := event.Stored{Position: s.Position, Epoch: s.Epoch}
				one.Heartbeats.Append(s.Heartbeats.At(i))
				if !yield(one) {
					return
				}
			}
			if run.Entry == nil {
				return
			}
			entry := *run.Entry
			entry.After = 0
			if !yield(event.Stored{Position: s.Position, Epoch: s.Epoch, Batch: event.Batch{Entries: []event.Entry{entry}}}) {
				return
			}
		}
	}
}
