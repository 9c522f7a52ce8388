package history

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNoCrashLosesAnything: the folder as it is after any step of sealing, compacting and mending is one from which, with
// the log, every answer follows.
func TestNoCrashLosesAnything(t *testing.T) {
	inTemp(t, func(t *rapid.T, dir string) {
		log := drawLog(t)
		h := open(t, dir, log)
		crash, steps, crashed := rapid.IntRange(0, 150).Draw(t, "crash at step"), 0, dir+"-crashed"
		h.disk.step = func(string) {
			if steps++; steps == crash {
				copyFolder(t, dir, crashed)
			}
		}
		apply(t, h, log, compacted)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if steps < crash {
			copyFolder(t, dir, crashed)
		}
		after := open(t, crashed, log)
		apply(t, after, log, working(rapid.IntRange(int(inMemory), int(compacted)).Draw(t, "work after")))
		checkHeartbeats(t, after, log)
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func copyFolder(t rapid.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o750); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamageIsSetAsideAndMadeAgain: whatever happens to one file, the answers are the log's again, and the damaged file is
// kept.
func TestDamageIsSetAsideAndMadeAgain(t *testing.T) {
	inTemp(t, func(t *rapid.T, dir string) {
		log := drawLog(t)
		h := open(t, dir, log)
		apply(t, h, log, working(rapid.IntRange(int(sealed), int(compacted)).Draw(t, "work before")))
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		damaged := damage(t, dir)
		h = open(t, dir, log)
		apply(t, h, log, compacted)
		for _, f := range h.manifest.Files { // as if each was read
			h.suspect(&f, errCorrupt)
		}
		work(t, h, compacted)
		checkHeartbeats(t, h, log)
		if len(h.manifest.Missing)+len(h.manifest.Gone) > 0 {
			t.Fatalf("not made again: %v, given up: %v", h.manifest.Missing, h.manifest.Gone)
		}
		if _, err := os.Stat(filepath.Join(dir, damaged+damagedSuffix)); damaged != "" && err != nil {
			t.Fatalf("the damaged file is not kept: %v", err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// damage harms one of a folder's files, and tells which.
func damage(t *rapid.T, dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), previousName) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return ""
	}
	name := rapid.SampledFrom(names).Draw(t, "file")
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
	if rapid.Bool().Draw(t, "torn") {
		data = data[:at]
	} else {
		data[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
