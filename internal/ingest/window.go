package ingest

import (
	"fmt"
	"io"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// WindowLength is how many of a vehicle's sequence numbers are remembered, counted down from the highest.
const WindowLength = 64

// Window remembers each vehicle's last sequence numbers, to tell a heartbeat that was sent again from a new one. It
// is a fold of the log: applying the same batches gives the same Window.
//
// A number above the highest moves the window up. A number within the window is a repeat when it was seen. A number
// below the window means that the vehicle began to count anew: the window starts over there.
//
// It takes 16 bytes for each vehicle that sends sequence numbers, in pages of neighbours. It is not safe for concurrent use.
type Window struct {
	position event.Position
	pages    []*windowPage
}

const windowPageSize = 1024

type windowPage [windowPageSize]seen

// seen is one vehicle's window.
type seen struct {
	next int64  // highest number seen + 1; 0 is none yet
	bits uint64 // bit i: highest - i was seen
}

// NewWindow is the window before the first batch.
func NewWindow() *Window { return new(Window) }

// WindowFrom is a window that knows nothing of what is before the batch at a position.
func WindowFrom(first event.Position) *Window { return &Window{position: first - 1} }

// Position is that of the last batch applied.
func (w *Window) Position() event.Position { return w.position }

// Apply takes in a batch of the log. Batches at or before Position are skipped, so that reading the log may begin
// earlier than needed; a hole is an error.
func (w *Window) Apply(s event.Stored) error {
	if s.Position <= w.position {
		return nil
	}
	if s.Position != w.position+1 {
		return fmt.Errorf("window of repeats: batch %d follows %d", s.Position, w.position)
	}
	for i, sequence := range s.Heartbeats.Sequence {
		if sequence >= 0 && sequence <= event.MaxSequence {
			w.of(s.Heartbeats.Vehicle[i]).mark(sequence)
		}
	}
	w.position = s.Position
	return nil
}

// mark notes a sequence number and says whether it was seen before.
func (s *seen) mark(sequence int64) (repeat bool) {
	below := s.next - 1 - sequence // how far below the highest
	switch {
	case s.next == 0 || below >= WindowLength:
		*s = seen{next: sequence + 1, bits: 1}
	case below < 0:
		*s = seen{next: sequence + 1, bits: s.bits<<uint64(-below) | 1} // a shift past 63 leaves nothing
	case s.bits&(1<<below) != 0:
		return true
	default:
		s.bits |= 1 << below
	}
	return false
}

// of is the place of one vehicle, made when needed.
func (w *Window) of(v event.VehicleID) *seen {
	page := int(v / windowPageSize)
	for page >= len(w.pages) {
		w.pages = append(w.pages, nil)
	}
	if w.pages[page] == nil {
		w.pages[page] = new(windowPage)
	}
	return &w.pages[page][v%windowPageSize]
}

// clone is a copy that shares nothing.
func (w *Window) clone() *Window {
	c := &Window{position: w.position, pages: make([]*windowPage, len(w.pages))}
	for i, page := range w.pages {
		if page != nil {
			copied := *page
			c.pages[i] = &copied
		}
	}
	return c
}

const windowMagic = "fleetbeat window 1\n"

// Save writes the window with its position. Equal windows give equal bytes.
func (w *Window) Save(out io.Writer) error {
	to := newSnapshotWriter(out, windowMagic)
	to.uint64(uint64(w.position))
	for i, page := range w.pages {
		if page == nil {
			continue
		}
		for j := range page {
			if page[j].next != 0 {
				to.uint32(uint32(i*windowPageSize + j))
				to.uint64(uint64(page[j].next))
				to.uint64(page[j].bits)
			}
		}
	}
	to.uint32(0) // no vehicle has number 0: the end
	return to.close()
}

// LoadWindow reads what Save wrote; the error is ErrSnapshot when it is damaged.
func LoadWindow(in io.Reader) (*Window, error) {
	from, err := readSnapshot(in, windowMagic)
	if err != nil {
		return nil, fmt.Errorf("reading the window of repeats: %w", err)
	}
	w := &Window{position: event.Position(from.uint64())}
	for v := event.VehicleID(from.uint32()); v != 0; v = event.VehicleID(from.uint32()) {
		s := seen{next: int64(from.uint64()), bits: from.uint64()}
		if v > maxVehicle || s.next < 1 || s.next > event.MaxSequence+1 || s.bits&1 == 0 {
			return nil, fmt.Errorf("reading the window of repeats: vehicle %d: %w", v, ErrSnapshot)
		}
		*w.of(v) = s
	}
	if err := from.close(); err != nil {
		return nil, fmt.Errorf("reading the window of repeats: %w", err)
	}
	return w, nil
}
