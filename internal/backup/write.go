package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/checksummed"
)

// Writer writes a backup. It has one user at a time.
type Writer struct {
	ctx      context.Context //nolint:containedctx // ends what is being written through Create
	dir      string
	made     bool // the folder itself
	files    []File
	written  int64
	progress func(written int64)
}

// NewWriter begins a backup in a folder that is missing or empty, else ErrNotEmpty. Once ctx ends, nothing more is written.
// The progress function is told the bytes written so far, at most once for each MiB; it may be nil.
func NewWriter(ctx context.Context, dir string, progress func(written int64)) (*Writer, error) {
	made, err := ensureEmpty(dir)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(int64) {}
	}
	w := &Writer{ctx: ctx, dir: dir, made: made, progress: progress}
	if err := os.Mkdir(filepath.Join(dir, filesFolder), 0o750); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// Path is where a file of a name lies, whose folder is made. It is for who can only write a file by itself: see Add.
func (w *Writer) Path(name string) (string, error) {
	path := filepath.Join(w.dir, filesFolder, filepath.FromSlash(name))
	return path, os.MkdirAll(filepath.Dir(path), 0o750)
}

// Create begins a file. It counts, and is durable, when Close gives no error.
func (w *Writer) Create(name string) (io.WriteCloser, error) { return w.create(name, 0o640) }

// CreateSecret is Create for what only its owner may read.
func (w *Writer) CreateSecret(name string) (io.WriteCloser, error) { return w.create(name, 0o600) }

func (w *Writer) create(name string, mode os.FileMode) (io.WriteCloser, error) {
	path, err := w.Path(name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	return &fileWriter{writer: w, file: f, hash: sha256.New(), entry: File{Name: name, Secret: mode == 0o600}}, nil
}

// Add takes in a file that somebody wrote at its Path.
func (w *Writer) Add(name string) error {
	path, err := w.Path(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err = errors.Join(err, f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("taking %s into the backup: %w", name, err)
	}
	w.files = append(w.files, File{Name: name, Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))})
	w.count(n)
	return nil
}

// Remove takes a file out of the backup again.
func (w *Writer) Remove(name string) error {
	w.files = slices.DeleteFunc(w.files, func(f File) bool { return f.Name == name })
	return os.Remove(filepath.Join(w.dir, filesFolder, filepath.FromSlash(name)))
}

func (w *Writer) count(n int64) {
	if before := w.written; (before+n)>>20 != before>>20 {
		w.progress(before + n)
	}
	w.written += n
}

// Finish makes the backup whole: durable, and then named by its list. The list given says what it is of.
func (w *Writer) Finish(of List) (*List, error) {
	of.Format, of.Files = format, w.files
	of.MadeAt = of.MadeAt.UTC().Truncate(time.Second)
	slices.SortFunc(of.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	text, err := checksummed.Encode(of)
	if err != nil {
		return nil, err
	}
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	if err := syncTree(filepath.Join(w.dir, filesFolder)); err != nil {
		return nil, fmt.Errorf("syncing the backup: %w", err)
	}
	path := filepath.Join(w.dir, listName)
	if err := writeSynced(path+".new", text); err != nil {
		return nil, fmt.Errorf("writing the list of files: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, fmt.Errorf("writing the list of files: %w", err)
	}
	return &of, errors.Join(syncDir(w.dir), syncDir(filepath.Dir(w.dir)))
}

// Abort removes what was written, and the folder if the Writer made it.
func (w *Writer) Abort() error {
	errs := []error{os.RemoveAll(filepath.Join(w.dir, filesFolder))}
	for _, name := range []string{listName, listName + ".new"} {
		errs = append(errs, os.RemoveAll(filepath.Join(w.dir, name)))
	}
	if w.made {
		errs = append(errs, os.Remove(w.dir))
	}
	return errors.Join(errs...)
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// fileWriter writes one file of a backup.
type fileWriter struct {
	writer *Writer
	file   *os.File
	hash   hash.Hash
	entry  File
}

// Write implements io.Writer.
func (f *fileWriter) Write(b []byte) (int, error) {
	if err := f.writer.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := f.file.Write(b)
	f.hash.Write(b[:n])
	f.entry.Bytes += int64(n)
	f.writer.count(int64(n))
	return n, err
}

// Close implements io.Closer.
func (f *fileWriter) Close() error {
	if err := errors.Join(f.file.Sync(), f.file.Close()); err != nil {
		return err
	}
	f.entry.SHA256 = hex.EncodeToString(f.hash.Sum(nil))
	f.writer.files = append(f.writer.files, f.entry)
	return nil
}
