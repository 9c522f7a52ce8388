package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	firstBody = 4 << 10   // bytes a body's buffer begins with
	keepBody  = 256 << 10 // a larger buffer is not kept for the next request

	// zstdMemory bounds what a zstd body expands to and the window it may ask for. Encoders of streams ask for 8 MiB
	// however little they send, and the decoder takes no less for the window than for the whole.
	zstdMemory = 8 << 20
)

// budget bounds the bytes of all bodies that are held at a time.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take asks for n bytes more.
func (b *budget) take(n int) bool {
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(int64(-n))
		return false
	}
	return true
}

func (b *budget) give(n int) { b.used.Add(int64(-n)) }

// body holds one request's body, as sent and expanded.
type body struct {
	raw      []byte
	expanded []byte
	held     int // bytes taken from the budget
}

// release gives a body back to its pool, and its bytes to the budget.
func (d *Doors) release(b *body, pool *sync.Pool) {
	d.memory.give(b.held)
	b.held = 0
	b.raw, b.expanded = kept(b.raw), kept(b.expanded)
	pool.Put(b)
}

func kept(buffer []byte) []byte {
	if cap(buffer) > keepBody {
		return nil
	}
	return buffer[:0]
}

// hold takes n bytes from the budget for a body.
func (d *Doors) hold(b *body, n int) error {
	if !d.memory.take(n) {
		return refuse(reasonBusy, "too many requests are being read; nothing of this one was stored")
	}
	b.held += n
	return nil
}

// readBody reads what was sent, at most limit bytes.
func (d *Doors) readBody(b *body, r *http.Request, limit int) (err error) {
	if r.ContentLength > int64(limit) {
		return tooLarge(limit)
	}
	if err := d.hold(b, cap(b.raw)+cap(b.expanded)); err != nil {
		return err
	}
	b.raw, err = d.fill(b, b.raw[:0], r.Body, limit)
	if err != nil {
		if _, ok := errors.AsType[*refusal](err); !ok {
			err = refuse(reasonIncomplete, "the body did not come whole or in time")
		}
	}
	return err
}

// fill reads r to its end into buffer, at most limit bytes. The buffer grows with what comes, not with what was
// announced, and every growth is taken from the budget.
func (d *Doors) fill(b *body, buffer []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(buffer) == cap(buffer) {
			more := max(firstBody, cap(buffer))
			if err := d.hold(b, more); err != nil {
				return buffer, err
			}
			buffer = append(make([]byte, 0, cap(buffer)+more), buffer...)
		}
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		switch {
		case len(buffer) > limit:
			return buffer, tooLarge(limit)
		case err == io.EOF:
			return buffer, nil
		case err != nil:
			return buffer, err
		}
	}
}

func tooLarge(limit int) error {
	return refuse(reasonTooLarge, "the body may have %d bytes, before and after expanding", limit)
}

// expander undoes content encodings.
type expander struct {
	zstd  *zstd.Decoder
	gzips sync.Pool // *gzip.Reader
}

func newExpander() (*expander, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(zstdMemory), zstd.WithDecoderConcurrency(0))
	if err != nil {
		return nil, fmt.Errorf("making a zstd decoder: %w", err)
	}
	return &expander{zstd: decoder, gzips: sync.Pool{New: func() any { return new(gzip.Reader) }}}, nil
}

// expand gives the content of a body, at most limit bytes, whatever encoding it was sent in.
func (d *Doors) expand(b *body, r *http.Request, limit int) ([]byte, error) {
	encoding := strings.ToLower(strings.Join(r.Header["Content-Encoding"], ", "))
	switch encoding {
	case "", "identity":
		return b.raw, nil
	case "gzip", "x-gzip":
		return d.gunzip(b, limit)
	case "zstd":
		return d.unzstd(b, limit)
	}
	return nil, refuse(reasonEncoding, "Content-Encoding must be gzip, zstd or none")
}

func (d *Doors) gunzip(b *body, limit int) ([]byte, error) {
	reader := d.expander.gzips.Get().(*gzip.Reader)
	defer d.expander.gzips.Put(reader)
	err := reader.Reset(bytes.NewReader(b.raw))
	if err == nil {
		b.expanded, err = d.fill(b, b.expanded[:0], reader, limit)
	}
	if _, ok := errors.AsType[*refusal](err); err != nil && !ok {
		err = refuse(reasonMalformed, "the body is not gzip")
	}
	return b.expanded, err
}

func (d *Doors) unzstd(b *body, limit int) ([]byte, error) {
	before := cap(b.expanded)
	expanded, err := d.expander.zstd.DecodeAll(b.raw, b.expanded[:0])
	if expanded != nil {
		b.expanded = expanded
	}
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), len(b.expanded) > limit:
		return nil, tooLarge(limit)
	case err != nil:
		return nil, refuse(reasonMalformed, "the body is not zstd, or of a window over %d MiB", zstdMemory>>20)
	}
	// Few bodies expand at a time, so it is soon enough to ask for the memory now.
	return b.expanded, d.hold(b, cap(b.expanded)-before)
}
