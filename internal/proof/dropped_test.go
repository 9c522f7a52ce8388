package proof

import (
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Of a log of droppedN batches the first 300, which fill a block, were dropped.
const (
	droppedN = 600
	keptFrom = 301
)

// droppedFolder is a data folder whose log was signed, and then lost its beginning to retention.
func droppedFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	l := openLog(t, dir)
	batches := history(droppedN)
	noise := make([]byte, 3<<19)
	for i := keptFrom - 3; i < keptFrom; i++ { // two of 3 MiB fill the first block, the third begins the next
		_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(noise)
		batches[i].Entries = []event.Entry{{After: 60, ReceivedAt: batches[i].EndTime(), Fact: event.Canary{Door: hex.EncodeToString(noise)}}}
	}
	appendTo(t, l, batches)
	tree := start(t, dir, l)
	tree.signed(t, droppedN)
	if first, err := l.Drop(t.Context(), tree.Signed(), l.LastTime()); err != nil || first != keptFrom {
		t.Fatalf("it begins at %d, %v", first, err)
	}
	tree.stop()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// change changes bytes of a file of the proof, or cuts it at 0.
func change(t *testing.T, dir, name string, at int64) {
	t.Helper()
	path := filepath.Join(dir, FolderName, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if at == 0 {
		data = nil
	} else {
		data[at] ^= 4
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADroppedLogStillFitsWhatWasSigned(t *testing.T) {
	original := droppedFolder(t)
	report := verify(t, Folder{Dir: original})
	if report.Finding != nil || report.First != keptFrom || report.Signed != droppedN || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "dropped") {
		t.Fatalf("untouched: %+v", report)
	}
	for name, harm := range map[string]func(t *testing.T, dir string){
		"nothing":            func(*testing.T, string) {},
		"nodes gone":         func(t *testing.T, dir string) { change(t, dir, nodesName, 0) },
		"a node":             func(t *testing.T, dir string) { change(t, dir, nodesName, 5) },
		"a leaf of the edge": func(t *testing.T, dir string) { change(t, dir, leavesName, 32*(droppedN-2)) },
		"a leaf that is not dropped": func(t *testing.T, dir string) {
			change(t, dir, leavesName, 32*(keptFrom+5))
		},
		"checkpoint gone": func(t *testing.T, dir string) { change(t, dir, checkpointName, 0) },
		"key gone":        func(t *testing.T, dir string) { change(t, dir, keyName, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyDir(t, original, dir)
			harm(t, dir)
			l := openLog(t, dir)
			appendTo(t, l, history(droppedN + 2)[droppedN:])
			tree := start(t, dir, l)
			tree.signed(t, droppedN+2)
			at := began + 1000*(keptFrom+5)
			p, err := tree.Prove(t.Context(), 5, "VIN", at, at+1)
			for errors.Is(err, ErrNotSigned) { // it is made anew
				p, err = tree.Prove(t.Context(), 5, "VIN", at, at+1)
			}
			if err != nil {
				t.Fatal(err)
			}
			if proven, err := Verify(&p, keyOf(t, dir)); err != nil || len(proven.Heartbeats) != 1 {
				t.Fatalf("%+v, %v", proven, err)
			}
			tree.stop()
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if report := verify(t, Folder{Dir: dir, Key: keyOf(t, dir)}); report.Finding != nil || report.Signed != droppedN+2 {
				t.Errorf("%+v", report)
			}
		})
	}
}

func TestWithoutTheLeavesOfWhatWasDroppedNothingMoreIsSigned(t *testing.T) {
	original := droppedFolder(t)
	for name, harm := range map[string]struct {
		at    int64
		found event.Position
	}{
		"leaves gone":               {0, keptFrom},
		"a leaf of the dropped":     {32 * 100, droppedN},
		"the last that was dropped": {32 * (keptFrom - 2), droppedN},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyDir(t, original, dir)
			change(t, dir, leavesName, harm.at)
			if report := verify(t, Folder{Dir: dir}); report.Finding == nil || report.Finding.Position != harm.found {
				t.Errorf("the check of the folder: %+v", report)
			}
			change(t, dir, nodesName, 0) // else what is not at the edge does not show before the first proof
			l := openLog(t, dir)
			tree := start(t, dir, l)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := tree.signedUpTo(ctx, droppedN+1); !errors.Is(err, ErrBroken) {
				t.Error(err)
			}
		})
	}
}

func TestAForgedBeginningIsFound(t *testing.T) {
	original, forged := droppedFolder(t), t.TempDir()
	writeLog(t, forged, history(droppedN)) // whole again, but of other batches than were signed
	copyDir(t, filepath.Join(original, FolderName), filepath.Join(forged, FolderName))
	if report := verify(t, Folder{Dir: forged}); report.Finding == nil || report.Finding.Position != keptFrom-2 {
		t.Errorf("%+v", report)
	}
}

func TestWhatWasDroppedCannotBeProven(t *testing.T) {
	dir := droppedFolder(t)
	l := openLog(t, dir)
	tree := start(t, dir, l)
	tree.signed(t, droppedN)
	if _, err := tree.Prove(t.Context(), 5, "VIN", began, began+1_000_000); !errors.Is(err, ErrNotKept) || !strings.Contains(err.Error(), "2023-11-14T22:18:20.000Z") {
		t.Errorf("all of it: %v", err)
	}
	p, err := tree.Prove(t.Context(), 5, "VIN", began+1000*(keptFrom-1), began+1_000_000)
	if err != nil || len(p.Batches) != droppedN-keptFrom+1 {
		t.Errorf("what is left: %d batches, %v", len(p.Batches), err)
	}
}
