package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
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
	batches []event.Stored
	places  []place // by position - 1
}

type place struct {
	file     string // relative to the folder
	from, to int64
}

// newOriginal writes a log and leaves it as a killed process would: copied while it is open.
func newOriginal(t *testing.T, batches []event.Batch) *original { return leave(t, batches, false) }

// leave writes a log and leaves it, closed or not.
func leave(t *testing.T, batches []event.Batch, closed bool) *original {
	t.Helper()
	live := memoryDir(t)
	l := open(t, live)
	appendAll(t, l, batches)
	o := &original{dir: memoryDir(t), batches: follow(t, l, 1, event.Position(len(batches)))}
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
	if len(o.places) != len(batches) {
		t.Fatalf("%d places for %d batches", len(o.places), len(batches))
	}
	return o
}

// touched says which batches have a byte in a stretch of a file.
func (o *original) touched(file string, from, to int64) map[event.Position]bool {
	touched := map[event.Position]bool{}
	for i, p := range o.places {
		if p.file == file && p.from < to && from < p.to {
			touched[event.Position(i+1)] = true
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
	head := event.Position(len(o.batches))
	if l.Head() != head {
		t.Fatalf("head is %d, was %d; damages %v", l.Head(), head, damages)
	}
	lost := 0
	got := follow(t, l, 1, head)
	for i, s := range got {
		if s.Position != event.Position(i+1) {
			t.Fatalf("batch %d has position %d", i+1, s.Position)
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
	if report, err := Read(dir, 1, nil); err != nil || report.Last != head+1 || report.Batches != uint64(head)+1 {
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

func TestDamageIsHarmlessOrReportedAndTheRestStaysReadable(t *testing.T) {
	killed, closed := leave(t, history(6, 30, 12), false), leave(t, history(6, 30, 12), true)
	for round := range 400 {
		o := killed
		if round%4 == 0 {
			o = closed
		}
		files := o.files(t)
		file := files[round/4%len(files)]
		if round%2 == 1 {
			file = o.places[0].file // half of all on the block itself
		}
		o.damage(t, file, uint64(round))
	}
}

func TestDamageInOneBlockLeavesTheOthers(t *testing.T) {
	o := newOriginal(t, large(7, 6))
	for i := 0; i < len(o.places); i += 2 {
		o.damage(t, o.places[i].file, uint64(i))
	}
	if first, last := o.places[0].file, o.places[5].file; first == last {
		t.Fatalf("all batches are in %s", first)
	}
}

// damage does one harm to a file of a copy, by seed, and checks what becomes of it.
func (o *original) damage(t *testing.T, file string, seed uint64) {
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

func TestEveryBitFlipInABlockIsFound(t *testing.T) {
	o := newOriginal(t, history(8, 10, 6))
	path := filepath.Join(o.dir, o.places[0].file)
	data := read(t, path)
	for at := range data {
		damaged := bytes.Clone(data)
		damaged[at] ^= 1 << (at % 8)
		write(t, path, damaged)
		found, err := inspect(o.dir)
		if err != nil {
			t.Fatal(err)
		}
		lost := uint64(0)
		for _, d := range found.store.damages {
			lost += d.Lost
		}
		if len(found.store.damages) == 0 || lost > 1 {
			t.Fatalf("byte %d: %v", at, found.store.damages)
		}
	}
}

// TestUnfinishedWriteIsHarmless cuts the last write at every byte, as when the process or the power dies within it: it
// was never acknowledged, so the second place does not know of it. When only JetStream's hash at its end is missing, the
// batch itself is whole, and is kept.
func TestUnfinishedWriteIsHarmless(t *testing.T) {
	o := newOriginal(t, history(9, 10, 6))
	last := o.places[9]
	path := filepath.Join(o.dir, last.file)
	data := read(t, path)
	write(t, filepath.Join(o.dir, headName), headBefore(t, o, 10))
	for cut := last.from; cut < last.to-natsHashSize; cut++ {
		write(t, path, data[:cut])
		found, err := inspect(o.dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(found.damages()) > 0 || found.store.head.position != 9 || (found.store.unfinished == nil) != (cut == last.from) {
			t.Fatalf("cut at %d of %d to %d: %+v", cut, last.from, last.to, found)
		}
	}
	for _, tail := range [][]byte{nil, data[last.from : last.to-natsHashSize-1], data[last.from : last.from+10], make([]byte, 5000)} {
		write(t, path, append(data[:last.from:last.from], tail...))
		dir := memoryDir(t)
		copyTree(t, o.dir, dir)
		shorter := &original{dir: o.dir, batches: o.batches[:9], places: o.places[:9]}
		shorter.check(t, dir, "", nil, nil)
	}
	write(t, path, data[:last.to-1])
	o.check(t, o.dir, last.file, data[:last.to-1], nil)
}

// headBefore is a head file that says what the second place said before a batch was acknowledged.
func headBefore(t *testing.T, o *original, position event.Position) []byte {
	t.Helper()
	found, err := inspect(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	h := head{position: position - 1, epoch: 1, end: o.batches[position-2].EndTime()}
	var chain stitcher
	chain.keep = func(s scanned) error {
		if s.header.number == h.position {
			h.link = s.link
		}
		return nil
	}
	if err := scanBlocks(msgsDir(filepath.Join(o.dir, storeName)), chain.add); err != nil || found.store.batches != 10 {
		t.Fatal(err)
	}
	return append(append(h.slot(), make([]byte, slotStride-slotSize)...), h.slot()...)
}

func TestStoredBatchCountsAlsoWhenTheSecondPlaceDoesNotKnowIt(t *testing.T) {
	o := newOriginal(t, history(10, 10, 6))
	write(t, filepath.Join(o.dir, headName), headBefore(t, o, 10))
	dir := memoryDir(t)
	copyTree(t, o.dir, dir)
	o.check(t, dir, "", nil, nil)
}

func TestInterruptedRepairIsFinishedOrStartedOver(t *testing.T) {
	o := newOriginal(t, history(11, 10, 6))
	block := o.places[0].file
	data := read(t, filepath.Join(o.dir, block))
	data[o.places[4].from+50] ^= 1
	write(t, filepath.Join(o.dir, block), data)
	repaired := memoryDir(t)
	copyTree(t, o.dir, repaired)
	closeLog(t, open(t, repaired))
	touched := map[event.Position]bool{5: true}
	states := map[string]func(dir string){
		"half built": func(dir string) {
			copyTree(t, filepath.Join(repaired, storeName), filepath.Join(dir, buildingName))
			remove(t, blockPath(msgsDir(filepath.Join(dir, buildingName)), 1))
		},
		"built": func(dir string) {
			copyTree(t, filepath.Join(repaired, storeName), filepath.Join(dir, rebuiltName))
		},
		"damaged store out of the way": func(dir string) {
			copyTree(t, filepath.Join(repaired, storeName), filepath.Join(dir, rebuiltName))
			aside, err := setAside(dir, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := rename(filepath.Join(dir, storeName), filepath.Join(aside, storeName)); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, interrupt := range states {
		t.Run(name, func(t *testing.T) {
			dir := memoryDir(t)
			copyTree(t, o.dir, dir)
			interrupt(dir)
			l := open(t, dir)
			got := follow(t, l, 1, 10)
			for i, s := range got {
				if lost := s.Entries[0].Fact != o.batches[i].Entries[0].Fact; lost != touched[s.Position] {
					t.Fatalf("batch %d: lost %v", s.Position, lost)
				}
			}
			kept, err := filepath.Glob(filepath.Join(dir, asidePrefix+"*", block))
			if err != nil || len(kept) != 1 || !bytes.Equal(read(t, kept[0]), data) {
				t.Fatalf("the damaged block was not kept: %v", kept)
			}
			if exists(filepath.Join(dir, buildingName)) || exists(filepath.Join(dir, rebuiltName)) {
				t.Fatal("the interrupted repair was left")
			}
		})
	}
}

func TestLostFolderOfTheStoreIsDamage(t *testing.T) {
	o := newOriginal(t, history(12, 10, 6))
	dir := memoryDir(t)
	copyTree(t, o.dir, dir)
	if err := os.RemoveAll(filepath.Join(dir, storeName)); err != nil {
		t.Fatal(err)
	}
	all := map[event.Position]bool{}
	for p := range event.Position(11) {
		all[p] = true
	}
	o.check(t, dir, o.places[0].file, nil, all)
}

func TestBlockInThePlaceOfAnotherCostsThatOneOnly(t *testing.T) {
	o := newOriginal(t, large(13, 6))
	for _, pair := range [][2]int{{0, 5}, {5, 0}} {
		dir := memoryDir(t)
		copyTree(t, o.dir, dir)
		target := o.places[pair[0]].file
		damaged := read(t, filepath.Join(o.dir, o.places[pair[1]].file))
		write(t, filepath.Join(dir, target), damaged)
		o.check(t, dir, target, damaged, o.touched(target, 0, math.MaxInt64))
	}
}

// memoryDir is a folder in memory where the system has one: hundreds of rounds need not wait for a disk.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "eventlog")
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
