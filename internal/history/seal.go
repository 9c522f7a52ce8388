package history

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// sealOldest writes the oldest closed part into files. It takes its time, unless ctx ends or another part waits too.
func (h *History) sealOldest(ctx context.Context) (bool, error) {
	h.mu.RLock()
	var p *part
	if len(h.closed) > 0 {
		p = h.closed[0]
	}
	m := h.manifest.clone()
	h.mu.RUnlock()
	if p == nil {
		return false, nil
	}
	began := time.Now()
	s := h.sealer(ctx, m)
	if err := s.seal(p); err != nil {
		return false, fmt.Errorf("sealing %v: %w", p.from, err)
	}
	if m.Begin == 0 {
		m.Begin = p.from
	}
	m.Files, m.Next = append(m.Files, s.files...), s.next
	m.SealedUntil, m.Position = s.until, p.next
	sortFiles(m.Files)
	if err := h.replace(m, func() { h.closed = h.closed[1:] }); err != nil {
		return false, err
	}
	h.metrics.sealing.Observe(time.Since(began).Seconds())
	h.config.Logger.Debug("history sealed", "from", p.from, "heartbeats", p.heartbeats, "transitions", len(p.transitions), "took", time.Since(began))
	return true, nil
}

// rest lets others work for a while, unless ctx ends or parts pile up.
func (h *History) rest(ctx context.Context, worked time.Duration) {
	h.mu.RLock()
	late := len(h.closed) > 1
	h.mu.RUnlock()
	if late {
		return
	}
	select {
	case <-time.After(restsPerWork * worked):
	case <-ctx.Done():
	}
}

const (
	// restsPerWork is how much longer sealing rests than it works. An hour is sealed in some minutes of the next one, and
	// those who bring that one shall hardly notice.
	restsPerWork = 7
	rowsPerRest  = 1 << 12 // some milliseconds of work
)

// replace makes a manifest the one that counts, on disk and then in memory, and does under the lock what belongs to it.
func (h *History) replace(m *manifest, also func()) error {
	if err := h.disk.writeManifest(m); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.manifest = m
	also()
	h.room.Broadcast()
	return nil
}

func sortFiles(files []file) {
	slices.SortStableFunc(files, func(a, b file) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.To, b.To))
	})
}

// sealer writes the files of a part, or of a day.
type sealer struct {
	disk  *disk
	next  int
	span  span
	until event.Time // where the next part may begin; not before span.To
	files []file
	rest  func(worked time.Duration) // called again and again, after some work
}

func (h *History) sealer(ctx context.Context, m *manifest) sealer {
	return sealer{disk: &h.disk, next: m.Next, rest: func(worked time.Duration) { h.rest(ctx, worked) }}
}

func (s *sealer) seal(p *part) error {
	s.span = span{From: p.from, To: p.until, First: p.first, Last: p.last}
	s.until = p.until
	if err := s.sealHeartbeats(p); err != nil {
		return err
	}
	if err := s.sealTransitions(p.transitions); err != nil {
		return err
	}
	if err := sealRows(s, gapFiles, p.gaps, func(g *event.Gap) (gapRow, bool) { return gapRowOf(*g), true }, "from"); err != nil {
		return err
	}
	if n := len(s.files); n > 0 && s.files[n-1].Kind == gapFiles {
		s.files[n-1].Oldest, s.files[n-1].Newest = p.gaps[0].From, p.gaps[len(p.gaps)-1].To
	}
	if err := sealRows(s, factFiles, p.facts, (*Fact).row, "received_at"); err != nil {
		return err
	}
	return s.sealState(p)
}

// name is the name of the next file.
func (s *sealer) name(k kind) string {
	s.next++
	layout := "2006-01-02T15-04-05.000"
	switch {
	case s.span.From%day == 0 && s.span.To-s.span.From == day:
		layout = "2006-01-02"
	case s.span.From%hour == 0:
		layout = "2006-01-02T15"
	}
	suffix := "parquet"
	if k == stateFiles {
		suffix = "state"
	}
	return fmt.Sprintf("%s-%s-%d.%s", k, s.span.From.Std().Format(layout), s.next, suffix)
}

// table writes a Parquet file of rows. One without rows is not made.
func writeTable[R any](s *sealer, k kind, fill func(add func(R) error) error, sorting ...string) (*file, error) {
	name := s.name(k)
	p, err := s.disk.create(name)
	if err != nil {
		return nil, err
	}
	size := pageBytes
	if k == batchFiles {
		size = placeBytes
	}
	out := newTableWriter[R](p, size, sorting...)
	err = fill(out.add)
	if err == nil {
		err = out.close()
	}
	if err != nil || out.n == 0 {
		if aborted := p.abort(); err == nil {
			return nil, aborted
		}
		return nil, fmt.Errorf("writing %s: %w", name, err)
	}
	if err := p.commit(); err != nil {
		return nil, fmt.Errorf("writing %s: %w", name, err)
	}
	s.files = append(s.files, file{span: s.span, Kind: k, Name: name, Bytes: p.size, Rows: out.n, SHA256: p.sum()})
	return &s.files[len(s.files)-1], nil
}

