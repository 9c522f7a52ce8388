package backtest

import (
	"cmp"
	"slices"
	"testing"
	"time"

	godiff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

const (
	historyVehicles  = 4
	historyCustomers = 2
)

var historyPolicies = []event.Policy{
	{},
	{LateAfter: 40 * time.Second, OfflineAfter: 50 * time.Second},
	{LateAfter: 60 * time.Second, OfflineAfter: 100 * time.Second},
	{LateAfter: 2 * time.Minute, OfflineAfter: 4 * time.Minute},
}

// history draws a log.
type history struct {
	t       *rapid.T
	now     event.Time
	open    event.Batch
	batches []event.Stored
}

func drawHistory(t *rapid.T, steps []func(*history)) *history {
	h := &history{t: t, now: scripttest.Start}
	for v := range event.VehicleID(historyVehicles) {
		h.fact(event.VehicleAdded{Vehicle: v + 1, Customer: h.customer()})
	}
	for range rapid.IntRange(0, 60).Draw(t, "steps") {
		rapid.SampledFrom(steps).Draw(t, "step")(h)
	}
	h.fact(event.Canary{})
	h.cut()
	return h
}

// calmSteps change no policy.
var calmSteps = []func(*history){
	func(h *history) { h.cut() },
	func(h *history) { h.pass(20_000) },
	func(h *history) { h.listen(h.vehicle()) },
	func(h *history) { h.listen(h.vehicle(), h.vehicle(), h.vehicle(), h.vehicle()) },
	func(h *history) { h.listen() },
	func(h *history) { h.fact(event.VehiclePaused{Vehicle: h.vehicle()}) },
	func(h *history) { h.fact(event.VehicleResumed{Vehicle: h.vehicle()}) },
	func(h *history) { h.fact(event.VehicleRemoved{Vehicle: h.vehicle()}) },
	func(h *history) { h.fact(event.VehicleAdded{Vehicle: h.vehicle(), Customer: h.customer()}) },
	func(h *history) { h.fact(event.ObserverStarted{}) },
}

var historySteps = append(slices.Clone(calmSteps),
	func(h *history) { h.fact(event.PolicyChanged{Vehicle: h.vehicle(), Policy: h.policy()}) },
	func(h *history) { h.fact(event.PolicyChanged{Customer: h.customer(), Policy: h.policy()}) },
	func(h *history) { h.fact(event.PolicyChanged{Policy: h.policy()}) },
)

func (h *history) vehicle() event.VehicleID {
	return event.VehicleID(rapid.IntRange(1, historyVehicles).Draw(h.t, "vehicle"))
}

func (h *history) customer() event.CustomerID {
	return event.CustomerID(rapid.IntRange(1, historyCustomers).Draw(h.t, "customer"))
}

func (h *history) policy() event.Policy {
	return rapid.SampledFrom(historyPolicies).Draw(h.t, "policy")
}

func (h *history) pass(most int) {
	h.now += event.Time(rapid.IntRange(1, most).Draw(h.t, "milliseconds"))
}

func (h *history) fact(f event.Fact) {
	h.now++
	h.open.Entries = append(h.open.Entries, event.Entry{After: h.open.Heartbeats.Len(), ReceivedAt: h.now, Fact: f})
}

// listen lets canaries come for a while; the vehicles given send between them.
func (h *history) listen(senders ...event.VehicleID) {
	for i := range rapid.IntRange(1, 60).Draw(h.t, "canaries") {
		h.now += 5000
		if len(senders) > 0 && i%3 == 0 {
			flags := rapid.SampledFrom([]event.Flags{0, 0, 0, event.Buffered}).Draw(h.t, "flags")
			h.open.Heartbeats.Append(event.Heartbeat{Vehicle: senders[i/3%len(senders)], ReceivedAt: h.now, Sequence: event.NoSequence, Flags: flags})
		}
		h.fact(event.Canary{})
	}
}

func (h *history) cut() {
	h.batches = append(h.batches, event.Stored{Position: event.Position(len(h.batches) + 1), Epoch: 1, Batch: h.open})
	h.open = event.Batch{}
}

func run(batches []event.Stored, q Query) Report {
	test := New(q)
	for _, s := range batches {
		if !test.Apply(s) {
			break
		}
	}
	return test.Report()
}

// drawQuery asks about all or one customer, in any window or all of the log.
func (h *history) drawQuery() Query {
	q := Query{Policy: rapid.SampledFrom(historyPolicies[1:]).Draw(h.t, "policy asked about"), Examples: 3}
	q.Customer = event.CustomerID(rapid.IntRange(0, historyCustomers).Draw(h.t, "customer asked about"))
	if rapid.Bool().Draw(h.t, "in a window") {
		a := scripttest.Start + event.Time(rapid.Int64Range(0, int64(h.now-scripttest.Start)).Draw(h.t, "from"))
		b := scripttest.Start + event.Time(rapid.Int64Range(0, int64(h.now-scripttest.Start)).Draw(h.t, "to"))
		q.From, q.To = min(a, b), max(a, b)+1
	}
	return q
}

// span is an outage in the plainest form.
type span struct {
	vehicle  event.VehicleID
	from, to event.Time
	asked    bool
}

// spans are the outages of the log, event by event, with the policy asked about in the place of all others: its own
// for each vehicle that is asked about, set again after every fact.
func spans(batches []event.Stored, q Query, tested bool) (all []span, transitions [event.Presences]uint64) {
	rule := presence.New()
	open := map[event.VehicleID]int{}
	var position event.Position
	apply := func(b event.Batch) {
		var out presence.Changes
		position++
		rule.Apply(event.Stored{Position: position, Batch: b}, &out)
		for _, tr := range out.Transitions {
			asked := rule.Known(tr.Vehicle) && (q.Customer == 0 || rule.Customer(tr.Vehicle) == q.Customer) && tr.At >= q.From && (q.To == 0 || tr.At < q.To)
			if asked {
				transitions[tr.To]++
			}
			if i, is := open[tr.Vehicle]; is && tr.From == event.Offline {
				all[i].to = tr.At
				delete(open, tr.Vehicle)
			}
			if tr.To == event.Offline {
				open[tr.Vehicle] = len(all)
				all = append(all, span{vehicle: tr.Vehicle, from: tr.At, asked: asked})
			}
		}
	}
	o := newOverride(q)
	if tested {
		apply(event.Batch{Entries: o.first()})
	}
	for _, s := range batches {
		for run := range s.Runs {
			var beats event.Batch
			for i := run.From; i < run.To; i++ {
				beats.Heartbeats.Append(s.Heartbeats.At(i))
			}
			apply(beats)
			if run.Entry == nil {
				continue
			}
			facts := []event.Fact{run.Entry.Fact}
			if tested {
				facts = o.facts(run.Entry.Fact)
			}
			for _, f := range facts {
				if removed, is := f.(event.VehicleRemoved); is {
					if i, is := open[removed.Vehicle]; is {
						all[i].to = run.Entry.ReceivedAt
						delete(open, removed.Vehicle)
					}
				}
				apply(event.Batch{Entries: []event.Entry{{ReceivedAt: run.Entry.ReceivedAt, Fact: f}}})
			}
		}
	}
	return all, transitions
}

func overlap(a, b span) bool {
	return a.vehicle == b.vehicle && (b.to == 0 || a.from < b.to) && (a.to == 0 || b.from < a.to)
}

// TestVerdictsAgreeWithComparingAllOutages: pairing outages on the way gives what comparing each with each gives.
func TestVerdictsAgreeWithComparingAllOutages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t, historySteps)
		q := h.drawQuery()
		r := run(h.batches, q)
		was, transitions := spans(h.batches, q, false)
		would, testedTransitions := spans(h.batches, q, true)
		if r.Present.Transitions != transitions || r.Tested.Transitions != testedTransitions {
			t.Fatalf("transitions %v and %v, want %v and %v", r.Present.Transitions, r.Tested.Transitions, transitions, testedTransitions)
		}
		first := func(a span, others []span) *span {
			i := slices.IndexFunc(others, func(b span) bool { return overlap(a, b) })
			if i < 0 {
				return nil
			}
			return &others[i]
		}
		var want, got [5]uint64
		for _, a := range was {
			if !a.asked {
				continue
			}
			if b := first(a, would); b == nil {
				want[3]++
			} else {
				want[1+cmp.Compare(b.from, a.from)]++
			}
		}
		for _, b := range would {
			if b.asked && first(b, was) == nil {
				want[4]++
			}
		}
		for i, f := range []Found{r.Earlier, r.Same, r.Later, r.Missed, r.New} {
			got[i] = f.Outages
			if len(f.Examples) != int(min(f.Outages, 3)) {
				t.Fatalf("%d examples of %d", len(f.Examples), f.Outages)
			}
		}
		if got != want {
			t.Fatalf("earlier, same, later, missed, new are %v, want %v\n%v\n%v", got, want, was, would)
		}
	})
}

func TestThePolicyInForceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t, calmSteps)
		q := h.drawQuery()
		q.Policy = event.DefaultPolicy
		r := run(h.batches, q)
		if diff := godiff.Diff(r.Present, r.Tested); diff != "" || r.Same.Outages != r.Present.Outages || r.New.Outages != 0 || r.Same.Shift != 0 {
			t.Fatalf("same %d, new %d; present (-) and tested (+):\n%s", r.Same.Outages, r.New.Outages, diff)
		}
	})
}

// TestALongerPolicyFindsNothingEarlier: with more patience no outage is found earlier, and none is new. One that shows when
// a pause ends is found at the same time.
func TestALongerPolicyFindsNothingEarlier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t, calmSteps)
		q := h.drawQuery()
		q.Policy = event.Policy{LateAfter: 2 * time.Minute, OfflineAfter: 4 * time.Minute}
		r := run(h.batches, q)
		if r.New.Outages+r.Earlier.Outages != 0 || r.Same.Outages+r.Later.Outages+r.Missed.Outages != r.Present.Outages {
			t.Fatalf("new %d, earlier %d, same %d, later %d, missed %d of %d", r.New.Outages, r.Earlier.Outages, r.Same.Outages, r.Later.Outages, r.Missed.Outages, r.Present.Outages)
		}
		if q.From == 0 && q.Customer == 0 && r.Tested.Offline > r.Present.Offline {
			t.Fatalf("offline for %s, and less patiently for %s", r.Tested.Offline, r.Present.Offline)
		}
	})
}

// TestBatchesMayBeCutAnywhere: how the log was cut into batches changes no answer.
func TestBatchesMayBeCutAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t, historySteps)
		q := h.drawQuery()
		var single []event.Stored
		for _, s := range h.batches {
			for run := range s.Runs {
				one := event.Stored{Position: s.Position, Epoch: 1}
				for i := run.From; i < run.To; i++ {
					one.Heartbeats.Append(s.Heartbeats.At(i))
				}
				if run.Entry != nil {
					entry := *run.Entry
					entry.After = one.Heartbeats.Len()
					one.Entries = []event.Entry{entry}
				}
				single = append(single, one)
			}
		}
		whole, pieces := run(h.batches, q), run(single, q)
		if diff := godiff.Diff(whole, pieces, godiff.AllowUnexported(Outage{})); diff != "" {
			t.Fatalf("in batches (-) and in pieces (+):\n%s", diff)
		}
	})
}
