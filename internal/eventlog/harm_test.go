package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// original is a log as it was before damage, and where each of its batches stands on disk.
type original struct {
	dir     string
	first   event.Position // at which the log begins
	batches []event.Stored // from there on
	places  []place        // likewise
}

type place struct {
	file     string // relative to the folder
	from, to int64
}

// newOriginal writes a log and leaves it as a killed process would: copied while it is open.
func newOriginal(t *testing.T, batches []event.Batch) *original {
	t.Helper()
	return leave(t, batches, 0, false)
}

// leave writes a log, drops its beginning up to a position and leaves it, closed or not.
func leave(t *testing.T, batches []event.Batch, dropped event.Position, closed bool) *original {
	t.Helper()
	live := memoryDir(t)
	l := open(t, live)
	appendAll(t, l, batches)
	first, err := l.Drop(t.Context(), dropped, l.LastTime())
	if err != nil {
		t.Fatal(err)
	}
	o := &original{dir: memoryDir(t), first: first, batches: follow(t, l, first, event.Position(len(batches)))}
	if closed {
		closeLog(t, l)
	}
	copyTree(t, live, o.dir)
	closeLog(t, l)
	blocks, err := listBlocks(msgsDir(filepath.Join(o.dir, storeName)))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		path := blockPath(msgsDir(filepath.Join(o.dir, storeName)), block)
		found, err := scanFile(path, block, false)
		if err != nil {
			t.Fatal(err)
		}
		relative, err := filepath.Rel(o.dir, path)
		if err != nil {
			t.Fatal(err)
		}
		size := int64(len(read(t, path)))
		for i, item := range found {
			to := size
			if i+1 < len(found) {
				to = found[i+1].offset
			}
			o.places = append(o.places, place{relative, item.offset, to})
		}
	}
	if len(o.places) != len(o.batches) {
		t.Fatalf("%d places for %d batches", len(o.places), len(o.batches))
	}
	return o
}

// touched says which batches have a byte in a stretch of a file.
func (o *original) touched(file string, from, to int64) map[event.Position]bool {
	touched := map[event.Position]bool{}
	for i, p := range o.places {
		if p.file == file && p.from < to && from < p.to {
			touched[o.first+event.Position(i)] = true
		}
	}
	return touched
}

