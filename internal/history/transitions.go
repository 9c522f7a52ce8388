package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// TransitionQuery asks for transitions, newest first. The zero query but for its limit asks for all.
type TransitionQuery struct {
	Vehicle     event.VehicleID            // 0 means all
	Customers   map[event.CustomerID]bool  // of the vehicles of any of them, as it was then; nil means all
	To          map[event.Presence]bool    // to any of them; nil means all
	Listed      func(event.VehicleID) bool // whether a vehicle is to be told of; nil means all
	From, Until event.Time                 // of the moment, Until not included; 0 means from the beginning, to the end
	Limit       int                        // 1 or more
	Cursor      string                     // NextCursor of the page before
}

// TransitionPage is an answer to a TransitionQuery.
type TransitionPage struct {
	Items        []Transition
	NextCursor   string
	CompleteFrom event.Time
	Position     event.Position
}

// maxRead is how many transitions are looked through for one page. A page may end there, with fewer items than its limit.
const maxRead = 1 << 20

// place is the place of a transition in the log: its position, and how many of its batch come before it.
type place struct {
	shown    event.Time
	position event.Position
	nth      int
}

func (p place) before(q place) bool {
	switch {
	case p.shown != q.shown:
		return p.shown < q.shown
	case p.position != q.position:
		return p.position < q.position
	}
	return p.nth < q.nth
}

// cursor is the place, as a text.
func (p place) cursor() string {
	return strings.Join([]string{strconv.FormatInt(int64(p.shown), 36), strconv.FormatUint(uint64(p.position), 36), strconv.Itoa(p.nth)}, ".")
}

func parsePlace(cursor string) (place, error) {
	parts := strings.Split(cursor, ".")
	if len(parts) != 3 {
		return place{}, fmt.Errorf("%w: it is not one that was given out", ErrInvalidCursor)
	}
	shown, err := strconv.ParseInt(parts[0], 36, 64)
	position, err2 := strconv.ParseUint(parts[1], 36, 64)
	nth, err3 := strconv.Atoi(parts[2])
	if err := errors.Join(err, err2, err3); err != nil {
		return place{}, fmt.Errorf("%w: it is not one that was given out", ErrInvalidCursor)
	}
	return place{event.Time(shown), event.Position(position), nth}, nil
}

// Transitions finds transitions of the whole fleet or a part of it, in the order in which the log showed them, the newest
// first. Errors are ErrInvalidCursor, ErrDamaged and ErrNotKept.
func (h *History) Transitions(ctx context.Context, q TransitionQuery) (TransitionPage, error) {
	if q.Until == 0 {
		q.Until = endOfTime
	}
	last := place{shown: endOfTime}
	if q.Cursor != "" {
		var err error
		if last, err = parsePlace(q.Cursor); err != nil {
			return TransitionPage{}, err
		}
	}
	for {
		page, err := h.transitions(ctx, &q, last)
		if !errors.Is(err, os.ErrNotExist) { // else a file was compacted between looking at the list and opening it
			return page, err
		}
	}
}

// search is one going through the transitions, from the newest on.
type search struct {
	query *TransitionQuery
	last  place // where the page before ended
	page  TransitionPage
	end   place // of the last item
	read  int
	full  bool
}

func (h *History) transitions(ctx context.Context, q *TransitionQuery, last place) (TransitionPage, error) {
	s := search{query: q, last: last}
	h.mu.RLock()
	m := h.manifest
	s.page.Position = h.checkpoint
	for _, p := range slices.Backward(h.parts()) { // under the lock: the open part grows
		s.take(p.transitions)
	}
	h.mu.RUnlock()
	s.page.CompleteFrom = h.begin()
	files := m.of(timelineFiles, 0, endOfTime)
	for i := len(files) - 1; i >= 0 && !s.full; i-- {
		if err := ctx.Err(); err != nil {
			return s.page, err
		}
		if f := &files[i]; f.Newest < q.From || f.Oldest >= q.Until || f.From > last.shown {
			continue
		}
		if err := h.readFile(&files[i], s.file); err != nil {
			return s.page, err
		}
	}
	from := q.From
	if s.full {
		s.page.NextCursor = s.end.cursor()
		from = s.end.shown
	}
	return s.page, m.covers(from, min(q.Until, last.shown))
}

// file looks through a file, a stretch at a time, from its end.
func (s *search) file(t *table) error {
	from, to, err := t.find(int64(max(s.query.From, 0)), int64(s.last.shown)) // what is shown is not before its moment
	if err != nil {
		return err
	}
	for length := int64(1 << 12); to > from && !s.full; length *= 4 {
		begin := max(from, to-length)
		// A batch's transitions are taken together, so that they are counted from its first.
		if begin > from {
			if begin, err = t.batchStart(begin, from); err != nil {
				return err
			}
		}
		items := make([]Transition, 0, to-begin)
		err := readAll(t, begin, to, func(r *timelineRow) error {
			item, err := r.transition()
			items = append(items, item)
			return err
		})
		if err != nil {
			return err
		}
		s.take(items)
		to = begin
	}
	return nil
}

