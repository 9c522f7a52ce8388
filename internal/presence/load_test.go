package presence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

// savedExample is a small rule in which every part of the saved form occurs.
func savedExample(t interface{ Fatal(...any) }) []byte {
	r := New()
	var b event.Batch
	for _, f := range []event.Fact{
		event.VehicleAdded{Vehicle: 1, Customer: 1}, event.VehicleAdded{Vehicle: 2, Customer: 2},
		event.VehicleAdded{Vehicle: 4, Customer: 1}, event.VehiclePaused{Vehicle: 4},
		event.PolicyChanged{Customer: 2, Policy: event.Policy{LateAfter: time.Second, OfflineAfter: time.Minute}},
		event.PolicyChanged{Vehicle: 1, Policy: event.Policy{LateAfter: time.Hour, OfflineAfter: time.Hour}},
		event.Canary{Door: "east"}, event.Canary{Door: "west"}, event.ObserverStarted{Door: "west"},
	} {
		b.Entries = append(b.Entries, event.Entry{ReceivedAt: scripttest.Start, Fact: f})
	}
	var out Changes
	r.Apply(event.Stored{Position: 1, Batch: b}, &out)
	b = event.Batch{}
	b.Heartbeats.Append(event.Heartbeat{Vehicle: 1, ReceivedAt: scripttest.Start, Sequence: event.NoSequence})
	b.Heartbeats.Append(event.Heartbeat{Vehicle: 3, ReceivedAt: scripttest.Start, Sequence: event.NoSequence})
	r.Apply(event.Stored{Position: 2, Batch: b}, &out)
	return saved(t, r)
}

func TestLoadStopsAtItsEnd(t *testing.T) {
	file := bytes.NewReader(append(savedExample(t), "what follows"...))
	if _, err := Load(file); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(file); string(rest) != "what follows" {
		t.Errorf("left to read: %q", rest)
	}
}

// TestStatesOfOneDoorGoOn loads the form that knew one door and not its name.
func TestStatesOfOneDoorGoOn(t *testing.T) {
	r := New()
	var out Changes
	at := func(at event.Time, f event.Fact) {
		r.Apply(event.Stored{Position: 1, Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: at, Fact: f}}}}, &out)
	}
	at(scripttest.Start, event.VehicleAdded{Vehicle: 1, Customer: 1})
	at(scripttest.Start, event.Canary{Door: "http"})
	want := saved(t, r)
	const doors, named = headerSize + 17, 2 + doorSize + len("http")
	old := append(bytes.Clone(want[:doors]), want[doors+named:]...)
	old[8], old[12] = 1, old[12]-byte(named)
	loaded, err := Load(bytes.NewReader(old))
	if err != nil {
		t.Fatal(err)
	}
	if got := saved(t, loaded); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestLoadRefusesBytesItHasNoUseFor(t *testing.T) {
	b := append(savedExample(t), 0)
	b[len(saveMagic)+4]++ // the length
	if _, err := Load(bytes.NewReader(b)); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

func TestLoadRefusesWhatIsCutShort(t *testing.T) {
	whole := savedExample(t)
	for n := range whole {
		if _, err := Load(bytes.NewReader(whole[:n])); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func TestLoadRefusesWhatCannotBe(t *testing.T) {
	const (
		version, length = 8, 12
		clockFlags      = headerSize + 16
		doors           = headerSize + 17
		fallback        = doors + 2 + doorSize + len("east") + 8
		customer        = fallback + policySize + 4
		vehicles        = customer + customerSize
		vehicle1        = vehicles + 4 + 1
	)
	for name, c := range map[string]struct {
		at   int
		set  []byte
		want error
	}{
		"another magic":               {0, []byte("absence!"), ErrCorrupt},
		"a later version":             {version, []byte{saveVersion + 1}, ErrVersion},
		"longer than its contents":    {length, []byte{255}, ErrCorrupt},
		"endless":                     {length, bytes.Repeat([]byte{255}, 8), ErrCorrupt},
		"unknown clock flags":         {clockFlags, []byte{128}, ErrCorrupt},
		"broken without a reason":     {clockFlags, []byte{flagProven | flagBroken}, ErrCorrupt},
		"a start before any proof":    {clockFlags, []byte{0}, ErrCorrupt},
		"too many doors":              {doors, []byte{255, 255}, ErrCorrupt},
		"a door from before all time": {doors + 2 + doorSize + len("east") - 1, []byte{255}, ErrCorrupt},
		"a zero default policy":       {fallback, make([]byte, policySize), ErrCorrupt},
		"late after offline":          {fallback, binary.LittleEndian.AppendUint64(nil, 1<<40), ErrCorrupt},
		"offline after the last day":  {fallback + 8, binary.LittleEndian.AppendUint64(nil, 1<<62), ErrCorrupt},
		"customer 0":                  {customer, make([]byte, 4), ErrCorrupt},
		"too many vehicles":           {vehicles, []byte{255, 255, 255, 255}, ErrCorrupt},
		"vehicle 0":                   {vehicle1 - 1, []byte{byte(watched)}, ErrCorrupt},
		"an unknown presence":         {vehicle1, []byte{byte(watched) | event.Presences}, ErrCorrupt},
		"an unknown flag":             {vehicle1, []byte{byte(watched) | 1 | 1<<5}, ErrCorrupt},
		"own policy, but not watched": {vehicle1, []byte{byte(ownPolicy)}, ErrCorrupt},
		"heard, but unknown":          {vehicle1, []byte{byte(watched|ownPolicy) | byte(event.Unknown)}, ErrCorrupt},
		"heard before time began":     {vehicle1 + 1 + 4 + 7, []byte{255}, ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			b := savedExample(t)
			copy(b[c.at:], c.set)
			if _, err := Load(bytes.NewReader(b)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestSaveAndLoadPassOnErrors(t *testing.T) {
	broken := errors.New("broken pipe")
	if _, err := Load(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("Load: %v", err)
	}
	halfway := io.MultiReader(bytes.NewReader(savedExample(t)[:headerSize+3]), iotest.ErrReader(broken))
	if _, err := Load(halfway); !errors.Is(err, broken) {
		t.Errorf("Load halfway: %v", err)
	}
	read, write := io.Pipe()
	read.CloseWithError(broken)
	if err := New().Save(write); !errors.Is(err, broken) {
		t.Errorf("Save: %v", err)
	}
}

// FuzzLoad holds that Load never panics, accepts only what Save would write, and that what it accepts can go on.
func FuzzLoad(f *testing.F) {
	whole := savedExample(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(saved(f, New()))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Load(bytes.NewReader(b))
		if err != nil {
			return
		}
		if again := saved(t, r); !bytes.HasPrefix(b, again) {
			t.Fatalf("loaded %x, saved %x", b, again)
		}
		var batch event.Batch
		now := max(r.Listening().Proof, scripttest.Start)
		for v := range event.VehicleID(5) {
			batch.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: now, Sequence: event.NoSequence})
		}
		for i := range 200 {
			at := now.Add(time.Duration(i) * time.Second)
			batch.Entries = append(batch.Entries, event.Entry{After: 5, ReceivedAt: at, Fact: event.Canary{}})
		}
		var out Changes
		r.Apply(event.Stored{Position: 1, Batch: batch}, &out)
		reload(t, r)
	})
}
