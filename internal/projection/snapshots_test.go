package projection_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/projection"
)

func newSnapshots(t *testing.T) *projection.Snapshots {
	t.Helper()
	return &projection.Snapshots{Dir: filepath.Join(t.TempDir(), "snapshots"), Name: "fleet", Logger: slog.New(slog.DiscardHandler)}
}

func save(t *testing.T, s *projection.Snapshots, mark uint64, content string) {
	t.Helper()
	_, err := s.Save(func(w io.Writer) (uint64, error) {
		_, err := io.WriteString(w, content)
		return mark, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// load gives what Load finds: the content and the mark.
func load(t *testing.T, s *projection.Snapshots, limit uint64) (string, uint64) {
	t.Helper()
	var content []byte
	mark, err := s.Load(limit, func(r io.Reader) (err error) {
		content, err = io.ReadAll(r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(content), mark
}

func TestLoadGivesTheNewestSnapshotWithinTheLimit(t *testing.T) {
	s := newSnapshots(t)
	if content, mark := load(t, s, 100); content != "" || mark != 0 {
		t.Errorf("without a snapshot: %q at %d", content, mark)
	}
	save(t, s, 9, "nine")
	save(t, s, 10, "ten")
	if content, mark := load(t, s, 100); content != "ten" || mark != 10 {
		t.Errorf("got %q at %d", content, mark)
	}
	if content, mark := load(t, s, 9); content != "nine" || mark != 9 {
		t.Errorf("below 10: got %q at %d", content, mark)
	}
}

// TestASnapshotOfAnotherLogIsNeverLoaded has a log that was put back to an earlier state and then grew.
func TestASnapshotOfAnotherLogIsNeverLoaded(t *testing.T) {
	s := newSnapshots(t)
	save(t, s, 9, "nine")
	save(t, s, 10, "ten")
	if content, mark := load(t, s, 5); content != "" || mark != 0 {
		t.Errorf("below all: got %q at %d", content, mark)
	}
	save(t, s, 6, "six of the other")
	if content, mark := load(t, s, 100); content != "six of the other" || mark != 6 {
		t.Errorf("got %q at %d", content, mark)
	}
	if aside, err := filepath.Glob(filepath.Join(s.Dir, "*.foreign")); len(aside) != 2 || err != nil {
		t.Errorf("set aside: %v, %v", aside, err)
	}
}

func TestOnlyTwoSnapshotsAreKept(t *testing.T) {
	s := newSnapshots(t)
	for mark := uint64(1); mark <= 5; mark++ {
		save(t, s, mark, "x")
	}
	names, err := filepath.Glob(filepath.Join(s.Dir, "*"))
	if err != nil || len(names) != 2 {
		t.Errorf("left: %v, %v", names, err)
	}
}

func TestAnyDamagedByteIsSeenAndTheSnapshotBeforeIsUsed(t *testing.T) {
	s := newSnapshots(t)
	save(t, s, 1, "the older one")
	save(t, s, 2, "the newer one")
	newer := filepath.Join(s.Dir, "fleet-00000000000000000002.snapshot")
	intact, err := os.ReadFile(newer)
	if err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(s.Dir, "fleet-00000000000000000002.damaged")
	damage := func(what string, damaged []byte) {
		t.Helper()
		if err := os.WriteFile(newer, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if content, mark := load(t, s, 100); content != "the older one" || mark != 1 {
			t.Errorf("%s: got %q at %d", what, content, mark)
		}
		if kept, err := os.ReadFile(aside); err != nil || !bytes.Equal(kept, damaged) {
			t.Errorf("%s: the damaged file was not set aside untouched: %v", what, err)
		}
	}
	for i := range intact {
		damaged := bytes.Clone(intact)
		damaged[i] ^= 1 << (i % 8)
		damage("flipped bit", damaged)
		damage("cut", intact[:i])
	}
	damage("lengthened", append(bytes.Clone(intact), 0))
}

func TestSnapshotUnderAnotherNameIsRefused(t *testing.T) {
	s := newSnapshots(t)
	save(t, s, 3, "three")
	if err := os.Rename(filepath.Join(s.Dir, "fleet-00000000000000000003.snapshot"), filepath.Join(s.Dir, "fleet-00000000000000000004.snapshot")); err != nil {
		t.Fatal(err)
	}
	if content, mark := load(t, s, 100); content != "" || mark != 0 {
		t.Errorf("got %q at %d", content, mark)
	}
}

func TestAFailedSaveLeavesWhatWasThere(t *testing.T) {
	s := newSnapshots(t)
	save(t, s, 1, "one")
	errDisk := errors.New("disk")
	if _, err := s.Save(func(io.Writer) (uint64, error) { return 0, errDisk }); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
	if content, mark := load(t, s, 100); content != "one" || mark != 1 {
		t.Errorf("got %q at %d", content, mark)
	}
	if names, _ := filepath.Glob(filepath.Join(s.Dir, "*")); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestARefusedSnapshotIsSetAside(t *testing.T) {
	s := newSnapshots(t)
	save(t, s, 1, "good")
	save(t, s, 2, "of a version that nobody reads")
	var got string
	mark, err := s.Load(100, func(r io.Reader) error {
		content, err := io.ReadAll(r)
		if string(content) != "good" {
			return errors.New("unknown version")
		}
		got = string(content)
		return err
	})
	if err != nil || mark != 1 || got != "good" {
		t.Errorf("got %q at %d, %v", got, mark, err)
	}
}

func TestASnapshotOfANewerVersionIsRefusedAndLeftAsItIs(t *testing.T) {
	s := newSnapshots(t)
	if err := projection.RefuseNewer(s.Dir); err != nil {
		t.Errorf("without a folder: %v", err)
	}
	save(t, s, 1, "one")
	if err := projection.RefuseNewer(s.Dir); err != nil {
		t.Errorf("of this version: %v", err)
	}
	path := filepath.Join(s.Dir, "fleet-00000000000000000001.snapshot")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Replace(file[:len(file)-sha256.Size], []byte("snapshot 1\n"), []byte("snapshot 2\n"), 1)
	rewrite := func(checksum [sha256.Size]byte) {
		if err := os.WriteFile(path, append(bytes.Clone(newer), checksum[:]...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rewrite(sha256.Sum256(newer))
	if err := projection.RefuseNewer(s.Dir); !errors.Is(err, projection.ErrNewerFormat) || !strings.Contains(err.Error(), path) {
		t.Errorf("of a newer version: %v", err)
	}
	if _, err := s.Load(100, nil); !errors.Is(err, projection.ErrNewerFormat) {
		t.Errorf("loading one of a newer version: %v", err)
	}
	if names, _ := filepath.Glob(filepath.Join(s.Dir, "*")); len(names) != 1 || names[0] != path {
		t.Errorf("the folder holds %v", names)
	}
	rewrite([sha256.Size]byte{})
	if err := projection.RefuseNewer(s.Dir); err != nil {
		t.Errorf("one that only looks newer, because it is damaged: %v", err)
	}
}