// files lists the files of the folder, relative to it.
func (o *original) files(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(o.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			path, err = filepath.Rel(o.dir, path)
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// harm is one damage done to a file, and the stretch of it that is no longer as it was.
type harm struct {
	name string
	do   func(rnd *rand.Rand, data []byte) (damaged []byte, from, to int64)
}

var harms = []harm{
	{"bit flipped", func(rnd *rand.Rand, data []byte) ([]byte, int64, int64) {
		at := rnd.IntN(len(data))
		data[at] ^= 1 << rnd.IntN(8)
		return data, int64(at), int64(at) + 1
	}},
	{"page zeroed", func(rnd *rand.Rand, data []byte) ([]byte, int64, int64) {
		from := rnd.IntN(len(data)) &^ 4095
		to := min(from+4096, len(data))
		clear(data[from:to])
		return data, int64(from), int64(to)
	}},
	{"noise written", func(rnd *rand.Rand, data []byte) ([]byte, int64, int64) {
		from := rnd.IntN(len(data))
		to := min(from+1+rnd.IntN(600), len(data))
		for i := from; i < to; i++ {
			data[i] = byte(rnd.Uint32())
		}
		return data, int64(from), int64(to)
	}},
	{"truncated", func(rnd *rand.Rand, data []byte) ([]byte, int64, int64) {
		at := rnd.IntN(len(data))
		return data[:at], int64(at), int64(len(data))
	}},
	{"page written to a wrong place", func(rnd *rand.Rand, data []byte) ([]byte, int64, int64) {
		from, to := rnd.IntN(len(data)), rnd.IntN(len(data))
		n := copy(data[to:min(to+4096, len(data))], bytes.Clone(data[from:min(from+4096, len(data))]))
		return data, int64(to), int64(to + n)
	}},
	{"deleted", func(_ *rand.Rand, data []byte) ([]byte, int64, int64) { return nil, 0, int64(len(data)) }},
}

// check opens a damaged copy and holds it to what the package promises.
func (o *original) check(t *testing.T, dir, file string, damaged []byte, touched map[event.Position]bool) {
	t.Helper()
	l := open(t, dir)
	damages := l.Damages()
	head := o.first - 1 + event.Position(len(o.batches))
	if l.Head() != head || l.First() != o.first {
		t.Fatalf("it reaches from %d to %d, was from %d to %d; damages %v", l.First(), l.Head(), o.first, head, damages)
	}
	lost := 0
	got := follow(t, l, o.first, head)
	for i, s := range got {
		if s.Position != o.first+event.Position(i) {
			t.Fatalf("batch %d has position %d", o.first+event.Position(i), s.Position)
		}
		if len(s.Entries) == 1 {
			if _, ok := s.Entries[0].Fact.(event.Lost); ok {
				lost++
				if !touched[s.Position] {
					t.Fatalf("batch %d is lost without having been damaged: %v", s.Position, damages)
				}
				continue
			}
		}
		if !reflect.DeepEqual(o.batches[i], s) {
			t.Fatalf("batch %d was changed", i+1)
		}
	}
	counted := uint64(0)
	for _, d := range damages {
		if d.File == "" || d.Reason == "" {
			t.Fatalf("damage without a place or a reason: %+v", d)
		}
		counted += d.Lost
	}
	if counted != uint64(lost) {
		t.Fatalf("%d batches are lost, reported are %v", lost, damages)
	}
	if len(damages) > 0 {
		o.checkKept(t, dir, file, damaged)
	}
	next := history(99, 1, 3)
	next[0].Heartbeats.ReceivedAt = []event.Time{1 << 40, 1 << 40, 1 << 40}
	next[0].Entries = nil
	if position, err := l.Append(t.Context(), &next[0]); err != nil || position != head+1 {
		t.Fatalf("appended at %d after %d: %v", position, head, err)
	}
	closeLog(t, l)
	if report, err := Read(dir, 1, nil); err != nil || report.First != o.first || report.Last != head+1 || report.Batches != uint64(head+2-o.first) {
		t.Fatalf("read %+v, %v", report, err)
	}
	again, err := inspect(dir)
	if err != nil || len(again.damages()) > 0 || again.store.unfinished != nil {
		t.Fatalf("after the repair: %v, %v", again.damages(), err)
	}
}

// checkKept looks for the damaged file, as it was, in the folder for such.
func (o *original) checkKept(t *testing.T, dir, file string, damaged []byte) {
	t.Helper()
	asides, err := filepath.Glob(filepath.Join(dir, asidePrefix+"*"))
	if err != nil || len(asides) != 1 {
		t.Fatalf("folders of damaged files: %v, %v", asides, err)
	}
	if text := string(read(t, filepath.Join(asides[0], "DAMAGE.txt"))); !strings.Contains(text, dir) {
		t.Fatalf("DAMAGE.txt says %q", text)
	}
	kept, err := os.ReadFile(filepath.Join(asides[0], file))
	if damaged == nil && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil || !bytes.Equal(kept, damaged) {
		t.Fatalf("the damaged %s was not kept as it was: %v", file, err)
	}
}

// memoryDir is a folder in memory where the system has one: hundreds of rounds need not wait for a disk.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "eventlog") //nolint:usetesting // t.TempDir is on the disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// damage does one harm to a file of a copy, by seed, and checks what becomes of it.
func (o *original) damage(t *testing.T, file string, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 6))
	harm := harms[rnd.IntN(len(harms))]
	t.Run(fmt.Sprintf("%d %s %s", seed, filepath.Base(file), harm.name), func(t *testing.T) {
		t.Parallel()
		dir := memoryDir(t)
		copyTree(t, o.dir, dir)
		data := read(t, filepath.Join(dir, file))
		if len(data) == 0 {
			return // an empty file has nothing to damage
		}
		damaged, from, to := harm.do(rnd, data)
		if damaged == nil {
			remove(t, filepath.Join(dir, file))
		} else {
			write(t, filepath.Join(dir, file), damaged)
		}
		o.check(t, dir, file, damaged, o.touched(file, from, to))
	})
}
