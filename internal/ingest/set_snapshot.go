package ingest

import (
	"fmt"
	"io"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const setMagic = "fleetbeat set 1\n"

// Save writes the vehicles and the revision. It holds no lock while it writes.
func (s *Set) Save(w io.Writer) error {
	s.mu.RLock()
	texts, revision, vehicles := s.texts, s.revision, s.vehicles
	refs := append([]textRef(nil), s.refs...)
	s.mu.RUnlock()

	out := newSnapshotWriter(w, setMagic)
	out.uint64(uint64(revision))
	out.uint64(uint64(vehicles))
	for _, ref := range refs {
		if ref != 0 {
			number, id := texts.at(ref)
			out.uint32(uint32(number))
			out.bytes([]byte{byte(len(id))})
			out.bytes(id)
		}
	}
	return out.close()
}

// LoadSet reads what Save wrote; the error is ErrSnapshot when it is damaged.
func LoadSet(r io.Reader) (*Set, error) {
	in := newSnapshotReader(r, setMagic)
	s := NewSet()
	s.revision = int64(in.uint64())
	vehicles := in.uint64()
	var id [255]byte
	for range vehicles {
		number := event.VehicleID(in.uint32())
		text := id[:in.uint8()]
		in.bytes(text)
		if in.err != nil {
			break
		}
		if number == 0 || number > maxVehicle || !ValidID(text) {
			return nil, fmt.Errorf("reading the set of vehicles: number %d or its id: %w", number, ErrSnapshot)
		}
		s.put(text, number)
	}
	if err := in.close(); err != nil {
		return nil, fmt.Errorf("reading the set of vehicles: %w", err)
	}
	if uint64(s.vehicles) != vehicles {
		return nil, fmt.Errorf("reading the set of vehicles: a vehicle stands in it twice: %w", ErrSnapshot)
	}
	return s, nil
}
