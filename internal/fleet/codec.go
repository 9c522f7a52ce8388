package fleet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// encoder writes the parts of a saved view. The writer beneath it keeps the first error until Flush.
type encoder struct {
	w   *bufio.Writer
	buf [binary.MaxVarintLen64]byte
}

func newEncoder(w io.Writer) *encoder { return &encoder{w: bufio.NewWriterSize(w, 1<<18)} }

func (e *encoder) uint(x uint64)     { e.w.Write(e.buf[:binary.PutUvarint(e.buf[:], x)]) }
func (e *encoder) int(x int64)       { e.w.Write(e.buf[:binary.PutVarint(e.buf[:], x)]) }
func (e *encoder) time(t event.Time) { e.int(int64(t)) }

func (e *encoder) bytes(b []byte) {
	e.uint(uint64(len(b)))
	e.w.Write(b)
}

func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	e.w.WriteString(s)
}

func (e *encoder) vehicles(ids []event.VehicleID) {
	for _, id := range ids {
		binary.LittleEndian.PutUint32(e.buf[:], uint32(id))
		e.w.Write(e.buf[:4])
	}
}

// decoder reads what an encoder wrote and keeps the first error; after it, all it reads is 0 or empty.
type decoder struct {
	r   *bufio.Reader
	err error
	buf []byte
}

func newDecoder(r io.Reader) *decoder { return &decoder{r: bufio.NewReaderSize(r, 1<<18)} }

// corrupt notes that what was read cannot be.
func (d *decoder) corrupt(why string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrSnapshot, why)
	}
}

func (d *decoder) fail(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		d.corrupt("it is cut short")
	} else if d.err == nil {
		d.err = err
	}
}

func (d *decoder) uint() uint64 {
	if d.err != nil {
		return 0
	}
	x, err := binary.ReadUvarint(d.r)
	if err != nil {
		d.fail(err)
		return 0
	}
	return x
}

func (d *decoder) int() int64 {
	u := d.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) time() event.Time { return event.Time(d.int()) }

// upTo reads a number that is at most limit.
func (d *decoder) upTo(limit uint64, what string) uint64 {
	x := d.uint()
	if x > limit {
		d.corrupt(what)
		return 0
	}
	return x
}

// count reads how many items follow. It says nothing about memory: take it as the items are read.
func (d *decoder) count() int { return int(d.upTo(math.MaxInt32, "a count is too large")) }

// bytes reads some bytes, which stay as they are until the next call.
func (d *decoder) bytes() []byte {
	const step = 1 << 16
	d.buf = d.buf[:0]
	for n := d.count(); n > 0 && d.err == nil; {
		at, more := len(d.buf), min(n, step)
		d.buf = append(d.buf, make([]byte, more)...)
		if _, err := io.ReadFull(d.r, d.buf[at:]); err != nil {
			d.fail(err)
			d.buf = d.buf[:0]
		}
		n -= more
	}
	return d.buf
}

func (d *decoder) string() string { return string(d.bytes()) }

// vehicles reads n vehicle numbers.
func (d *decoder) vehicles(n int) []event.VehicleID {
	var ids []event.VehicleID
	var b [4]byte
	for range n {
		if _, err := io.ReadFull(d.r, b[:]); err != nil {
			d.fail(err)
			return nil
		}
		ids = append(ids, event.VehicleID(binary.LittleEndian.Uint32(b[:])))
	}
	return ids
}
