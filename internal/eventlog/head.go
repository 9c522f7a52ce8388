package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// head is where the log ends and begins, as the second place says: what the store must hold at least.
type head struct {
	position event.Position
	epoch    uint64
	end      event.Time     // received-at of the last event up to position
	link     link           // what the batch after position must name as its previous
	dropped  event.Position // the last that Drop took away; 0: none
	before   link           // what the batch after dropped must name as its previous
}

// known says whether h was read from a head file: every one was written in an epoch.
func (h head) known() bool { return h.epoch > 0 }

func (h head) newerThan(other head) bool {
	return h.position > other.position || h.position == other.position && h.epoch > other.epoch
}

// A head file holds two slots, a page apart, written in turn: while one is written the other is whole.
const (
	slotMagic  = 0x32444846 // "FHD2" in little endian
	slotSize   = 4 + 4*8 + 2*len(link{}) + 4
	slotStride = 4096
)

func (h head) slot() []byte {
	b := make([]byte, 0, slotSize)
	b = binary.LittleEndian.AppendUint32(b, slotMagic)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.position))
	b = binary.LittleEndian.AppendUint64(b, h.epoch)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.end))
	b = append(b, h.link[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.dropped))
	b = append(b, h.before[:]...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func parseSlot(b []byte) (h head, ok bool) {
	if len(b) < slotSize || binary.LittleEndian.Uint32(b) != slotMagic ||
		binary.LittleEndian.Uint32(b[slotSize-4:]) != crc32.Checksum(b[:slotSize-4], castagnoli) {
		return head{}, false
	}
	h.position = event.Position(binary.LittleEndian.Uint64(b[4:]))
	h.epoch = binary.LittleEndian.Uint64(b[12:])
	h.end = event.Time(binary.LittleEndian.Uint64(b[20:]))
	copy(h.link[:], b[28:])
	h.dropped = event.Position(binary.LittleEndian.Uint64(b[28+len(link{}):]))
	copy(h.before[:], b[36+len(link{}):])
	return h, true
}

// readHead gives the newest intact slot of a head file and how many of its two slots are intact; a missing file has none.
func readHead(path string) (newest head, intact int, err error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return head{}, 0, fmt.Errorf("reading the log's head: %w", err)
	}
	for slot := range 2 {
		h, ok := parseSlot(data[min(slot*slotStride, len(data)):])
		if !ok {
			continue
		}
		if intact == 0 || h.newerThan(newest) {
			newest = h
		}
		intact++
	}
	return newest, intact, nil
}

// headFile keeps the head on disk. Writes reach the kernel at once, so that a killed process loses none; the disk gets
// them at each sync, so that a power cut loses those of the last second, which the store itself still holds.
type headFile struct {
	file *os.File

	mu    sync.Mutex // guards turn and dirty
	turn  int64
	dirty bool

	syncing sync.Mutex // held while syncing and closing; guards closed
	closed  bool
}

// createHead replaces a head file by one whose both slots say h.
func createHead(path string, h head) (*headFile, error) {
	data := make([]byte, 2*slotStride)
	copy(data, h.slot())
	copy(data[slotStride:], h.slot())
	if err := writeFile(path, data); err != nil {
		return nil, fmt.Errorf("writing the log's head: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the log's head: %w", err)
	}
	return &headFile{file: file}, nil
}

func (f *headFile) write(h head) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.file.WriteAt(h.slot(), f.turn*slotStride); err != nil {
		return fmt.Errorf("writing the log's head: %w", err)
	}
	f.turn, f.dirty = 1-f.turn, true
	return nil
}

// writeBoth makes both slots say h, durably.
func (f *headFile) writeBoth(h head) error {
	return errors.Join(f.write(h), f.write(h), f.sync())
}

// sync makes what was written durable. After close it does nothing.
func (f *headFile) sync() error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if f.closed {
		return nil
	}
	return f.flush()
}

func (f *headFile) flush() error {
	f.mu.Lock()
	dirty := f.dirty
	f.dirty = false
	f.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("syncing the log's head: %w", err)
	}
	return nil
}

func (f *headFile) close() error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	f.closed = true
	return errors.Join(f.flush(), f.file.Close())
}
