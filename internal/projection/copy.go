package projection

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Copy writes the newest snapshot of each thing in a folder, as files made by create under their names. Others may write
// snapshots there meanwhile. One that is damaged is an error that names it.
func Copy(dir string, create func(name string) (io.WriteCloser, error)) error {
	paths, err := newestOfEach(dir)
	for i := 0; err == nil && i < len(paths); i++ {
		err = copySnapshot(paths[i], create)
	}
	if err != nil {
		return fmt.Errorf("copying snapshots: %w", err)
	}
	return nil
}

// newestOfEach gives the path of the newest snapshot of each name. Two are kept of each, so that it is there for a while.
func newestOfEach(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.snapshot"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths) // the marks have leading zeros
	var newest []string
	for i, path := range paths {
		if i+1 == len(paths) || nameOf(paths[i+1]) != nameOf(path) {
			newest = append(newest, path)
		}
	}
	return newest, nil
}

// nameOf is the name of what a snapshot is of.
func nameOf(path string) string {
	name := filepath.Base(path)
	return name[:max(strings.LastIndexByte(name, '-'), 0)]
}

func copySnapshot(path string, create func(name string) (io.WriteCloser, error)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // two newer ones have come: it does without
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var mark uint64
	if _, err := fmt.Sscanf(strings.TrimPrefix(filepath.Base(path), nameOf(path)), "-%d.snapshot", &mark); err != nil {
		return fmt.Errorf("%s is no snapshot: %w", path, err)
	}
	if _, err := verified(f, mark); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out, err := create(filepath.Base(path))
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return errors.Join(err, out.Close())
	}
	_, err = io.Copy(out, f)
	return errors.Join(err, out.Close())
}
