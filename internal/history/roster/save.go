package roster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
)

// The saved form: magic · position u64 · number of vehicles u32, each by number, ascending: vehicle u32, number of
// memberships u32, each: customer u32, from i64, to i64. All little-endian. Whoever keeps the bytes guards them by a checksum.
const magic = "fleetbeat roster 1\n"

// ErrSnapshot says that what is read is no saved roster.
var ErrSnapshot = errors.New("no saved roster")

// Save writes the roster. Equal ones give equal bytes.
func (r *Roster) Save(w io.Writer) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString(magic) // out keeps the first error for Flush
	var b []byte
	b = binary.LittleEndian.AppendUint64(b, uint64(r.position))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.vehicles)))
	for _, v := range slices.Sorted(maps.Keys(r.vehicles)) {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(r.vehicles[v])))
		for _, m := range r.vehicles[v] {
			b = binary.LittleEndian.AppendUint32(b, uint32(m.Customer))
			b = binary.LittleEndian.AppendUint64(b, uint64(m.From))
			b = binary.LittleEndian.AppendUint64(b, uint64(m.To))
		}
		out.Write(b)
		b = b[:0]
	}
	out.Write(b) // of no vehicles
	if err := out.Flush(); err != nil {
		return fmt.Errorf("saving the roster: %w", err)
	}
	return nil
}

// Load reads what Save wrote. Errors are ErrSnapshot, or in's.
func Load(in io.Reader) (*Roster, error) {
	l := loader{in: bufio.NewReaderSize(in, 1<<16)}
	head := make([]byte, len(magic))
	l.read(head)
	r := New()
	r.position = event.Position(l.uint64())
	last := event.VehicleID(0)
	for n := l.uint32(); n > 0 && l.err == nil; n-- {
		v := event.VehicleID(l.uint32())
		if v <= last {
			return nil, fmt.Errorf("%w: vehicle %d follows %d", ErrSnapshot, v, last)
		}
		last = v
		if err := l.memberships(r, v); err != nil {
			return nil, err
		}
	}
	if l.err == nil && string(head) == magic {
		if _, err := l.in.ReadByte(); errors.Is(err, io.EOF) {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrSnapshot, errors.Join(l.err, errors.New("it begins or ends as none does")))
}

// memberships reads those of one vehicle: in order, and none lasts but the last.
func (l *loader) memberships(r *Roster, v event.VehicleID) error {
	end, count := event.Time(0), l.uint32()
	if l.err == nil && count == 0 {
		return fmt.Errorf("%w: vehicle %d has no membership", ErrSnapshot, v)
	}
	for n := count; n > 0 && l.err == nil; n-- {
		m := record.Membership{Customer: event.CustomerID(l.uint32()), From: event.Time(l.uint64()), To: event.Time(l.uint64())}
		if l.err == nil && (m.From < end || m.To != 0 && m.To < m.From || m.To == 0 && n > 1) {
			return fmt.Errorf("%w: the memberships of vehicle %d do not follow one another", ErrSnapshot, v)
		}
		end = m.To
		r.vehicles[v] = append(r.vehicles[v], m)
		r.enlist(m.Customer, v)
	}
	return nil
}

// loader keeps the first error.
type loader struct {
	in  *bufio.Reader
	err error
}

func (l *loader) read(b []byte) {
	if l.err == nil {
		_, l.err = io.ReadFull(l.in, b)
	}
}

func (l *loader) uint32() uint32 {
	var b [4]byte
	l.read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

func (l *loader) uint64() uint64 {
	var b [8]byte
	l.read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
