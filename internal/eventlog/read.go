package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Report says what Read went through.
type Report struct {
	First, Last event.Position // 0 when there was none
	Batches     uint64
	Heartbeats  uint64
}

// Read hands every batch of a folder to fn, verified, from a position on, or from where the log begins if that is later,
// without a server and without changing anything; fn may be nil. It works while another process appends, up to where that
// one is. Damage ends it with a *DamageError that names file and position; to read behind damage, open the log, which
// repairs it. It ends with ErrDropped when that process drops what is being read.
func Read(dir string, from event.Position, fn func(event.Stored) error) (Report, error) {
	var report Report
	err := readFolder(dir, from, func(r *reader) (event.Position, error) {
		s, err := r.stored()
		if err != nil {
			return 0, err
		}
		report.add(s.Position, s.Heartbeats.Len())
		return s.Position, call(s.Position, s, fn)
	})
	return report, err
}

// ReadBytes is Read for who wants the batches as they are stored, without their heartbeats being counted. dir may also
// be a copy of nothing but the log: the folder that holds its blocks, or one above it. What fn gets is valid until it
// returns.
func ReadBytes(dir string, from event.Position, fn func(Bytes) error) (Report, error) {
	var report Report
	next := func(r *reader) (event.Position, error) {
		b, err := r.bytes()
		if err != nil {
			return 0, err
		}
		report.add(b.Position, 0)
		return b.Position, call(b.Position, b, fn)
	}
	if exists(storePath(dir)) || exists(filepath.Join(dir, headName)) {
		err := readFolder(dir, from, next)
		return report, err
	}
	blocks, err := findBlocks(dir)
	if err != nil {
		return report, err
	}
	r, err := openCopy(blocks, from)
	if err != nil {
		return report, err
	}
	defer r.close()
	for err == nil {
		_, err = next(r)
	}
	if errors.Is(err, errEnd) {
		err = nil
	}
	return report, err
}

// openCopy reads blocks that no head lies beside, from a position on or from where they begin.
func openCopy(dir string, from event.Position) (*reader, error) {
	blocks, err := listBlocks(dir)
	if err != nil {
		return nil, err
	}
	if len(blocks) > 0 {
		first, err := firstOf(dir, blocks[0])
		if err != nil {
			return nil, err
		}
		from = max(from, first)
	}
	return openReader(dir, max(from, 1), head{})
}

// findBlocks is the folder of blocks at or below dir.
func findBlocks(dir string) (string, error) {
	found := ""
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && filepath.Ext(path) == blockSuffix {
			found = filepath.Dir(path)
			return fs.SkipAll
		}
		return err
	})
	if err == nil && found == "" {
		err = fmt.Errorf("%w: %s", errNoBlocks, dir)
	}
	return found, err
}

// readFolder goes through a data folder by next, which gives the position of what it read.
func readFolder(dir string, from event.Position, next func(*reader) (event.Position, error)) error {
	if _, err := readFormat(dir); err != nil && !errors.Is(err, errBadFormat) {
		return err
	}
	head, _, err := readHead(filepath.Join(dir, headName))
	if err != nil {
		return err
	}
	r, err := openReader(msgsDir(storePath(dir)), max(from, head.dropped+1), head)
	if errors.Is(err, errNoBlocks) && head.position == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.close()
	for {
		position, err := next(r)
		if err == nil && position == head.position && r.chain != head.link {
			err = r.damage(errors.New("the log's head is of another log"))
		}
		var damage *DamageError
		switch {
		case err == nil:
		case droppedNow(dir, r.next):
			return fmt.Errorf("%w while it was read, at position %d", ErrDropped, r.next)
		case errors.Is(err, errEnd) && r.next <= head.position && from <= head.position:
			return r.damage(errors.New("the log ends before its head"))
		case errors.Is(err, errEnd), errors.As(err, &damage) && r.next > head.position:
			return nil // what stands behind the head is an unfinished write, never acknowledged
		default:
			return err
		}
	}
}

// droppedNow says whether a position of a folder was dropped, as its head says at this moment.
func droppedNow(dir string, position event.Position) bool {
	head, _, err := readHead(filepath.Join(dir, headName))
	return err == nil && position <= head.dropped
}

func (report *Report) add(position event.Position, heartbeats int) {
	if report.Batches == 0 {
		report.First = position
	}
	report.Last = position
	report.Batches++
	report.Heartbeats += uint64(heartbeats)
}

// call hands a batch to fn, unless that is nil.
func call[T any](position event.Position, batch T, fn func(T) error) error {
	if fn == nil {
		return nil
	}
	if err := fn(batch); err != nil {
		return fmt.Errorf("batch %d: %w", position, err)
	}
	return nil
}
