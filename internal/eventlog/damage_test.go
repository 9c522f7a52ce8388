package eventlog

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestDamageIsHarmlessOrReportedAndTheRestStaysReadable(t *testing.T) {
	killed, closed := leave(t, history(6, 30, 12), 0, false), leave(t, history(6, 30, 12), 0, true)
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
		shorter := &original{dir: o.dir, first: 1, batches: o.batches[:9], places: o.places[:9]}
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

func TestCutWriteIsLostWhenTheSecondPlaceIsLostToo(t *testing.T) {
	o := newOriginal(t, history(9, 10, 6))
	last := o.places[9]
	remove(t, filepath.Join(o.dir, headName))
	path := filepath.Join(o.dir, last.file)
	damaged := read(t, path)[:last.from+20]
	write(t, path, damaged)
	o.check(t, o.dir, last.file, damaged, map[event.Position]bool{10: true})
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
