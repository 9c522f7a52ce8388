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
	in, err := readSnapshot(r, setMagic)
	if err != nil {
		return nil, fmt.Errorf("reading the set of vehicles: %w", err)
	}
	s := NewSet()
	s.revision = int64(in.uint64())
	vehicles := in.uint64()
	for !in.short && uint64(s.vehicles) < vehicles {
		number := event.VehicleID(in.uint32())
		id := in.bytes(int(in.uint8()))
		if number == 0 || number > maxVehicle || !ValidID(id) || s.knows(number) || s.find(id) != 0 {
			return nil, fmt.Errorf("reading the set of vehicles: vehicle %d: %w", number, ErrSnapshot)
		}
		s.put(id, number)
	}
	if err := in.close(); err != nil {
		return nil, fmt.Errorf("reading the set of vehicles: %w", err)
	}
	return s, nil
}
