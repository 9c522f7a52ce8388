package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// ErrNoDigest says that the files do not tell all of the log up to where they end.
var ErrNoDigest = errors.New("the history has no digest")

// Digester takes what Digest tells, and says whether it wants more.
type Digester interface {
	// Apply takes a batch of one fact.
	Apply(event.Stored) (more bool)
	// Heard takes a stretch of heartbeats of a vehicle, from the first to the last, see presence.Rule.Heard.
	Heard(v event.VehicleID, from, until event.Time) (more bool)
}

// Digested says how far Digest came.
type Digested struct {
	Next       event.Position // the batch from which the log tells the rest
	Until      event.Time     // what was received before is told
	Heartbeats uint64         // told of
	Enough     bool           // the Digester wanted no more
}

// Rest is what of a batch was not told.
func (d *Digested) Rest(s event.Stored) event.Stored {
	heartbeats := earlier(s.Heartbeats.ReceivedAt, d.Until)
	entries := 0
	for entries < len(s.Entries) && s.Entries[entries].ReceivedAt < d.Until && !isLost(s.Entries[entries].Fact) {
		entries++
	}
	if heartbeats == 0 && entries == 0 {
		return s
	}
	rest := event.Stored{Position: s.Position, Epoch: s.Epoch}
	rest.Heartbeats = s.Heartbeats.Slice(heartbeats, s.Heartbeats.Len())
	for _, e := range s.Entries[entries:] {
		e.After -= heartbeats
		rest.Entries = append(rest.Entries, e)
	}
	return rest
}

// Digest tells what the files of a folder say, in the order of the log from its first batch on: every fact, and heartbeats as
// stretches in which no vehicle was silent for longer than the shortest LateAfter of any policy of the time, or of the one
// given. Where older files were dropped, it begins with facts that say who was watched then, and nobody is heard yet. It changes nothing and may run while another process seals. Every error but that of ctx is ErrNoDigest, maybe after
// something was told: then only the log tells it.
func Digest(ctx context.Context, dir string, policy event.Policy, to Digester) (Digested, error) {
	m, err := readManifestFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return Digested{Next: 1}, nil // nothing is sealed yet
	}
	if err == nil {
		err = m.tellsAll()
	}
	if err != nil {
		return Digested{}, fmt.Errorf("%w: %w", ErrNoDigest, err)
	}
	d := digest{
		ctx: ctx, manifest: m, history: &History{disk: disk{dir: dir}, manifest: m}, to: to,
		shortest: min(policy.LateAfter, event.DefaultPolicy.LateAfter), facts: m.of(factFiles, 0, endOfTime),
		done: Digested{Next: m.Position, Until: m.SealedUntil},
	}
	d.history.files.disk = &d.history.disk
	defer d.history.Close() // it was read only
	err = d.all()
	switch {
	case ctx.Err() != nil:
		return d.done, ctx.Err()
	case err != nil && !d.done.Enough:
		return d.done, fmt.Errorf("%w: %w", ErrNoDigest, err)
	}
	return d.done, nil
}

// tellsAll is an error when the files do not have everything from where they begin.
func (m *manifest) tellsAll() error {
	if m.Format != manifestFormat {
		return fmt.Errorf("it has format %d", m.Format)
	}
	if m.Begin == m.SealedUntil {
		return nil // there are none
	}
	return m.covers(m.Begin, m.SealedUntil)
}

// digest is one Digest on its way through the files.
type digest struct {
	ctx      context.Context //nolint:containedctx // it lives as long as the call
	manifest *manifest
	history  *History // of these files alone
	to       Digester
	done     Digested

	facts    []file // not read yet
	pending  []Fact // read and not told yet
	shortest time.Duration
	added    map[event.VehicleID][]event.Time // when vehicles in pending were added or removed
}

// told is a stretch of heartbeats.
type told struct {
	from, until event.Time
	vehicle     event.VehicleID
	row         uint32   // of the first of them
	id          event.ID // of the first of them, once it is asked for
}

// mostTold is how many stretches of a file are held at once. Where there are more, vehicles are silent all the time, and the
// log tells that as well.
const mostTold = 1 << 22

var (
	errManyTold = errors.New("too many silences")
	errWantsNo  = errors.New("no more is wanted")
)

// base puts who was watched where the files begin before all they tell, when that is not where the log began.
func (d *digest) base() error {
	first := d.manifest.firstPosition()
	if first <= 1 && d.manifest.Kept == 0 {
		return nil
	}
	f := d.manifest.sealedState(d.manifest.Begin)
	if f == nil {
		return fmt.Errorf("it begins at position %d, and no state says who was watched before", first)
	}
	s, err := d.history.readState(f, presence.Load)
	if err != nil {
		return err
	}
	for _, fact := range s.rule.Facts() {
		d.pending = append(d.pending, Fact{Fact: fact, ReceivedAt: f.From, Position: f.First})
	}
	return nil
}

