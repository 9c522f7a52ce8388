package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// checksums are the checksums of a database's pages, kept in a file beside it, because SQLite has none: it believes
// whatever a disk has made of a name or a number.
//
// In WAL mode the pages of the database's own file change at checkpoints only. The registry makes those itself, and
// writes the checksums anew after each. A crash between the two does no harm: such pages are in the WAL then, whose
// frames have checksums of SQLite's, and verify leaves them out.
//
// The file also is a second place for the revision of the last write. By it we notice when SQLite drops the end of a
// damaged WAL, as it does in silence, and when the database is gone: a new one would give numbers a second time.
type checksums struct {
	path string
	// db is open for as long as SQLite has the database open: POSIX takes all locks of a process off a file when the
	// process closes any descriptor of it.
	db *os.File

	mu       sync.Mutex
	file     *os.File // nil: there is none that can be trusted
	revision int64
	pageSize int
	pages    []uint32 // by page number - 1
}

// The file is a head, which is written in place, and the pages' checksums, for which it is replaced:
//
//	magic 16 bytes, revision u64, crc32c u32 of these, 0 u32
//	page size u32, number of pages u32, a crc32c u32 for each, crc32c u32 of all these
const (
	checksumsSuffix = "-sums"
	checksumsMagic  = "fleetbeat sum 1\n"
	checksumsHead   = len(checksumsMagic) + 8 + 4 + 4
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errNoChecksums  = errors.New("there are no checksums")
	errBadChecksums = errors.New("the file of checksums is damaged itself")
)

// openChecksums reads the checksums of the database at path. With errNoChecksums and errBadChecksums, what it returns
// is good for everything but verify.
func openChecksums(path string) (*checksums, error) {
	c := &checksums{path: path}
	data, err := os.ReadFile(path + checksumsSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return c, errNoChecksums
	}
	if err != nil {
		return c, err
	}
	if !c.parse(data) {
		return c, errBadChecksums
	}
	c.file, err = os.OpenFile(path+checksumsSuffix, os.O_RDWR, 0)
	return c, err
}

func (c *checksums) parse(data []byte) bool {
	if len(data) < checksumsHead+12 || string(data[:len(checksumsMagic)]) != checksumsMagic {
		return false
	}
	head, body := data[:checksumsHead], data[checksumsHead:]
	end := len(checksumsMagic) + 8
	if crc32.Checksum(head[:end], castagnoli) != binary.LittleEndian.Uint32(head[end:]) {
		return false
	}
	sum := len(body) - 4
	if crc32.Checksum(body[:sum], castagnoli) != binary.LittleEndian.Uint32(body[sum:]) {
		return false
	}
	if int64(sum) != 8+4*int64(binary.LittleEndian.Uint32(body[4:])) {
		return false
	}
	c.revision = int64(binary.LittleEndian.Uint64(head[len(checksumsMagic):]))
	c.pageSize = int(binary.LittleEndian.Uint32(body))
	for at := 8; at < sum; at += 4 {
		c.pages = append(c.pages, binary.LittleEndian.Uint32(body[at:]))
	}
	return true
}

func (c *checksums) appendHead(to []byte) []byte {
	start := len(to)
	to = append(to, checksumsMagic...)
	to = binary.LittleEndian.AppendUint64(to, uint64(c.revision))
	to = binary.LittleEndian.AppendUint32(to, crc32.Checksum(to[start:], castagnoli))
	return append(to, 0, 0, 0, 0)
}

func (c *checksums) encode() []byte {
	data := c.appendHead(make([]byte, 0, checksumsHead+12+4*len(c.pages)))
	data = binary.LittleEndian.AppendUint32(data, uint32(c.pageSize))
	data = binary.LittleEndian.AppendUint32(data, uint32(len(c.pages)))
	for _, sum := range c.pages {
		data = binary.LittleEndian.AppendUint32(data, sum)
	}
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data[checksumsHead:], castagnoli))
}

