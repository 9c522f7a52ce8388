package projection

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Every snapshot file begins with a line that names its format. The number grows with the framing and with everything
// that is written into snapshots and that an older program would take for damage.
const (
	snapshotFormat = 1
	snapshotKind   = "fleetbeat snapshot "
	snapshotMagic  = snapshotKind + "1\n"
)

// ErrNewerFormat says that a snapshot was written by a newer version of this program.
var ErrNewerFormat = errors.New("the snapshot was written by a newer version of Fleetbeat")

// kept is how many snapshots stay: the newest, and one more for the case that the newest is damaged.
const kept = 2

// Snapshots keeps the snapshots of one thing as files NAME-MARK.snapshot in a folder. The mark says what a snapshot
// covers: for a projection its checkpoint, for what follows the registry its revision.
//
// A file is complete or it does not exist: it is written under another name, synced and renamed. It ends in the SHA-256
// of what stands before, so that a damaged one is recognised, set aside as NAME-MARK.damaged and never loaded. One that
// covers more than there is comes from another log or registry and is set aside as NAME-MARK.foreign.
type Snapshots struct {
	Dir    string // made when missing
	Name   string
	Logger *slog.Logger
}

// Save writes a snapshot. The content function writes the projection's state to w and says what it covers.
func (s *Snapshots) Save(content func(w io.Writer) (uint64, error)) (size int64, err error) {
	pending, err := s.Write(content)
	if err != nil {
		return 0, err
	}
	return pending.Size, pending.Commit()
}

// Replace is Save, and removes all older snapshots behind it, those that were set aside too.
func (s *Snapshots) Replace(content func(w io.Writer) (uint64, error)) (size int64, err error) {
	mark := uint64(0)
	size, err = s.Save(func(w io.Writer) (_ uint64, err error) {
		mark, err = content(w)
		return mark, err
	})
	if err != nil {
		return 0, err
	}
	all, err := filepath.Glob(filepath.Join(s.Dir, s.Name+"-*"))
	if err != nil {
		return 0, fmt.Errorf("listing snapshots: %w", err)
	}
	for _, path := range all {
		if path == s.path(mark) {
			continue
		}
		if err := os.Remove(path); err != nil {
			return 0, fmt.Errorf("removing an old snapshot: %w", err)
		}
	}
	return size, syncDir(s.Dir)
}

// Pending is a snapshot that is written but neither synced nor visible yet.
type Pending struct {
	Size      int64 // bytes
	snapshots *Snapshots
	mark      uint64
	file      *os.File
}

// Write is the first half of Save: what must see the projection stand still. One may be pending at a time.
func (s *Snapshots) Write(content func(w io.Writer) (uint64, error)) (*Pending, error) {
	if err := os.MkdirAll(s.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("making the snapshot folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(s.Dir, s.Name+".tmp"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return nil, fmt.Errorf("writing a snapshot: %w", err)
	}
	mark, size, err := writeFramed(f, content)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing snapshot %s: %w", f.Name(), err), f.Close(), os.Remove(f.Name()))
	}
	return &Pending{Size: size, snapshots: s, mark: mark, file: f}, nil
}

// Commit is the second half of Save: it makes the snapshot durable and visible. It may run beside the projection.
func (p *Pending) Commit() error {
	s := p.snapshots
	err := p.file.Sync()
	err = errors.Join(err, p.file.Close())
	if err == nil {
		err = os.Rename(p.file.Name(), s.path(p.mark))
	}
	if err == nil {
		err = syncDir(s.Dir)
	}
	if err != nil {
		return fmt.Errorf("committing snapshot %s: %w", s.path(p.mark), err)
	}
	s.removeOld()
	return nil
}

// writeFramed writes magic, content, mark and checksum. The mark stands behind the content because it is known only then.
func writeFramed(f *os.File, content func(io.Writer) (uint64, error)) (uint64, int64, error) {
	hash := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(f, hash), 1<<20)
	if _, err := out.WriteString(snapshotMagic); err != nil {
		return 0, 0, err
	}
	mark, err := content(out)
	if err != nil {
		return 0, 0, err
	}
	if err := binary.Write(out, binary.LittleEndian, mark); err != nil {
		return 0, 0, err
	}
	if err := out.Flush(); err != nil {
		return 0, 0, err
	}
	if _, err := f.Write(hash.Sum(nil)); err != nil {
		return 0, 0, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	return mark, size, err
}

// RefuseNewer returns ErrNewerFormat when a newer version of this program wrote snapshots into a folder. It changes
// nothing.
func RefuseNewer(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.snapshot"))
	if err != nil {
		return fmt.Errorf("listing snapshots: %w", err)
	}
	for _, name := range names {
		if err := refuseNewer(name); err != nil {
			return fmt.Errorf("looking at snapshot %s: %w", name, err)
		}
	}
	return nil
}

func refuseNewer(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, len(snapshotMagic))
	if _, err := f.ReadAt(head, 0); err != nil || string(head) == snapshotMagic {
		return nil // damage is for Load, which can do something about it
	}
	if _, err := verified(f, 0); errors.Is(err, ErrNewerFormat) {
		return err
	}
	return nil
}

