package eventlog

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// blocksOf makes batches that fill some blocks, two large ones each, and some small ones behind them.
func blocksOf(seed uint64, blocks, small int) []event.Batch {
	made := slices.Concat(large(seed, 2*blocks), history(seed, small, 5))
	by := made[2*blocks-1].EndTime()
	for i := 2 * blocks; i < len(made); i++ {
		for j := range made[i].Heartbeats.ReceivedAt {
			made[i].Heartbeats.ReceivedAt[j] += by
		}
		made[i].Entries[0].ReceivedAt += by
	}
	return made
}

// dropAll drops as often as there is something to drop.
func dropAll(t *testing.T, l *Log, upTo event.Position, before event.Time) event.Position {
	t.Helper()
	for first := l.First(); ; {
		next, err := l.Drop(t.Context(), upTo, before)
		if err != nil {
			t.Fatal(err)
		}
		if next == first {
			return first
		}
		first = next
	}
}

func TestDropTakesWholeBlocksThatAreOldEnoughAndNotWanted(t *testing.T) {
	batches := blocksOf(1, 4, 3)
	end := batches[len(batches)-1].EndTime()
	for _, c := range []struct {
		name   string
		upTo   event.Position
		before event.Time
		first  event.Position
	}{
		{"nothing is old enough", 11, batches[0].EndTime(), 1},
		{"nothing is unwanted", 1, end, 1},
		{"one block is unwanted", 3, end, 3},
		{"two blocks are old enough", 11, batches[5].EndTime() - 1, 5},
		{"the newest block stays", 11, end, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := open(t, memoryDir(t))
			appendAll(t, l, batches)
			if first := dropAll(t, l, c.upTo, c.before); first != c.first || l.First() != c.first {
				t.Fatalf("it begins at %d, says %d, want %d", first, l.First(), c.first)
			}
			if got := follow(t, l, c.first, 11); got[0].Position != c.first || len(got) != int(12-c.first) {
				t.Fatalf("%d batches from %d", len(got), got[0].Position)
			}
		})
	}
}

func TestDropGivesSpaceBackAndTheLogGoesOn(t *testing.T) {
	dir := memoryDir(t)
	metrics := prometheus.NewRegistry()
	l, err := Open(t.Context(), Config{Dir: dir, Reserve: 1, Registerer: metrics})
	if err != nil {
		t.Fatal(err)
	}
	batches := blocksOf(2, 3, 2)
	appendAll(t, l, batches)
	before := size(t, dir)
	if first := dropAll(t, l, 8, l.LastTime()); first != 5 {
		t.Fatalf("it begins at %d", first)
	}
	if freed := before - size(t, dir); freed < 12<<20 {
		t.Errorf("%d bytes came free, and 12 MiB were dropped", freed)
	}
	if got := gauge(t, metrics, "fleetbeat_log_first_position"); got != 5 {
		t.Errorf("the metric says that it begins at %v", got)
	}
	if got := gauge(t, metrics, "fleetbeat_log_blocks"); got != 1 {
		t.Errorf("the metric says that there are %v blocks", got)
	}
	for round := range 3 {
		next := history(uint64(round), 2, 3)
		for i := range next {
			shift(&next[i], l)
			appendAll(t, l, next[i:i+1])
		}
		closeLog(t, l)
		if l = open(t, dir); len(l.Damages()) > 0 || l.First() != 5 || l.Head() != event.Position(10+2*round) {
			t.Fatalf("opened again: from %d to %d, damages %v", l.First(), l.Head(), l.Damages())
		}
	}
	report, err := Read(dir, 1, nil)
	if err != nil || report.First != 5 || report.Last != 14 || report.Batches != 10 {
		t.Errorf("read without a server: %+v, %v", report, err)
	}
}

func TestWhatWasDroppedIsSaidToBeDropped(t *testing.T) {
	l := open(t, memoryDir(t))
	appendAll(t, l, blocksOf(3, 3, 2))

	behind := errors.New("the first was read")
	following := make(chan error)
	dropped := make(chan struct{})
	go func() {
		following <- l.Follow(t.Context(), 1, func(s event.Stored) error {
			if s.Position == 1 {
				following <- behind
				<-dropped
			}
			return nil
		})
	}()
	if err := <-following; !errors.Is(err, behind) {
		t.Fatal(err)
	}
	dropAll(t, l, 8, l.LastTime())
	close(dropped)
	if err := <-following; !errors.Is(err, ErrDropped) {
		t.Errorf("one who was reading it got %v", err)
	}
	if err := l.Follow(t.Context(), 4, func(event.Stored) error { return nil }); !errors.Is(err, ErrDropped) {
		t.Errorf("one who asks for it gets %v", err)
	}
	if position, err := l.Before(0); err != nil || position != 5 {
		t.Errorf("to read for everything, begin at %d, %v", position, err)
	}
}

