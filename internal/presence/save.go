package presence

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// The saved form, all numbers little-endian:
//
//	magic 8 bytes · version u32 · length of what follows u64
//	clock: start i64, proof i64, flags u8, number of doors u16, each: length of its name u16, name, proof i64 · ignored u64
//	default policy · number of customers' policies u32, each: customer u32, policy; by customer, ascending
//	number of vehicle numbers u32, each from 0: state u8, and if watched: customer u32, heard i64, since i64, and
//	if it has its own policy: policy
//
// A policy is LateAfter i64, OfflineAfter i64, in milliseconds. There is one way only to write a state, so that equal
// states have equal bytes; version 1 knew one door and no name of it; the ring and the table of policies in force follow from the rest. Whoever keeps the bytes
// guards them by a checksum: Load finds what cannot be, not every flipped bit.
const (
	saveMagic   = "presence"
	saveVersion = 2

	headerSize   = len(saveMagic) + 4 + 8
	policySize   = 8 + 8
	fixedSize    = 8 + 8 + 1 + 2 + 8 + policySize + 4 + 4 // clock, ignored, default policy, the two counts
	customerSize = 4 + policySize
	doorSize     = 2 + 8     // beyond its name
	vehicleSize  = 4 + 8 + 8 // beyond its state

	flagProven    = 1 << 0
	flagBroken    = 1 << 1
	reasonShift   = 2
	clockFlagMask = flagProven | flagBroken | 3<<reasonShift
)

// Save writes the rule. Rules that say the same, now and for every future, write the same bytes.
func (r *Rule) Save(w io.Writer) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	b := append(make([]byte, 0, 128), saveMagic...)
	b = binary.LittleEndian.AppendUint32(b, saveVersion)
	b = binary.LittleEndian.AppendUint64(b, r.savedSize())
	b = r.clock.appendTo(b)
	b = binary.LittleEndian.AppendUint64(b, r.ignored)
	b = appendPolicy(b, r.policies.fallback)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.policies.customers)))
	for _, c := range slices.Sorted(maps.Keys(r.policies.customers)) {
		b = binary.LittleEndian.AppendUint32(b, uint32(c))
		b = appendPolicy(b, r.policies.customers[c])
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.state)))
	bw.Write(b) // bw keeps the first error for Flush
	for v := range r.state {
		bw.Write(r.appendVehicle(b[:0], event.VehicleID(v)))
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("saving presence: %w", err)
	}
	return nil
}

// savedSize is the length of what Save writes after the header.
func (r *Rule) savedSize() uint64 {
	n := fixedSize + customerSize*len(r.policies.customers) + len(r.state)
	for _, d := range r.clock.doors {
		n += doorSize + len(d.Name)
	}
	for _, s := range r.state {
		if s&watched != 0 {
			n += vehicleSize
		}
		if s&ownPolicy != 0 {
			n += policySize
		}
	}
	return uint64(n)
}

func (c *clock) appendTo(b []byte) []byte {
	flags := byte(c.reason) << reasonShift
	if c.proven {
		flags |= flagProven
	}
	if c.broken {
		flags |= flagBroken
	}
	b = appendTime(b, c.start)
	b = appendTime(b, c.proof)
	b = append(b, flags)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(c.doors)))
	for _, d := range c.doors {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(d.Name)))
		b = append(b, d.Name...)
		b = appendTime(b, d.Proof)
	}
	return b
}

func (r *Rule) appendVehicle(b []byte, v event.VehicleID) []byte {
	s := r.state[v]
	b = append(b, byte(s))
	if s&watched == 0 {
		return b
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(r.customer[v]))
	b = appendTime(b, r.heard[v])
	b = appendTime(b, r.since[v])
	if s&ownPolicy != 0 {
		b = appendPolicy(b, r.policies.at(r.policy[v]))
	}
	return b
}

func appendTime(b []byte, t event.Time) []byte { return binary.LittleEndian.AppendUint64(b, uint64(t)) }

func appendPolicy(b []byte, p event.Policy) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(p.LateAfter.Milliseconds()))
	return binary.LittleEndian.AppendUint64(b, uint64(p.OfflineAfter.Milliseconds()))
}
