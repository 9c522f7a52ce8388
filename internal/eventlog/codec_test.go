package eventlog

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog/logpb"
)

// anyBatch draws batches of every shape that the log takes.
func anyBatch(t *rapid.T) event.Batch {
	var b event.Batch
	at := event.Time(rapid.Int64Range(0, int64(maxTime)/2).Draw(t, "base"))
	step := rapid.Custom(func(t *rapid.T) event.Time { return event.Time(rapid.Int64Range(0, 1<<40).Draw(t, "step")) })
	for range rapid.IntRange(0, 20).Draw(t, "events") {
		at += step.Draw(t, "after")
		if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
			b.Entries = append(b.Entries, event.Entry{After: b.Heartbeats.Len(), ReceivedAt: at, Fact: anyFact(t)})
			continue
		}
		b.Heartbeats.Append(event.Heartbeat{
			Vehicle:    event.VehicleID(rapid.Uint32Range(1, math.MaxUint32).Draw(t, "vehicle")),
			ReceivedAt: at,
			SentAt:     event.Time(rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(-int64(maxTime), int64(maxTime))).Draw(t, "sent")),
			Sequence:   rapid.OneOf(rapid.Just(event.NoSequence), rapid.Int64Range(0, event.MaxSequence)).Draw(t, "sequence"),
			Flags:      event.Flags(rapid.OneOf(rapid.Just[uint8](0), rapid.Uint8()).Draw(t, "flags")),
		})
	}
	return b
}

func anyFact(t *rapid.T) event.Fact {
	vehicle, customer := event.VehicleID(rapid.Uint32().Draw(t, "v")), event.CustomerID(rapid.Uint32().Draw(t, "c"))
	text := rapid.String().Draw(t, "text")
	ms := rapid.Int64Range(0, math.MaxInt64/int64(time.Millisecond))
	return rapid.SampledFrom([]event.Fact{
		event.Canary{Door: text}, event.ObserverStarted{Door: text}, event.ObserverStopped{Door: text},
		event.VehicleAdded{Vehicle: vehicle, Customer: customer}, event.VehiclePaused{Vehicle: vehicle},
		event.VehicleResumed{Vehicle: vehicle}, event.VehicleRemoved{Vehicle: vehicle}, event.Lost{Reason: text},
		event.PolicyChanged{Vehicle: vehicle, Customer: customer, Policy: event.Policy{
			LateAfter:    time.Duration(ms.Draw(t, "late")) * time.Millisecond,
			OfflineAfter: time.Duration(ms.Draw(t, "offline")) * time.Millisecond}},
	}).Draw(t, "fact")
}

func TestBatchSurvivesEncoding(t *testing.T) {
	var e encoder
	var d decoder
	rapid.Check(t, func(t *rapid.T) {
		want := event.Stored{Batch: anyBatch(t)}
		want.Position = event.Position(rapid.Uint64Range(1, math.MaxUint64).Draw(t, "position"))
		want.Epoch = rapid.Uint64().Draw(t, "epoch")
		h := header{epoch: want.Epoch, number: want.Position, previous: link{1, 2, 3}}
		if rapid.Bool().Draw(t, "stands for") {
			h.standsFor = &link{4, 5, 6}
		}
		record, batch, err := e.encode(h, &want.Batch)
		if err != nil {
			t.Fatal(err)
		}
		opened, length, err := openRecord(append(record, "what follows"...))
		if err != nil || length != len(record) || !bytes.Equal(opened, batch) {
			t.Fatalf("opened %d bytes of %d: %v", length, len(record), err)
		}
		got, err := d.decode(batch)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-encoded +decoded):\n%s", diff)
		}
		read, err := readHeader(batch)
		if err != nil || !cmp.Equal(h, read, cmp.AllowUnexported(header{})) {
			t.Fatalf("header %+v, %v", read, err)
		}
	})
}

