package proof

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestTheKeyIsForItsOwnerAloneAndStays(t *testing.T) {
	dir := provenFolder(t, history(2))
	info, err := os.Stat(filepath.Join(dir, FolderName, keyName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	first := keyOf(t, dir)
	again := start(t, dir, openLog(t, dir))
	if v, err := note.NewVerifier(again.Key()); err != nil || v.Name() != first.Name() {
		t.Errorf("the key was %s and is %s, %v", first.Name(), again.Key(), err)
	}
}

func TestAStopSignsEverything(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
	tree := start(t, dir, l)
	appendTo(t, l, history(10))
	tree.signed(t, 10)
	appendTo(t, l, history(15)[10:])
	tree.stop()
	if report := verify(t, Folder{Dir: dir}); report.Finding != nil || report.Signed != 15 {
		t.Errorf("%+v", report)
	}
}

// TestEachCheckpointContainsTheOneBefore follows a log over restarts, and checks by RFC 6962's proofs alone.
func TestEachCheckpointContainsTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	batches := history(600)
	var before Checkpoint
	for _, size := range []int{1, 2, 255, 256, 257, 300, 511, 512, 600} {
		l := openLog(t, dir)
		tree := start(t, dir, l)
		appendTo(t, l, batches[before.Size:size])
		now := tree.signed(t, event.Position(size))
		for _, from := range []event.Position{1, max(before.Size, 1), now.Size} {
			path, signed, err := tree.Consistency(from)
			if err != nil {
				t.Fatal(err)
			}
			c, err := OpenCheckpoint(signed, keyOf(t, dir))
			if err != nil || c != now {
				t.Fatalf("%+v, %v", c, err)
			}
			if from == before.Size && tlog.CheckTree(path, int64(c.Size), c.Root, int64(from), before.Root) != nil {
				t.Errorf("the tree of %d does not contain that of %d", size, from)
			}
		}
		if _, _, err := tree.Consistency(now.Size + 1); !errors.Is(err, ErrNotSigned) {
			t.Errorf("from %d: %v", now.Size+1, err)
		}
		before = now
		tree.stop()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestATreeThatWasNotWrittenInOrderIsMadeAnew leaves files as crashes and broken disks do.
func TestATreeThatWasNotWrittenInOrderIsMadeAnew(t *testing.T) {
	const n = 520
	original := provenFolder(t, history(n))
	flip := func(name string, at int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[at] ^= 4
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	truncate := func(name string, size int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, harm := range map[string]func(*testing.T, string){
		"nothing":                func(*testing.T, string) {},
		"leaves cut short":       truncate(leavesName, 1000),
		"leaves behind the end":  truncate(leavesName, 40*n),
		"nodes gone":             truncate(nodesName, 0),
		"a leaf of the edge":     flip(leavesName, 32*515),
		"a leaf within":          flip(leavesName, 32*100),
		"a node":                 flip(nodesName, 5),
		"key damaged":            flip(keyName, 30),
		"key cut short":          truncate(keyName, 12),
		"public key gone":        truncate(publicName, 0),
		"format damaged":         flip(formatName, 3),
		"checkpoint damaged":     flip(checkpointName, 3),
		"an unfinished key file": func(_ *testing.T, dir string) { _ = os.WriteFile(filepath.Join(dir, "key.new"), nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			copyDir(t, original, dir)
			harm(t, filepath.Join(dir, FolderName))
			l := openLog(t, dir)
			appendTo(t, l, history(n + 2)[n:])
			tree := start(t, dir, l)
			tree.signed(t, n+2)
			// A wrong hash that the edge of the tree does not need shows at the first proof, which then is made again.
			for _, position := range []event.Time{100, 300, n - 1} {
				at := began + 1000*position
				for {
					p, err := tree.Prove(t.Context(), 5, "VIN", at, at+1)
					if errors.Is(err, ErrNotSigned) {
						continue // it is made anew
					}
					if err != nil {
						t.Fatal(err)
					}
					if proven, err := Verify(&p, keyOf(t, dir)); err != nil || len(proven.Heartbeats) != 1 {
						t.Fatalf("%+v, %v", proven, err)
					}
					break
				}
			}
		})
	}
}

func TestNothingMoreIsSignedWhenTheLogDoesNotFit(t *testing.T) {
	original := provenFolder(t, history(20))
	forged := history(25)
	forged[4].Heartbeats.Vehicle[0] = 99
	for name, batches := range map[string][]event.Batch{"shorter": history(19), "changed": forged} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeLog(t, dir, batches)
			copyDir(t, filepath.Join(original, FolderName), filepath.Join(dir, FolderName))
			l := openLog(t, dir)
			tree := start(t, dir, l)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := tree.signedUpTo(ctx, 26); !errors.Is(err, ErrBroken) {
				t.Fatal(err)
			}
			if _, err := tree.Prove(ctx, 5, "VIN", 0, began); !errors.Is(err, ErrBroken) {
				t.Error(err)
			}
			tree.stop()
			if report := verify(t, Folder{Dir: dir}); report.Finding == nil {
				t.Error("the check of the folder finds nothing")
			}
			// Without its key the folder begins a new record, under a new name, and what the old one signed still counts.
			if err := os.Remove(filepath.Join(dir, FolderName, keyName)); err != nil {
				t.Fatal(err)
			}
			fresh := start(t, dir, l)
			if c := fresh.signed(t, l.Head()); c.Origin == keyOf(t, original).Name() {
				t.Errorf("signed by %s", c.Origin)
			}
			fresh.stop()
			if report := verify(t, Folder{Dir: dir}); report.Finding == nil {
				t.Error("the check of the folder finds nothing after a new key")
			}
			if report := verify(t, Folder{Dir: dir, Key: keyOf(t, dir)}); report.Finding != nil {
				t.Errorf("by the new key: %+v", report.Finding)
			}
		})
	}
}

func TestAFolderOfANewerVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, formatName), formatText(2), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, ErrNewer) {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("it left %v, %v", entries, err)
	}
}

