package fleet

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// place is where a vehicle stands in an order: the values it is sorted by. It stays meaningful when the vehicle is gone.
type place struct {
	name     string           // folded, of the customer; by customer only
	customer event.CustomerID // by customer only
	text     string           // VIN or registration number
	time     event.Time       // by time only
	id       event.VehicleID
}

func (v *View) placeOf(sort sortKey, id event.VehicleID) place {
	p := place{id: id}
	switch sort {
	case byVIN:
		p.text = string(v.dir.vin(id))
	case byPlate:
		p.text = string(v.dir.plate(id))
	case byCustomer:
		p.customer, p.text = v.dir.owner[id], string(v.dir.vin(id))
		p.name = v.dir.customers[p.customer].folded
	default:
		p.time = v.time(sort, id)
	}
	return p
}

// compareToPlace compares where a vehicle stands in an order by text to a place in it.
func (d *directory) compareToPlace(sort sortKey, id event.VehicleID, p *place) int {
	text, order := d.vin(id), 0
	switch sort {
	case byPlate:
		text = d.plate(id)
	case byCustomer:
		order = d.compareNameToPlace(d.owner[id], p)
	}
	return cmp.Or(order, bytes.Compare(text, []byte(p.text)), cmp.Compare(id, p.id))
}

func (d *directory) compareNameToPlace(c event.CustomerID, p *place) int {
	return cmp.Or(cmp.Compare(d.customers[c].folded, p.name), cmp.Compare(c, p.customer))
}

// A cursor is, in base64url without padding: CRC-32C of the rest u32 · digest of the query u64 · customer u32 · time
// i64 · vehicle u32 · length of name uvarint · name · text. The digest ties it to the query and its order.
const cursorFixed = 4 + 8 + 4 + 8 + 4

// digest tells searches apart whose cursors must not be mixed up.
func digest(s *search, customers, vins []string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q %q %q %v %d %t", s.text, s.tags, slices.Sorted(slices.Values(customers)), slices.Sorted(slices.Values(vins)),
		s.presences, s.sort, s.descending)
	return h.Sum64()
}

func crc(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// cursor writes down where a page ended.
func (s *search) cursor(p place) string {
	b := make([]byte, 4, cursorFixed+4+len(p.name)+len(p.text))
	b = binary.LittleEndian.AppendUint64(b, s.digest)
	b = binary.LittleEndian.AppendUint32(b, uint32(p.customer))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.time))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.id))
	b = binary.AppendUvarint(b, uint64(len(p.name)))
	b = append(append(b, p.name...), p.text...)
	binary.LittleEndian.PutUint32(b, crc(b[4:]))
	return base64.RawURLEncoding.EncodeToString(b)
}

// resume reads a cursor, if there is one, so that the search goes on where that page ended.
func (s *search) resume(cursor string) error {
	if cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) <= cursorFixed || binary.LittleEndian.Uint32(b) != crc(b[4:]) {
		return fmt.Errorf("%w: it is not one that was given out", ErrInvalidCursor)
	}
	if binary.LittleEndian.Uint64(b[4:]) != s.digest {
		return fmt.Errorf("%w: it belongs to another query or order", ErrInvalidCursor)
	}
	length, n := binary.Uvarint(b[cursorFixed:])
	rest := b[cursorFixed+max(n, 0):]
	if n <= 0 || length > uint64(len(rest)) {
		return fmt.Errorf("%w: it is not one that was given out", ErrInvalidCursor)
	}
	s.after = &place{
		name:     string(rest[:length]),
		customer: event.CustomerID(binary.LittleEndian.Uint32(b[12:])),
		text:     string(rest[length:]),
		time:     event.Time(binary.LittleEndian.Uint64(b[16:])),
		id:       event.VehicleID(binary.LittleEndian.Uint32(b[24:])),
	}
	return nil
}
