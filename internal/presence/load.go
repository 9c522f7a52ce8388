package presence

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Errors of Load. ErrVersion means that the bytes are whole but of a form that this program does not know.
var (
	ErrVersion = errors.New("saved presence has an unknown version")
	ErrCorrupt = errors.New("saved presence is corrupt")
)

// Load reads what Save wrote, and not a byte beyond it. The rule it returns says the same as the saved one, now and for
// every future. Errors are ErrVersion, ErrCorrupt, or those of rd; memory is taken only for what rd really holds.
func Load(rd io.Reader) (*Rule, error) { return loaded(New(), rd) }

// LoadToRecall is Load and BeginRecall in one, without the deadlines, which would never be looked at.
func LoadToRecall(rd io.Reader) (*Rule, error) {
	r := New()
	r.BeginRecall()
	return loaded(r, rd)
}

func loaded(r *Rule, rd io.Reader) (*Rule, error) {
	if err := r.load(rd); err != nil {
		return nil, fmt.Errorf("loading presence: %w", err)
	}
	return r, nil
}

func (r *Rule) load(rd io.Reader) error {
	var header [headerSize]byte
	if _, err := io.ReadFull(rd, header[:]); err != nil {
		return short(err)
	}
	rest := header[len(saveMagic):]
	if string(header[:len(saveMagic)]) != saveMagic {
		return fmt.Errorf("%w: it begins with %q", ErrCorrupt, header[:len(saveMagic)])
	}
	version := binary.LittleEndian.Uint32(rest)
	if version < 1 || version > saveVersion {
		return fmt.Errorf("%w: %d, not 1 to %d", ErrVersion, version, saveVersion)
	}
	limited := &io.LimitedReader{R: rd, N: int64(min(binary.LittleEndian.Uint64(rest[4:]), 1<<62))}
	d := decoder{rd: bufio.NewReaderSize(limited, 1<<16)}
	r.decode(&d, version)
	if d.err == nil && (limited.N > 0 || d.rd.Buffered() > 0) {
		d.corrupt("it is longer than its contents")
	}
	if d.err != nil {
		return d.err
	}
	return nil
}

func (r *Rule) decode(d *decoder, version uint32) {
	r.clock = d.clock(version)
	r.ring.now = bucketOf(r.clock.proof) // where the next canary goes on
	r.ignored = d.uint64()
	r.policies.fallback = d.policy()
	before := event.CustomerID(0)
	for n := d.uint32(); n > 0 && d.err == nil; n-- {
		c := event.CustomerID(d.uint32())
		if c <= before {
			d.corrupt("customers are not in ascending order")
		}
		r.policies.customers[c] = d.policy()
		before = c
	}
	n := int(d.uint32())
	if n > int(MaxVehicle)+1 {
		d.corrupt("too many vehicles")
	}
	for v := 0; v < n && d.err == nil; v++ {
		if v == len(r.state) {
			r.grow(min(n, 2*v+1<<12)) // not n at once, which is only said and not yet seen
		}
		r.decodeVehicle(d, event.VehicleID(v))
	}
}

func (r *Rule) decodeVehicle(d *decoder, v event.VehicleID) {
	s := state(d.uint8())
	if s == 0 || d.err != nil {
		return
	}
	b := d.bytes(vehicleSize)
	c := event.CustomerID(binary.LittleEndian.Uint32(b))
	heard, since := event.Time(binary.LittleEndian.Uint64(b[4:])), event.Time(binary.LittleEndian.Uint64(b[12:]))
	policy := r.policies.inherited(c)
	if s&ownPolicy != 0 {
		policy = d.policy()
	}
	if v == 0 || s&watched == 0 || s>>5 != 0 || s.presence() >= event.Presences || heard < 0 ||
		s.presence() != event.Paused && (heard == 0) != (s.presence() == event.Unknown) {
		d.corrupt("a vehicle is in a state that cannot be")
	}
	if d.err != nil {
		return
	}
	r.state[v], r.customer[v], r.heard[v], r.since[v] = s, c, heard, since
	r.policy[v] = r.policies.use(policy)
	r.counts[s.presence()]++
	r.schedule(v)
}

// decoder reads numbers and keeps the first error; after it, all numbers are 0.
type decoder struct {
	rd  *bufio.Reader
	err error
}

func (d *decoder) corrupt(why string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrCorrupt, why)
	}
}

// bytes is the next n bytes, at most vehicleSize.
func (d *decoder) bytes(n int) []byte {
	if d.err == nil {
		b, err := d.rd.Peek(n)
		if err == nil {
			_, _ = d.rd.Discard(n) // they are there
			return b
		}
		d.err = short(err)
	}
	return make([]byte, vehicleSize)[:n]
}

// short tells bytes that are missing from an error in reading them.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", ErrCorrupt)
	}
	return err
}

func (d *decoder) uint8() uint8     { return d.bytes(1)[0] }
func (d *decoder) uint16() uint16   { return binary.LittleEndian.Uint16(d.bytes(2)) }
func (d *decoder) uint32() uint32   { return binary.LittleEndian.Uint32(d.bytes(4)) }
func (d *decoder) uint64() uint64   { return binary.LittleEndian.Uint64(d.bytes(8)) }
func (d *decoder) time() event.Time { return event.Time(d.uint64()) }

func (d *decoder) policy() event.Policy {
	late, offline := int64(d.uint64()), int64(d.uint64())
	const most = int64(1<<63-1) / int64(time.Millisecond)
	p := event.Policy{LateAfter: time.Duration(late) * time.Millisecond, OfflineAfter: time.Duration(offline) * time.Millisecond}
	if late < 1 || late > offline || offline > most {
		d.corrupt("a policy is none")
	}
	return p
}

func (d *decoder) clock(version uint32) clock {
	c := clock{start: d.time(), proof: d.time()}
	flags := d.uint8()
	c.proven, c.broken = flags&flagProven != 0, flags&flagBroken != 0
	c.reason = event.GapReason(flags >> reasonShift)
	if flags&^clockFlagMask != 0 || c.broken == (c.reason == event.Silent) || c.start > c.proof ||
		!c.proven && (c.start != 0 || c.proof != 0) {
		d.corrupt("the listening clock is in a state that cannot be")
	}
	switch {
	case version > 1:
		c.doors = d.doors(c.proof)
	case c.proven && !c.broken:
		c.doors = []Door{{onlyDoor, c.proof}}
	}
	return c
}

// onlyDoor is the door of those states that name none.
const onlyDoor = "http"

func (d *decoder) doors(proof event.Time) (doors []Door) {
	n := int(d.uint16())
	if n > maxDoors {
		d.corrupt("too many doors")
	}
	for range n {
		if d.err != nil {
			return nil
		}
		name := make([]byte, d.uint16())
		if _, err := io.ReadFull(d.rd, name); err != nil {
			d.err = short(err)
			return nil
		}
		next := Door{string(name), d.time()}
		if len(doors) > 0 && doors[len(doors)-1].Name >= next.Name || next.Proof < 0 || proof == 0 {
			d.corrupt("the doors in service are in a state that cannot be")
		}
		doors = append(doors, next)
	}
	return doors
}