func (d *digest) all() error {
	if err := d.base(); err != nil {
		return err
	}
	for _, f := range d.manifest.of(heartbeatFiles, 0, endOfTime) {
		if err := d.readFacts(f.To); err != nil {
			return err
		}
		if err := d.file(&f); err != nil {
			return err
		}
	}
	if err := d.readFacts(endOfTime); err != nil {
		return err
	}
	return d.tellFacts(func(*Fact) bool { return true })
}

// open hands a file, whose bytes are what was written, to read.
func (d *digest) open(f *file, read func(*table) error) error {
	if err := d.history.verify(d.ctx, f); err != nil {
		return err
	}
	t, done, err := d.history.files.get(f)
	if err != nil {
		return err
	}
	defer done()
	return read(t)
}

// readFacts reads the files of facts that begin before a moment.
func (d *digest) readFacts(before event.Time) error {
	for ; len(d.facts) > 0 && d.facts[0].From < before; d.facts = d.facts[1:] {
		err := d.open(&d.facts[0], func(t *table) error {
			d.pending = slices.Grow(d.pending, int(t.rows()))
			return t.facts(func(f Fact) { d.pending = append(d.pending, f) })
		})
		if err != nil {
			return err
		}
	}
	d.added = make(map[event.VehicleID][]event.Time)
	for i := range d.pending {
		f := &d.pending[i]
		switch of := f.Fact.(type) {
		case event.VehicleAdded:
			d.added[of.Vehicle] = append(d.added[of.Vehicle], f.ReceivedAt)
		case event.VehicleRemoved:
			d.added[of.Vehicle] = append(d.added[of.Vehicle], f.ReceivedAt)
		case event.PolicyChanged:
			if of.Policy.LateAfter > 0 {
				d.shortest = min(d.shortest, of.Policy.LateAfter)
			}
		}
	}
	return d.ctx.Err()
}

// file tells the stretches of a file, and the facts between them.
func (d *digest) file(f *file) error {
	return d.open(f, func(t *table) error {
		all, err := d.stretches(t)
		if err != nil {
			return err
		}
		d.done.Heartbeats += uint64(t.rows())
		slices.SortFunc(all, func(a, b told) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.row, b.row)) })
		for len(all) > 0 {
			n := 1
			for n < len(all) && all[n].from == all[0].from {
				n++
			}
			if err := d.moment(t, all[:n]); err != nil {
				return err
			}
			all = all[n:]
		}
		return d.ctx.Err()
	})
}

// moment tells the stretches that begin in a millisecond, and the facts before them. What facts there are of that millisecond,
// only the places in the log tell.
func (d *digest) moment(t *table, begin []told) error {
	at := begin[0].from
	if err := d.tellFacts(func(f *Fact) bool { return f.ReceivedAt < at }); err != nil {
		return err
	}
	if len(d.pending) > 0 && d.pending[0].ReceivedAt == at {
		if err := d.locate(t, begin); err != nil {
			return err
		}
	}
	for i := range begin {
		s := &begin[i]
		err := d.tellFacts(func(f *Fact) bool {
			return f.ReceivedAt == at && (f.Position < s.id.Position || f.Position == s.id.Position && f.After <= s.id.Index)
		})
		if err != nil {
			return err
		}
		if !d.to.Heard(s.vehicle, s.from, s.until) {
			d.done.Enough = true
			return errWantsNo
		}
	}
	return nil
}

// locate finds the ids of the heartbeats with which stretches begin, and sorts the stretches by them.
func (d *digest) locate(t *table, begin []told) error {
	for i := range begin {
		s := &begin[i]
		nth, err := t.column(columnNth, int64(s.row), int64(s.row)+1)
		if err != nil {
			return err
		}
		index, err := t.column(columnIndex, int64(s.row), int64(s.row)+1)
		if err != nil {
			return err
		}
		one := []Heartbeat{{
			Heartbeat: event.Heartbeat{Vehicle: s.vehicle, ReceivedAt: s.from},
			ID:        event.ID{Position: event.Position(nth[0].Uint32()), Index: index[0].Uint32()},
		}}
		if err := d.history.locate(d.manifest, one); err != nil {
			return err
		}
		s.id = one[0].ID
	}
	slices.SortFunc(begin, func(a, b told) int {
		return cmp.Or(cmp.Compare(a.id.Position, b.id.Position), cmp.Compare(a.id.Index, b.id.Index))
	})
	return nil
}

// tellFacts tells the facts that come before something.
func (d *digest) tellFacts(before func(*Fact) bool) error {
	for ; len(d.pending) > 0 && before(&d.pending[0]); d.pending = d.pending[1:] {
		f := &d.pending[0]
		entry := []event.Entry{{ReceivedAt: f.ReceivedAt, Fact: f.Fact}}
		if !d.to.Apply(event.Stored{Position: f.Position, Batch: event.Batch{Entries: entry}}) {
			d.done.Enough = true
			return errWantsNo
		}
	}
	return nil
}

