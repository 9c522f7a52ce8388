package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// compactOne makes one file of each kind of the files of a day that is over.
func (h *History) compactOne(ctx context.Context) (bool, error) {
	h.mu.RLock()
	m := h.manifest.clone()
	h.mu.RUnlock()
	begin, found := m.uncompacted()
	if !found {
		return false, nil
	}
	s := h.sealer(ctx, m)
	s.span = span{From: begin, To: begin + day}
	var old []file
	for _, k := range []kind{heartbeatFiles, batchFiles, transitionFiles, timelineFiles, gapFiles, factFiles} {
		parts := m.within(k, begin)
		if len(parts) < 2 && (len(parts) == 0 || parts[0].To-parts[0].From == day) {
			continue
		}
		if err := h.compact(ctx, &s, k, parts); err != nil {
			h.discard(s.files)
			if errors.Is(err, errCorrupt) {
				return true, nil // it is made again first
			}
			return false, fmt.Errorf("compacting the %s of %s: %w", k, begin.Std().Format("2006-01-02"), err)
		}
		old = append(old, parts...)
	}
	m.Next = s.next
	m.Files = slices.DeleteFunc(m.Files, func(f file) bool {
		return slices.ContainsFunc(old, func(o file) bool { return o.Name == f.Name })
	})
	m.Files = append(m.Files, s.files...)
	sortFiles(m.Files)
	if err := h.replace(m, func() {}); err != nil {
		return false, err
	}
	h.discard(old)
	h.config.Logger.Debug("history compacted", "day", begin, "files", len(old))
	return true, nil
}

// discard removes files that do not count. What stays is removed at the next start.
func (h *History) discard(files []file) {
	for i := range files {
		h.files.forget(files[i].Name)
		if err := h.disk.remove(files[i].Name); err != nil {
			h.config.Logger.Warn("a file of the history that does not count any more stays", "error", err)
		}
	}
}

// uncompacted is the oldest day that is over, whole, and in more files than it need be.
func (m *manifest) uncompacted() (begin event.Time, found bool) {
	for i := range m.Files {
		f := &m.Files[i]
		begin := f.From - f.From%day
		if f.Kind != stateFiles && f.To-f.From < day && begin+day <= m.SealedUntil && !m.lacks(begin, begin+day) {
			return begin, true
		}
	}
	return 0, false
}

// Uncompacted says whether a day is over and in more files than it need be.
func (h *History) Uncompacted() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	_, found := h.manifest.uncompacted()
	return found
}

// within lists the files of a kind of a day.
func (m *manifest) within(k kind, begin event.Time) []file { return m.of(k, begin, begin+day) }

// compact writes the rows of some files into one.
func (h *History) compact(ctx context.Context, s *sealer, k kind, parts []file) error {
	s.span.First, s.span.Last = parts[0].First, parts[len(parts)-1].Last
	tables := make([]*table, len(parts))
	for i := range parts {
		if err := h.verify(ctx, &parts[i]); err != nil {
			if errors.Is(err, errCorrupt) {
				h.suspect(&parts[i], err)
			}
			return err
		}
		t, done, err := h.files.get(&parts[i])
		if err != nil {
			return err
		}
		defer done() //nolint:revive // all of them are read together
		tables[i] = t
	}
	f, err := compactTables(ctx, s, k, tables)
	if err != nil || f == nil {
		return err
	}
	f.Oldest, f.Newest = parts[0].Oldest, parts[0].Newest
	for i := range parts {
		f.Oldest, f.Newest = min(f.Oldest, parts[i].Oldest), max(f.Newest, parts[i].Newest)
	}
	return nil
}

func compactTables(ctx context.Context, s *sealer, k kind, tables []*table) (*file, error) {
	switch k {
	case heartbeatFiles:
		return mergeTables(ctx, s, k, tables, func(r *heartbeatRow) uint32 { return r.Vehicle }, "vehicle", "received_at")
	case transitionFiles:
		return mergeTables(ctx, s, k, tables, func(r *transitionRow) uint32 { return r.Vehicle }, "vehicle", "at")
	case batchFiles:
		return mergeTables(ctx, s, k, tables, func(*batchRow) uint32 { return 0 }, "received_at")
	case timelineFiles:
		return mergeTables(ctx, s, k, tables, func(*timelineRow) uint32 { return 0 }, "shown_at")
	case gapFiles:
		return mergeTables(ctx, s, k, tables, func(*gapRow) uint32 { return 0 }, "from")
	}
	return mergeTables(ctx, s, k, tables, func(*factRow) uint32 { return 0 }, "received_at")
}

// mergeTables writes the rows of tables that follow each other in time into one, by a key; rows of one key stay in their
// order.
func mergeTables[R any](ctx context.Context, s *sealer, k kind, tables []*table, key func(*R) uint32, sorting ...string) (*file, error) {
	readers := make([]*rowReader[R], len(tables))
	for i, t := range tables {
		r, err := newRowReader[R](t, 0, t.rows())
		if err != nil {
			return nil, err
		}
		defer r.close() //nolint:revive // all of them are read together
		readers[i] = r
	}
	return writeTable(s, k, func(add func(R) error) error {
		for {
			lowest, found, err := lowestKey(readers, key)
			if err != nil || !found {
				return errors.Join(err, ctx.Err())
			}
			for _, r := range readers {
				if err := drain(r, lowest, key, add); err != nil {
					return err
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}, sorting...)
}

func lowestKey[R any](readers []*rowReader[R], key func(*R) uint32) (lowest uint32, found bool, err error) {
	for _, r := range readers {
		row, err := r.peek()
		if err != nil {
			return 0, false, err
		}
		if row != nil && (!found || key(row) < lowest) {
			lowest, found = key(row), true
		}
	}
	return lowest, found, nil
}

// drain gives a reader's rows of one key to add.
func drain[R any](r *rowReader[R], of uint32, key func(*R) uint32, add func(R) error) error {
	for {
		row, err := r.peek()
		if err != nil || row == nil || key(row) != of {
			return err
		}
		if err := add(*row); err != nil {
			return err
		}
		r.advance()
	}
}
