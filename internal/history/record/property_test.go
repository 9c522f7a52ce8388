package record_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

// stateAt says in the plainest way what the record of a vehicle says about one moment.
func (h *history) stateAt(v *record.Vehicle, t event.Time, known event.Time) (record.State, event.CustomerID) {
	knew := func(shown event.Time) bool { return known == 0 || shown <= known }
	var member *record.Membership
	for i, m := range v.Memberships {
		if knew(m.From) && m.From <= t && (m.To == 0 || !knew(m.To) || t < m.To) {
			member = &v.Memberships[i]
		}
	}
	if member == nil {
		return record.Unwatched, 0
	}
	added := member.From // when it was added, to whomever
	for _, m := range slices.Backward(v.Memberships) {
		if m.To == added {
			added = m.From
		}
	}
	state := record.NeverHeard
	for _, tr := range v.Transitions {
		if tr.At <= t && tr.At >= added && knew(tr.Known) {
			state = [...]record.State{record.NeverHeard, record.Online, record.Late, record.Offline, record.Paused}[tr.To]
		}
	}
	if state == record.Paused {
		return state, member.Customer
	}
	for _, g := range h.observer.Gaps {
		if g.From <= t && t < g.To && knew(g.To) {
			return record.Unobserved, member.Customer
		}
	}
	if state == record.Offline || state == record.NeverHeard {
		ahead := event.Time(0)
		for _, beat := range v.Heartbeats {
			if !knew(beat.ReceivedAt) {
				continue
			}
			if beat.Flags&(event.Buffered|event.Repeat) == event.Buffered|event.Repeat {
				continue
			}
			if beat.Flags&event.Buffered == 0 {
				ahead = 0
				if beat.SentAt.Sub(beat.ReceivedAt) > event.ClockTolerance {
					ahead = beat.SentAt - beat.ReceivedAt
				}
				continue
			}
			if s := beat.SentAt - ahead; s <= t && t < s.Add(v.Holds) && t < beat.ReceivedAt {
				return record.OutOfCoverage, member.Customer
			}
		}
	}
	return state, member.Customer
}

func TestPeriodsCoverTheWindowAndSayWhatTheRowsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		w := h.drawWindow()
		clipped := h.observer.Clip(w)
		for number := range event.VehicleID(historyVehicles) {
			v := h.vehicle(number + 1)
			periods := record.Periods(v, &h.observer, w)
			at := clipped.From
			for _, p := range periods {
				if p.From != at || p.To <= p.From {
					t.Fatalf("a period from %s to %s, told up to %s", scripttest.Clock(p.From), scripttest.Clock(p.To), scripttest.Clock(at))
				}
				if p.Since > p.From {
					t.Fatalf("%+v is since later than it is", p)
				}
				at = p.To
			}
			if clipped.From < clipped.To && at != clipped.To {
				t.Fatalf("told up to %s, not %s", scripttest.Clock(at), scripttest.Clock(clipped.To))
			}
			for _, m := range h.moments(v, clipped) {
				state, customer := h.stateAt(v, m, w.KnownAt)
				for _, p := range periods {
					if p.From <= m && m < p.To && (p.State != state || p.Customer != customer) {
						t.Fatalf("vehicle %d at %s: %s of customer %d, want %s of %d", number+1, scripttest.Clock(m), p.State, p.Customer, state, customer)
					}
				}
			}
		}
	})
}

// TestRecordAgreesWithTheLiveRule: right after each canary, the record of a moment ago is what the rule says now.
func TestRecordAgreesWithTheLiveRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		h.now++
		h.fact(event.Canary{})
		for number := range event.VehicleID(historyVehicles) {
			v := h.vehicle(number + 1)
			periods := record.Periods(v, &h.observer, record.Window{From: h.now - 1, To: h.now})
			if len(periods) != 1 {
				t.Fatalf("%d periods in one millisecond", len(periods))
			}
			p := periods[0]
			if watched := p.State != record.Unwatched; watched != h.rule.Known(number+1) {
				t.Fatalf("vehicle %d: watched is %v", number+1, watched)
			}
			if p.State != record.Unwatched && p.Presence != h.rule.Presence(number+1) {
				t.Fatalf("vehicle %d: %s, the rule says %s", number+1, p.Presence, h.rule.Presence(number+1))
			}
			if since := h.rule.Since(number + 1); p.State != record.Unwatched && p.Since != since {
				t.Fatalf("vehicle %d: since %s, the rule says %s", number+1, scripttest.Clock(p.Since), scripttest.Clock(since))
			}
		}
	})
}