// Load gives the newest intact snapshot that covers no more than limit to the load function and returns its mark; 0 when
// there is none. A snapshot that covers more, is damaged, or that load refuses, is set aside and the one before is tried.
// One of a newer version is ErrNewerFormat.
func (s *Snapshots) Load(limit uint64, load func(r io.Reader) error) (uint64, error) {
	marks, err := s.marks()
	if err != nil {
		return 0, err
	}
	for _, mark := range slices.Backward(marks) {
		if mark > limit {
			// Left in place, it would be loaded one day, when there is as much of what it was not made from.
			s.Logger.Error("snapshot covers more than there is and is set aside", "snapshot", s.path(mark), "there_is", limit)
			if err := s.setAside(mark, ".foreign"); err != nil {
				return 0, err
			}
			continue
		}
		err := s.loadOne(mark, load)
		if err == nil {
			return mark, nil
		}
		if errors.Is(err, ErrNewerFormat) {
			return 0, fmt.Errorf("reading snapshot %s: %w", s.path(mark), err)
		}
		s.Logger.Error("snapshot is damaged and set aside; an older one or what it was made from takes its place",
			"snapshot", s.path(mark), "error", err)
		if err := s.setAside(mark, ".damaged"); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// setAside takes a snapshot out of the way, and keeps it.
func (s *Snapshots) setAside(mark uint64, suffix string) error {
	if err := os.Rename(s.path(mark), strings.TrimSuffix(s.path(mark), ".snapshot")+suffix); err != nil {
		return fmt.Errorf("setting a snapshot aside: %w", err)
	}
	return nil
}

// Peek gives the newest snapshot to the load function, if there is one, and changes nothing: a damaged one is an error.
func (s *Snapshots) Peek(load func(r io.Reader) error) error {
	marks, err := s.marks()
	if err != nil || len(marks) == 0 {
		return err
	}
	return s.peek(marks[len(marks)-1], load)
}

// PeekOldest is Peek for the oldest snapshot.
func (s *Snapshots) PeekOldest(load func(r io.Reader) error) error {
	marks, err := s.marks()
	if err != nil || len(marks) == 0 {
		return err
	}
	return s.peek(marks[0], load)
}

func (s *Snapshots) peek(mark uint64, load func(r io.Reader) error) error {
	if err := s.loadOne(mark, load); err != nil {
		return fmt.Errorf("reading snapshot %s: %w", s.path(mark), err)
	}
	return nil
}

func (s *Snapshots) loadOne(mark uint64, load func(r io.Reader) error) error {
	f, err := os.Open(s.path(mark))
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := verified(f, mark)
	if err != nil {
		return err
	}
	return load(bufio.NewReaderSize(content, 1<<20))
}

// verified checks the whole file first, so that load never sees a byte that was not written.
func verified(f *os.File, mark uint64) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	frame := int64(len(snapshotMagic) + 8 + sha256.Size)
	if info.Size() < frame {
		return nil, fmt.Errorf("file of %d bytes is too short to be a snapshot", info.Size())
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(f, 0, info.Size()-sha256.Size)); err != nil {
		return nil, err
	}
	tail := make([]byte, 8+sha256.Size)
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return nil, err
	}
	if string(hash.Sum(nil)) != string(tail[8:]) {
		return nil, errors.New("checksum does not fit")
	}
	head := make([]byte, len(snapshotMagic))
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, err
	}
	if err := checkMagic(head); err != nil {
		return nil, err
	}
	if covers := binary.LittleEndian.Uint64(tail); covers != mark {
		return nil, fmt.Errorf("covers up to %d, not the %d of its name", covers, mark)
	}
	return io.NewSectionReader(f, int64(len(snapshotMagic)), info.Size()-frame), nil
}

// checkMagic checks the beginning of a file whose checksum fits.
func checkMagic(head []byte) error {
	if string(head) == snapshotMagic {
		return nil
	}
	number, _ := strings.CutPrefix(string(head), snapshotKind)
	number, _, _ = strings.Cut(number, "\n")
	if format, err := strconv.Atoi(number); err == nil && format > snapshotFormat {
		return fmt.Errorf("%w: it has format %d, this program reads up to %d", ErrNewerFormat, format, snapshotFormat)
	}
	return fmt.Errorf("begins with %q: not a snapshot", head)
}

// Covered is what each kept snapshot covers: what they were made from is needed from there on, also when the newest is
// damaged. It is 0 while there are not as many as are kept.
func (s *Snapshots) Covered() (uint64, error) {
	marks, err := s.marks()
	if err != nil || len(marks) < kept {
		return 0, err
	}
	return marks[0], nil
}

// marks lists what the snapshots cover, oldest first.
func (s *Snapshots) marks() ([]uint64, error) {
	names, err := filepath.Glob(filepath.Join(s.Dir, s.Name+"-*.snapshot"))
	if err != nil {
		return nil, fmt.Errorf("listing snapshots: %w", err)
	}
	var marks []uint64
	for _, name := range names {
		number := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), s.Name+"-"), ".snapshot")
		if mark, err := strconv.ParseUint(number, 10, 64); err == nil {
			marks = append(marks, mark)
		}
	}
	slices.Sort(marks)
	return marks, nil
}

func (s *Snapshots) removeOld() {
	marks, err := s.marks()
	if err != nil || len(marks) <= kept {
		return
	}
	for _, mark := range marks[:len(marks)-kept] {
		if err := os.Remove(s.path(mark)); err != nil {
			s.Logger.Warn("old snapshot stays", "error", err)
		}
	}
}

func (s *Snapshots) path(mark uint64) string {
	return filepath.Join(s.Dir, fmt.Sprintf("%s-%020d.snapshot", s.Name, mark))
}

// syncDir makes a rename durable. Some file systems cannot sync a folder and say EINVAL; there is nothing more to do there.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
