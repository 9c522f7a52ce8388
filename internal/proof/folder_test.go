package proof

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// tampered are the changes that the check must find, done to a history of batches of one length, at position at.
var tampered = []struct {
	name  string
	forge func(h []event.Batch, at int) []event.Batch
	// cut does the same to the records of a block file, without any checksum made anew.
	cut func(records [][]byte, at int) [][]byte
}{
	{
		"a bit is flipped",
		func(h []event.Batch, at int) []event.Batch { h[at-1].Heartbeats.Vehicle[3] ^= 1; return h },
		func(r [][]byte, at int) [][]byte { r[at-1] = bytes.Clone(r[at-1]); r[at-1][100] ^= 1; return r },
	},
	{
		"an entry is dropped",
		func(h []event.Batch, at int) []event.Batch { return slices.Delete(h, at-1, at) },
		func(r [][]byte, at int) [][]byte { return slices.Delete(r, at-1, at) },
	},
	{
		"an entry is inserted",
		func(h []event.Batch, at int) []event.Batch { return slices.Insert(h, at-1, h[at-2]) },
		func(r [][]byte, at int) [][]byte { return slices.Insert(r, at-1, r[at-2]) },
	},
	{
		"a pair is swapped",
		func(h []event.Batch, at int) []event.Batch {
			a, b := &h[at-1].Heartbeats, &h[at].Heartbeats
			a.Sequence, b.Sequence = b.Sequence, a.Sequence
			return h
		},
		func(r [][]byte, at int) [][]byte { r[at-1], r[at] = r[at], r[at-1]; return r },
	},
	{
		"the tail is cut off",
		func(h []event.Batch, at int) []event.Batch { return h[:at-1] },
		func(r [][]byte, at int) [][]byte { return r[:at-1] },
	},
}

func TestVerifyNamesThePositionOfWhatWasChanged(t *testing.T) {
	const n = 300
	original := provenFolder(t, history(n))
	if report := verify(t, Folder{Dir: original}); report.Finding != nil || report.Signed != n || report.Last != n {
		t.Fatalf("untouched: %+v", report)
	}
	block, records := records(t, original, n)
	for _, change := range tampered {
		for _, at := range []int{2, 255, 256, 257, n - 1} {
			dir := t.TempDir()
			copyDir(t, original, dir)
			changed := bytes.Join(change.cut(slices.Clone(records), at), nil)
			if err := os.WriteFile(filepath.Join(dir, block), changed, 0o600); err != nil {
				t.Fatal(err)
			}
			expect(t, change.name+", as it is", Folder{Dir: dir}, at)
		}
	}
}

// TestVerifyFindsWhatWasRewrittenWithoutTheKey has an attacker who makes all checksums, the chain of hashes and the
// log's head anew, and so has a log that fits itself.
func TestVerifyFindsWhatWasRewrittenWithoutTheKey(t *testing.T) {
	const n, at = 280, 257
	original := provenFolder(t, history(n))
	for _, change := range tampered {
		forged := t.TempDir()
		writeLog(t, forged, change.forge(history(n), at))
		if report := verify(t, Folder{Dir: forged}); report.Finding != nil || report.Signed != 0 {
			t.Fatalf("%s: the forgery does not fit itself: %+v", change.name, report)
		}
		copyDir(t, filepath.Join(original, FolderName), filepath.Join(forged, FolderName))
		expect(t, change.name+", and all made anew", Folder{Dir: forged}, at)

		// Who changes the tree too has nothing that it fits.
		tree := filepath.Join(forged, FolderName, leavesName)
		if err := os.Truncate(tree, 100); err != nil {
			t.Fatal(err)
		}
		report := verify(t, Folder{Dir: forged})
		if report.Finding == nil || len(report.Notes) == 0 {
			t.Errorf("%s, and the tree too: %+v", change.name, report)
		}

		// A checkpoint that was kept elsewhere needs nothing of the folder.
		if err := os.RemoveAll(filepath.Join(forged, FolderName)); err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join(original, FolderName, checkpointName))
		if err != nil {
			t.Fatal(err)
		}
		if report := verify(t, Folder{Dir: forged, Key: keyOf(t, original), Checkpoints: [][]byte{kept}}); report.Finding == nil {
			t.Errorf("%s, and the folder of proof removed: %+v", change.name, report)
		}
	}
}

