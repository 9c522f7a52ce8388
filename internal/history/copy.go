package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Copy writes the files of a folder that count, and its manifest, by create, and takes those back by remove that ceased to
// count meanwhile: another process may be sealing and compacting. A file that is not what was written is an error.
//
// The position from which the log must be read again is then at most that of the log at the end of the call.
func Copy(dir string, create func(name string) (io.WriteCloser, error), remove func(name string) error) error {
	d := disk{dir: dir}
	copied := map[string]bool{}
	for before := []byte(nil); ; {
		data, err := os.ReadFile(d.path(manifestName))
		if errors.Is(err, os.ErrNotExist) {
			return nil // nothing was ever sealed
		}
		if err != nil {
			return fmt.Errorf("copying the history: %w", err)
		}
		m, err := decodeManifest(data)
		if err != nil {
			return fmt.Errorf("copying the history: %s: %w", d.path(manifestName), err)
		}
		again, err := d.copyNew(m, copied, create)
		if errors.Is(err, os.ErrNotExist) && !bytes.Equal(before, data) { // it was named no longer when it was looked for
			again, err = true, nil
		}
		if err != nil {
			return fmt.Errorf("copying the history: %w", err)
		}
		if before = data; again {
			continue // it took a while: there may be a newer manifest
		}
		for i := range m.Files {
			delete(copied, m.Files[i].Name)
		}
		for name := range copied {
			if err := remove(name); err != nil {
				return fmt.Errorf("copying the history: %w", err)
			}
		}
		return copyBytes(manifestName, data, create)
	}
}

// copyNew copies the files of a manifest that were not copied yet, and says whether there were any.
func (d *disk) copyNew(m *manifest, copied map[string]bool, create func(string) (io.WriteCloser, error)) (some bool, err error) {
	for i := range m.Files {
		f := &m.Files[i]
		if copied[f.Name] {
			continue
		}
		some = true
		if err := d.copyOne(f, create); err != nil {
			return true, err
		}
		copied[f.Name] = true
	}
	return some, nil
}

func (d *disk) copyOne(f *file, create func(string) (io.WriteCloser, error)) error {
	in, err := os.Open(d.path(f.Name))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := create(f.Name)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, sum), in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: %s does not fit its checksum; stop the server, move the file away and start again: it is made anew from the log",
			errCorrupt, d.path(f.Name))
	}
	return nil
}

func copyBytes(name string, data []byte, create func(string) (io.WriteCloser, error)) error {
	out, err := create(name)
	if err == nil {
		_, err = out.Write(data)
		err = errors.Join(err, out.Close())
	}
	if err != nil {
		return fmt.Errorf("copying the history: %s: %w", name, err)
	}
	return nil
}
