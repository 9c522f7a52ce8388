package eventlog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"sort"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Bytes is a batch as it is stored. Its bytes hold its position and its epoch, and stay the same when the log is
// repaired.
type Bytes struct {
	Position event.Position
	Batch    []byte            // as encoded: message Batch of log.proto
	Hash     [sha256.Size]byte // what the next batch names as the one before it: the SHA-256 of Batch, except when Lost
	// Lost: the batch that stood here was lost to damage. Hash is that batch's own when HashKnown is set.
	Lost, HashKnown bool
}

// bytes gives the next batch as it is stored. Its content is not decoded, except for a short one, which may say that
// the batch is lost.
func (r *reader) bytes() (Bytes, error) {
	batch, h, err := r.read()
	if err != nil {
		return Bytes{}, err
	}
	b := Bytes{Position: h.number, Batch: batch, Hash: r.chain, HashKnown: true}
	if h.standsFor == nil && len(batch) > maxLostSize {
		return b, nil
	}
	s, err := r.decoder.decode(batch)
	if err != nil {
		return b, fmt.Errorf("batch %d in %s: %w", h.number, blockPath(r.dir, r.block), err)
	}
	if b.Lost = isLost(&s.Batch); b.Lost {
		b.HashKnown = h.standsFor != nil
	} else if h.standsFor != nil {
		return b, r.damage(errors.New("it stands for another batch and does not say that this is lost"))
	}
	return b, nil
}

// maxLostSize bounds the bytes of a batch that says "lost" and no more.
const maxLostSize = 512

func isLost(b *event.Batch) bool {
	if len(b.Entries) != 1 || b.Heartbeats.Len() > 0 {
		return false
	}
	_, lost := b.Entries[0].Fact.(event.Lost)
	return lost
}

// Decode reads a batch from its stored bytes, which may come from anywhere.
func Decode(batch []byte) (event.Stored, error) {
	if _, err := readHeader(batch); err != nil {
		return event.Stored{}, err
	}
	return new(decoder).decode(batch)
}

// Before is a position from which on to read for everything received at t or later: the first of the newest block that
// begins before t, and where the log begins when none does.
func (l *Log) Before(t event.Time) (event.Position, error) {
	l.files.RLock()
	defer l.files.RUnlock()
	dir := msgsDir(filepath.Join(l.config.Dir, storeName))
	blocks, err := listBlocks(dir)
	if err != nil {
		return 0, err
	}
	at := sort.Search(len(blocks), func(i int) bool {
		block, e := openBlock(dir, blocks[i])
		if errors.Is(e, errEnd) {
			return true
		}
		err = errors.Join(err, e)
		return block.begins >= t
	})
	first := l.First()
	if err != nil || at == 0 {
		return first, err
	}
	block, err := openBlock(dir, blocks[at-1])
	return max(first, block.header.number), err
}

// opening is the first batch of a block.
type opening struct {
	header header
	begins event.Time // received-at of its first event
}

// openBlock reads how a block begins; errEnd when it holds nothing yet.
func openBlock(dir string, block int) (opening, error) {
	r := &reader{dir: dir}
	if err := r.open(block); err != nil {
		return opening{}, err
	}
	defer r.close()
	length, err := r.fill()
	if err == nil && r.block != block {
		err = errEnd
	}
	if err != nil {
		return opening{}, err
	}
	batch, h, _, err := r.parser.batch(r.buf[:length])
	if err != nil {
		return opening{}, r.damage(err)
	}
	s, err := r.decoder.decode(batch)
	return opening{h, s.StartTime()}, err
}