func TestVerifyRefusesAFolderSignedByAnotherKey(t *testing.T) {
	mine, other := provenFolder(t, history(3)), provenFolder(t, history(3))
	report := verify(t, Folder{Dir: other, Key: keyOf(t, mine)})
	if report.Finding == nil || !strings.Contains(report.Finding.Reason, "not signed by this key") {
		t.Errorf("%+v", report)
	}
}

func TestVerifyReadsABareCopyOfTheLog(t *testing.T) {
	dir, bare := provenFolder(t, history(20)), t.TempDir()
	copyDir(t, filepath.Join(dir, "log"), bare)
	checkpoint, err := os.ReadFile(filepath.Join(dir, FolderName, checkpointName))
	if err != nil {
		t.Fatal(err)
	}
	f := Folder{Dir: bare, Key: keyOf(t, dir), Checkpoints: [][]byte{checkpoint}}
	if report := verify(t, f); report.Finding != nil || report.Signed != 20 || report.Batches != 20 {
		t.Errorf("%+v", report)
	}
}

func TestVerifySaysWhichBatchesAreLost(t *testing.T) {
	for name, lost := range map[string][]int{"one": {7}, "a row": {100, 101, 102}, "the last": {300}} {
		t.Run(name, func(t *testing.T) {
			dir := provenFolder(t, history(300))
			block, r := records(t, dir, 300)
			for _, at := range lost {
				r[at-1] = bytes.Clone(r[at-1])
				r[at-1][100] ^= 1
			}
			if err := os.WriteFile(filepath.Join(dir, block), bytes.Join(r, nil), 0o600); err != nil {
				t.Fatal(err)
			}
			// The next start repairs the log, and goes on signing: the tree keeps the hashes of what was lost.
			l := openLog(t, dir)
			appendTo(t, l, history(301)[300:])
			tree := start(t, dir, l)
			if c := tree.signed(t, 301); c.Size != 301 {
				t.Fatalf("%+v", c)
			}
			tree.stop()
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			report := verify(t, Folder{Dir: dir})
			var got []int
			for _, position := range report.Lost {
				got = append(got, int(position))
			}
			if report.Finding != nil || report.Signed != 301 || !slices.Equal(got, lost) {
				t.Errorf("%+v", report)
			}
		})
	}
}

func expect(t *testing.T, what string, f Folder, at int) {
	t.Helper()
	report := verify(t, f)
	if report.Finding == nil || report.Finding.Position != event.Position(at) {
		t.Errorf("%s at %d: found %+v", what, at, report.Finding)
	}
}

// records cuts the one block of a folder into its records, which are of one length but for numbers.
func records(t *testing.T, dir string, n int) (block string, records [][]byte) {
	t.Helper()
	block = filepath.Join("log", "jetstream", "$G", "streams", "log", "msgs", "1.blk")
	data, err := os.ReadFile(filepath.Join(dir, block))
	if err != nil {
		t.Fatal(err)
	}
	var ends []int
	_, err = eventlog.ReadBytes(dir, 1, func(b eventlog.Bytes) error {
		at := bytes.Index(data, b.Batch)
		ends = append(ends, at+len(b.Batch)+8) // with JetStream's hash
		return nil
	})
	if err != nil || len(ends) != n || ends[n-1] != len(data) {
		t.Fatalf("%d records, the last ends at %v of %d: %v", len(ends), ends[len(ends)-1], len(data), err)
	}
	from := 0
	for _, end := range ends {
		records = append(records, data[from:end])
		from = end
	}
	return block, records
}
