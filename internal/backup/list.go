// Package backup writes copies of files into a folder, with a list of them that names size and checksum of each, and puts
// such a folder back.
//
// What enters is files under their names, from whoever knows how to copy its own in a consistent way. What leaves is a
// backup, whole or none: the list is written last, and without it there is no backup. Putting it back checks every byte
// first, goes into an empty folder only, and marks that folder for as long as it is not whole.
package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/checksummed"
)

// The names in a backup.
const (
	listName    = "BACKUP" // the list of files: a line of JSON and a line with the SHA-256 of the first
	filesFolder = "data"   // the files
)

// format is the version of the list that this code writes, and the newest that it reads.
const format = 1

// What a caller can tell apart.
var (
	ErrNotWhole    = errors.New("it is not a whole backup")
	ErrDamaged     = errors.New("the backup is damaged")
	ErrNewerFormat = errors.New("the backup was written by a newer version of Fleetbeat")
	ErrNotEmpty    = errors.New("the folder is not empty")
)

// List says what a backup holds.
type List struct {
	Format   int       `json:"format"`
	MadeAt   time.Time `json:"made_at"`
	Position uint64    `json:"position"` // of the last batch of the log in it
	Revision int64     `json:"revision"` // of the registry in it
	Key      bool      `json:"key"`      // whether the private key of the proof is in it
	Files    []File    `json:"files"`
}

// File is a file of a backup.
type File struct {
	Name   string `json:"name"` // below the data folder, with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Secret bool   `json:"secret,omitempty"` // for its owner alone
}

// Bytes is the size of all files.
func (l *List) Bytes() (sum int64) {
	for _, f := range l.Files {
		sum += f.Bytes
	}
	return sum
}

// decodeList reads what checksummed wrote. Its errors are ErrDamaged and ErrNewerFormat.
func decodeList(data []byte) (*List, error) {
	var l List
	if err := checksummed.Decode(data, &l); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, listName, err)
	}
	if l.Format > format {
		return nil, fmt.Errorf("%w: it has format %d, this program reads up to %d", ErrNewerFormat, l.Format, format)
	}
	named := make(map[string]bool, len(l.Files))
	for _, f := range l.Files {
		if !filepath.IsLocal(f.Name) || filepath.ToSlash(filepath.Clean(f.Name)) != f.Name || f.Name == Mark || f.Bytes < 0 || named[f.Name] {
			return nil, fmt.Errorf("%w: %s names %q, which is no file of a backup", ErrDamaged, listName, f.Name)
		}
		named[f.Name] = true
	}
	return &l, nil
}

// maxList bounds what is read of a list: some 2 million files.
const maxList = 512 << 20

func readList(root *os.Root) (*List, error) {
	info, err := root.Stat(listName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is missing, so it was interrupted, or is something else", ErrNotWhole, filepath.Join(root.Name(), listName))
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxList {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrDamaged, listName, info.Size())
	}
	data, err := root.ReadFile(listName)
	if err != nil {
		return nil, err
	}
	return decodeList(data)
}

// ensureEmpty makes a folder, or makes sure that the one there is empty; made says which.
func ensureEmpty(dir string) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.MkdirAll(dir, 0o750)
	case err != nil:
		return false, err
	case len(entries) > 0:
		return false, fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	}
	return false, nil
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// syncTree makes the names in a folder and in all below it durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return syncDir(path)
	})
}
