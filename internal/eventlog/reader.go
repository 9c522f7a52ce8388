package eventlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// readChunk is how much a reader takes from a block at once: enough that the system call does not count.
const readChunk = 256 << 10

var (
	errEnd      = errors.New("end of the log") // there is no further record
	errNoBlocks = errors.New("the log has no blocks")
)

// reader reads batches straight from the block files, in order, and checks each: checksums, place and chain. It reads a
// log that grows: after errEnd, next goes on where it was.
type reader struct {
	dir    string
	block  int
	file   *os.File
	parser *blockParser
	buf    []byte // unread bytes of the block
	offset int64  // of buf in the block
	next   event.Position
	chain  link // what the next batch must name as its previous
	known  bool // chain is known: always after the first batch

	decoder decoder
}

// openReader finds the batch at position from in a log that begins as the head says.
func openReader(dir string, from event.Position, said head) (*reader, error) {
	if from <= said.dropped {
		return nil, fmt.Errorf("%w: it begins at position %d, and %d was asked for", ErrDropped, said.dropped+1, from)
	}
	r := &reader{dir: dir, next: from}
	if from == said.dropped+1 {
		r.chain, r.known = said.before, true
	}
	blocks, err := listBlocks(dir)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%w: %s", errNoBlocks, dir)
	}
	at := sort.Search(len(blocks), func(i int) bool {
		first, e := firstOf(dir, blocks[i])
		err = errors.Join(err, e)
		return first == 0 || first > from
	})
	if err != nil {
		return nil, err
	}
	if err := r.open(blocks[max(at, 1)-1]); err != nil {
		return nil, err
	}
	if err := r.skip(from); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *reader) open(block int) error {
	file, err := os.Open(blockPath(r.dir, block))
	if err != nil {
		return fmt.Errorf("opening a block: %w", err)
	}
	parser, err := newBlockParser(block)
	if err != nil {
		_ = file.Close()
		return err
	}
	r.close()
	r.block, r.file, r.parser, r.buf, r.offset = block, file, parser, r.buf[:0], 0
	return nil
}

func (r *reader) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
}

// skip goes over the records before position from, by their headers.
func (r *reader) skip(from event.Position) error {
	for {
		length, err := r.fill()
		if errors.Is(err, errEnd) {
			return nil
		}
		if err != nil {
			return err
		}
		_, sequence, _, err := r.parser.record(r.buf[:length])
		if err != nil {
			return r.damage(err)
		}
		if event.Position(sequence) >= from {
			return nil
		}
		r.advance(length)
	}
}

// read gives the next batch, checked, and its bytes, which are valid until the next call; errEnd when there is none yet.
func (r *reader) read() (batch []byte, h header, err error) {
	length, err := r.fill()
	if err != nil {
		return nil, header{}, err
	}
	batch, h, _, err = r.parser.batch(r.buf[:length])
	if errors.Is(err, ErrNewerFormat) {
		return nil, header{}, err
	}
	if err != nil {
		return nil, header{}, r.damage(err)
	}
	if h.number != r.next {
		return nil, header{}, r.damage(fmt.Errorf("found batch %d", h.number))
	}
	if r.known && h.previous != r.chain {
		return nil, header{}, r.damage(errors.New("it does not continue the batch before"))
	}
	r.chain, r.known = h.link(batch), true
	r.next++
	r.advance(length)
	return batch, h, nil
}

// stored gives the next batch decoded.
func (r *reader) stored() (event.Stored, error) {
	batch, h, err := r.read()
	if err != nil {
		return event.Stored{}, err
	}
	s, err := r.decoder.decode(batch)
	if err != nil {
		return s, fmt.Errorf("batch %d in %s: %w", h.number, blockPath(r.dir, r.block), err)
	}
	return s, nil
}

func (r *reader) advance(length int) {
	r.buf = r.buf[length:]
	r.offset += int64(length)
}

// fill makes the buffer hold a whole record and gives its length, going on to the next block when this one ends.
func (r *reader) fill() (length int, err error) {
	for {
		length, err = recordLength(r.buf)
		if err == nil && length <= len(r.buf) {
			return length, nil
		}
		if err != nil && !errors.Is(err, errShort) {
			return 0, r.damage(err)
		}
		n, err := r.more(length)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			continue
		}
		if !exists(blockPath(r.dir, r.block+1)) {
			return 0, errEnd
		}
		// The block may have grown between our reading its end and the next one's appearing.
		if n, err = r.more(length); err != nil {
			return 0, err
		}
		if n > 0 {
			continue
		}
		if len(r.buf) > 0 {
			return 0, r.damage(errShort)
		}
		if err := r.open(r.block + 1); err != nil {
			return 0, err
		}
	}
}

// more reads on in the block: as much as the buffer has room for, and at least up to need bytes in it if they exist.
func (r *reader) more(need int) (int, error) {
	have := len(r.buf)
	if cap(r.buf) < max(need, have+readChunk/2) {
		r.buf = append(make([]byte, 0, max(need, have+readChunk)), r.buf...)
	}
	n, err := r.file.ReadAt(r.buf[have:cap(r.buf)], r.offset+int64(have))
	r.buf = r.buf[:have+n]
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("reading block %d: %w", r.block, err)
	}
	return n, nil
}

func (r *reader) damage(reason error) error {
	return &DamageError{Damage{
		File:     blockPath(r.dir, r.block),
		Offset:   r.offset,
		Position: r.next,
		Reason:   reason.Error(),
	}}
}