// TestAnInterruptedDropLosesNothingThatWasKept leaves the folder as a crash or a power cut may: the second place says what
// was dropped, and of the files that were to go any are still there, with an index of JetStream from before or after.
func TestAnInterruptedDropLosesNothingThatWasKept(t *testing.T) {
	batches := blocksOf(4, 4, 3)
	before := newOriginal(t, batches)
	after := leave(t, batches, 6, false)
	if after.first != 7 {
		t.Fatalf("it begins at %d", after.first)
	}
	msgs := msgsDir(storeName)
	for left := range 8 {
		for _, index := range []*original{before, after} {
			dir := memoryDir(t)
			copyTree(t, after.dir, dir)
			for block := range 3 {
				if left>>block&1 == 1 {
					name := blockPath(msgs, block+1)
					write(t, filepath.Join(dir, name), read(t, filepath.Join(before.dir, name)))
				}
			}
			name := filepath.Join(msgs, "index.db")
			if data, err := os.ReadFile(filepath.Join(index.dir, name)); err == nil {
				write(t, filepath.Join(dir, name), data)
			}
			after.check(t, dir, "", nil, nil)
			if blocks, err := listBlocks(msgsDir(filepath.Join(dir, storeName))); err != nil || blocks[0] != 4 {
				t.Errorf("left %b: the blocks %v are there, %v", left, blocks, err)
			}
		}
	}
}

func TestDamageToADroppedLogIsHarmlessOrReported(t *testing.T) {
	o := leave(t, blocksOf(5, 3, 12), 4, false)
	files := o.files(t)
	for round := range 40 {
		file := files[round/2%len(files)]
		if round%2 == 1 {
			file = o.places[0].file
		}
		o.damage(t, file, uint64(round))
	}
}

func TestACopyOfADroppedLogBeginsWhereItDoes(t *testing.T) {
	o := leave(t, blocksOf(6, 3, 3), 4, false)
	dir := filepath.Join(memoryDir(t), "copy")
	if err := Copy(o.dir, 9, into(dir)); err != nil {
		t.Fatal(err)
	}
	o.check(t, dir, "", nil, nil)
	if err := Copy(o.dir, 4, into(memoryDir(t))); err == nil {
		t.Error("what was dropped was copied")
	}
}

// TestDropsAndAppendsInAnyOrder appends, drops, reopens and repairs, and never sees a batch change or go that should be there.
func TestDropsAndAppendsInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	dir := memoryDir(t)
	l := open(t, dir)
	ends := []event.Time{0} // by position
	for range 60 {
		switch random.IntN(4) {
		case 0, 1:
			for _, b := range large(uint64(len(ends)), 1+random.IntN(2)) {
				shift(&b, l)
				appendAll(t, l, []event.Batch{b})
				ends = append(ends, b.EndTime())
			}
		case 2:
			first, upTo := l.First(), event.Position(random.IntN(len(ends)))
			if now := dropAll(t, l, upTo, l.LastTime()); now > max(first, upTo+1) {
				t.Fatalf("up to %d was to be dropped, and it begins at %d", upTo, now)
			}
		default:
			first := l.First()
			closeLog(t, l)
			if l = open(t, dir); l.First() != first || len(l.Damages()) > 0 {
				t.Fatalf("it began at %d, and begins at %d; %v", first, l.First(), l.Damages())
			}
		}
		head := event.Position(len(ends) - 1)
		if l.Head() != head {
			t.Fatalf("the head is %d, not %d", l.Head(), head)
		}
		if head < l.First() {
			continue
		}
		for i, s := range follow(t, l, l.First(), head) {
			if s.Position != l.First()+event.Position(i) || s.EndTime() != ends[s.Position] {
				t.Fatalf("batch %d ends at %d, not %d", s.Position, s.EndTime(), ends[s.Position])
			}
		}
	}
	if l.First() < 10 {
		t.Fatalf("it begins at %d: the test dropped nothing", l.First())
	}
}

// size is how many bytes the files of a folder hold.
func size(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		bytes += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func gauge(t *testing.T, metrics *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