func (h *history) drawBuckets(w record.Window) []record.Bucket {
	step, err := record.ParseStep(rapid.SampledFrom([]string{"", "1m", "15m", "hour", "day", "month"}).Draw(h.t, "step"))
	if err != nil {
		h.t.Fatal(err)
	}
	buckets, err := record.Buckets(w.From, w.To, step, time.UTC)
	if err != nil {
		h.t.Skip(err) // a history longer than MaxBuckets minutes
	}
	return buckets
}

func TestUptimePartsAddUpToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		w := h.drawWindow()
		buckets := h.drawBuckets(h.observer.Clip(w))
		var members [historyCustomers + 1]time.Duration
		watched := time.Duration(0)
		for number := range event.VehicleID(historyVehicles) {
			periods := record.Periods(h.vehicle(number+1), &h.observer, w)
			for _, u := range record.UptimeOf(periods, buckets) {
				if u.Whole() != u.To.Sub(u.From) || min(u.Connected, u.Disconnected, u.Unobserved, u.Paused, u.OutOfCoverage) < 0 {
					t.Fatalf("the parts of %s to %s are %+v", scripttest.Clock(u.From), scripttest.Clock(u.To), u)
				}
				if u.OutOfCoverage > u.Disconnected {
					t.Fatalf("out of coverage for longer than disconnected: %+v", u)
				}
			}
			for _, p := range periods {
				if p.State != record.Unwatched {
					watched += p.To.Sub(p.From)
				}
			}
			for c := range event.CustomerID(historyCustomers) {
				sums := record.Sums(buckets)
				record.AddMember(sums, periods, c+1)
				for _, u := range sums {
					members[c+1] += u.Whole()
				}
			}
		}
		all := time.Duration(0)
		for _, part := range members {
			all += part
		}
		if all != watched {
			t.Fatalf("the customers' vehicles were watched for %s, the vehicles for %s", all, watched)
		}
	})
}

func TestUptimeOfAWindowIsTheSumOfItsPartsCutAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		w := h.observer.Clip(h.drawWindow())
		if w.From >= w.To {
			return
		}
		cut := event.Time(rapid.Int64Range(int64(w.From), int64(w.To)).Draw(t, "cut"))
		v := h.vehicle(h.draw())
		uptime := func(from, to event.Time) record.Uptime {
			window := w
			window.From, window.To = from, to
			u := record.UptimeOf(record.Periods(v, &h.observer, window), []record.Bucket{{From: from, To: to}})
			return u[0]
		}
		whole, sum, second := uptime(w.From, w.To), uptime(w.From, cut), uptime(cut, w.To)
		sum.Add(&second)
		sum.Bucket = whole.Bucket
		if diff := cmp.Diff(whole, sum); diff != "" {
			t.Fatalf("whole (-) and sum of parts cut at %s (+):\n%s", scripttest.Clock(cut), diff)
		}
	})
}

