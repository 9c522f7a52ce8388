package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog/logpb"
)

const (
	// codecFormat is the version of the batch encoding that this code writes, and the newest it reads.
	codecFormat = 1
	// maxEvents bounds the heartbeats and entries of one batch, each, on the way in and out.
	maxEvents = 1 << 20
	// maxTime bounds every time in the log, either way: about 285,000 years, so that no sum of times overflows.
	maxTime = event.Time(1) << 53
)

// link is what a batch is chained to: the SHA-256 of the batch before it. The first batch has the zero link.
type link [sha256.Size]byte

// header is what a batch says about itself.
type header struct {
	epoch    uint64
	number   event.Position
	previous link
	// standsFor is set in the filler of a lost batch, when the lost batch's own hash is still known.
	standsFor *link
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encoder turns batches into records. It reuses its buffers: a record is valid until the next call.
type encoder struct {
	pb     logpb.Batch
	batch  []byte
	record []byte
}

// encode gives the record to store and the batch bytes within it.
func (e *encoder) encode(h header, b *event.Batch) (record, batch []byte, err error) {
	if err := validate(b); err != nil {
		return nil, nil, err
	}
	pb := &e.pb
	pb.Format, pb.Epoch, pb.Number = codecFormat, h.epoch, uint64(h.number)
	pb.Previous = append(pb.Previous[:0], h.previous[:]...)
	pb.StandsFor = nil
	if h.standsFor != nil {
		pb.StandsFor = h.standsFor[:]
	}
	base := b.StartTime()
	pb.BaseTime = int64(base)
	e.columns(base, &b.Heartbeats)
	pb.Entries = pb.Entries[:0]
	for i := range b.Entries {
		entry, err := encodeEntry(base, &b.Entries[i])
		if err != nil {
			return nil, nil, fmt.Errorf("%w: entry %d: %w", ErrInvalid, i, err)
		}
		pb.Entries = append(pb.Entries, entry)
	}
	if e.batch, err = (proto.MarshalOptions{}).MarshalAppend(e.batch[:0], pb); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	e.record = appendRecord(e.record[:0], e.batch)
	return e.record, e.batch, nil
}

func (e *encoder) columns(base event.Time, h *event.Heartbeats) {
	pb, n := &e.pb, h.Len()
	pb.Vehicle, pb.Received = resize(pb.Vehicle, n), resize(pb.Received, n)
	before := base
	for i, v := range h.Vehicle {
		pb.Vehicle[i] = uint32(v)
		pb.Received[i] = uint64(h.ReceivedAt[i] - before)
		before = h.ReceivedAt[i]
	}
	pb.Sent, pb.Sequence, pb.Flags = pb.Sent[:0], pb.Sequence[:0], pb.Flags[:0]
	for i, sent := range h.SentAt {
		said := uint64(0)
		if sent != 0 {
			said = 1 + protowire.EncodeZigZag(int64(sent-h.ReceivedAt[i]))
		}
		pb.Sent = append(pb.Sent, said)
	}
	for _, sequence := range h.Sequence {
		pb.Sequence = append(pb.Sequence, uint64(sequence+1))
	}
	for _, f := range h.Flags {
		pb.Flags = append(pb.Flags, byte(f))
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// appendRecord wraps batch bytes into the record that is stored: its CRC-32C, then itself.
func appendRecord(record, batch []byte) []byte {
	record = append(record, recordTag)
	record = binary.LittleEndian.AppendUint32(record, crc32.Checksum(batch, castagnoli))
	record = append(record, batchTag)
	return protowire.AppendBytes(record, batch)
}

// The first byte of a record, and the one after its checksum: field numbers and wire types of logpb.Record.
const (
	recordTag = 1<<3 | byte(protowire.Fixed32Type)
	batchTag  = 2<<3 | byte(protowire.BytesType)
)

var errDamaged = errors.New("checksum does not match")

// openRecord checks the record at the start of b and gives the batch bytes in it and the record's length.
func openRecord(b []byte) (batch []byte, length int, err error) {
	if len(b) < 7 || b[0] != recordTag || b[5] != batchTag {
		return nil, 0, errors.New("no record of this log")
	}
	batch, n := protowire.ConsumeBytes(b[6:])
	if n < 0 {
		return nil, 0, fmt.Errorf("record: %w", protowire.ParseError(n))
	}
	if crc32.Checksum(batch, castagnoli) != binary.LittleEndian.Uint32(b[1:]) {
		return nil, 0, errDamaged
	}
	return batch, 6 + n, nil
}

// readHeader reads what a batch says about itself without decoding its columns.
func readHeader(batch []byte) (header, error) {
	var h header
	format := uint64(0)
	for b := batch; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return h, fmt.Errorf("decoding: %w", protowire.ParseError(n))
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(num, typ, b)
		if size < 0 {
			return h, fmt.Errorf("decoding: %w", protowire.ParseError(size))
		}
		if err := h.set(num, typ, b[:size], &format); err != nil {
			return h, err
		}
		b = b[size:]
	}
	return h, checkHeader(h, format)
}

func (h *header) set(num protowire.Number, typ protowire.Type, value []byte, format *uint64) error {
	switch {
	case num == 1 && typ == protowire.VarintType:
		*format, _ = protowire.ConsumeVarint(value)
	case num == 2 && typ == protowire.VarintType:
		h.epoch, _ = protowire.ConsumeVarint(value)
	case num == 3 && typ == protowire.VarintType:
		number, _ := protowire.ConsumeVarint(value)
		h.number = event.Position(number)
	case num == 4 && typ == protowire.BytesType:
		hash, _ := protowire.ConsumeBytes(value)
		if copy(h.previous[:], hash) != len(hash) || len(hash) != len(h.previous) {
			return errors.New("previous hash is not of 32 bytes")
		}
	case num == 12 && typ == protowire.BytesType:
		hash, _ := protowire.ConsumeBytes(value)
		if len(hash) != sha256.Size {
			return errors.New("stands_for is not of 32 bytes")
		}
		h.standsFor = (*link)(bytes.Clone(hash))
	}
	return nil
}

func checkHeader(h header, format uint64) error {
	if format > codecFormat {
		return fmt.Errorf("%w: batch has format %d, this program reads up to %d", ErrNewerFormat, format, codecFormat)
	}
	if format == 0 || h.number == 0 {
		return errors.New("no format or no number")
	}
	return nil
}

// link is what the batch after this one must name as its previous.
func (h *header) link(batch []byte) link {
	if h.standsFor != nil {
		return *h.standsFor
	}
	return sha256.Sum256(batch)
}

// decoder turns batch bytes into batches. It reuses its buffers; what it gives is the caller's to keep.
type decoder struct {
	pb logpb.Batch
}

// decode decodes and checks a batch.
func (d *decoder) decode(batch []byte) (event.Stored, error) {
	pb := &d.pb
	d.clear()
	if err := (proto.UnmarshalOptions{Merge: true, DiscardUnknown: true}).Unmarshal(batch, pb); err != nil {
		return event.Stored{}, fmt.Errorf("decoding: %w", err)
	}
	if err := checkHeader(header{number: event.Position(pb.Number)}, uint64(pb.Format)); err != nil {
		return event.Stored{}, err
	}
	s := event.Stored{Position: event.Position(pb.Number), Epoch: pb.Epoch}
	base := event.Time(pb.BaseTime)
	if base < 0 || base > maxTime || len(pb.Entries) > maxEvents {
		return s, errors.New("base time or number of entries is out of bounds")
	}
	if err := decodeColumns(pb, base, &s.Heartbeats); err != nil {
		return s, err
	}
	if len(pb.Entries) > 0 {
		s.Entries = make([]event.Entry, len(pb.Entries))
	}
	for i, entry := range pb.Entries {
		if err := decodeEntry(base, entry, &s.Entries[i]); err != nil {
			return s, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return s, validate(&s.Batch)
}

// clear empties the message and keeps its buffers.
func (d *decoder) clear() {
	pb := &d.pb
	pb.Format, pb.Epoch, pb.Number, pb.BaseTime = 0, 0, 0, 0
	pb.Vehicle, pb.Received, pb.Sent, pb.Sequence = pb.Vehicle[:0], pb.Received[:0], pb.Sent[:0], pb.Sequence[:0]
	pb.Previous, pb.StandsFor, pb.Flags = nil, nil, nil
	clear(pb.Entries)
	pb.Entries = pb.Entries[:0]
}

func decodeColumns(pb *logpb.Batch, base event.Time, h *event.Heartbeats) error {
	n := len(pb.Vehicle)
	fits := func(length int) bool { return length == n || length == 0 }
	if n > maxEvents || len(pb.Received) != n || !fits(len(pb.Sent)) || !fits(len(pb.Sequence)) || !fits(len(pb.Flags)) {
		return errors.New("columns are of different lengths or too long")
	}
	if n == 0 {
		return nil
	}
	h.Vehicle, h.ReceivedAt = make([]event.VehicleID, n), make([]event.Time, n)
	at := base
	for i, v := range pb.Vehicle {
		delta := pb.Received[i]
		if delta > uint64(maxTime) || at > maxTime {
			return fmt.Errorf("heartbeat %d: received at is out of bounds", i)
		}
		at += event.Time(delta)
		h.Vehicle[i], h.ReceivedAt[i] = event.VehicleID(v), at
	}
	return decodeOptional(pb, h)
}

func decodeOptional(pb *logpb.Batch, h *event.Heartbeats) error {
	if len(pb.Sent) > 0 {
		h.SentAt = make([]event.Time, len(pb.Sent))
	}
	for i, said := range pb.Sent {
		if said > 0 {
			h.SentAt[i] = h.ReceivedAt[i] + event.Time(protowire.DecodeZigZag(said-1))
		}
	}
	if len(pb.Sequence) > 0 {
		h.Sequence = make([]int64, len(pb.Sequence))
	}
	for i, said := range pb.Sequence {
		if said > uint64(math.MaxInt64) {
			return fmt.Errorf("heartbeat %d: sequence is out of bounds", i)
		}
		h.Sequence[i] = int64(said) - 1
	}
	if len(pb.Flags) > 0 {
		h.Flags = make([]event.Flags, len(pb.Flags))
	}
	for i, f := range pb.Flags {
		h.Flags[i] = event.Flags(f)
	}
	return nil
}
