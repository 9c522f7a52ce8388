package history

import (
	"encoding/binary"
	"slices"
	"sort"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// beat is a heartbeat and its place in the log.
type beat struct {
	event.Heartbeat
	id event.ID
	// nth says which of the batches whose heartbeats begin in the millisecond of ReceivedAt it is in, from 1; 0 is the last
	// batch that began before. Together with the batches' first times it tells the position.
	nth uint32
}

// A chunk is a stretch of the log's heartbeats in little memory, sorted by vehicle, then by time. It never changes.
//
// Each heartbeat takes: its vehicle's distance from the one before (uvarint), the number of its batch in the chunk (u16),
// and, when that batch has several heartbeats here, index<<1 (uvarint) with the lowest bit saying that a distance from
// the batch's first time follows (uvarint). In a chunk in which some heartbeat says more than that it was received, a
// byte of flags follows, and what the flags announce.
type chunk struct {
	rows    int
	wide    bool
	data    []byte
	marks   []mark // of every markEvery-th row
	batches batchList
}

const (
	chunkRows = 1 << 14 // a batch's number fits in 16 bits
	markEvery = 128

	saysSent     = 1 << 6 // above the bits of event.Flags
	saysSequence = 1 << 7
)

type mark struct {
	before event.VehicleID // vehicle of the row before
	offset uint32
}

// newChunk makes a chunk of heartbeats in the order of the log, at most chunkRows of them.
func newChunk(beats []beat) chunk {
	c := chunk{rows: len(beats), batches: newBatchList(beats)}
	order, numbers := make([]uint64, len(beats)), make([]uint16, len(beats))
	for i := range beats {
		order[i] = uint64(beats[i].Vehicle)<<32 | uint64(i)
		if i > 0 {
			numbers[i] = numbers[i-1]
			if beats[i].id.Position != beats[i-1].id.Position {
				numbers[i]++
			}
		}
		c.wide = c.wide || beats[i].SentAt != 0 || beats[i].Sequence != event.NoSequence || beats[i].Flags != 0
	}
	slices.Sort(order)
	data := make([]byte, 0, len(beats)*5)
	before := event.VehicleID(0)
	for row, key := range order {
		if row%markEvery == 0 {
			c.marks = append(c.marks, mark{before, uint32(len(data))})
		}
		i := uint32(key)
		data = c.append(data, before, &beats[i], numbers[i])
		before = beats[i].Vehicle
	}
	c.data = append(make([]byte, 0, len(data)), data...)
	return c
}

func (c *chunk) append(data []byte, before event.VehicleID, b *beat, number uint16) []byte {
	data = binary.AppendUvarint(data, uint64(b.Vehicle-before))
	data = binary.LittleEndian.AppendUint16(data, number)
	if c.batches.isMulti(number) {
		first := c.batches.at(number).first
		if late := b.ReceivedAt - first; late != 0 {
			data = binary.AppendUvarint(data, uint64(b.id.Index)<<1|1)
			data = binary.AppendVarint(data, int64(late))
		} else {
			data = binary.AppendUvarint(data, uint64(b.id.Index)<<1)
		}
	}
	if !c.wide {
		return data
	}
	flags := byte(b.Flags) & (saysSent - 1)
	if b.SentAt != 0 {
		flags |= saysSent
	}
	if b.Sequence != event.NoSequence {
		flags |= saysSequence
	}
	data = append(data, flags)
	if b.SentAt != 0 {
		data = binary.AppendVarint(data, int64(b.SentAt-b.ReceivedAt))
	}
	if b.Sequence != event.NoSequence {
		data = binary.AppendUvarint(data, uint64(b.Sequence))
	}
	return data
}

// size is the memory that the chunk takes, in bytes.
func (c *chunk) size() int { return len(c.data) + 8*len(c.marks) + c.batches.size() + 128 }

// cursor reads the rows of a chunk in their order.
type cursor struct {
	chunk   *chunk
	data    []byte // what is left
	rows    int    // likewise
	vehicle event.VehicleID
}

func (c *chunk) cursor() cursor { return cursor{chunk: c, data: c.data, rows: c.rows} }

// find is a cursor at a vehicle's first row, or where it would be.
func (c *chunk) find(vehicle event.VehicleID) cursor {
	i := sort.Search(len(c.marks), func(i int) bool { return c.marks[i].before >= vehicle }) - 1
	i = max(i, 0)
	at := cursor{chunk: c, data: c.data[c.marks[i].offset:], rows: c.rows - i*markEvery, vehicle: c.marks[i].before}
	for {
		ahead := at
		if v, ok := ahead.peek(); !ok || v >= vehicle {
			return at
		}
		at.skip()
	}
}

// peek is the vehicle of the next row.
func (u *cursor) peek() (event.VehicleID, bool) {
	if u.rows == 0 {
		return 0, false
	}
	if u.data[0] < 0x80 {
		return u.vehicle + event.VehicleID(u.data[0]), true
	}
	away, _ := binary.Uvarint(u.data)
	return u.vehicle + event.VehicleID(away), true
}

func (u *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(u.data)
	u.data = u.data[n:]
	return v
}

func (u *cursor) varint() int64 {
	v, n := binary.Varint(u.data)
	u.data = u.data[n:]
	return v
}

// head reads a row's vehicle and batch.
func (u *cursor) head() uint16 {
	u.vehicle += event.VehicleID(u.uvarint())
	u.rows--
	number := binary.LittleEndian.Uint16(u.data)
	u.data = u.data[2:]
	return number
}

func (u *cursor) skip() {
	if u.chunk.batches.isMulti(u.head()) && u.uvarint()&1 != 0 {
		u.varint()
	}
	if u.chunk.wide {
		u.wide(&beat{})
	}
}

func (u *cursor) next() beat {
	number := u.head()
	of := u.chunk.batches.at(number)
	b := beat{Heartbeat: event.Heartbeat{Vehicle: u.vehicle, ReceivedAt: of.first, Sequence: event.NoSequence}, nth: of.nth}
	b.id = event.ID{Position: of.position, Index: of.index}
	if u.chunk.batches.isMulti(number) {
		index := u.uvarint()
		b.id.Index = uint32(index >> 1)
		if index&1 != 0 {
			b.ReceivedAt += event.Time(u.varint())
			b.nth = 0
		}
	}
	if u.chunk.wide {
		u.wide(&b)
	}
	return b
}

func (u *cursor) wide(b *beat) {
	flags := u.data[0]
	u.data = u.data[1:]
	b.Flags = event.Flags(flags & (saysSent - 1))
	if flags&saysSent != 0 {
		b.SentAt = b.ReceivedAt + event.Time(u.varint())
	}
	if flags&saysSequence != 0 {
		b.Sequence = int64(u.uvarint())
	}
}
