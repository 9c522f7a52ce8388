package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Bounds of an answer.
const (
	maxHead = 8 << 10
	maxBody = 4 << 20
)

// errRefused is an answer that is not 200. The connection is fit for the next call.
var errRefused = errors.New("the server answered")

// answerTimeout is how long an answer may take once nothing more is asked.
const answerTimeout = 30 * time.Second

// conn is a kept-alive connection that speaks just enough HTTP/1.1 to load a server of ours: net/http's client would
// take more of the processors than the server that is to be measured.
type conn struct {
	net  net.Conn
	buf  []byte
	from int // buf[from:to] was received and not yet read
	to   int
}

func dial(ctx context.Context, address string) (*conn, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return &conn{net: c, buf: make([]byte, maxHead)}, nil
}

func (c *conn) close() { _ = c.net.Close() }

// expire fails calls that have no answer in time from now on.
func (c *conn) expire() { _ = c.net.SetDeadline(time.Now().Add(answerTimeout)) }

// call sends a request and gives the answer's body, valid until the next call. Any status but 200 is an error.
func (c *conn) call(request []byte) (body []byte, err error) {
	if _, err := c.net.Write(request); err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	head, length, err := c.head()
	if err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	if body, err = c.body(length); err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		return nil, fmt.Errorf("%w %.100q: %.200q", errRefused, head, body)
	}
	return body, nil
}

// head reads up to the empty line.
func (c *conn) head() (head []byte, length int, err error) {
	for {
		if end := bytes.Index(c.buf[c.from:c.to], []byte("\r\n\r\n")); end >= 0 {
			head = c.buf[c.from : c.from+end+2]
			c.from += end + 4
			length, err = contentLength(head)
			return head, length, err
		}
		if c.to-c.from >= maxHead {
			return nil, 0, fmt.Errorf("its head is longer than %d bytes", maxHead)
		}
		if err := c.more(maxHead); err != nil {
			return nil, 0, err
		}
	}
}

// body reads the body after its head. The head is not moved.
func (c *conn) body(length int) ([]byte, error) {
	if have := c.to - c.from; have < length && len(c.buf)-c.from < length {
		grown := make([]byte, length)
		copy(grown, c.buf[c.from:c.to])
		c.buf, c.from, c.to = grown, 0, have // the head stays in the old buffer
	}
	for c.to-c.from < length {
		n, err := c.net.Read(c.buf[c.to:])
		if err != nil {
			return nil, err
		}
		c.to += n
	}
	body := c.buf[c.from : c.from+length]
	c.from += length
	return body, nil
}

// more receives something, with room for a number of bytes.
func (c *conn) more(room int) error {
	if c.from > 0 {
		copy(c.buf, c.buf[c.from:c.to])
		c.from, c.to = 0, c.to-c.from
	}
	if len(c.buf) < room {
		c.buf = append(c.buf, make([]byte, room-len(c.buf))...)
	}
	n, err := c.net.Read(c.buf[c.to:])
	c.to += n
	if n > 0 {
		return nil
	}
	return err
}

func contentLength(head []byte) (int, error) {
	_, after, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	if !ok {
		return 0, fmt.Errorf("it has no Content-Length: %.200q", head)
	}
	digits, _, _ := bytes.Cut(after, []byte("\r\n"))
	length, err := strconv.Atoi(string(digits))
	if err != nil || length < 0 || length > maxBody {
		return 0, fmt.Errorf("its Content-Length is %.30q", digits)
	}
	return length, nil
}
