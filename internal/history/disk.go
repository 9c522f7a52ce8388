package history

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// disk writes the files of a folder so that each is whole or is not there: under another name, synced, renamed, and the
// folder synced.
type disk struct {
	dir string
	// step is told each step that a crash may come after; nil but in tests.
	step func(string)
}

const (
	tempSuffix    = ".tmp"
	damagedSuffix = ".damaged"
)

func (d *disk) prepare() error {
	if err := os.MkdirAll(d.dir, 0o750); err != nil {
		return err
	}
	return syncDir(filepath.Dir(d.dir))
}

func (d *disk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *disk) passed(step, name string) {
	if d.step != nil {
		d.step(step + " " + name)
	}
}

// pending is a file that is being written.
type pending struct {
	disk *disk
	name string
	file *os.File
	hash hash.Hash
	size int64
}

func (d *disk) create(name string) (*pending, error) {
	f, err := os.OpenFile(d.path(name)+tempSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return nil, err
	}
	d.passed("created", name)
	return &pending{disk: d, name: name, file: f, hash: sha256.New()}, nil
}

// Write implements io.Writer.
func (p *pending) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.size += int64(n)
	p.hash.Write(b[:n])
	return n, err
}

// commit makes the file durable under its name.
func (p *pending) commit() error {
	d := p.disk
	d.passed("written", p.name)
	err := p.file.Sync()
	err = errors.Join(err, p.file.Close())
	if err != nil {
		return errors.Join(err, os.Remove(p.file.Name()))
	}
	d.passed("synced", p.name)
	if err := os.Rename(p.file.Name(), d.path(p.name)); err != nil {
		return err
	}
	d.passed("renamed", p.name)
	if err := syncDir(d.dir); err != nil {
		return err
	}
	d.passed("folder synced", p.name)
	return nil
}

// abort gives the file up.
func (p *pending) abort() error { return errors.Join(p.file.Close(), os.Remove(p.file.Name())) }

func (p *pending) sum() string { return hex.EncodeToString(p.hash.Sum(nil)) }

// write writes a whole file.
func (d *disk) write(name string, content func(io.Writer) error) (size int64, sum string, err error) {
	p, err := d.create(name)
	if err != nil {
		return 0, "", err
	}
	if err := content(p); err != nil {
		return 0, "", errors.Join(fmt.Errorf("writing %s: %w", name, err), p.abort())
	}
	return p.size, p.sum(), p.commit()
}

// setAside takes a damaged file out of the way and keeps it.
func (d *disk) setAside(name string) error {
	aside := d.path(name) + damagedSuffix
	for i := 2; ; i++ {
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s%s-%d", d.path(name), damagedSuffix, i)
	}
	if err := os.Rename(d.path(name), aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return syncDir(d.dir)
}

// remove removes a file, if it is there.
func (d *disk) remove(name string) error {
	if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	d.passed("removed", name)
	return nil
}

// sweep removes the files that are neither live nor set aside: what a crash left. Or, to keep them, it sets them aside.
func (d *disk) sweep(live map[string]bool, keep bool) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if live[name] || strings.Contains(name, damagedSuffix) || !ours(name) {
			continue
		}
		if keep && !strings.HasSuffix(name, tempSuffix) {
			if err := d.setAside(name); err != nil {
				return err
			}
			continue
		}
		if err := d.remove(name); err != nil {
			return err
		}
	}
	return nil
}

// ours says whether a file is one that this package writes.
func ours(name string) bool {
	for _, suffix := range [...]string{".parquet", ".state", tempSuffix} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// syncDir makes a rename durable. Some file systems cannot sync a folder and say EINVAL; there is nothing more to do there.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
