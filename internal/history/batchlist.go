package history

import (
	"encoding/binary"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// batch is what a chunk knows of a batch.
type batch struct {
	position event.Position
	first    event.Time // received-at of its first heartbeat
	nth      uint32     // among the batches that begin in the same millisecond, from 1
	index    uint32     // of its only heartbeat in the chunk, when it has one only
}

// batchList holds the batches of a chunk by number, in the order of the log, at about a byte and a half each.
//
// A batch takes its first time's distance from the one before <<2, with a bit that says that positions were left out
// before it (how many follows), and one that its only heartbeat is not the first of the batch (its index follows).
type batchList struct {
	multi []uint64 // a bit for each: it has several heartbeats in the chunk
	data  []byte
	marks []batchMark // of every batchMarkEvery-th
}

type batchMark struct {
	batch  // the one before it
	offset uint32
}

const batchMarkEvery = 16

const (
	skipsPositions = 1 << 0
	saysIndex      = 1 << 1
)

// newBatchList takes in the batches of heartbeats in the order of the log.
func newBatchList(beats []beat) batchList {
	var l batchList
	var before batch
	for i, number := 0, 0; i < len(beats); number++ {
		end := i + 1
		for end < len(beats) && beats[end].id.Position == beats[i].id.Position {
			end++
		}
		if number%64 == 0 {
			l.multi = append(l.multi, 0)
		}
		first := &beats[i]
		b := batch{position: first.id.Position, first: first.ReceivedAt, nth: first.nth, index: first.id.Index}
		if end-i > 1 {
			l.multi[number/64] |= 1 << (number % 64)
			b.index = 0
		}
		if number == 0 {
			before = batch{position: b.position - 1, first: b.first, nth: b.nth - 1}
		}
		if number%batchMarkEvery == 0 {
			l.marks = append(l.marks, batchMark{before, uint32(len(l.data))})
		}
		l.append(&before, &b)
		before = b
		i = end
	}
	return l
}

func (l *batchList) append(before, b *batch) {
	head := uint64(b.first-before.first) << 2
	if b.position != before.position+1 {
		head |= skipsPositions
	}
	if b.index != 0 {
		head |= saysIndex
	}
	l.data = binary.AppendUvarint(l.data, head)
	if head&skipsPositions != 0 {
		l.data = binary.AppendUvarint(l.data, uint64(b.position-before.position))
	}
	if head&saysIndex != 0 {
		l.data = binary.AppendUvarint(l.data, uint64(b.index))
	}
}

func (l *batchList) isMulti(number uint16) bool { return l.multi[number/64]&(1<<(number%64)) != 0 }

// at is a batch by its number.
func (l *batchList) at(number uint16) batch {
	m := &l.marks[number/batchMarkEvery]
	b, data := m.batch, l.data[m.offset:]
	for range number%batchMarkEvery + 1 {
		data = b.next(data)
	}
	return b
}

// all yields the batches in their order.
func (l *batchList) all(yield func(batch) bool) {
	if len(l.marks) == 0 {
		return
	}
	b := l.marks[0].batch
	for data := l.data; len(data) > 0; {
		if data = b.next(data); !yield(b) {
			return
		}
	}
}

// next makes of a batch the one that follows, and gives what of the data is left.
func (b *batch) next(data []byte) []byte {
	head, n := binary.Uvarint(data)
	data = data[n:]
	if away := event.Time(head >> 2); away != 0 {
		b.first, b.nth = b.first+away, 1
	} else {
		b.nth++
	}
	b.index = 0
	if head&skipsPositions != 0 {
		away, n := binary.Uvarint(data)
		b.position, data = b.position+event.Position(away), data[n:]
	} else {
		b.position++
	}
	if head&saysIndex != 0 {
		index, n := binary.Uvarint(data)
		b.index, data = uint32(index), data[n:]
	}
	return data
}

func (l *batchList) size() int { return 8*len(l.multi) + len(l.data) + 32*len(l.marks) }
