package ingest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// ErrSnapshot says that a snapshot is damaged, or of another kind or version. Nothing of it was used: start without.
var ErrSnapshot = errors.New("snapshot cannot be read")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// snapshotWriter writes a snapshot: a text that names its kind and version, numbers in little-endian order, and a
// CRC-32C of it all. It keeps the first error for close.
type snapshotWriter struct {
	out *bufio.Writer
	sum uint32
}

func newSnapshotWriter(w io.Writer, magic string) *snapshotWriter {
	out := &snapshotWriter{out: bufio.NewWriterSize(w, 64<<10)}
	out.bytes([]byte(magic))
	return out
}

func (w *snapshotWriter) bytes(b []byte) {
	w.sum = crc32.Update(w.sum, castagnoli, b)
	w.out.Write(b) // bufio keeps the first error for Flush
}

func (w *snapshotWriter) uint32(n uint32) {
	w.bytes(binary.LittleEndian.AppendUint32(w.out.AvailableBuffer(), n))
}

func (w *snapshotWriter) uint64(n uint64) {
	w.bytes(binary.LittleEndian.AppendUint64(w.out.AvailableBuffer(), n))
}

func (w *snapshotWriter) close() error {
	w.uint32(w.sum)
	return w.out.Flush()
}

// snapshotReader gives the content of a snapshot whose checksum fits. Past its end, everything reads as 0.
type snapshotReader struct {
	data  []byte
	short bool // more was read than there is
}

// readSnapshot reads a whole snapshot before anything of it is used: a damaged number must not become an allocation.
func readSnapshot(r io.Reader, magic string) (*snapshotReader, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	content := len(data) - 4
	if content < len(magic) || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("it does not begin with %q: %w", magic, ErrSnapshot)
	}
	if crc32.Checksum(data[:content], castagnoli) != binary.LittleEndian.Uint32(data[content:]) {
		return nil, fmt.Errorf("its checksum does not fit: %w", ErrSnapshot)
	}
	return &snapshotReader{data: data[len(magic):content]}, nil
}

// bytes is the next n bytes.
func (r *snapshotReader) bytes(n int) []byte {
	if n > len(r.data) {
		r.data, r.short = nil, true
		return make([]byte, n)
	}
	next := r.data[:n]
	r.data = r.data[n:]
	return next
}

func (r *snapshotReader) uint8() uint8   { return r.bytes(1)[0] }
func (r *snapshotReader) uint32() uint32 { return binary.LittleEndian.Uint32(r.bytes(4)) }
func (r *snapshotReader) uint64() uint64 { return binary.LittleEndian.Uint64(r.bytes(8)) }

// close checks that exactly the content was read.
func (r *snapshotReader) close() error {
	if r.short || len(r.data) > 0 {
		return fmt.Errorf("its length does not fit: %w", ErrSnapshot)
	}
	return nil
}
