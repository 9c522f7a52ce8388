package registry

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leftBehind is the files of a registry with some history: as Close leaves them, or, crashed, as a killed process does.
func leftBehind(t *testing.T, crashed bool) (files map[string][]byte, export string) {
	t.Helper()
	path := filepath.Join(memoryDir(t), "registry.db")
	r := openAt(t, path)
	mustImport(t, r, fleetCSV(2000))
	if crashed {
		if _, err := onSQLite(r).checkpoint(t.Context(), "PASSIVE"); err != nil {
			t.Fatal(err)
		}
	}
	mustCustomer(t, r, "kalles")
	mustVehicle(t, r, "v1", "kalles")
	mustImport(t, r, strings.ReplaceAll(fleetCSV(300), "euro6", "euro7"))
	export = exported(t, r)
	if !crashed {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return readFiles(t, path), export
}

// readFiles are the files of a registry without those that its processes share as memory.
func readFiles(t *testing.T, path string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{"", walSuffix, checksumsSuffix} {
		data, err := os.ReadFile(path + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	return files
}

func writeFiles(t *testing.T, files map[string][]byte) (path string) {
	t.Helper()
	path = filepath.Join(memoryDir(t), "registry.db")
	for name, data := range files {
		if err := os.WriteFile(path+name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// harm does something to a file; nil stands for a file that is gone.
func harm(random *rand.Rand, data []byte) (what string, harmed []byte) {
	harmed = bytes.Clone(data)
	at := random.IntN(len(data))
	switch random.IntN(10) {
	case 0:
		return "deleted", nil
	case 1:
		return "cut", harmed[:at]
	case 2, 3:
		clear(harmed[at/4096*4096 : min(at/4096*4096+4096, len(data))])
		return "page zeroed", harmed
	case 4:
		from := random.IntN(len(data)) / 4096 * 4096
		copy(harmed[at/4096*4096:], data[from:min(from+4096, len(data))])
		return "page misplaced", harmed
	default:
		harmed[at] ^= 1 << random.IntN(8)
		return "bit flipped", harmed
	}
}

// TestDamageIsSeenAndLeftAsItIs harms one file of a registry at a time. It is either refused and left as it is, or
// everything is there.
func TestDamageIsSeenAndLeftAsItIs(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for _, crashed := range []bool{false, true} {
		files, export := leftBehind(t, crashed)
		if _, ok := files[walSuffix]; ok != crashed {
			t.Fatalf("crashed %v, a WAL %v", crashed, ok)
		}
		refused := map[string]int{}
		for round := range rounds {
			for name := range files {
				what, harmed := harm(random, files[name])
				what += " in " + name
				copied := map[string][]byte{}
				for other, data := range files {
					if other != name {
						copied[other] = data
					} else if harmed != nil {
						copied[other] = harmed
					}
				}
				path := writeFiles(t, copied)
				if r, err := Open(t.Context(), Config{Path: path}); err != nil {
					refused[name]++
					if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
						t.Errorf("round %d, %s: the error is no clear line: %v", round, what, err)
					}
					for other, data := range readFiles(t, path) {
						if !bytes.Equal(data, copied[other]) {
							t.Errorf("round %d, %s: refused, and %q has changed", round, what, other)
						}
					}
				} else {
					if exported(t, r) != export {
						t.Errorf("round %d, crashed %v, %s: opened, and something is missing", round, crashed, what)
					}
					if err := r.Close(); err != nil {
						t.Errorf("round %d, %s: closing: %v", round, what, err)
					}
				}
			}
		}
		t.Logf("crashed %v: of %d each, refused %v", crashed, rounds, refused)
		if refused[""] < rounds/2 || refused[checksumsSuffix] > 0 {
			t.Errorf("crashed %v: of %d each, refused %v", crashed, rounds, refused)
		}
	}
}

func TestARegistryThatIsGoneIsNotMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	r := openAt(t, path)
	mustCustomer(t, r, "kalles")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Path: path}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "it is gone") {
		t.Errorf("got %v", err)
	}
	// The way out that the error names.
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + checksumsSuffix); err != nil {
		t.Fatal(err)
	}
	if _, err := openAt(t, path).Customer(t.Context(), "kalles"); err != nil {
		t.Error(err)
	}
}

// TestACrashWithinACheckpointDoesNoHarm leaves the pages in the database and the checksums as they were before.
func TestACrashWithinACheckpointDoesNoHarm(t *testing.T) {
	r := openAt(t, filepath.Join(t.TempDir(), "registry.db"))
	mustImport(t, r, fleetCSV(300))
	if _, err := r.writer.Exec(`PRAGMA wal_checkpoint(PASSIVE)`); err != nil {
		t.Fatal(err)
	}
	files := readFiles(t, r.config.Path)
	after := openAt(t, writeFiles(t, files))
	if exported(t, after) != exported(t, r) {
		t.Error("the export differs")
	}
	mustImport(t, after, fleetCSV(600))
	if err := after.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, after.config.Path)
}

// TestCheckpointsKeepTheWALSmall writes beside a reader that holds an old state, and after it.
func TestCheckpointsKeepTheWALSmall(t *testing.T) {
	r := openAt(t, filepath.Join(memoryDir(t), "registry.db"))
	onSQLite(r).checkpointAt = 256 << 10
	mustImport(t, r, fleetCSV(1000))
	walSize := func() int64 {
		info, err := os.Stat(r.config.Path + walSuffix)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	reader, err := r.reader.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loadProgress(t.Context(), reader); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"a", "b", "c", "d"} {
		mustImport(t, r, strings.ReplaceAll(fleetCSV(1000), "euro6", tag))
	}
	if walSize() < onSQLite(r).checkpointAt {
		t.Errorf("with a reader, the WAL has %d bytes: the test does not show anything", walSize())
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	mustCustomer(t, r, "one-more")
	if walSize() >= onSQLite(r).checkpointAt {
		t.Errorf("the WAL has %d bytes", walSize())
	}
	openAt(t, writeFiles(t, readFiles(t, r.config.Path)))
}