// stretches finds the stretches of a file.
func (d *digest) stretches(t *table) ([]told, error) {
	if len(t.columns) != heartbeatColumns || t.rows() > math.MaxUint32 {
		return nil, fmt.Errorf("%w: %s has %d columns and %d rows", errCorrupt, t.name, len(t.columns), t.rows())
	}
	c := stretcher{shortest: event.Time(d.shortest.Milliseconds()), added: d.added}
	var vehicles, flags []uint32
	var times []int64
	for i := range t.groups {
		g := &t.groups[i]
		var err error
		if vehicles, err = readAs[uint32](g, columnVehicle, 0, g.NumRows(), vehicles[:0]); err == nil {
			if times, err = readAs[int64](g, columnReceivedAt, 0, g.NumRows(), times[:0]); err == nil {
				flags, err = readAs[uint32](g, columnFlags, 0, g.NumRows(), flags[:0])
			}
		}
		if err == nil && (len(vehicles) != len(times) || len(flags) != len(times)) {
			err = errors.New("columns of different lengths")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: reading %s: %w", errCorrupt, t.name, err)
		}
		c.take(vehicles, times, flags, uint32(g.from))
		if len(c.all) > mostTold {
			return nil, fmt.Errorf("%w in %s", errManyTold, t.name)
		}
		if err := d.ctx.Err(); err != nil {
			return nil, err
		}
	}
	c.end()
	return c.all, nil
}

// stretcher makes stretches of the rows of a file.
type stretcher struct {
	shortest event.Time
	added    map[event.VehicleID][]event.Time
	of       []event.Time // when the present vehicle was added or removed
	open     told
	all      []told
}

func (c *stretcher) take(vehicles []uint32, times []int64, flags []uint32, row uint32) {
	open := c.open
	for i, at := range times {
		if event.Flags(flags[i])&event.Buffered != 0 {
			continue
		}
		v, at := event.VehicleID(vehicles[i]), event.Time(at)
		if v == open.vehicle && at-open.until <= c.shortest && (c.of == nil || !c.between(open.until, at)) {
			open.until = at
			continue
		}
		c.open = open
		c.end()
		if v != open.vehicle {
			c.of = c.added[v]
		}
		open = told{from: at, until: at, vehicle: v, row: row + uint32(i)}
	}
	c.open = open
}

// between says whether the vehicle was added or removed at one moment, at another, or between them.
func (c *stretcher) between(from, to event.Time) bool {
	return slices.ContainsFunc(c.of, func(at event.Time) bool { return from <= at && at <= to })
}

func (c *stretcher) end() {
	if c.open.vehicle != 0 {
		c.all = append(c.all, c.open)
	}
}

// readAs appends the values of a column that has no nulls: those of the pages of a row group from one row up to another.
func readAs[T uint32 | int64](g *group, column int, from, to int64, out []T) ([]T, error) {
	return readPages(g, column, from, to, out, appendPage)
}

// readPages is readAs by a function that appends the values of a page.
func readPages[T any](g *group, column int, from, to int64, out []T, add func([]T, parquet.Page) []T) (_ []T, err error) {
	defer caught(&err)
	pages := g.ColumnChunks()[column].Pages()
	defer pages.Close()
	if err := pages.SeekToRow(from); err != nil {
		return nil, err
	}
	end := len(out) + int(to-from)
	for out = slices.Grow(out, int(to-from)); len(out) < end; {
		page, err := pages.ReadPage()
		if err != nil {
			return nil, errors.Join(err, errors.New("a column ends early"))
		}
		out = add(out, page)
		parquet.Release(page)
	}
	if len(out) > end {
		return nil, errors.New("a page is longer than the index says")
	}
	return out, nil
}

// appendPage appends the values of a page, by its dictionary when it has one.
func appendPage[T uint32 | int64](out []T, page parquet.Page) []T {
	data := page.Data()
	words := page.Dictionary()
	switch {
	case words != nil:
		of := make([]T, words.Len())
		for i := range of {
			of[i] = T(asInt(words.Index(int32(i))))
		}
		for _, i := range data.Int32() {
			out = append(out, of[i])
		}
	case page.Type().Kind() == parquet.Int64:
		for _, v := range data.Int64() {
			out = append(out, T(v))
		}
	default:
		for _, v := range data.Uint32() {
			out = append(out, T(v))
		}
	}
	return out
}

// appendTexts appends the values of a page of a column that has a dictionary.
func appendTexts(out []string, page parquet.Page) []string {
	words := page.Dictionary()
	of := make([]string, words.Len())
	for i := range of {
		of[i] = words.Index(int32(i)).String()
	}
	data := page.Data()
	for _, i := range data.Int32() {
		out = append(out, of[i])
	}
	return out
}
