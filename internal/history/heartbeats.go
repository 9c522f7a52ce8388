package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Heartbeat is a heartbeat and its place in the log.
type Heartbeat struct {
	event.Heartbeat
	ID event.ID
}

// HeartbeatQuery asks for heartbeats of a vehicle, newest first.
type HeartbeatQuery struct {
	Vehicle  event.VehicleID
	From, To event.Time // received-at, To not included; 0 means from the beginning, to the end
	Limit    int        // 1 or more
	Cursor   string     // NextCursor of the page before; empty for the newest
}

// HeartbeatPage is an answer to a HeartbeatQuery.
type HeartbeatPage struct {
	Items        []Heartbeat
	NextCursor   string // empty on the last page
	CompleteFrom event.Time
	Position     event.Position // of the log, that the page shows
}

// Heartbeats finds heartbeats of a vehicle. Errors are ErrInvalidCursor, ErrDamaged and ErrNotKept.
func (h *History) Heartbeats(ctx context.Context, q HeartbeatQuery) (HeartbeatPage, error) {
	if q.To == 0 {
		q.To = endOfTime
	}
	before, err := q.before()
	if err != nil {
		return HeartbeatPage{}, err
	}
	for {
		page, err := h.heartbeats(ctx, &q, before)
		if !errors.Is(err, os.ErrNotExist) { // else a file was compacted between looking at the list and opening it
			return page, err
		}
	}
}

// endOfTime is later than any moment that is asked for.
const endOfTime event.Time = 1 << 53

// before reads the cursor: the heartbeat before which the page begins.
func (q *HeartbeatQuery) before() (last Heartbeat, err error) {
	if q.Cursor == "" {
		return Heartbeat{}, nil
	}
	at, id, _ := strings.Cut(q.Cursor, ".")
	ms, err := strconv.ParseInt(at, 36, 64)
	if err == nil {
		last.ID, err = event.ParseID(id)
	}
	if last.ReceivedAt = event.Time(ms); err != nil {
		return last, fmt.Errorf("%w: it is not one that was given out", ErrInvalidCursor)
	}
	q.To = min(q.To, last.ReceivedAt+1)
	return last, nil
}

func (hb *Heartbeat) cursor() string {
	return strconv.FormatInt(int64(hb.ReceivedAt), 36) + "." + hb.ID.String()
}

func (h *History) heartbeats(ctx context.Context, q *HeartbeatQuery, before Heartbeat) (HeartbeatPage, error) {
	m, found, position := h.inMemory(q.Vehicle, q.From, q.To)
	page := HeartbeatPage{CompleteFrom: h.begin(), Position: position}
	files := m.of(heartbeatFiles, q.From, q.To)
	wanted := q.Limit + 1 // one more, to know whether there are more
	slices.Reverse(found)
	take := func(items []Heartbeat) {
		for i := range items {
			if len(page.Items) < wanted && (q.Cursor == "" || precedes(&items[i], &before)) {
				page.Items = append(page.Items, items[i])
			}
		}
	}
	take(found)
	for i := len(files) - 1; i >= 0 && len(page.Items) < wanted; i-- {
		items, err := h.sealedHeartbeats(&files[i], q.Vehicle, q.From, q.To, heartbeatColumns)
		if err != nil {
			return page, err
		}
		slices.Reverse(items)
		// Of those at the cursor's moment, only the place in the log tells which come before it.
		items = items[:min(len(items), wanted-len(page.Items)+atMoment(items, before.ReceivedAt))]
		if err := h.locate(m, items); err != nil {
			return page, err
		}
		take(items)
		if err := ctx.Err(); err != nil {
			return page, err
		}
	}
	if len(page.Items) == wanted {
		page.Items = page.Items[:q.Limit]
		page.NextCursor = page.Items[q.Limit-1].cursor()
	}
	return page, m.covers(oldestOf(&page, q), q.To)
}

// oldestOf is how far back a page looked.
func oldestOf(page *HeartbeatPage, q *HeartbeatQuery) event.Time {
	if page.NextCursor != "" {
		return page.Items[len(page.Items)-1].ReceivedAt
	}
	return q.From
}

func precedes(a, b *Heartbeat) bool {
	switch {
	case a.ReceivedAt != b.ReceivedAt:
		return a.ReceivedAt < b.ReceivedAt
	case a.ID.Position != b.ID.Position:
		return a.ID.Position < b.ID.Position
	}
	return a.ID.Index < b.ID.Index
}

func atMoment(items []Heartbeat, at event.Time) (n int) {
	for i := range items {
		if items[i].ReceivedAt == at {
			n++
		}
	}
	return n
}

// inMemory is the present manifest, and the heartbeats of a vehicle that are in no file yet, in the order of the log.
func (h *History) inMemory(vehicle event.VehicleID, from, to event.Time) (*manifest, []Heartbeat, event.Position) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var found []Heartbeat
	for _, p := range h.parts() {
		found = p.of(vehicle, from, to, found)
	}
	return h.manifest, found, h.checkpoint
}

// begin is the received-at from which everything is kept, 0 while there is nothing.
func (h *History) begin() event.Time {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.manifest.Begin != 0 {
		return h.manifest.Begin
	}
	if parts := h.parts(); len(parts) > 0 {
		return parts[0].from
	}
	return 0
}

// parts lists what is in no file yet, oldest first. h.mu is held.
func (h *History) parts() []*part {
	parts := slices.Clone(h.closed)
	if h.open != nil && h.open.from >= h.manifest.SealedUntil { // else it is in files already, and read again for the state only
		parts = append(parts, h.open)
	}
	return parts
}

