package backup

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/checksummed"
)

// FuzzAListNamesFilesOfABackupOnly: whatever a list with a checksum that fits says, it is refused as one of the named
// errors, or it names no file twice and none outside of the folder, and is the same when it is written and read again.
func FuzzAListNamesFilesOfABackupOnly(f *testing.F) {
	whole := List{Format: format, Position: 7, Revision: 3, Files: []File{{Name: "log/head", Bytes: 8, SHA256: "00"}, {Name: "proof/key", Secret: true}}}
	line, err := checksummed.Encode(&whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line[:len(line)-2*sha256.Size-2])
	for _, name := range []string{"../log", "/etc/passwd", "a/../../b", "", ".", Mark, "a//b", "a/./b"} {
		f.Add(fmt.Appendf(nil, `{"format":1,"files":[{"name":%q}]}`, name))
	}
	f.Add([]byte(`{"format":1,"files":[{"name":"a"},{"name":"a"}]}`))
	f.Add([]byte(`{"format":1,"files":[{"name":"a","bytes":-1}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := decodeList(fmt.Appendf(nil, "%s\n%x\n", line, sha256.Sum256(line)))
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewerFormat) {
				t.Fatalf("%q: %v", line, err)
			}
			return
		}
		named := map[string]bool{}
		for _, file := range l.Files {
			if !filepath.IsLocal(file.Name) || file.Name == Mark || file.Bytes < 0 || named[filepath.Clean(file.Name)] {
				t.Fatalf("%q names %+v", line, file)
			}
			named[filepath.Clean(file.Name)] = true
		}
		again, err := checksummed.Encode(l)
		if err != nil {
			t.Fatal(err)
		}
		same, err := decodeList(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l, same); diff != "" {
			t.Fatalf("%q (-first +again):\n%s", line, diff)
		}
	})
}

func TestAListWithoutItsChecksumIsDamaged(t *testing.T) {
	data, err := checksummed.Encode(&List{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, bad := range [][]byte{data[:i], append(append(append([]byte{}, data[:i]...), data[i]^1), data[i+1:]...)} {
			if _, err := decodeList(bad); !errors.Is(err, ErrDamaged) {
				t.Errorf("%q is read with %v", bad, err)
			}
		}
	}
}
