package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// CreateFunc begins a file under a name with slashes, below the folder that is being written.
type CreateFunc func(name string) (io.WriteCloser, error)

// HeadOf is the position of the last durable batch of a folder, which may be open in another process; 0 when it holds no
// log. It does not look at the log itself.
func HeadOf(dir string) (event.Position, error) {
	if _, err := readFormat(dir); err != nil {
		return 0, err
	}
	head, _, err := readHead(filepath.Join(dir, headName))
	return head.position, err
}

// FirstOf is the position at which the log of such a folder begins.
func FirstOf(dir string) (event.Position, error) {
	head, _, err := readHead(filepath.Join(dir, headName))
	return head.dropped + 1, err
}

// Copy writes a folder's log up to a position, at most its head, as the files of a folder that Open opens as if the log had
// ended there. It works while another process appends: what is at or before the head never changes. Each batch is verified;
// damage is a *DamageError. It ends with ErrDropped when that process drops what is being copied.
func Copy(dir string, upTo event.Position, create CreateFunc) error {
	head, _, err := readHead(filepath.Join(dir, headName))
	if err != nil {
		return err
	}
	if upTo <= head.dropped || upTo > head.position {
		return fmt.Errorf("the log in %s reaches from position %d to %d and cannot be copied up to %d", dir, head.dropped+1, head.position, upTo)
	}
	if err := copyDescription(dir, create); err != nil {
		return err
	}
	c := logCopy{create: create, head: head}
	if err := c.batches(msgsDir(storePath(dir)), upTo); err != nil {
		if droppedNow(dir, head.dropped+1) {
			return fmt.Errorf("%w while it was copied", ErrDropped)
		}
		return err
	}
	slots := make([]byte, 2*slotStride)
	copy(slots, c.head.slot())
	copy(slots[slotStride:], c.head.slot())
	return errors.Join(writeWhole(create, headName, slots), writeWhole(create, formatName, []byte(formatText(folderFormat))))
}

// copyDescription copies JetStream's description of the stream. It is written anew only when the server is another
// version, both files one after the other.
func copyDescription(dir string, create CreateFunc) error {
	from := streamDir(storePath(dir))
	if err := checkDescription(from); err != nil {
		return err
	}
	for _, name := range []string{server.JetStreamMetaFile, server.JetStreamMetaFileSum} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return fmt.Errorf("reading the stream's description: %w", err)
		}
		if err := writeWhole(create, path.Join(filepath.ToSlash(streamDir(storeName)), name), data); err != nil {
			return err
		}
	}
	return nil
}

// writeWhole writes a small file.
func writeWhole(create CreateFunc, name string, data []byte) error {
	w, err := create(name)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

// logCopy copies blocks record by record, each to a block of the same number, by which its checksum is keyed.
type logCopy struct {
	create CreateFunc
	head   head // becomes that of the copy
	block  int
	out    io.WriteCloser
	buf    bytes.Buffer // not written yet
}

func (c *logCopy) batches(dir string, upTo event.Position) (err error) {
	r, err := openReader(dir, c.head.dropped+1, c.head)
	if err != nil {
		return err
	}
	defer r.close()
	for {
		length, err := r.fill()
		if err != nil {
			return errors.Join(c.endsEarly(r, err), c.closeBlock())
		}
		block, record := r.block, r.buf[:length]
		batch, h, err := r.read()
		if err != nil {
			return errors.Join(err, c.closeBlock())
		}
		if err := c.write(block, record); err != nil {
			return errors.Join(fmt.Errorf("copying batch %d: %w", h.number, err), c.closeBlock())
		}
		if h.number < upTo {
			continue
		}
		s, err := r.decoder.decode(batch)
		if err != nil {
			return errors.Join(fmt.Errorf("reading batch %d: %w", h.number, err), c.closeBlock())
		}
		c.head.position, c.head.epoch, c.head.end, c.head.link = upTo, max(c.head.epoch, h.epoch), s.EndTime(), r.chain
		return c.closeBlock()
	}
}

// endsEarly is what it means when there is no further record.
func (c *logCopy) endsEarly(r *reader, err error) error {
	if errors.Is(err, errEnd) {
		return r.damage(errors.New("the log ends before its head"))
	}
	return err
}

func (c *logCopy) write(block int, record []byte) error {
	if c.block != block {
		if err := c.closeBlock(); err != nil {
			return err
		}
		name := path.Join(filepath.ToSlash(msgsDir(storeName)), strconv.Itoa(block)+blockSuffix)
		out, err := c.create(name)
		if err != nil {
			return err
		}
		c.out, c.block = out, block
	}
	c.buf.Write(record)
	if c.buf.Len() < readChunk {
		return nil
	}
	_, err := c.buf.WriteTo(c.out)
	return err
}

func (c *logCopy) closeBlock() error {
	if c.out == nil {
		return nil
	}
	_, err := c.buf.WriteTo(c.out)
	err = errors.Join(err, c.out.Close())
	c.out = nil
	return err
}
