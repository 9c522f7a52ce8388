package history

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// countingReader counts the bytes that are read.
type countingReader struct {
	io.ReaderAt
	read int
}

func (c *countingReader) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	c.read += n
	return n, err
}

// twoEach is a file with two transitions of each of so many vehicles.
func twoEach(t *testing.T, vehicles int) []byte {
	t.Helper()
	var written bytes.Buffer
	out := newTableWriter[transitionRow](&written, pageBytes, "vehicle", "at")
	random := rand.New(rand.NewPCG(1, 2)) // so that there is something to read
	for i := range 2 * vehicles {
		at := random.Int64N(int64(day))
		if err := out.add(transitionRow{Vehicle: uint32(i/2 + 1), At: at, From: "offline", To: "online", ShownAt: at + 1, Position: at + 2}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.close(); err != nil {
		t.Fatal(err)
	}
	return written.Bytes()
}

// wantTwo fails unless a table has two transitions of a vehicle.
func wantTwo(t *testing.T, of *table, vehicle event.VehicleID) {
	t.Helper()
	found := 0
	err := of.transitionsOf(vehicle, func(item *Transition) {
		if item.Vehicle == vehicle {
			found++
		}
	})
	if err != nil || found != 2 {
		t.Fatalf("vehicle %d has %d transitions, %v", vehicle, found, err)
	}
}

// A vehicle's rows are found by the pages that hold them, wherever in the file they are: the pages before are not read.
func TestAVehicleIsReadWithoutWhatIsBeforeIt(t *testing.T) {
	const vehicles = 200_000
	written := twoEach(t, vehicles)
	for _, vehicle := range []event.VehicleID{1, vehicles / 2, vehicles} {
		in := &countingReader{ReaderAt: bytes.NewReader(written)}
		of, err := newTable(in, int64(len(written)), "transitions")
		if err != nil {
			t.Fatal(err)
		}
		wantTwo(t, of, vehicle)
		if in.read > len(written)/4 {
			t.Errorf("%d of %d bytes were read for vehicle %d", in.read, len(written), vehicle)
		}
	}
}

// What is known of a file does not grow with the vehicles that are asked for: it is opened anew. Who reads it may read on.
func TestAFileOfWhichMuchIsKnownIsOpenedAnew(t *testing.T) {
	dir, written := t.TempDir(), twoEach(t, 100)
	if err := os.WriteFile(filepath.Join(dir, "a"), written, 0o600); err != nil {
		t.Fatal(err)
	}
	f := files{disk: &disk{dir: dir}}
	get := func() *table {
		of, done, err := f.get(&file{Name: "a", Bytes: int64(len(written))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(done)
		return of
	}
	first := get()
	wantTwo(t, first, 50)
	if get() != first {
		t.Error("the file was opened anew without need")
	}
	first.indexes.Store(maxIndexes + 1)
	second := get()
	if second == first || second.indexes.Load() != 0 {
		t.Error("what was known of the file is still held")
	}
	wantTwo(t, second, 50)
	wantTwo(t, first, 50)
}
