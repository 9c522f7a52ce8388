package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
)

// maxBlock bounds what is read of one block. JetStream's blocks have 8 MiB and at most one record more.
const maxBlock = 64 << 20

// scanned is what a scan finds at one place of a block: a batch, what is wrong with the bytes before it or around it,
// or both.
type scanned struct {
	file   string
	offset int64
	batch  []byte // nil: nothing could be read up to the end of the block
	header header
	link   link  // what the next batch must name
	time   int64 // JetStream's own, in nanoseconds; 0 when it could not be read
	bad    *region
}

// region is a stretch of a block that is not as it was written.
type region struct {
	file   string
	offset int64
	reason error
	last   bool // it reaches the end of the last block
}

// scanBlocks reads all blocks of a directory and hands what it finds to add, in order. Blocks are checked side by side
// on all cores, since hashing is what takes the time.
func scanBlocks(dir string, add func(scanned) error) error {
	blocks, err := listBlocks(dir)
	if err != nil {
		return err
	}
	type result struct {
		found []scanned
		err   error
	}
	results := make(chan chan result, runtime.GOMAXPROCS(0))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(results)
		for i, block := range blocks {
			done := make(chan result, 1)
			select {
			case results <- done:
			case <-stop:
				return
			}
			go func() {
				found, err := scanFile(blockPath(dir, block), block, i == len(blocks)-1)
				done <- result{found, err}
			}()
		}
	}()
	for done := range results {
		r := <-done
		if r.err != nil {
			return r.err
		}
		for _, item := range r.found {
			if err := add(item); err != nil {
				return err
			}
		}
	}
	return nil
}

func scanFile(path string, block int, last bool) ([]scanned, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a block: %w", err)
	}
	defer file.Close()
	data, err := readBlock(file)
	if err != nil {
		return nil, fmt.Errorf("reading a block: %w", err)
	}
	parser, err := newBlockParser(block)
	if err != nil {
		return nil, err
	}
	found, err := parser.scan(data)
	for i := range found {
		found[i].file = path
		if bad := found[i].bad; bad != nil {
			bad.file, bad.last = path, last && found[i].batch == nil
		}
	}
	return found, err
}

// readBlock reads a block as far as the disk gives it. What it does not give is zeros, and so will be found damaged.
func readBlock(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, min(info.Size(), maxBlock))
	if _, err := file.ReadAt(data, 0); err == nil {
		return data, nil
	}
	const page = 4096
	for at := 0; at < len(data); at += page {
		part := data[at:min(at+page, len(data))]
		if n, err := file.ReadAt(part, int64(at)); err != nil {
			clear(part[n:])
		}
	}
	return data, nil
}

// scan finds every batch in the bytes of a block that can still be read, also behind and within damage. Its error is
// ErrNewerFormat, or nil.
func (p *blockParser) scan(data []byte) (found []scanned, err error) {
	if length, err := recordLength(data); err == nil {
		found = make([]scanned, 0, len(data)/length+len(data)/length/4+1) // records are of about one length
	}
	var bad *region
	for at := 0; at < len(data); {
		batch, h, length, err := p.batch(data[at:])
		if errors.Is(err, ErrNewerFormat) {
			return nil, err
		}
		time := int64(0)
		if err == nil {
			time = int64(binary.LittleEndian.Uint64(data[at+12:]))
		} else {
			if bad == nil {
				bad = &region{offset: int64(at), reason: err}
			}
			if at, batch, h, length = p.salvage(data, at); batch == nil {
				break
			}
			if length == 0 { // a whole record begins at the new place
				continue
			}
		}
		found = append(found, scanned{offset: int64(at), batch: batch, header: h, link: h.link(batch), time: time, bad: bad})
		bad = nil
		at += length
	}
	if bad != nil {
		found = append(found, scanned{offset: bad.offset, bad: bad})
	}
	return found, nil
}

// marker is how the middle of each of our records looks: the subject with its length, and the start of the message.
var marker = []byte{byte(len(subject)), 0, subject[0], recordTag}

// salvage looks for the next batch from a place where no whole record stands. It gives the place of its record, and a
// length of 0 when that record is whole; else the length up to its end. Without any batch, batch is nil.
func (p *blockParser) salvage(data []byte, from int) (at int, batch []byte, h header, length int) {
	for search := from; ; search++ {
		i := bytes.Index(data[search:], marker)
		if i < 0 {
			return len(data), nil, header{}, 0
		}
		search += i
		message := search + len(marker) - 1
		batch, n, err := openRecord(data[message:])
		if err != nil {
			continue
		}
		if h, err = readHeader(batch); err != nil {
			continue
		}
		at = message - messageStart
		if at > from {
			if _, _, _, err := p.batch(data[at:]); err == nil {
				return at, batch, h, 0
			}
		}
		at = max(at, from)
		return at, batch, h, min(message+n+natsHashSize, len(data)) - at
	}
}
