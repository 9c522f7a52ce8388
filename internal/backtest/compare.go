package backtest

import (
	"cmp"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// pair holds the newest outage of a vehicle on each side. What became of it is said when the next begins or the log ends:
// until then, one of the other side may still turn out to be the same.
type pair [2]outage

// outage is one of one side; the zero outage is none.
type outage struct {
	from, to event.Time // to is 0 while it lasts
	other    event.Time // when the first one began that is the same on the other side; 0 for none
	counts   bool       // it began in the window, of a vehicle that is asked about
}

// begin begins an outage. One of the other side that lasts is the same.
func (t *Test) begin(side int, v event.VehicleID, at event.Time, counts bool) {
	for int(v) >= len(t.pairs) {
		t.pairs = append(t.pairs, pair{})
	}
	t.settle(side, v)
	this, other := &t.pairs[v][side], &t.pairs[v][1-side]
	*this = outage{from: at, counts: counts}
	if other.from == 0 || other.to != 0 && other.to <= at {
		t.pending += this.waits()
		return
	}
	this.other = other.from
	if other.other == 0 {
		t.pending -= other.waits()
		other.other = at
	}
}

// waits is 1 for an outage that counts, lasts, and is not the same as one of the other side so far.
func (o *outage) waits() int {
	if o.counts && o.to == 0 && o.other == 0 {
		return 1
	}
	return 0
}

// end ends an outage, if one lasts.
func (t *Test) end(side int, v event.VehicleID, at event.Time) {
	if int(v) >= len(t.pairs) {
		return
	}
	if this := &t.pairs[v][side]; this.from != 0 && this.to == 0 {
		t.pending -= this.waits()
		this.to = at
	}
}

// settle says what became of an outage.
func (t *Test) settle(side int, v event.VehicleID) {
	o := &t.pairs[v][side]
	if !o.counts {
		return
	}
	to, end := o.to, o.to
	if to == 0 {
		end = t.last
	}
	if t.query.To != 0 && end > t.query.To {
		to, end = 0, t.query.To
	}
	lasted := end.Sub(o.from)
	sum := t.of(side)
	sum.Outages++
	sum.Offline += lasted
	said := Outage{Vehicle: v, From: o.from, Tested: o.other, To: to, lasted: lasted}
	switch {
	case side == present:
		t.verdict(o).add(said, t.query.Examples)
	case o.other == 0:
		said.From, said.Tested = 0, o.from
		t.report.New.add(said, t.query.Examples)
	}
}

// verdict is where an outage of the present side belongs.
func (t *Test) verdict(o *outage) *Found {
	switch {
	case o.other == 0:
		return &t.report.Missed
	case o.other > o.from:
		return &t.report.Later
	case o.other < o.from:
		return &t.report.Earlier
	default:
		return &t.report.Same
	}
}

func (f *Found) add(o Outage, most int) {
	f.Outages++
	f.Offline += o.lasted
	if o.From != 0 && o.Tested != 0 {
		shift := o.Tested.Sub(o.From).Abs()
		f.Shift += shift
		f.Longest = max(f.Longest, shift)
	}
	at, _ := slices.BinarySearchFunc(f.Examples, o, func(a, b Outage) int {
		return cmp.Or(cmp.Compare(b.lasted, a.lasted), cmp.Compare(a.begin(), b.begin()), cmp.Compare(a.Vehicle, b.Vehicle))
	})
	if at == most {
		return
	}
	f.Examples = slices.Insert(f.Examples, at, o)
	f.Examples = f.Examples[:min(len(f.Examples), most)]
}

// begin is when the outage began on the side that has it.
func (o *Outage) begin() event.Time {
	if o.From != 0 {
		return o.From
	}
	return o.Tested
}

// Report says what was found. It ends the test.
func (t *Test) Report() Report {
	t.ended = true
	for v := range t.pairs {
		t.settle(present, event.VehicleID(v))
		t.settle(tested, event.VehicleID(v))
	}
	t.pairs = nil
	t.report.From, t.report.To = max(t.first, t.query.From), t.last
	if t.query.To != 0 {
		t.report.To = min(t.last, t.query.To)
	}
	return t.report
}
