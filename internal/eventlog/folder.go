package eventlog

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The names in a log folder.
const (
	lockName     = "LOCK"       // held with flock while the folder is open
	formatName   = "FORMAT"     // the version of the folder's layout; written last when a folder is made
	headName     = "head"       // the last durable position and hash: the second place
	storeName    = "log"        // JetStream's store
	buildingName = "rebuilding" // a repaired store that is not complete yet
	rebuiltName  = "rebuilt"    // a repaired store, complete, before it takes its place
	asidePrefix  = "damaged-"   // what was damaged, untouched, by the time of its discovery
)

// storePath is where the store of a folder is.
func storePath(dir string) string { return filepath.Join(dir, storeName) }

// removeCopy removes the copy of a shared log, which the servers have: as if nothing had ever been stored here.
func removeCopy(dir string) error {
	for _, name := range []string{formatName, headName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(os.RemoveAll(storePath(dir)), syncDir(dir))
}

// folderFormat is the version of the folder's layout that this code writes, and the newest it opens.
const folderFormat = 2

// lockFolder makes the folder when needed and takes its lock. The lock ends with the file or with the process.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("making the log folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("locking the log folder: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
		}
		return nil, fmt.Errorf("locking the log folder %s: %w", dir, err)
	}
	return lock, nil
}

func formatText(version int) string {
	text := "fleetbeat log, format " + strconv.Itoa(version)
	return fmt.Sprintf("%s, crc32c %08x\n", text, crc32.Checksum([]byte(text), castagnoli))
}

var errBadFormat = errors.New("the format file is damaged")

// readFormat gives the version of a folder's layout, 0 when the folder is new, and errBadFormat when its file is
// damaged. A folder of a newer version is ErrNewerFormat.
func readFormat(dir string) (int, error) {
	data, err := os.ReadFile(filepath.Join(dir, formatName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the log's format: %w", err)
	}
	rest, _ := strings.CutPrefix(string(data), "fleetbeat log, format ")
	digits, _, _ := strings.Cut(rest, ",")
	version, err := strconv.Atoi(digits)
	if err != nil || version < 1 || formatText(version) != string(data) {
		return 0, errBadFormat
	}
	if version > folderFormat {
		return 0, fmt.Errorf("%w: %s has format %d, this program opens up to %d", ErrNewerFormat, dir, version, folderFormat)
	}
	return version, nil
}

// writeFile makes a file appear under its name complete and durable, or not at all.
func writeFile(path string, data []byte) error {
	temporary := path + ".new"
	err := writeSynced(temporary, data)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary) // it may be all that fills the disk
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// syncTree makes a directory durable with everything below it: all files when files is set, else the names only.
func syncTree(root string, files bool) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return syncDir(path)
		case files && entry.Type().IsRegular():
			return syncFile(path)
		}
		return nil
	})
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
