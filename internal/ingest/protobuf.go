package ingest

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Fields of the messages in ingestpb/heartbeats.proto.
const (
	batchHeartbeats   = 1
	heartbeatVehicle  = 1
	heartbeatSentAt   = 2
	heartbeatSequence = 3
	heartbeatBuffered = 4
)

// decodeProtobuf reads a HeartbeatBatch and appends the items. As protobuf wants it, unknown fields are skipped and the
// last of several values holds. The error is *malformedError or tooManyError.
func decodeProtobuf(body []byte, items []item, limit int) ([]item, error) {
	for rest := body; len(rest) > 0; {
		wrong := func() ([]item, error) {
			return items, &malformedError{offset: len(body) - len(rest), item: len(items), what: "not a protobuf message"}
		}
		field, kind, n := consumeTag(rest)
		if n < 0 {
			return wrong()
		}
		if field != batchHeartbeats || kind != protowire.BytesType {
			m := protowire.ConsumeFieldValue(field, kind, rest[n:])
			if m < 0 {
				return wrong()
			}
			rest = rest[n+m:]
			continue
		}
		message, m := protowire.ConsumeBytes(rest[n:])
		if m < 0 {
			return wrong()
		}
		if len(items) == limit {
			return items, tooManyError{limit}
		}
		it, ok := protobufItem(message)
		if !ok {
			return wrong()
		}
		items = append(items, it)
		rest = rest[n+m:]
	}
	return items, nil
}

// protobufItem reads a Heartbeat message.
func protobufItem(message []byte) (it item, ok bool) {
	it.sequence = event.NoSequence
	for len(message) > 0 {
		field, kind, n := consumeTag(message)
		if n < 0 {
			return it, false
		}
		message = message[n:]
		switch {
		case field == heartbeatVehicle && kind == protowire.BytesType:
			it.vehicle, n = protowire.ConsumeBytes(message)
		case kind == protowire.VarintType:
			var value uint64
			value, n = protowire.ConsumeVarint(message)
			it.setVarint(field, value)
		default:
			n = protowire.ConsumeFieldValue(field, kind, message)
		}
		if n < 0 {
			return it, false
		}
		message = message[n:]
	}
	it.finish(true)
	return it, true
}

// consumeTag is protowire.ConsumeTag, which lets field numbers pass that no message can have.
func consumeTag(b []byte) (protowire.Number, protowire.Type, int) {
	field, kind, n := protowire.ConsumeTag(b)
	if field > protowire.MaxValidNumber {
		return 0, 0, -1
	}
	return field, kind, n
}

// setVarint takes a number of a Heartbeat message.
func (it *item) setVarint(field protowire.Number, value uint64) {
	switch field {
	case heartbeatSentAt:
		it.setSentAt(event.Time(value))
	case heartbeatSequence:
		it.setSequence(value)
	case heartbeatBuffered:
		it.buffered = value != 0
	}
}
