package history

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// TestACopyMadeWhileItSealsAndCompactsAnswersAsTheLog: whatever happens to the files between two of them being copied, the
// copy is a whole history, from which with the log every answer follows.
func TestACopyMadeWhileItSealsAndCompactsAnswersAsTheLog(t *testing.T) {
	inTemp(t, func(t *rapid.T, dir string) {
		log, to := drawLog(t), dir+"-copy"
		h := open(t, dir, log)
		half := log[:rapid.IntRange(0, len(log)).Draw(t, "before")]
		apply(t, h, half, working(rapid.IntRange(int(sealed), int(compacted)).Draw(t, "work before")))
		if err := os.MkdirAll(to, 0o750); err != nil {
			t.Fatal(err)
		}
		at, files := rapid.IntRange(1, 10).Draw(t, "more comes before file"), 0
		create := func(name string) (io.WriteCloser, error) {
			if files++; files == at {
				apply(t, h, log, compacted)
			}
			return os.OpenFile(filepath.Join(to, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
		if err := Copy(dir, create, func(name string) error { return os.Remove(filepath.Join(to, name)) }); err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		copied := open(t, to, log)
		if entries, err := os.ReadDir(to); err != nil || len(entries) > 0 && len(entries) != len(copied.manifest.Files)+1 {
			t.Fatalf("%d files, %v, where %d count", len(entries), err, len(copied.manifest.Files))
		}
		apply(t, copied, log, compacted)
		checkHeartbeats(t, copied, log)
		if err := copied.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
