package eventlog

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// into begins files below a folder.
func into(dir string) CreateFunc {
	return func(name string) (io.WriteCloser, error) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return nil, err
		}
		return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
}

// TestACopyIsTheLogUpToItsEnd copies a log of several blocks, open and growing, up to some positions: each copy opens without
// any damage, holds what was appended up to there, and goes on in a new epoch.
func TestACopyIsTheLogUpToItsEnd(t *testing.T) {
	l := open(t, t.TempDir())
	want := slices.Concat(history(1, 20, 5), large(2, 5))
	more := history(3, 5, 5)
	for i := range want {
		shift(&want[i], l)
		appendAll(t, l, want[i:i+1])
	}
	for _, last := range []event.Position{1, 7, 20, 21, 22, 23, 25} {
		dir := filepath.Join(t.TempDir(), "copy")
		if err := Copy(l.config.Dir, last, into(dir)); err != nil {
			t.Fatal(err)
		}
		copied := open(t, dir)
		if copied.Head() != last || copied.Epoch() != 2 || len(copied.Damages()) > 0 || copied.LastTime() != want[last-1].EndTime() {
			t.Errorf("up to %d: head %d, epoch %d, last time %d, damages %v", last, copied.Head(), copied.Epoch(), copied.LastTime(), copied.Damages())
		}
		for i, got := range follow(t, copied, 1, last) {
			if diff := cmp.Diff(want[i], got.Batch); diff != "" {
				t.Errorf("up to %d: batch %d (-appended +copied):\n%.500s", last, i+1, diff)
			}
		}
		next := more[0]
		shift(&next, copied)
		if position, err := copied.Append(t.Context(), &next); err != nil || position != last+1 {
			t.Errorf("up to %d: it goes on at %d, %v", last, position, err)
		}
	}
	for _, last := range []event.Position{0, l.Head() + 1} {
		if err := Copy(l.config.Dir, last, into(t.TempDir())); err == nil {
			t.Errorf("a copy up to %d was made of a log that ends at %d", last, l.Head())
		}
	}
}

// shift moves a batch behind the end of a log.
func shift(b *event.Batch, l *Log) {
	by := max(l.LastTime()-b.StartTime(), 0)
	for i := range b.Heartbeats.ReceivedAt {
		b.Heartbeats.ReceivedAt[i] += by
	}
	for i := range b.Entries {
		b.Entries[i].ReceivedAt += by
	}
}

// TestADamagedLogIsNotCopied flips bits all over the blocks: the copy ends with what is damaged, and where.
func TestADamagedLogIsNotCopied(t *testing.T) {
	o := newOriginal(t, history(1, 30, 5))
	random := rand.New(rand.NewPCG(7, 0))
	for range 100 {
		dir := t.TempDir()
		copyTree(t, o.dir, dir)
		path := blockPath(msgsDir(filepath.Join(dir, storeName)), 1)
		data := read(t, path)
		bit := random.IntN(8 * len(data))
		data[bit/8] ^= 1 << (bit % 8)
		write(t, path, data)
		err := Copy(dir, 30, into(filepath.Join(t.TempDir(), "copy")))
		damage, ok := errors.AsType[*DamageError](err)
		if !ok || damage.Damage.File != path || damage.Damage.Offset > int64(bit/8) {
			t.Fatalf("bit %d of byte %d: %v", bit%8, bit/8, err)
		}
	}
}
