package simulate

import (
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Plan says which vehicle sends what, and when. It is a pure function of the seed, the vehicle and the time: it reads no
// clock, keeps no state between questions, and may be asked from several goroutines.
//
// Time is cut into slots of one interval. In each a vehicle has one moment: its phase, which stays, and a jitter, which
// is drawn anew. The only memory is the order of the vehicles by phase, four bytes each.
type Plan struct {
	seed      uint64
	interval  int64 // milliseconds, as are the next two
	jitter    int64
	spread    int64 // phases lie in [0, spread)
	start     event.Time
	behaviour Behaviour
	troubles  troubles
	roster    *Roster

	byPhase []int32 // vehicles in the order of their phase bucket
	bucket  []int32 // where each bucket begins in byPhase, and the end
	width   int64   // of a bucket, milliseconds
}

// Message is one heartbeat on its way.
type Message struct {
	Vehicle  int        // index in the roster
	At       event.Time // when it leaves the vehicle, in truth
	SentAt   event.Time // when the vehicle recorded it, by its own clock
	Sequence int64
	Buffered bool // the vehicle could not deliver it when it recorded it
}

// alignedPart is the part of the interval in which an aligned fleet reports: in 10 s of a minute, at 6 times the mean rate.
const alignedPart = 6

// phaseBuckets is how many buckets the phases are sorted into. Finding a tick's vehicles looks at one bucket too many.
const phaseBuckets = 6000

// newPlan is the plan of a checked Config.
func newPlan(cfg Config, roster *Roster) *Plan {
	interval := cfg.Interval.Milliseconds()
	p := &Plan{
		seed:      cfg.Seed,
		interval:  interval,
		jitter:    cfg.Jitter.Milliseconds(),
		spread:    interval,
		start:     event.At(cfg.Start),
		behaviour: cfg.Behaviour,
		troubles:  newTroubles(cfg.Behaviour, interval),
		roster:    roster,
	}
	if cfg.Aligned {
		p.spread = max(interval/alignedPart-p.jitter, 1)
	}
	p.sortByPhase()
	return p
}

// sortByPhase is a counting sort of the vehicles into buckets of equal width.
func (p *Plan) sortByPhase() {
	p.width = max(p.interval/phaseBuckets, 1)
	buckets := int(p.interval/p.width) + 1
	p.bucket = make([]int32, buckets+1)
	vehicles := p.roster.Vehicles()
	for v := range vehicles {
		p.bucket[p.phase(v)/p.width+1]++
	}
	for b := range buckets {
		p.bucket[b+1] += p.bucket[b]
	}
	next := slices.Clone(p.bucket)
	p.byPhase = make([]int32, vehicles)
	for v := range vehicles {
		b := p.phase(v) / p.width
		p.byPhase[next[b]] = int32(v)
		next[b]++
	}
}

// phase is a vehicle's place in the interval, milliseconds.
func (p *Plan) phase(vehicle int) int64 {
	return below(draw(p.seed, phaseDraw, uint64(vehicle), 0), p.spread)
}

// moment is when a vehicle's heartbeat of a slot is due.
func (p *Plan) moment(vehicle int, slot int64) event.Time {
	at := slot*p.interval + p.phase(vehicle)
	if p.jitter > 0 {
		at += below(draw(p.seed, jitterDraw, uint64(vehicle), uint64(slot)), p.jitter)
	}
	return event.Time(at)
}

// Window appends to out all messages that leave their vehicle in [from, to), in the order of their leaving. Windows that
// adjoin give the same messages as one window over all of them.
func (p *Plan) Window(from, to event.Time, out []Message) []Message {
	from = max(from, p.start)
	if from >= to {
		return out
	}
	for _, due := range p.due(from, to) {
		at := from + event.Time(due>>32)
		out = p.depart(int(uint32(due)), at, out)
	}
	return out
}

// due lists who has a moment in [from, to), sorted: milliseconds after from in the upper half, the vehicle in the lower.
func (p *Plan) due(from, to event.Time) []uint64 {
	var due []uint64
	earliest := int64(from) - max(p.jitter-1, 0) // a moment is at its slot's phase or up to the jitter later
	for slot := floorDiv(earliest, p.interval); slot*p.interval < int64(to); slot++ {
		low := max(earliest-slot*p.interval, 0)
		high := min(int64(to)-slot*p.interval, p.interval)
		first, last := p.bucket[low/p.width], p.bucket[(high-1)/p.width+1]
		for _, v := range p.byPhase[first:last] {
			if at := p.moment(int(v), slot); at >= from && at < to {
				due = append(due, uint64(at-from)<<32|uint64(v))
			}
		}
	}
	slices.Sort(due)
	return due
}

// depart appends what a vehicle sends at one of its moments: what it could not deliver before, then the heartbeat itself.
func (p *Plan) depart(vehicle int, at event.Time, out []Message) []Message {
	if p.absent(vehicle, at) || p.uncovered(vehicle, at) {
		return out
	}
	slot := floorDiv(int64(at)-p.phase(vehicle), p.interval)
	oldest := p.oldestBuffered(vehicle, slot)
	for s := oldest; s < slot; s++ {
		m := p.message(vehicle, s, at)
		m.Buffered = true
		out = append(out, m)
	}
	if p.behaviour.Duplicates <= 0 {
		return append(out, p.message(vehicle, slot, at))
	}
	if _, later := p.duplicate(vehicle, slot-1); later && oldest == slot &&
		!p.absent(vehicle, p.moment(vehicle, slot-1)) {
		out = append(out, p.message(vehicle, slot-1, at))
	}
	out = append(out, p.message(vehicle, slot, at))
	if atOnce, _ := p.duplicate(vehicle, slot); atOnce {
		out = append(out, out[len(out)-1])
	}
	return out
}

// oldestBuffered is the first of the slots right before slot that the vehicle recorded and could not deliver, and slot
// itself when there is none.
func (p *Plan) oldestBuffered(vehicle int, slot int64) int64 {
	for oldest := slot; ; oldest-- {
		before := p.moment(vehicle, oldest-1)
		if slot-oldest == longestBuffer || p.absent(vehicle, before) || !p.uncovered(vehicle, before) {
			return oldest
		}
	}
}

// duplicate says whether the heartbeat of a slot is sent a second time, at once or along with the next one.
func (p *Plan) duplicate(vehicle int, slot int64) (atOnce, later bool) {
	bits := draw(p.seed, duplicateDraw, uint64(vehicle), uint64(slot))
	if fraction(bits) >= p.behaviour.Duplicates {
		return false, false
	}
	return bits&1 == 0, bits&1 == 1
}

// message is the heartbeat of a slot, leaving at a moment of that slot or a later one.
func (p *Plan) message(vehicle int, slot int64, leaves event.Time) Message {
	return Message{
		Vehicle:  vehicle,
		At:       leaves,
		SentAt:   p.clock(vehicle, p.moment(vehicle, slot)),
		Sequence: p.sequence(vehicle, slot),
	}
}

// floorDiv is a/b rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