// TestTheFilesHoldTheTreeOfRFC6962 compares roots and proofs with package tlog's own tree, that keeps all hashes.
func TestTheFilesHoldTheTreeOfRFC6962(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 2000).Draw(t, "size")
		f, err := openFiles(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		if err := f.cut(0); err != nil {
			t.Fatal(err)
		}
		var plain []tlog.Hash
		var memory grown
		whole := tlog.HashReaderFunc(func(indexes []int64) (h []tlog.Hash, _ error) {
			for _, i := range indexes {
				h = append(h, plain[i])
			}
			return h, nil
		})
		for n := range size {
			leaf := tlog.RecordHash([]byte{byte(n), byte(n >> 8)})
			if err := errors.Join(f.add(leaf), memory.add(leaf)); err != nil {
				t.Fatal(err)
			}
			added, _ := tlog.StoredHashesForRecordHash(n, leaf, whole)
			plain = append(plain, added...)
			if rapid.IntRange(0, 300).Draw(t, "cut") == 0 { // as a start does
				if err := f.cut(n + 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		at := rapid.Int64Range(1, size).Draw(t, "at")
		want, _ := tlog.TreeHash(at, whole)
		if got, err := f.root(at); err != nil || got != want {
			t.Fatalf("root of %d: %v, want %v, %v", at, got, want, err)
		}
		want, _ = tlog.TreeHash(size, whole)
		if got, err := memory.root(); err != nil || got != want {
			t.Fatalf("root in memory: %v, want %v, %v", got, want, err)
		}
		leaf := rapid.Int64Range(0, at-1).Draw(t, "leaf")
		path, err := tlog.ProveRecord(at, leaf, f.levels())
		root, _ := f.root(at)
		if err != nil || tlog.CheckRecord(path, at, root, leaf, tlog.RecordHash([]byte{byte(leaf), byte(leaf >> 8)})) != nil {
			t.Fatalf("leaf %d of %d is not proven, %v", leaf, at, err)
		}
	})
}
