package simulate

import "github.com/fleetbeat/fleetbeat/internal/event"

// longestBuffer is how many heartbeats a device keeps while it cannot deliver: more than a tunnel and a failure of the
// carrier on end, and fewer than the 64 numbers among which the server recognises a repeat.
const longestBuffer = 32

// silentWithin is how many intervals after the start the last of the silent vehicles has fallen silent.
const silentWithin = 60

// spell is something that keeps a vehicle quiet for a while, again and again. Time is cut into eras, shifted for each
// vehicle, and a spell lies in the first half of its era: after each there is calm for at least half an era.
type spell struct {
	about    subject
	era      int64   // milliseconds
	min, max int64   // its length, milliseconds
	chance   float64 // that an era has one
}

// troubles are the spells of a fleet.
type troubles struct {
	tunnel, carrier, reboot spell
}

func newTroubles(b Behaviour, interval int64) troubles {
	of := func(about subject, era, shortest, longest int64, chance float64) spell {
		return spell{about, era * interval, shortest * interval, longest * interval, chance}
	}
	return troubles{
		tunnel:  of(tunnelDraw, 20, 2, 6, b.Tunnels),
		carrier: of(carrierDraw, 40, 3, 8, b.Carrier),
		reboot:  of(rebootDraw, 240, 2, 4, 1), // of the vehicles that reboot at all
	}
}

// eraAt is the number of the era that who, a vehicle or a city, is in at t.
func (s spell) eraAt(seed, who uint64, t event.Time) int64 {
	return (int64(t) + s.shift(seed, who)) / s.era
}

func (s spell) shift(seed, who uint64) int64 { return below(draw(seed, s.about, who, 0), s.era) }

// inEra is the spell of one era; ok is false when the era has none.
func (s spell) inEra(seed, who uint64, era int64) (from, to event.Time, ok bool) {
	bits := draw(seed, s.about, who, uint64(era))
	if fraction(bits) >= s.chance {
		return 0, 0, false
	}
	length := s.min + below(mix(bits), s.max-s.min)
	begin := era*s.era - s.shift(seed, who) + below(mix(^bits), s.era/2-length)
	return event.Time(begin), event.Time(begin + length), true
}

// covers reports whether who is in the spell at t.
func (s spell) covers(seed, who uint64, t event.Time) bool {
	if s.chance <= 0 {
		return false
	}
	from, to, ok := s.inEra(seed, who, s.eraAt(seed, who, t))
	return ok && from <= t && t < to
}

// uncovered reports whether a vehicle at t records what it cannot deliver.
func (p *Plan) uncovered(vehicle int, t event.Time) bool {
	return p.troubles.tunnel.covers(p.seed, uint64(vehicle), t) ||
		p.troubles.carrier.chance > 0 && p.troubles.carrier.covers(p.seed, uint64(p.roster.city(vehicle)), t)
}

// absent reports whether a vehicle at t records nothing: the run has not begun, or its device reboots or is dead.
func (p *Plan) absent(vehicle int, t event.Time) bool {
	if t < p.start {
		return true
	}
	if end := p.SilentFrom(vehicle); end != 0 && t >= end {
		return true
	}
	return p.reboots(vehicle) && p.troubles.reboot.covers(p.seed, uint64(vehicle), t)
}

// SilentFrom is the moment from which a vehicle never sends again, and 0 when there is none. For a vehicle that never
// says a word it is the plan's start.
func (p *Plan) SilentFrom(vehicle int) event.Time {
	share := p.behaviour.Silent
	if share <= 0 {
		return 0
	}
	bits := draw(p.seed, silentDraw, uint64(vehicle), 0)
	if fraction(bits) >= share {
		return 0
	}
	bits = mix(bits)
	if bits>>62 == 0 {
		return p.start
	}
	return p.start + event.Time(below(bits, silentWithin*p.interval))
}

// reboots reports whether a vehicle is one of those whose device reboots.
func (p *Plan) reboots(vehicle int) bool {
	share := p.behaviour.Reboots
	return share > 0 && fraction(draw(p.seed, rebooterDraw, uint64(vehicle), 0)) < share
}

// sequence is the number that a vehicle gives the heartbeat of a slot. It counts slots since 1970, so that a simulation
// that is started again goes on counting; a device that forgets at a reboot counts from the last one.
func (p *Plan) sequence(vehicle int, slot int64) int64 {
	if !p.reboots(vehicle) || draw(p.seed, counterDraw, uint64(vehicle), 0)&1 == 0 {
		return slot
	}
	reboot, who, at := p.troubles.reboot, uint64(vehicle), p.moment(vehicle, slot)
	era := reboot.eraAt(p.seed, who, at)
	_, end, _ := reboot.inEra(p.seed, who, era)
	if end > at {
		_, end, _ = reboot.inEra(p.seed, who, era-1)
	}
	first := floorDiv(int64(end)-p.phase(vehicle), p.interval)
	if p.moment(vehicle, first) < end {
		first++
	}
	return slot - first
}

// clock is what a vehicle's own clock shows at t.
func (p *Plan) clock(vehicle int, t event.Time) event.Time {
	share := p.behaviour.Skew
	if share <= 0 {
		return t
	}
	bits := draw(p.seed, skewDraw, uint64(vehicle), 0)
	if fraction(bits) >= share {
		return t
	}
	const second, minute, hour = 1000, 60_000, 3_600_000
	bits = mix(bits)
	size := mix(bits)
	var off int64
	switch kind := below(bits, 10); {
	case kind < 4:
		off = second + below(size, 30*second)
	case kind < 7:
		off = minute + below(size, 20*minute)
	case kind < 9:
		off = hour * (1 + below(size, 12))
	default: // no battery: the clock started at 0 when the device did
		return t - p.start + second
	}
	if bits>>63 == 0 {
		off = -off
	}
	return t + event.Time(off)
}