// Received lists the heartbeats of a vehicle that were received from a moment on and before another, in the order of the
// log, without their places in it. It is for what is derived from heartbeats. Errors are ErrDamaged and ErrNotKept.
func (h *History) Received(vehicle event.VehicleID, from, to event.Time) ([]event.Heartbeat, error) {
	for {
		found, err := h.received(vehicle, from, to)
		if !errors.Is(err, os.ErrNotExist) {
			return found, err
		}
	}
}

func (h *History) received(vehicle event.VehicleID, from, to event.Time) (found []event.Heartbeat, err error) {
	m, open, _ := h.inMemory(vehicle, from, to)
	files := m.of(heartbeatFiles, from, to)
	for i := range files {
		items, err := h.sealedHeartbeats(&files[i], vehicle, from, to, columnNth)
		if err != nil {
			return nil, err
		}
		for j := range items {
			found = append(found, items[j].Heartbeat)
		}
	}
	for i := range open {
		found = append(found, open[i].Heartbeat)
	}
	return found, m.covers(from, to)
}

// sealedHeartbeats reads the heartbeats of a vehicle in a file, in the order of the log: their columns before one. The
// position in their ids is their nth; locate makes one of it.
func (h *History) sealedHeartbeats(f *file, vehicle event.VehicleID, from, to event.Time, columns int) ([]Heartbeat, error) {
	var items []Heartbeat
	err := h.readFile(f, func(t *table) (err error) {
		items, err = t.heartbeats(vehicle, from, to, columns)
		return err
	})
	return items, err
}

// readFile lets a function read a file. When that is corrupt, it is ErrDamaged.
func (h *History) readFile(f *file, read func(*table) error) error {
	t, done, err := h.files.get(f)
	if err == nil {
		defer done()
		err = read(t)
	}
	return h.unreadable(f, err)
}

// unreadable tells Run of a file that is corrupt.
func (h *History) unreadable(f *file, err error) error {
	if errors.Is(err, errCorrupt) {
		h.suspect(f, err)
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// The columns of a heartbeat's row, in the order of heartbeatRow.
const (
	columnVehicle = iota
	columnReceivedAt
	columnSentAt
	columnNextSequence
	columnFlags
	columnNth
	columnIndex
	heartbeatColumns
)

func (t *table) heartbeats(vehicle event.VehicleID, from, to event.Time, until int) ([]Heartbeat, error) {
	first, end, err := t.find(int64(vehicle), int64(vehicle))
	if err != nil || first >= end {
		return nil, err
	}
	if len(t.columns) != heartbeatColumns {
		return nil, fmt.Errorf("%w: %s has %d columns", errCorrupt, t.name, len(t.columns))
	}
	times, err := t.column(columnReceivedAt, first, end)
	if err != nil {
		return nil, err
	}
	for len(times) > 0 && event.Time(times[0].Int64()) < from {
		times, first = times[1:], first+1
	}
	for len(times) > 0 && event.Time(times[len(times)-1].Int64()) >= to {
		times, end = times[:len(times)-1], end-1
	}
	var columns [heartbeatColumns][]parquet.Value
	for c := columnSentAt; c < until; c++ {
		if columns[c], err = t.column(c, first, end); err != nil {
			return nil, err
		}
	}
	items := make([]Heartbeat, len(times))
	for i := range items {
		items[i] = Heartbeat{event.Heartbeat{
			Vehicle: vehicle, ReceivedAt: event.Time(times[i].Int64()), Sequence: event.NoSequence, Flags: event.Flags(columns[columnFlags][i].Uint32()),
		}, event.ID{}}
		if until == heartbeatColumns {
			items[i].ID = event.ID{Position: event.Position(columns[columnNth][i].Uint32()), Index: columns[columnIndex][i].Uint32()}
		}
		if sent := columns[columnSentAt][i]; !sent.IsNull() {
			items[i].SentAt = event.Time(sent.Int64())
		}
		if next := columns[columnNextSequence][i]; !next.IsNull() {
			items[i].Sequence = next.Int64() - 1
		}
	}
	return items, nil
}

// locate gives heartbeats of a file their positions.
func (h *History) locate(m *manifest, items []Heartbeat) error {
	for i := range items {
		var err error
		files := m.of(batchFiles, items[i].ReceivedAt, items[i].ReceivedAt+1)
		if len(files) != 1 {
			return fmt.Errorf("%w: the batches of %v are not there", ErrDamaged, items[i].ReceivedAt)
		}
		if items[i].ID.Position, err = h.positionOf(&files[0], items[i].ReceivedAt, int64(items[i].ID.Position)); err != nil {
			return err
		}
	}
	return nil
}

func (h *History) positionOf(f *file, at event.Time, nth int64) (position event.Position, err error) {
	err = h.readFile(f, func(t *table) (err error) {
		position, err = t.position(at, nth)
		return err
	})
	return position, err
}

// The columns of a batch's row.
const columnPosition = 2

// position is the position of a heartbeat's batch, by its received-at and its nth.
func (t *table) position(at event.Time, nth int64) (event.Position, error) {
	row, err := t.lower(int64(at))
	if err != nil {
		return 0, err
	}
	if row += nth - 1; row < 0 || row >= t.rows() {
		return 0, fmt.Errorf("%w: %s has no batch %d at %v", errCorrupt, t.name, nth, at)
	}
	values, err := t.column(columnPosition, row, row+1)
	if err != nil {
		return 0, err
	}
	return event.Position(values[0].Int64()), nil
}
