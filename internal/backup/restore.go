package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Mark is the file in a folder into which a backup is being put back. Nobody may use that folder while it is there.
const Mark = "RESTORING"

// RefuseUnfinished is an error for a folder into which a backup was not put back to the end.
func RefuseUnfinished(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, Mark)); err == nil {
		return fmt.Errorf("a restore into %s is under way or was interrupted: empty the folder and restore again", dir)
	}
	return nil
}

// Restore checks every file of a backup, and then puts them all into a folder that is missing or empty, else ErrNotEmpty.
// What does not fit is ErrDamaged or ErrNotWhole, and then the folder is as it was. The progress function, which may be
// nil, is told the bytes read so far, of twice the size of the backup.
func Restore(ctx context.Context, from, to string, progress func(read, of int64)) (*List, error) {
	if err := checkTarget(from, to); err != nil { // before the long reading
		return nil, err
	}
	root, err := os.OpenRoot(from)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	list, err := readList(root)
	if err != nil {
		return nil, err
	}
	r := restorer{ctx: ctx, root: root, to: to, size: 2 * list.Bytes(), progress: progress}
	for _, f := range list.Files {
		if err := r.read(f, io.Discard); err != nil {
			return nil, err
		}
	}
	made, err := ensureEmpty(to)
	if err != nil {
		return nil, err
	}
	if err := r.restore(list); err != nil {
		return nil, errors.Join(err, clearFolder(to, made))
	}
	return list, nil
}

// checkTarget refuses a folder into which a backup cannot be put back.
func checkTarget(from, to string) error {
	if err := RefuseUnfinished(to); err != nil {
		return err
	}
	entries, err := os.ReadDir(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s", ErrNotEmpty, to)
	}
	return RefuseInside(from, to)
}

// restorer copies the files of a backup.
type restorer struct {
	ctx      context.Context //nolint:containedctx // ends the reading
	root     *os.Root
	to       string
	done     int64
	size     int64
	progress func(read, of int64)
}

func (r *restorer) restore(list *List) error {
	mark := filepath.Join(r.to, Mark)
	err := errors.Join(writeSynced(mark, []byte("A backup is being put back here. Until that is done, this folder is of no use.\n")), syncDir(r.to))
	if err != nil {
		return fmt.Errorf("beginning the restore: %w", err)
	}
	for _, f := range list.Files {
		if err := r.put(f); err != nil {
			return fmt.Errorf("restoring %s: %w", f.Name, err)
		}
	}
	if err := errors.Join(syncTree(r.to), syncDir(filepath.Dir(r.to))); err != nil {
		return fmt.Errorf("syncing what was restored: %w", err)
	}
	return errors.Join(os.Remove(mark), syncDir(r.to))
}

// put writes a file, durable.
func (r *restorer) put(f File) error {
	path := filepath.Join(r.to, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	mode := os.FileMode(0o640)
	if f.Secret {
		mode = 0o600
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	return errors.Join(r.read(f, out), out.Sync(), out.Close())
}

// read copies a file of the backup to a writer and checks it.
func (r *restorer) read(f File, to io.Writer) error {
	name := filepath.Join(filesFolder, filepath.FromSlash(f.Name))
	in, err := r.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing", ErrDamaged, f.Name)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != f.Bytes {
		return fmt.Errorf("%w: %s has %d bytes, not %d", ErrDamaged, f.Name, info.Size(), f.Bytes)
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(sum, to, r), io.LimitReader(in, f.Bytes)); err != nil {
		return fmt.Errorf("reading %s: %w", f.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: %s does not fit its checksum", ErrDamaged, f.Name)
	}
	return nil
}

// Write counts what is read, and ends the reading with its context.
func (r *restorer) Write(b []byte) (int, error) {
	before := r.done
	r.done += int64(len(b))
	if r.progress != nil && before>>20 != r.done>>20 {
		r.progress(r.done, r.size)
	}
	return len(b), r.ctx.Err()
}

// clearFolder removes what a failed restore has put into a folder, the mark last, and the folder if the restore made it.
func clearFolder(dir string, made bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != Mark {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	err = os.RemoveAll(filepath.Join(dir, Mark))
	if made {
		err = errors.Join(err, os.Remove(dir))
	}
	return err
}

// RefuseInside is an error when one of two folders lies in the other, or they are the same.
func RefuseInside(a, b string) error {
	a, err := resolve(a)
	if err != nil {
		return err
	}
	if b, err = resolve(b); err != nil {
		return err
	}
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		if rel, err := filepath.Rel(pair[0], pair[1]); err == nil && filepath.IsLocal(rel) {
			return fmt.Errorf("%s lies in %s: backup and data folder must be apart", pair[1], pair[0])
		}
	}
	return nil
}

// resolve is where a path leads, symbolic links followed as far as it exists.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	leads, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		parent, err := resolve(filepath.Dir(path))
		return filepath.Join(parent, filepath.Base(path)), err
	}
	return leads, err
}
