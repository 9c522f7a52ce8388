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

// snapshotReader reads what a snapshotWriter wrote and keeps the first error; after one, everything reads as 0.
type snapshotReader struct {
	in   *bufio.Reader
	sum  uint32
	err  error
	word [8]byte
}

func newSnapshotReader(r io.Reader, magic string) *snapshotReader {
	in := &snapshotReader{in: bufio.NewReaderSize(r, 64<<10)}
	head := make([]byte, len(magic))
	in.bytes(head)
	if in.err == nil && string(head) != magic {
		in.err = fmt.Errorf("it begins with %q: %w", head, ErrSnapshot)
	}
	return in
}

func (r *snapshotReader) bytes(b []byte) {
	if r.err == nil {
		if _, err := io.ReadFull(r.in, b); err != nil {
			r.err = fmt.Errorf("%w: %w", ErrSnapshot, err)
		}
	}
	if r.err != nil {
		clear(b)
	}
	r.sum = crc32.Update(r.sum, castagnoli, b)
}

func (r *snapshotReader) uint8() uint8 {
	r.bytes(r.word[:1])
	return r.word[0]
}

func (r *snapshotReader) uint32() uint32 {
	r.bytes(r.word[:4])
	return binary.LittleEndian.Uint32(r.word[:])
}

func (r *snapshotReader) uint64() uint64 {
	r.bytes(r.word[:])
	return binary.LittleEndian.Uint64(r.word[:])
}

// close checks the sum and that nothing follows it.
func (r *snapshotReader) close() error {
	want := r.sum
	if got := r.uint32(); r.err == nil && got != want {
		r.err = fmt.Errorf("its checksum does not fit: %w", ErrSnapshot)
	}
	if r.err != nil {
		return r.err
	}
	if _, err := r.in.ReadByte(); err != io.EOF {
		return fmt.Errorf("bytes follow its end: %w", ErrSnapshot)
	}
	return nil
}