// batchStart is the first row, not before least, of the moment and batch that a row is of.
func (t *table) batchStart(row, least int64) (int64, error) {
	shown, err := t.column(0, row, row+1)
	if err != nil {
		return 0, err
	}
	first, err := t.lower(asInt(shown[0]))
	return max(first, least), err
}

// take looks through transitions in the order of the log, from their end.
func (s *search) take(items []Transition) {
	for end := len(items); end > 0 && !s.full; {
		begin := end - 1
		for begin > 0 && items[begin-1].Position == items[end-1].Position && items[begin-1].ShownAt == items[end-1].ShownAt {
			begin--
		}
		for i := end - 1; i >= begin && !s.full; i-- {
			s.one(&items[i], place{items[i].ShownAt, items[i].Position, i - begin})
		}
		end = begin
	}
}

func (s *search) one(t *Transition, at place) {
	if !at.before(s.last) {
		return
	}
	q := s.query
	wanted := t.At >= q.From && t.At < q.Until && (q.Vehicle == 0 || t.Vehicle == q.Vehicle) &&
		(q.Customers == nil || q.Customers[t.Customer]) && (q.To == nil || q.To[t.To]) && (q.Listed == nil || q.Listed(t.Vehicle))
	if s.read++; !wanted {
		if s.read >= maxRead {
			s.end, s.full = at, true
		}
		return
	}
	if len(s.page.Items) == q.Limit {
		s.full = true
		return
	}
	s.page.Items, s.end = append(s.page.Items, *t), at
}

// TransitionsOf lists the transitions of a vehicle at moments from one on and before another, in their order. Errors are
// ErrDamaged and ErrNotKept.
func (h *History) TransitionsOf(vehicle event.VehicleID, from, to event.Time) ([]Transition, error) {
	for {
		found, err := h.transitionsOf(vehicle, from, to)
		if !errors.Is(err, os.ErrNotExist) {
			return found, err
		}
	}
}

func (h *History) transitionsOf(vehicle event.VehicleID, from, to event.Time) (found []Transition, err error) {
	take := func(t *Transition) {
		if t.Vehicle == vehicle && t.At >= from && t.At < to {
			found = append(found, *t)
		}
	}
	h.mu.RLock()
	m := h.manifest
	var open []Transition
	for _, p := range h.parts() {
		for i := range p.transitions {
			if p.transitions[i].Vehicle == vehicle {
				open = append(open, p.transitions[i])
			}
		}
	}
	h.mu.RUnlock()
	for _, f := range m.of(transitionFiles, 0, endOfTime) {
		if f.Newest < from || f.Oldest >= to {
			continue
		}
		if err := h.readFile(&f, func(t *table) error { return t.transitionsOf(vehicle, take) }); err != nil {
			return nil, err
		}
	}
	for i := range open {
		take(&open[i])
	}
	return found, m.covers(from, to)
}

// transitionsOf hands over a vehicle's rows, in the order of the log.
func (t *table) transitionsOf(vehicle event.VehicleID, take func(*Transition)) error {
	first, end, err := t.find(int64(vehicle), int64(vehicle))
	if err != nil {
		return err
	}
	return readAll(t, first, end, func(r *transitionRow) error {
		item, err := r.transition()
		take(&item)
		return err
	})
}

// Gaps lists the times that were not observed and overlap a time, oldest first. Errors are ErrDamaged and ErrNotKept.
func (h *History) Gaps(from, to event.Time) ([]event.Gap, error) {
	for {
		found, err := h.gapsOf(from, to)
		if !errors.Is(err, os.ErrNotExist) {
			return found, err
		}
	}
}

func (h *History) gapsOf(from, to event.Time) (found []event.Gap, err error) {
	h.mu.RLock()
	m := h.manifest
	var open []event.Gap
	for _, p := range h.parts() {
		open = append(open, p.gaps...)
	}
	h.mu.RUnlock()
	for _, f := range m.of(gapFiles, 0, endOfTime) {
		if f.Newest <= from || f.Oldest >= to {
			continue
		}
		err := h.readFile(&f, func(t *table) error {
			return readAll(t, 0, t.rows(), func(r *gapRow) error {
				g, err := r.gap()
				found = append(found, g)
				return err
			})
		})
		if err != nil {
			return nil, err
		}
	}
	found = slices.DeleteFunc(append(found, open...), func(g event.Gap) bool { return g.To <= from || g.From >= to })
	return found, m.covers(from, to)
}
