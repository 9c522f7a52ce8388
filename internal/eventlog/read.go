package eventlog

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Report says what Read went through.
type Report struct {
	First, Last event.Position // 0 when there was none
	Batches     uint64
	Heartbeats  uint64
}

// Read hands every batch of a folder from a position on to fn, verified, without a server and without changing
// anything; fn may be nil. It works while another process appends, up to where that one is. Damage ends it with a
// *DamageError that names file and position; to read behind damage, open the log, which repairs it.
func Read(dir string, from event.Position, fn func(event.Stored) error) (Report, error) {
	var report Report
	if _, err := readFormat(dir); err != nil && !errors.Is(err, errBadFormat) {
		return report, err
	}
	head, _, err := readHead(filepath.Join(dir, headName))
	if err != nil {
		return report, err
	}
	r, err := openReader(msgsDir(filepath.Join(dir, storeName)), max(from, 1))
	if errors.Is(err, errNoBlocks) && head.position == 0 {
		return report, nil
	}
	if err != nil {
		return report, err
	}
	defer r.close()
	for {
		err := report.read(r, head, fn)
		var damage *DamageError
		switch {
		case err == nil:
		case errors.Is(err, errEnd) && r.next <= head.position && from <= head.position:
			return report, r.damage(errors.New("the log ends before its head"))
		case errors.Is(err, errEnd), errors.As(err, &damage) && r.next > head.position:
			return report, nil // what stands behind the head is an unfinished write, never acknowledged
		default:
			return report, err
		}
	}
}

// read goes on by one batch.
func (report *Report) read(r *reader, head head, fn func(event.Stored) error) error {
	s, err := r.stored()
	if err != nil {
		return err
	}
	if s.Position == head.position && r.chain != head.link {
		return r.damage(errors.New("the log's head is of another log"))
	}
	if report.Batches == 0 {
		report.First = s.Position
	}
	report.Last = s.Position
	report.Batches++
	report.Heartbeats += uint64(s.Heartbeats.Len())
	if fn == nil {
		return nil
	}
	if err := fn(s); err != nil {
		return fmt.Errorf("batch %d: %w", s.Position, err)
	}
	return nil
}
