package history

import (
	"bytes"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/checksummed"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

func TestFactsReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Fact{drawFact(t), event.Time(rapid.Int64Min(0).Draw(t, "at")), event.Position(rapid.Uint32().Draw(t, "position")), rapid.Uint32().Draw(t, "after")}
		row, ok := want.row()
		if !ok {
			t.Fatalf("%T has no row", want.Fact)
		}
		got, err := row.fact()
		if diff := gocmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v (-written +read):\n%s", err, diff)
		}
	})
}

// FuzzManifest: whatever stands in the file, reading it ends in a manifest or an error.
func FuzzManifest(f *testing.F) {
	good, err := checksummed.Encode(&manifest{Format: manifestFormat, Files: []file{{Kind: stateFiles, Name: "a.state"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeManifest(data)
		if err == nil && m == nil {
			t.Fatal("neither a manifest nor an error")
		}
	})
}

// FuzzState: likewise.
func FuzzState(f *testing.F) {
	var good bytes.Buffer
	if err := newState().save(&good); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := loadState(bytes.NewReader(data), presence.Load); err == nil && s == nil {
			t.Fatal("neither a state nor an error")
		}
	})
}

// FuzzTable: a file that is no Parquet, or a harmed one, is an error and never a panic.
func FuzzTable(f *testing.F) {
	var good bytes.Buffer
	out := newTableWriter[heartbeatRow](&good, pageBytes, "vehicle", "received_at")
	for v := range uint32(100) {
		if err := out.add(heartbeatRow{Vehicle: v / 3, ReceivedAt: int64(v), NextSequence: int64(v % 5)}); err != nil {
			f.Fatal(err)
		}
	}
	if err := out.close(); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		t, err := newTable(bytes.NewReader(data), int64(len(data)), "fuzz")
		if err != nil {
			return
		}
		_, _ = t.heartbeats(7, 0, endOfTime, heartbeatColumns)
	})
}
