package history

import (
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// part is a stretch of the log, a whole hour as a rule, in memory. While it is open, it grows under History.mu; when it
// is closed, it changes no more.
type part struct {
	from, until event.Time     // received-at of what it may hold; until is not in it
	first, last event.Position // batches of which it holds something; 0 when there is none
	newest      event.Time     // the last event in it
	bytes       int            // about the memory that it takes

	chunks      []chunk
	raw         []beat // not in a chunk yet, in the order of the log
	heartbeats  int
	transitions []Transition // in the order of the log
	gaps        []event.Gap  // likewise
	facts       []Fact       // likewise

	numbering numbering
	numbered  event.Position // the batch that numbering is in

	// Of a closed part: what lies behind its end.
	next  event.Position // the first batch that has something behind its end
	after []byte         // the state there, saved
}

func newPart(from, until event.Time) *part { return &part{from: from, until: until} }

// touch notes that something of a batch, up to a moment, is in the part.
func (p *part) touch(position event.Position, at event.Time) {
	if p.first == 0 {
		p.first = position
	}
	p.last, p.newest = position, max(p.newest, at)
}

// add takes in heartbeats of a batch whose first stands at index from in it.
func (p *part) add(h *event.Heartbeats, position event.Position, from int) {
	if h.Len() == 0 {
		return
	}
	if p.numbered != position {
		p.numbered = position
		p.numbering.begin()
	}
	for i := range h.Vehicle {
		b := beat{Heartbeat: h.At(i), id: event.ID{Position: position, Index: uint32(from + i)}}
		b.nth = p.numbering.nth(b.ReceivedAt)
		p.raw = append(p.raw, b)
		if len(p.raw) == chunkRows {
			p.chunks = append(p.chunks, newChunk(p.raw))
			p.raw = p.raw[:0]
		}
	}
	p.heartbeats += h.Len()
}

// close makes a chunk of what is left.
func (p *part) close() {
	if len(p.raw) > 0 {
		p.chunks = append(p.chunks, newChunk(p.raw))
	}
	p.raw = nil
}

// size is about the memory that the part takes, in bytes.
func (p *part) size() int {
	n := len(p.raw)*72 + len(p.transitions)*56 + len(p.gaps)*32 + len(p.facts)*32 + len(p.after)
	for i := range p.chunks {
		n += p.chunks[i].size()
	}
	return n
}

// of appends the heartbeats of a vehicle that were received at from or later, and before to, in the order of the log.
func (p *part) of(vehicle event.VehicleID, from, to event.Time, out []Heartbeat) []Heartbeat {
	if from >= p.until || to <= p.from {
		return out
	}
	take := func(b *beat) {
		if b.ReceivedAt >= from && b.ReceivedAt < to {
			out = append(out, Heartbeat{b.Heartbeat, b.id})
		}
	}
	for i := range p.chunks {
		for u := p.chunks[i].find(vehicle); ; {
			if v, ok := u.peek(); !ok || v != vehicle {
				break
			}
			b := u.next()
			take(&b)
		}
	}
	for i := range p.raw {
		if p.raw[i].Vehicle == vehicle {
			take(&p.raw[i])
		}
	}
	return out
}
