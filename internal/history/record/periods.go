package record

import "github.com/fleetbeat/fleetbeat/internal/event"

// Period is a stretch of a vehicle's record in one state, From up to but without To.
type Period struct {
	From, To event.Time
	State    State
	Cause    Cause
	Presence event.Presence   // what the rule called the vehicle, also where the state says more; unknown while unwatched
	Since    event.Time       // when that presence began, which a window, a gap or a repair may cut; 0 when before the rows
	Known    event.Time       // when the log showed the state; 0 when no row says
	Customer event.CustomerID // whose vehicle it was; 0 while unwatched
}

// Periods is a vehicle's record in a window, clipped to what was proven. The periods follow one another without holes
// and cover it. Three layers make it: what the log said of the vehicle; over that the observer's gaps, for what was not
// proven is not told; and over the outages what buffered heartbeats show. An outage that these cut into pieces is one
// still: its pieces have one Since.
func Periods(v *Vehicle, o *Observer, w Window) []Period {
	w = o.Clip(w)
	if w.From >= w.To {
		return nil
	}
	t := teller{window: &w, now: Period{State: Unwatched, Cause: ByNoRegistry}}
	t.tell(v)
	observed := overlay(t.told, gaps(o, &w), func(s State) bool { return s != Paused && s != Unwatched })
	return overlay(observed, alive(v, &w), func(s State) bool { return s == Offline || s == NeverHeard })
}

// teller says what the log said of a vehicle, as if we had always listened.
type teller struct {
	window *Window
	told   []Period
	now    Period // the one that is open
}

func (t *teller) tell(v *Vehicle) {
	before, rest := v.Before, v.Transitions
	for i, m := range v.Memberships {
		if !t.window.knew(m.From) {
			break
		}
		if i > 0 && moves(v.Memberships[i-1], m) {
			t.change(m.From, Period{State: t.now.State, Presence: t.now.Presence, Since: t.now.Since, Known: t.now.Known, Customer: m.Customer})
		} else {
			t.change(m.From, begin(m, before))
		}
		before = event.Unknown
		end := m.To
		ends := end != 0 && t.window.knew(end)
		for ; len(rest) > 0 && (!ends || rest[0].At <= end); rest = rest[1:] {
			if r := rest[0]; t.window.knew(r.Known) {
				t.change(r.At, Period{State: stateOf(r.To), Presence: r.To, Since: r.At, Known: r.Known, Customer: m.Customer})
			}
		}
		if ends && (i+1 == len(v.Memberships) || !moves(m, v.Memberships[i+1])) {
			t.change(end, Period{State: Unwatched, Since: end, Known: end})
		}
	}
	t.change(t.window.To, Period{})
}

// moves says whether a vehicle went from one customer straight to another, which leaves its presence as it is.
func moves(from, to Membership) bool { return from.To == to.From && from.Customer != to.Customer }

// begin is how a membership begins: a vehicle is unknown when it is added. Rows that begin in its midst say what came before.
func begin(m Membership, before event.Presence) Period {
	p := Period{State: stateOf(before), Presence: before, Customer: m.Customer}
	if before == event.Unknown {
		p.Since, p.Known = m.From, m.From
	}
	return p
}

// change ends the open period and opens the next.
func (t *teller) change(at event.Time, next Period) {
	next.From, next.Cause = max(at, t.now.From), next.State.cause()
	ended := t.now
	ended.From, ended.To = max(ended.From, t.window.From), min(next.From, t.window.To)
	if ended.From < ended.To {
		t.told = append(t.told, ended)
	}
	t.now = next
}

// layer is a stretch that is laid over what it applies to.
type layer struct {
	from, to event.Time
	state    State
	cause    Cause
	known    event.Time
}

// gaps are the unobserved stretches that touch the window, which was clipped to those that were known.
func gaps(o *Observer, w *Window) []layer {
	var out []layer
	for _, g := range o.Gaps {
		if g.To > w.From && g.From < w.To {
			out = append(out, layer{g.From, g.To, Unobserved, causeOf(g.Reason), g.To})
		}
	}
	return out
}

// overlay lays stretches, which are in order and apart, over those periods whose state takes them.
func overlay(periods []Period, over []layer, takes func(State) bool) []Period {
	if len(over) == 0 {
		return periods
	}
	out := make([]Period, 0, len(periods)+2*len(over))
	for _, p := range periods {
		for len(over) > 0 && over[0].to <= p.From {
			over = over[1:]
		}
		if !takes(p.State) {
			out = append(out, p)
			continue
		}
		for _, l := range over {
			if l.from >= p.To {
				break
			}
			before, laid := p, p
			laid.From, laid.To = max(l.from, p.From), min(l.to, p.To)
			laid.State, laid.Cause, laid.Known = l.state, l.cause, l.known
			if before.To = laid.From; before.From < before.To {
				out = append(out, before)
			}
			out = append(out, laid)
			p.From = laid.To
		}
		if p.From < p.To {
			out = append(out, p)
		}
	}
	return out
}
