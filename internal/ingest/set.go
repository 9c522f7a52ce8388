package ingest

import (
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// MaxID is the longest vehicle id in bytes.
const MaxID = 64

// maxVehicle is the largest vehicle number a Set takes. Numbers are dense, so one far above it is a mistake of the
// caller and must not become an allocation.
const maxVehicle event.VehicleID = 1 << 28

// canaryNumber is what a Set answers for the secret ids of this process's canaries. No vehicle has it.
const canaryNumber event.VehicleID = 1<<32 - 1

// ValidID says whether id can name a vehicle: 1 to MaxID visible ASCII characters without '/'.
func ValidID[T string | []byte](id T) bool {
	if len(id) == 0 || len(id) > MaxID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '/' {
			return false
		}
	}
	return true
}

// Set knows the number of every registered vehicle by its id (VIN or device id). It is built for a million vehicles
// under full load: at most 40 bytes per vehicle with ids of 17 characters, almost no pointers for the garbage
// collector to follow, and two cache misses per lookup.
//
// The texts lie in pages that are only ever appended to. A hash table of fixed-size slots leads from an id to its text,
// and a column leads from a vehicle's number to its text. A Set is safe for concurrent use.
type Set struct {
	seed maphash.Seed

	mu       sync.RWMutex // guards all below
	slots    []slot       // open addressing, ordered by hash, linear probing
	used     int          // slots in use: vehicles and canaries
	vehicles int
	refs     []textRef // by vehicle number; 0 is none
	texts    texts
	revision int64
}

// slot is one place of the hash table; its text is 0 when it is empty.
type slot struct {
	hash uint32
	text textRef
}

// NewSet makes an empty Set.
func NewSet() *Set { return &Set{seed: maphash.MakeSeed()} }

// Lookup is the number of the vehicle with this id. It does not allocate.
func (s *Set) Lookup(id []byte) (event.VehicleID, bool) {
	s.mu.RLock()
	number := s.find(id)
	s.mu.RUnlock()
	if number == canaryNumber {
		number = 0
	}
	return number, number != 0
}

// ID is the id of a vehicle, and "" when the Set does not know its number.
func (s *Set) ID(number event.VehicleID) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.knows(number) {
		return ""
	}
	_, id := s.texts.at(s.refs[number])
	return string(id)
}

// Len is how many vehicles the Set knows.
func (s *Set) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.vehicles
}

// Revision is the registry's revision up to which the Set is complete, as SetRevision was last told.
func (s *Set) Revision() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.revision
}

// SetRevision notes that the Set holds every change of the registry up to revision.
func (s *Set) SetRevision(revision int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision = revision
}

// Put makes id lead to number. It replaces what id led to before, and another id that led to number.
func (s *Set) Put(id string, number event.VehicleID) error {
	if !ValidID(id) {
		return fmt.Errorf("putting vehicle %d: id %q is not 1 to %d visible ASCII characters without '/'", number, id, MaxID)
	}
	if number == 0 || number > maxVehicle {
		return fmt.Errorf("putting vehicle %q: number %d is not between 1 and %d", id, number, maxVehicle)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put([]byte(id), number)
	return nil
}

// Remove makes the Set forget the vehicle with this number, if it knows it.
func (s *Set) Remove(number event.VehicleID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(number)
}

// putCanary makes id lead to canaryNumber. Such an id is found by find only: it is no vehicle, and is not saved.
func (s *Set) putCanary(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.insert(s.hash([]byte(id)), s.texts.add(canaryNumber, []byte(id)))
}

// knows says whether a vehicle has this number. The caller holds mu, at least for reading.
func (s *Set) knows(number event.VehicleID) bool {
	return int(number) < len(s.refs) && s.refs[number] != 0
}

// find is the number id leads to, or 0. The caller holds mu, at least for reading.
func (s *Set) find(id []byte) event.VehicleID {
	if _, ref := s.locate(id); ref != 0 {
		number, _ := s.texts.at(ref)
		return number
	}
	return 0
}

func (s *Set) hash(id []byte) uint32 { return uint32(maphash.Bytes(s.seed, id)) }

// home is where probing for a hash begins. It keeps the order of hashes, so that a table of any length serves and
// growing it is one pass through both in order.
func (s *Set) home(hash uint32) int { return int(uint64(hash) * uint64(len(s.slots)) >> 32) }

func (s *Set) next(i int) int {
	if i++; i == len(s.slots) {
		return 0
	}
	return i
}

// locate is the slot of id and its text; the text is 0 when the table does not hold it.
func (s *Set) locate(id []byte) (int, textRef) {
	if len(s.slots) == 0 {
		return 0, 0
	}
	hash := s.hash(id)
	for i := s.home(hash); s.slots[i].text != 0; i = s.next(i) {
		if s.slots[i].hash != hash {
			continue
		}
		if _, text := s.texts.at(s.slots[i].text); string(text) == string(id) {
			return i, s.slots[i].text
		}
	}
	return 0, 0
}

func (s *Set) put(id []byte, number event.VehicleID) {
	if i, ref := s.locate(id); ref != 0 {
		before, _ := s.texts.at(ref)
		if before == number || before == canaryNumber {
			return
		}
		s.drop(i, before)
	}
	s.remove(number)
	ref := s.texts.add(number, id)
	for int(number) >= len(s.refs) {
		s.refs = append(s.refs, 0)
	}
	s.refs[number] = ref
	s.vehicles++
	s.insert(s.hash(id), ref)
}

func (s *Set) remove(number event.VehicleID) {
	if !s.knows(number) {
		return
	}
	_, id := s.texts.at(s.refs[number])
	i, _ := s.locate(id)
	s.drop(i, number)
}

// insert adds a text that the table does not hold.
func (s *Set) insert(hash uint32, ref textRef) {
	if s.used >= len(s.slots)-len(s.slots)/8 { // 7/8 full
		s.grow()
	}
	i := s.home(hash)
	for s.slots[i].text != 0 {
		i = s.next(i)
	}
	s.slots[i] = slot{hash, ref}
	s.used++
}

// grow makes the table half as large again, which keeps it 58% to 88% full.
func (s *Set) grow() {
	old := s.slots
	s.slots = make([]slot, max(16, len(old)+len(old)/2))
	s.used = 0
	for _, o := range old {
		if o.text != 0 {
			s.insert(o.hash, o.text)
		}
	}
}

// drop empties slot i of a vehicle and moves later slots of its run back, so that probing never meets a hole.
func (s *Set) drop(i int, number event.VehicleID) {
	_, id := s.texts.at(s.slots[i].text)
	s.texts.forget(len(id))
	s.refs[number] = 0
	s.vehicles--
	s.used--
	hole := i
	for j := s.next(i); s.slots[j].text != 0; j = s.next(j) {
		// The slot at j may move into the hole unless its home lies after the hole, counting around the end.
		if home := s.home(s.slots[j].hash); (j-home+len(s.slots))%len(s.slots) >= (j-hole+len(s.slots))%len(s.slots) {
			s.slots[hole] = s.slots[j]
			hole = j
		}
	}
	s.slots[hole] = slot{}
	if s.texts.wasteful() {
		s.compact()
	}
}

// compact copies the texts in use to new pages. The old ones stay as they are for a Save that reads them.
func (s *Set) compact() {
	var kept texts
	for i := range s.slots {
		if s.slots[i].text == 0 {
			continue
		}
		number, id := s.texts.at(s.slots[i].text)
		ref := kept.add(number, id)
		s.slots[i].text = ref
		if number != canaryNumber {
			s.refs[number] = ref
		}
	}
	s.texts = kept
}
