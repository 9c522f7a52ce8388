package eventlog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// blockSize is where JetStream begins a new block.
const blockSize = 8 << 20

// blockWriter writes block files as JetStream does, to rebuild a damaged store: batches byte for byte as they were, and
// a filler in the place of each lost one.
type blockWriter struct {
	dir     string
	epoch   uint64 // of the fillers
	last    event.Position
	chain   link       // what the next batch must name
	end     event.Time // of the last batch
	batch   []byte     // the last one kept
	time    int64      // JetStream's, of the last record
	encoder encoder

	block  int
	size   int
	file   *os.File
	out    *bufio.Writer
	parser *blockParser
	record []byte
}

// keep writes a batch as it was.
func (w *blockWriter) keep(item scanned) error {
	w.batch = item.batch
	w.record = appendRecord(w.record[:0], item.batch)
	return w.write(item.header.number, max(item.time, w.time), w.record, item.link)
}

// fill writes a batch that says "lost" at every position of a hole.
func (w *blockWriter) fill(from, to event.Position, standsFor *link, reason error) error {
	if w.batch != nil {
		before, err := new(decoder).decode(w.batch)
		if err != nil {
			return fmt.Errorf("reading the batch before damage: %w", err)
		}
		w.batch, w.end = nil, before.EndTime()
	}
	lost := event.Batch{Entries: []event.Entry{{ReceivedAt: w.end, Fact: event.Lost{Reason: reason.Error()}}}}
	for position := from; position <= to; position++ {
		h := header{epoch: w.epoch, number: position, previous: w.chain}
		if position == to {
			h.standsFor = standsFor
		}
		record, batch, err := w.encoder.encode(h, &lost)
		if err != nil {
			return err
		}
		if err := w.write(position, w.time, record, h.link(batch)); err != nil {
			return err
		}
	}
	return nil
}

func (w *blockWriter) write(position event.Position, time int64, message []byte, chain link) error {
	length := natsOverhead + len(message)
	if w.file == nil || w.size+length > blockSize {
		if err := w.roll(); err != nil {
			return err
		}
	}
	b := make([]byte, 0, length)
	b = binary.LittleEndian.AppendUint32(b, uint32(length))
	b = binary.LittleEndian.AppendUint64(b, uint64(position))
	b = binary.LittleEndian.AppendUint64(b, uint64(time))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(subject)))
	b = append(b, subject...)
	b = append(b, message...)
	b = w.parser.sum(b, b)
	if _, err := w.out.Write(b); err != nil {
		return err
	}
	w.last, w.chain, w.time, w.size = position, chain, time, w.size+length
	return nil
}

func (w *blockWriter) roll() (err error) {
	if err := w.finish(); err != nil {
		return err
	}
	w.block, w.size = w.block+1, 0
	if w.parser, err = newBlockParser(w.block); err != nil {
		return err
	}
	if w.file, err = os.OpenFile(blockPath(w.dir, w.block), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640); err != nil {
		return err
	}
	w.out = bufio.NewWriterSize(w.file, 1<<20)
	return nil
}

func (w *blockWriter) finish() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.out.Flush(), w.file.Close())
	w.file = nil
	return err
}
