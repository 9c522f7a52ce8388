package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"sync/atomic"

	"github.com/parquet-go/parquet-go"
)

// table is an open Parquet file.
type table struct {
	name    string
	in      io.Closer
	pq      *parquet.File
	groups  []group
	columns map[string]int

	indexed []atomic.Bool // by row group: where its pages are is in memory
	indexes atomic.Int32  // of how many row groups that is
}

// group is a row group.
type group struct {
	parquet.RowGroup
	from, to int64 // rows of the file
	low      int64 // of the first column, or of the one that the file is sorted by
	high     int64
}

// openTable opens a file of a folder. What is not whole is errCorrupt.
func openTable(path, name string, size int64) (_ *table, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != size {
		return nil, fmt.Errorf("%w: %s has %d bytes, not %d", errCorrupt, name, info.Size(), size)
	}
	t, err := newTable(f, size, name)
	if err != nil {
		return nil, err
	}
	t.in = f
	return t, nil
}

func newTable(in io.ReaderAt, size int64, name string) (_ *table, err error) {
	defer caught(&err)
	pq, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(16<<10))
	if err != nil {
		return nil, fmt.Errorf("%w: opening %s: %w", errCorrupt, name, err)
	}
	t := &table{name: name, pq: pq, columns: map[string]int{}}
	for i, path := range pq.Schema().Columns() {
		t.columns[path[0]] = i
	}
	row := int64(0)
	for _, g := range pq.RowGroups() {
		low, high, ok := g.ColumnChunks()[0].(*parquet.FileColumnChunk).Bounds()
		if !ok || g.NumRows() <= 0 {
			return nil, fmt.Errorf("%w: %s does not say what its row groups hold", errCorrupt, name)
		}
		t.groups = append(t.groups, group{RowGroup: g, from: row, to: row + g.NumRows(), low: asInt(low), high: asInt(high)})
		row += g.NumRows()
	}
	t.indexed = make([]atomic.Bool, len(t.groups))
	return t, nil
}

// asInt is an integer of any width, those without sign included.
func asInt(v parquet.Value) int64 {
	switch {
	case v.IsNull():
		return 0
	case v.Kind() == parquet.Int32:
		return int64(v.Uint32()) // all of ours are without sign
	case v.Kind() == parquet.Int64:
		return v.Int64()
	}
	return 0
}

func (t *table) rows() int64 { return t.pq.NumRows() }

// find is the rows from the first to the last, not included, whose first column, by which the file is sorted, is from low to
// high.
func (t *table) find(low, high int64) (from, to int64, err error) {
	from, values, err := t.search(low)
	if err != nil {
		return 0, 0, err
	}
	if n := sort.Search(len(values), func(i int) bool { return values[i] > high }); n < len(values) {
		return from, from + int64(n), nil
	}
	to, err = t.lower(high + 1)
	return from, to, err
}

// lower is the first row whose first column is at least so much.
func (t *table) lower(least int64) (row int64, err error) {
	row, _, err = t.search(least)
	return row, err
}

// search is the first row whose first column is at least so much, and the values from there on, as far as a page was read
// for it.
func (t *table) search(least int64) (row int64, values []int64, err error) {
	defer caught(&err)
	i := sort.Search(len(t.groups), func(i int) bool { return t.groups[i].high >= least })
	if i == len(t.groups) {
		return t.rows(), nil, nil
	}
	g := &t.groups[i]
	if g.low >= least {
		return g.from, nil, nil
	}
	if err := t.indexPages(i); err != nil {
		return 0, nil, err
	}
	chunk := g.ColumnChunks()[0]
	columns, err := chunk.ColumnIndex()
	if err != nil {
		return 0, nil, fmt.Errorf("%w: column index of %s: %w", errCorrupt, t.name, err)
	}
	offsets, err := chunk.OffsetIndex()
	if err != nil {
		return 0, nil, fmt.Errorf("%w: offset index of %s: %w", errCorrupt, t.name, err)
	}
	pages := columns.NumPages()
	if pages != offsets.NumPages() {
		return 0, nil, fmt.Errorf("%w: page indexes of %s differ", errCorrupt, t.name)
	}
	page := sort.Search(pages, func(p int) bool { return asInt(columns.MaxValue(p)) >= least })
	if page == pages {
		return g.to, nil, nil
	}
	begin, end := offsets.FirstRowIndex(page), g.to-g.from
	if page+1 < pages {
		end = offsets.FirstRowIndex(page + 1)
	}
	if begin < 0 || end < begin || end > g.to-g.from {
		return 0, nil, fmt.Errorf("%w: offset index of %s is none", errCorrupt, t.name)
	}
	if values, err = readAs[int64](g, 0, begin, end, nil); err != nil {
		return 0, nil, fmt.Errorf("%w: reading %s: %w", errCorrupt, t.name, err)
	}
	at := sort.Search(len(values), func(i int) bool { return values[i] >= least })
	return g.from + begin + int64(at), values[at:], nil
}

// indexPages reads where the pages of a row group are. Without that, the library seeks by decoding every page before.
func (t *table) indexPages(i int) error {
	if !t.indexed[i].Swap(true) {
		t.indexes.Add(1)
	}
	for _, chunk := range t.groups[i].ColumnChunks() {
		if _, err := chunk.OffsetIndex(); err != nil {
			return fmt.Errorf("%w: offset index of %s: %w", errCorrupt, t.name, err)
		}
	}
	return nil
}

// groupOf is the row group of a row.
func (t *table) groupOf(row int64) int {
	return sort.Search(len(t.groups), func(i int) bool { return t.groups[i].to > row })
}

// column reads the values of a column in some rows; null is a value too.
func (t *table) column(index int, from, to int64) (out []parquet.Value, err error) {
	defer caught(&err)
	out = make([]parquet.Value, 0, to-from)
	for i := range t.groups {
		g := &t.groups[i]
		if low, high := max(from, g.from), min(to, g.to); low < high {
			if err := t.indexPages(i); err != nil {
				return nil, err
			}
			if out, err = readColumn(g.ColumnChunks()[index], low-g.from, int(high-low), out); err != nil {
				return nil, fmt.Errorf("%w: reading %s: %w", errCorrupt, t.name, err)
			}
		}
	}
	return out, nil
}

// readColumn appends some values of a column of a row group.
func readColumn(chunk parquet.ColumnChunk, from int64, count int, out []parquet.Value) ([]parquet.Value, error) {
	pages := chunk.Pages()
	defer pages.Close()
	if err := pages.SeekToRow(from); err != nil {
		return nil, err
	}
	for end := len(out) + count; len(out) < end; {
		page, err := pages.ReadPage()
		if err != nil {
			return nil, errors.Join(err, errors.New("a column ends early"))
		}
		values := page.Values()
		for len(out) < end {
			n, err := values.ReadValues(out[len(out):end])
			out = out[:len(out)+n]
			if err != nil {
				if !errors.Is(err, io.EOF) {
					return nil, err
				}
				break
			}
			if n == 0 {
				break
			}
		}
		parquet.Release(page)
	}
	return out, nil
}