func TestInvalidBatchIsRefusedAndTheLogGoesOn(t *testing.T) {
	heartbeats := func(at ...event.Time) (h event.Heartbeats) {
		for _, at := range at {
			h.Append(event.Heartbeat{Vehicle: 1, ReceivedAt: at, Sequence: event.NoSequence})
		}
		return h
	}
	door := event.Canary{Door: "http"}
	uneven := heartbeats(10, 11)
	uneven.Flags = []event.Flags{0}
	nobody := heartbeats(10)
	nobody.Vehicle[0] = 0
	strange := heartbeats(10)
	strange.Sequence = []int64{-2}
	huge := event.Batch{Heartbeats: event.Heartbeats{
		Vehicle: make([]event.VehicleID, maxEvents+1), ReceivedAt: make([]event.Time, maxEvents+1)}}
	invalid := map[string]event.Batch{
		"empty":                        {},
		"columns of unequal length":    {Heartbeats: uneven},
		"vehicle 0":                    {Heartbeats: nobody},
		"sequence below none":          {Heartbeats: strange},
		"too many":                     huge,
		"time goes back":               {Heartbeats: heartbeats(10, 9)},
		"negative time":                {Heartbeats: heartbeats(-1)},
		"time out of bounds":           {Heartbeats: heartbeats(maxTime + 1)},
		"before the log's last time":   {Heartbeats: heartbeats(4)},
		"entry behind the end":         {Heartbeats: heartbeats(10), Entries: []event.Entry{{After: 2, ReceivedAt: 10, Fact: door}}},
		"entry earlier than its place": {Heartbeats: heartbeats(10), Entries: []event.Entry{{After: 1, ReceivedAt: 9, Fact: door}}},
		"entries out of order": {Heartbeats: heartbeats(10), Entries: []event.Entry{
			{After: 1, ReceivedAt: 10, Fact: door}, {After: 0, ReceivedAt: 10, Fact: door}}},
		"no fact": {Entries: []event.Entry{{ReceivedAt: 10}}},
		"policy finer than a millisecond": {Entries: []event.Entry{{ReceivedAt: 10,
			Fact: event.PolicyChanged{Policy: event.Policy{LateAfter: time.Microsecond}}}}},
	}
	l := open(t, memoryDir(t))
	appendAll(t, l, []event.Batch{{Heartbeats: heartbeats(5)}})
	for name, b := range invalid {
		if _, err := l.Append(t.Context(), &b); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	appendAll(t, l, []event.Batch{{Heartbeats: heartbeats(5)}})
}

// TestFieldsOfALaterVersionAreKept puts a batch with a field that this program does not know into a log, damages
// another one, and finds the first byte for byte in the repaired log.
func TestFieldsOfALaterVersionAreKept(t *testing.T) {
	dir := memoryDir(t)
	l := open(t, dir)
	appendAll(t, l, history(30, 2, 3))
	next := history(31, 1, 3)[0]
	future := foreign(t, l, &next, func(b []byte) []byte {
		return protowire.AppendString(protowire.AppendTag(b, 1000, protowire.BytesType), "a later word")
	})
	closeLog(t, l)
	path := blockPath(msgsDir(filepath.Join(dir, storeName)), 1)
	data := read(t, path)
	data[60] ^= 1
	write(t, path, data)
	l = open(t, dir)
	if len(l.Damages()) != 1 || l.Head() != 3 {
		t.Fatalf("head %d, damages %v", l.Head(), l.Damages())
	}
	if got := follow(t, l, 3, 3)[0]; !cmp.Equal(got.Batch, next) {
		t.Fatalf("the batch was read as %+v", got)
	}
	if !bytes.Contains(read(t, path), future) {
		t.Fatal("the batch was changed in the repair")
	}
	var pb logpb.Batch
	if err := proto.Unmarshal(future, &pb); err != nil {
		t.Fatal(err)
	}
	if again, err := proto.Marshal(&pb); err != nil || !bytes.Equal(again, future) {
		t.Fatalf("decoding and encoding changed the batch: %v", err)
	}
}

func TestBatchOfANewerFormatIsRefusedAndNotTouched(t *testing.T) {
	dir := memoryDir(t)
	l := open(t, dir)
	appendAll(t, l, history(30, 2, 3))
	next := history(31, 1, 3)[0]
	foreign(t, l, &next, func(b []byte) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), codecFormat+1)
	})
	closeLog(t, l)
	before := fingerprint(t, dir)
	if _, err := Open(t.Context(), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrNewerFormat) {
		t.Fatal(err)
	}
	if _, err := Read(dir, 1, nil); !errors.Is(err, ErrNewerFormat) {
		t.Fatal(err)
	}
	if fingerprint(t, dir) != before {
		t.Fatal("the folder was changed")
	}
}

// foreign stores a batch as another version of this program would have encoded it.
func foreign(t *testing.T, l *Log, b *event.Batch, change func([]byte) []byte) []byte {
	t.Helper()
	for i := range b.Heartbeats.ReceivedAt {
		b.Heartbeats.ReceivedAt[i] += 1 << 20
	}
	b.Entries = nil
	_, batch, err := new(encoder).encode(header{epoch: 1, number: l.head.position + 1, previous: l.head.link}, b)
	if err != nil {
		t.Fatal(err)
	}
	batch = change(batch)
	if _, err := l.store.publish(t.Context(), appendRecord(nil, batch)); err != nil {
		t.Fatal(err)
	}
	return batch
}

func FuzzDecode(f *testing.F) {
	for _, b := range history(40, 2, 5) {
		_, batch, err := new(encoder).encode(header{epoch: 1, number: 7}, &b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(batch)
	}
	var d decoder
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := d.decode(data)
		_, headerErr := readHeader(data)
		if err != nil {
			return
		}
		if headerErr != nil {
			return // a batch is read only when its header is good
		}
		_, batch, err := new(encoder).encode(header{epoch: got.Epoch, number: got.Position}, &got.Batch)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		again, err := new(decoder).decode(batch)
		if err != nil || !cmp.Equal(got, again) {
			t.Fatalf("decoded differently: %v\n%s", err, cmp.Diff(got, again))
		}
	})
}

func FuzzBlock(f *testing.F) {
	parser, err := newBlockParser(1)
	if err != nil {
		f.Fatal(err)
	}
	var block []byte
	w := blockWriter{dir: f.TempDir()}
	for i, b := range history(41, 3, 4) {
		record, _, err := new(encoder).encode(header{epoch: 1, number: event.Position(i + 1), previous: w.chain}, &b)
		if err == nil {
			err = w.write(event.Position(i+1), 1, record, link{})
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := w.finish(); err != nil {
		f.Fatal(err)
	}
	block = read(f, blockPath(w.dir, 1))
	f.Add(block)
	f.Add(block[10:])
	f.Add(bytes.Repeat(marker, 10))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := parser.scan(data)
		if err != nil && !errors.Is(err, ErrNewerFormat) {
			t.Fatal(err)
		}
		at := int64(-1)
		for _, item := range found {
			if item.offset < at || item.offset > int64(len(data)) || item.batch == nil && item.bad == nil {
				t.Fatalf("found %+v after offset %d", item, at)
			}
			at = item.offset
		}
		s := stitcher{head: head{position: 5}}
		for _, item := range found {
			if err := s.add(item); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.finish("dir"); err != nil {
			t.Fatal(err)
		}
		_, _ = parseSlot(data)
	})
}