// sealRows writes a file of what lies in a slice.
func sealRows[T, R any](s *sealer, k kind, items []T, row func(*T) (R, bool), sorting ...string) error {
	if len(items) == 0 {
		return nil
	}
	_, err := writeTable(s, k, func(add func(R) error) error {
		for i := range items {
			if r, ok := row(&items[i]); ok {
				if err := add(r); err != nil {
					return err
				}
			}
		}
		return nil
	}, sorting...)
	return err
}

func (s *sealer) sealHeartbeats(p *part) error {
	if p.heartbeats == 0 {
		return nil
	}
	_, err := writeTable(s, heartbeatFiles, func(add func(heartbeatRow) error) error {
		began, rows := time.Now(), 0
		return p.sorted(func(b *beat) error {
			if rows++; rows%rowsPerRest == 0 {
				s.rest(time.Since(began))
				began = time.Now()
			}
			return add(b.row())
		})
	}, "vehicle", "received_at")
	if err != nil {
		return err
	}
	_, err = writeTable(s, batchFiles, func(add func(batchRow) error) error {
		before := event.Position(0)
		for i := range p.chunks {
			for b := range p.chunks[i].batches.all {
				if b.position == before {
					continue // its beginning was in the chunk before
				}
				before = b.position
				if err := add(batchRow{int64(b.first), b.nth, int64(b.position)}); err != nil {
					return err
				}
			}
		}
		return nil
	}, "received_at")
	return err
}

func (s *sealer) sealTransitions(transitions []Transition) error {
	oldest, newest := event.Time(math.MaxInt64), event.Time(0)
	for i := range transitions {
		oldest, newest = min(oldest, transitions[i].At), max(newest, transitions[i].At)
	}
	first := len(s.files)
	if err := sealRows(s, timelineFiles, transitions, func(t *Transition) (timelineRow, bool) { return t.timelineRow(), true }, "shown_at"); err != nil {
		return err
	}
	order := make([]uint64, len(transitions)) // by vehicle; a vehicle's stay in their order, which is that of their time
	for i := range transitions {
		order[i] = uint64(transitions[i].Vehicle)<<32 | uint64(i)
	}
	slices.Sort(order)
	err := sealRows(s, transitionFiles, order, func(key *uint64) (transitionRow, bool) { return transitions[uint32(*key)].row(), true }, "vehicle", "at")
	for i := range s.files[first:] {
		s.files[first+i].Oldest, s.files[first+i].Newest = oldest, newest
	}
	return err
}

// sealState writes the state behind the end of a part.
func (s *sealer) sealState(p *part) error {
	at := s.span
	s.span = span{From: p.until, To: p.until, First: p.next, Last: p.last} // to be read again from First
	defer func() { s.span = at }()
	name := s.name(stateFiles)
	size, sum, err := s.disk.write(name, func(w io.Writer) error {
		out, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, bytes.NewReader(p.after)); err != nil {
			return err
		}
		return out.Close()
	})
	if err != nil {
		return err
	}
	s.files = append(s.files, file{span: s.span, Kind: stateFiles, Name: name, Bytes: size, Rows: 1, SHA256: sum})
	return nil
}

// sorted hands the heartbeats of a closed part to fn, by vehicle and time. The heartbeat is fn's until it returns.
//
// It goes through the vehicles a block at a time: takes the block's heartbeats out of all chunks, which follow each other in
// time, and sorts them by vehicle alone.
func (p *part) sorted(fn func(*beat) error) error {
	cursors, highest := make([]cursor, len(p.chunks)), event.VehicleID(0)
	for i := range p.chunks {
		cursors[i] = p.chunks[i].cursor()
		end := p.chunks[i].find(math.MaxUint32)
		highest = max(highest, end.vehicle)
	}
	width := max(1, min(uint64(highest)*sortedBlock/uint64(max(p.heartbeats, 1)), 1<<20))
	var block []beat
	var order []uint64
	for from := uint64(0); from <= uint64(highest); from += width {
		block, order = block[:0], order[:0]
		for i := range cursors {
			for u := &cursors[i]; ; {
				v, ok := u.peek()
				if !ok || uint64(v) >= from+width {
					break
				}
				order = append(order, uint64(v)<<32|uint64(len(block)))
				block = append(block, u.next())
			}
		}
		slices.Sort(order)
		for _, key := range order {
			if err := fn(&block[uint32(key)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// sortedBlock is about how many heartbeats sorted takes at once.
const sortedBlock = 1 << 16
