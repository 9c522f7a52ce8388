package eventlog

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// JetStream keeps a stream in block files 1.blk, 2.blk, ... of records:
//
//	u32 length of the whole record (high bit: has headers) | u64 sequence | i64 time | u16 length of subject |
//	subject | message | 8 bytes HighwayHash of sequence, time, subject and message
//
// little endian, keyed by the stream's name and the number of the block. Our messages have no headers.
const (
	blockSuffix    = ".blk"
	natsHeaderSize = 4 + 8 + 8 + 2
	natsHashSize   = 8
	messageStart   = natsHeaderSize + len(subject)
	// natsOverhead is how much longer a record of a block is than the message in it.
	natsOverhead = messageStart + natsHashSize
)

var (
	// errShort: the bytes end before the record does.
	errShort     = errors.New("the record is cut off")
	errBadRecord = errors.New("no record of this stream")
	errBadHash   = errors.New("the record's hash does not match")
)

// blockParser reads the records of one block.
type blockParser struct {
	hash *highwayhash.Digest64
}

func newBlockParser(block int) (*blockParser, error) {
	key := sha256.Sum256([]byte(streamName + "-" + strconv.Itoa(block)))
	hash, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return nil, fmt.Errorf("keying the hash of block %d: %w", block, err)
	}
	return &blockParser{hash}, nil
}

// recordLength is the length that the record at the start of b claims, after a check that it can be one of ours.
func recordLength(b []byte) (int, error) {
	if len(b) < messageStart {
		return 0, errShort
	}
	length := int64(binary.LittleEndian.Uint32(b))
	if length < int64(natsOverhead) || length > maxRecord+int64(natsOverhead) ||
		int(binary.LittleEndian.Uint16(b[20:])) != len(subject) || string(b[natsHeaderSize:messageStart]) != subject {
		return 0, errBadRecord
	}
	return int(length), nil
}

// record reads the record at the start of b: the message in it, its sequence, and the record's length.
func (p *blockParser) record(b []byte) (message []byte, sequence uint64, length int, err error) {
	length, err = recordLength(b)
	if err != nil {
		return nil, 0, 0, err
	}
	if length > len(b) {
		return nil, 0, 0, errShort
	}
	var sum [natsHashSize]byte
	if string(p.sum(sum[:0], b[:length-natsHashSize])) != string(b[length-natsHashSize:length]) {
		return nil, 0, 0, errBadHash
	}
	return b[messageStart : length-natsHashSize], binary.LittleEndian.Uint64(b[4:]), length, nil
}

// sum appends the hash of a record that is complete up to there.
func (p *blockParser) sum(to, record []byte) []byte {
	p.hash.Reset()
	_, _ = p.hash.Write(record[4:20])
	_, _ = p.hash.Write(record[natsHeaderSize:])
	return p.hash.Sum(to)
}

// batch reads the record at the start of b and the batch in it, and checks that both say the same place.
func (p *blockParser) batch(b []byte) (batch []byte, h header, length int, err error) {
	message, sequence, length, err := p.record(b)
	if err != nil {
		return nil, header{}, 0, err
	}
	batch, n, err := openRecord(message)
	if err != nil {
		return nil, header{}, 0, err
	}
	if h, err = readHeader(batch); err != nil {
		return nil, header{}, 0, err
	}
	if n != len(message) || sequence != uint64(h.number) {
		return nil, header{}, 0, fmt.Errorf("%w: sequence %d holds batch %d", errBadRecord, sequence, h.number)
	}
	return batch, h, length, nil
}

// listBlocks gives the numbers of the blocks in a directory, in order. A missing directory has none.
func listBlocks(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listing the log's blocks: %w", err)
	}
	var blocks []int
	for _, entry := range entries {
		digits, ok := strings.CutSuffix(entry.Name(), blockSuffix)
		if block, err := strconv.Atoi(digits); ok && err == nil && block > 0 && strconv.Itoa(block) == digits {
			blocks = append(blocks, block)
		}
	}
	slices.Sort(blocks)
	return blocks, nil
}

func blockPath(dir string, block int) string {
	return filepath.Join(dir, strconv.Itoa(block)+blockSuffix)
}

// firstOf is the position at which a block begins, by its first record's header alone; 0 when it holds none.
func firstOf(dir string, block int) (event.Position, error) {
	f, err := os.Open(blockPath(dir, block))
	if err != nil {
		return 0, fmt.Errorf("opening a block: %w", err)
	}
	defer f.Close()
	var b [messageStart]byte
	if n, _ := f.ReadAt(b[:], 0); n < len(b) {
		return 0, nil
	}
	return event.Position(binary.LittleEndian.Uint64(b[4:])), nil
}
