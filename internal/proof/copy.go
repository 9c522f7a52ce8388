package proof

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// CreateFunc begins a file under a name, in the folder that is being written.
type CreateFunc func(name string) (io.WriteCloser, error)

// Copy writes what a folder of proof holds up to its newest checkpoint: public keys, checkpoints, and the tree. A server may
// be at work in the folder. The private key is written by createKey, and left out when that is nil: then whoever opens the
// copy signs by a new key, and what the old one signed is kept.
func Copy(dir string, create, createKey CreateFunc) error {
	names := []string{formatName, publicName}
	checkpoints, err := filepath.Glob(filepath.Join(dir, checkpointName+"*"))
	if err != nil {
		return fmt.Errorf("looking for checkpoints: %w", err)
	}
	for _, path := range checkpoints {
		if name := filepath.Base(path); name != checkpointName && !strings.HasSuffix(name, ".new") && !strings.HasSuffix(name, ".damaged") {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if err := copyFile(dir, name, create); err != nil {
			return err
		}
	}
	if createKey != nil {
		if err := copyFile(dir, keyName, createKey); err != nil {
			return err
		}
	}
	return copyTree(dir, create)
}

// copyFile copies a small file, if it is there.
func copyFile(dir, name string, create CreateFunc) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copying the proof: %w", err)
	}
	return write(name, data, create)
}

func write(name string, data []byte, create CreateFunc) error {
	out, err := create(name)
	if err == nil {
		_, err = out.Write(data)
		err = errors.Join(err, out.Close())
	}
	if err != nil {
		return fmt.Errorf("copying the proof: %s: %w", name, err)
	}
	return nil
}

// copyTree copies the newest checkpoint, and of the tree, which only grows, what it covers.
func copyTree(dir string, create CreateFunc) error {
	signed, err := os.ReadFile(filepath.Join(dir, checkpointName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copying the proof: %w", err)
	}
	if err := write(checkpointName, signed, create); err != nil {
		return err
	}
	keys, err := verifiers(dir)
	if err != nil {
		return err
	}
	c, err := OpenCheckpoint(signed, keys...)
	if err != nil {
		return fmt.Errorf("copying the proof: %s in %s: %w", checkpointName, dir, err)
	}
	size := int64(c.Size)
	return errors.Join(
		copyHashes(dir, leavesName, size, create),
		copyHashes(dir, nodesName, tlog.StoredHashCount(size/chunkSize), create))
}

// copyHashes copies the first hashes of a file of the tree. Fewer, when it is damaged, are made again from the log.
func copyHashes(dir, name string, hashes int64, create CreateFunc) error {
	in, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("copying the proof: %w", err)
	}
	defer in.Close()
	out, err := create(name)
	if err != nil {
		return fmt.Errorf("copying the proof: %w", err)
	}
	_, err = io.Copy(out, io.LimitReader(in, hashes*tlog.HashSize))
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copying the proof: %s: %w", name, err)
	}
	return nil
}