// verify holds every page of the database against its checksum, apart from those that the WAL replaces. What does not
// fit is ErrDamaged.
func (c *checksums) verify() error {
	db, err := os.Open(c.path)
	if errors.Is(err, fs.ErrNotExist) && c.revision > 0 {
		return fmt.Errorf("%w: it is gone, and was at revision %d", ErrDamaged, c.revision)
	}
	if err != nil {
		return err
	}
	defer db.Close() // SQLite has not opened it yet
	replaced, err := committedPages(c.path+walSuffix, c.pageSize)
	if err != nil {
		return err
	}
	page := make([]byte, c.pageSize)
	for i, sum := range c.pages {
		number := uint32(i + 1)
		if replaced[number] {
			continue
		}
		at := int64(i) * int64(c.pageSize)
		n, err := db.ReadAt(page, at)
		switch {
		case err != nil && err != io.EOF:
			return err
		case n < len(page):
			return fmt.Errorf("%w: it ends at byte %d, in page %d of %d", ErrDamaged, at+int64(n), number, len(c.pages))
		case pageSum(number, page) != sum:
			return fmt.Errorf("%w: page %d, at byte %d, does not fit its checksum", ErrDamaged, number, at)
		}
	}
	return nil
}

// pageSum is the checksum of a page at its place: one that stands in another's place does not fit.
func pageSum(number uint32, page []byte) uint32 {
	var place [4]byte
	binary.LittleEndian.PutUint32(place[:], number)
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, page)
}

// note writes down the revision of a write that is committed. It is not synced: what a power cut takes away is only
// the chance to notice.
func (c *checksums) note(revision int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision = max(c.revision, revision)
	if c.file == nil {
		return nil
	}
	_, err := c.file.WriteAt(c.appendHead(nil), 0)
	return err
}

// update writes the checksums anew after a checkpoint, of the pages that are in the WAL, or of all when there are no
// checksums to begin with. The caller holds off all writes. On an error there are no checksums any more: those there
// were would no longer fit.
func (c *checksums) update() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.sum()
	if err == nil {
		err = c.replace()
	}
	if err == nil {
		return nil
	}
	return errors.Join(err, c.remove())
}

// drop gives the checksums up: the next start makes new ones.
func (c *checksums) drop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove()
}

// remove takes the file away. The caller holds mu.
func (c *checksums) remove() error {
	var err error
	if c.file != nil {
		err = c.file.Close()
		c.file = nil
	}
	if gone := os.Remove(c.path + checksumsSuffix); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// sum brings the checksums in memory to what the database's file holds.
func (c *checksums) sum() (err error) {
	if c.db == nil {
		if c.db, err = os.Open(c.path); err != nil {
			return err
		}
	}
	info, err := c.db.Stat()
	if err != nil {
		return err
	}
	if c.pageSize == 0 || c.file == nil {
		if c.pageSize, err = readPageSize(c.db); err != nil {
			return err
		}
		c.pages = nil
	}
	changed, err := committedPages(c.path+walSuffix, c.pageSize)
	if err != nil {
		return err
	}
	known := len(c.pages)
	c.pages = append(c.pages, make([]uint32, max(0, int(info.Size()/int64(c.pageSize))-known))...)
	page := make([]byte, c.pageSize)
	for i := range c.pages {
		number := uint32(i + 1)
		if i < known && !changed[number] {
			continue
		}
		if _, err := c.db.ReadAt(page, int64(i)*int64(c.pageSize)); err != nil {
			return err
		}
		c.pages[i] = pageSum(number, page)
	}
	return nil
}

// replace writes the file anew, complete and durable.
func (c *checksums) replace() error {
	path := c.path + checksumsSuffix
	file, err := os.OpenFile(path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = file.Write(c.encode())
	err = errors.Join(err, file.Sync())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if c.file != nil {
		_ = c.file.Close() // it was replaced
	}
	c.file = file
	return syncDir(filepath.Dir(path))
}

// close lets go of the files. SQLite must have closed the database.
func (c *checksums) close() error {
	var errs []error
	for _, f := range []*os.File{c.file, c.db} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
