package ingest

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/ingest/ingestpb"
)

func protobufBody(t testing.TB, heartbeats ...*ingestpb.Heartbeat) []byte {
	t.Helper()
	body, err := proto.Marshal(&ingestpb.HeartbeatBatch{Heartbeats: heartbeats})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestProtobufHeartbeatIsReadWithAllItsFields(t *testing.T) {
	body := protobufBody(t,
		&ingestpb.Heartbeat{Vehicle: "YS2R4X20005399401", SentAtMs: proto.Int64(1_751_371_200_250), Sequence: proto.Uint64(0), Buffered: true},
		&ingestpb.Heartbeat{Vehicle: "b"})
	items, err := decodeProtobuf(body, nil, 2)
	if err != nil || len(items) != 2 {
		t.Fatalf("got %v, %v", items, err)
	}
	if it := items[0]; string(it.vehicle) != "YS2R4X20005399401" || it.sentAt != 1_751_371_200_250 || it.sequence != 0 || !it.buffered || it.fault != "" {
		t.Errorf("got %+v", it)
	}
	if it := items[1]; string(it.vehicle) != "b" || it.sentAt != 0 || it.sequence != event.NoSequence || it.buffered || it.fault != "" {
		t.Errorf("got %+v", it)
	}
}

func TestProtobufFaultsAreSaidPerItem(t *testing.T) {
	for fault, h := range map[string]*ingestpb.Heartbeat{
		faultMissing:  {},
		faultVehicle:  {Vehicle: strings.Repeat("x", 65)},
		faultSequence: {Vehicle: "a", Sequence: proto.Uint64(1 << 53)},
		faultSentAt:   {Vehicle: "a", SentAtMs: proto.Int64(-1 << 63)},
	} {
		items, err := decodeProtobuf(protobufBody(t, h), nil, 1)
		if err != nil || items[0].fault != fault {
			t.Errorf("want %q, got %v, %v", fault, items, err)
		}
	}
}

func TestUnknownProtobufFieldsAreSkipped(t *testing.T) {
	message := protowire.AppendTag(nil, 99, protowire.Fixed64Type)
	message = protowire.AppendFixed64(message, 7)
	message = protowire.AppendTag(message, heartbeatVehicle, protowire.BytesType)
	message = protowire.AppendString(message, "a")
	body := protowire.AppendTag(nil, 98, protowire.VarintType)
	body = protowire.AppendVarint(body, 1)
	body = protowire.AppendTag(body, batchHeartbeats, protowire.BytesType)
	body = protowire.AppendBytes(body, message)
	items, err := decodeProtobuf(body, nil, 1)
	if err != nil || len(items) != 1 || items[0].fault != "" {
		t.Errorf("got %v, %v", items, err)
	}
	if _, err := decodeProtobuf(append(body, body...), nil, 1); err == nil {
		t.Error("two heartbeats passed a limit of one")
	}
	if _, err := decodeProtobuf(append(body, 0xff), nil, 1); err == nil || err.Error() != "byte 18, after 1 heartbeats: not a protobuf message" {
		t.Errorf("a torn body: %v", err)
	}
}

// FuzzProtobuf compares the decoder with Google's.
func FuzzProtobuf(f *testing.F) {
	f.Add(protobufBody(f, &ingestpb.Heartbeat{Vehicle: "YS2R4X20005399401", SentAtMs: proto.Int64(1), Sequence: proto.Uint64(2), Buffered: true}, &ingestpb.Heartbeat{}))
	f.Add([]byte{0x0a, 0x03, 0x0a, 0x01, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		const limit = 1000
		got, err := decodeProtobuf(body, nil, limit)
		var want ingestpb.HeartbeatBatch
		wantErr := proto.Unmarshal(body, &want)
		switch {
		case len(want.Heartbeats) > limit:
		case wantErr == nil && err != nil:
			t.Fatalf("%x: we refuse it: %v", body, err)
		case wantErr != nil && err == nil:
			for _, it := range got {
				if it.fault != "" {
					return // an id that is not UTF-8 spoils the whole message for Google's
				}
			}
			t.Fatalf("%x: we accept it, but: %v", body, wantErr)
		case err == nil:
			compareProtobuf(t, got, want.Heartbeats)
		}
	})
}

func compareProtobuf(t *testing.T, got []item, want []*ingestpb.Heartbeat) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d items of %d", len(got), len(want))
	}
	for i, it := range got {
		w := want[i]
		if it.fault != "" {
			continue
		}
		sequence, sent := event.NoSequence, event.Time(w.GetSentAtMs())
		if w.Sequence != nil {
			sequence = int64(*w.Sequence)
		}
		if w.SentAtMs != nil && sent == 0 {
			sent = 1
		}
		if string(it.vehicle) != w.Vehicle || !ValidID(w.Vehicle) || it.sentAt != sent || it.sequence != sequence || it.buffered != w.Buffered {
			t.Fatalf("item %d: got %+v, want %v", i, it, w)
		}
	}
}
