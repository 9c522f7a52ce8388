package ingest

import (
	"encoding/binary"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// textRef is the place of a text: its page, and its offset there. 0 is no text.
type textRef uint32

const (
	pageBits   = 16
	pageSize   = 1 << pageBits
	textHeader = 5 // number, then length
)

// texts holds vehicle ids with their numbers in pages. What was added is never changed, so a copy of the struct
// can be read without a lock while the original grows.
type texts struct {
	pages []*[pageSize]byte
	end   int // bytes used of the last page
	bytes int // of all texts added
	dead  int // of them, of texts that are used no more
}

// add appends a text.
func (t *texts) add(number event.VehicleID, id []byte) textRef {
	size := textHeader + len(id)
	if len(t.pages) == 0 || t.end+size > pageSize {
		t.pages = append(t.pages, new([pageSize]byte))
		t.end = 0
		if len(t.pages) == 1 {
			t.end = 1 // no text has place 0
		}
	}
	at := t.pages[len(t.pages)-1][t.end:]
	binary.LittleEndian.PutUint32(at, uint32(number))
	at[4] = byte(len(id))
	copy(at[textHeader:], id)
	ref := textRef((len(t.pages)-1)<<pageBits | t.end)
	t.end += size
	t.bytes += size
	return ref
}

// at is the text at ref and its number. The bytes must not be changed.
func (t *texts) at(ref textRef) (event.VehicleID, []byte) {
	text := t.pages[ref>>pageBits][ref&(pageSize-1):]
	return event.VehicleID(binary.LittleEndian.Uint32(text)), text[textHeader : textHeader+int(text[4])]
}

// forget notes that a text with an id of n bytes is used no more.
func (t *texts) forget(n int) { t.dead += textHeader + n }

// wasteful says whether more than a third of the bytes are dead.
func (t *texts) wasteful() bool { return t.dead > pageSize && t.dead*3 > t.bytes }