// TestKnowledgeOnlyGrows: what was told as of a moment stands, except that outages are repaired, and that silence shows up
// to a canary after its deadline.
func TestKnowledgeOnlyGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		v := h.vehicle(h.draw())
		early, late := h.drawTime("early"), h.drawTime("late")
		early, late = min(early, late), max(early, late)
		told := record.Periods(v, &h.observer, record.Window{From: scripttest.Start, To: h.now, KnownAt: early})
		for _, was := range told {
			for _, is := range record.Periods(v, &h.observer, record.Window{From: was.From, To: was.To, KnownAt: late}) {
				repaired := (was.State == record.Offline || was.State == record.NeverHeard) && is.State == record.OutOfCoverage
				if is.State == was.State && is.Customer == was.Customer || repaired {
					continue
				}
				if early < is.Known && is.Known <= late && is.Presence != was.Presence {
					continue // a deadline that had passed, and was not proven yet
				}
				if is.State == record.OutOfCoverage && is.Presence != was.Presence {
					continue // both
				}
				t.Fatalf("%s to %s was %s as of %s and is %s, known at %s, as of %s",
					scripttest.Clock(is.From), scripttest.Clock(is.To), was.State, scripttest.Clock(early), is.State, scripttest.Clock(is.Known), scripttest.Clock(late))
			}
		}
	})
}

// TestWhatCameLaterChangesNothing: an answer as of a moment is the one that the log up to that moment gives.
func TestWhatCameLaterChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		v := h.vehicle(h.draw())
		known := h.drawTime("known at")
		cut := *v
		for cut.Transitions = nil; len(cut.Transitions) < len(v.Transitions) && v.Transitions[len(cut.Transitions)].Known <= known; {
			cut.Transitions = v.Transitions[:len(cut.Transitions)+1]
		}
		for cut.Heartbeats = nil; len(cut.Heartbeats) < len(v.Heartbeats) && v.Heartbeats[len(cut.Heartbeats)].ReceivedAt <= known; {
			cut.Heartbeats = v.Heartbeats[:len(cut.Heartbeats)+1]
		}
		w := record.Window{From: scripttest.Start, To: h.now, KnownAt: known}
		if diff := cmp.Diff(record.Periods(&cut, &h.observer, w), record.Periods(v, &h.observer, w)); diff != "" {
			t.Fatalf("as of %s, of the log up to it (-) and of all of it (+):\n%s", scripttest.Clock(known), diff)
		}
		if diff := cmp.Diff(record.DeliveryOf(cut.Heartbeats, &h.observer, w, time.Minute), record.DeliveryOf(v.Heartbeats, &h.observer, w, time.Minute)); diff != "" {
			t.Fatalf("delivery as of %s, of the log up to it (-) and of all of it (+):\n%s", scripttest.Clock(known), diff)
		}
	})
}

// TestRowsFromBeforeAreNotNeeded: rows that begin in the midst of a vehicle's history say the same of a later window, but
// for how long it has been so.
func TestRowsFromBeforeAreNotNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		w := h.drawWindow()
		v := h.vehicle(h.draw())
		rest := *v
		for len(rest.Memberships) > 0 && rest.Memberships[0].To != 0 && rest.Memberships[0].To < w.From {
			rest.Memberships = rest.Memberships[1:]
		}
		for len(rest.Transitions) > 0 && rest.Transitions[0].At < w.From && rest.Transitions[0].Known <= w.From && (w.KnownAt == 0 || rest.Transitions[0].Known <= w.KnownAt) {
			rest.Before = rest.Transitions[0].To
			rest.Transitions = rest.Transitions[1:]
		}
		if dropped := len(v.Transitions) - len(rest.Transitions); dropped > 0 && len(rest.Memberships) > 0 {
			if first := rest.Memberships[0].From; v.Transitions[dropped-1].At < first && !continues(v, first) {
				rest.Before = event.Unknown
			}
		}
		what := func(v *record.Vehicle) (periods []record.Period) {
			for _, p := range record.Periods(v, &h.observer, w) {
				p.Since, p.Known = 0, 0
				periods = append(periods, p)
			}
			return periods
		}
		if diff := cmp.Diff(what(v), what(&rest)); diff != "" {
			t.Fatalf("of all rows (-) and of the later ones (+):\n%s", diff)
		}
	})
}

// continues says whether a vehicle that was watched from a moment on was watched right before, too.
func continues(v *record.Vehicle, from event.Time) bool {
	return slices.ContainsFunc(v.Memberships, func(m record.Membership) bool { return m.To == from })
}
