package history

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Sizes of the files' parts. A reader of one vehicle decompresses a page of each column, so pages are small; what is known
// of each row group is held in memory while a file is open, so row groups are large.
const (
	rowsPerGroup = 1 << 20
	pageBytes    = 64 << 10 // of a column before compression: 8,192 times
	placeBytes   = 8 << 10  // likewise in a file in which a page is read for each heartbeat that is shown
	writeRows    = 4096     // rows handed over at once
)

// writerOptions are those of every file.
func writerOptions(pageBytes int, sorting ...string) []parquet.WriterOption {
	columns := make([]parquet.SortingColumn, len(sorting))
	for i, name := range sorting {
		columns[i] = parquet.Ascending(name)
	}
	return []parquet.WriterOption{
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.PageBufferSize(pageBytes),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.CreatedBy("fleetbeat", "1", "history"),
		parquet.SortingWriterConfig(parquet.SortingColumns(columns...)),
		parquet.SkipPageBounds("nth"), parquet.SkipPageBounds("index"), parquet.SkipPageBounds("flags"),
	}
}

// tableWriter writes rows to a Parquet file.
type tableWriter[R any] struct {
	out  *parquet.GenericWriter[R]
	rows []R
	n    int64
}

func newTableWriter[R any](w io.Writer, pageBytes int, sorting ...string) *tableWriter[R] {
	return &tableWriter[R]{out: parquet.NewGenericWriter[R](w, writerOptions(pageBytes, sorting...)...), rows: make([]R, 0, writeRows)}
}

func (t *tableWriter[R]) add(row R) error {
	t.rows = append(t.rows, row)
	if len(t.rows) < cap(t.rows) {
		return nil
	}
	return t.flush()
}

func (t *tableWriter[R]) flush() error {
	n, err := t.out.Write(t.rows)
	t.n += int64(n)
	t.rows = t.rows[:0]
	return err
}

func (t *tableWriter[R]) close() error { return errors.Join(t.flush(), t.out.Close()) }

// rowReader reads the rows of a table, one after the other.
type rowReader[R any] struct {
	table *table
	in    *parquet.GenericReader[R]
	rows  []R
	read  []R   // what is read and not yet given out
	left  int64 // what is not read yet
}

// newRowReader reads from one row up to, but not with, another.
func newRowReader[R any](t *table, from, to int64) (_ *rowReader[R], err error) {
	defer caught(&err)
	r := &rowReader[R]{table: t, in: parquet.NewGenericReader[R](t.pq), rows: make([]R, min(writeRows, max(to-from, 0))), left: to - from}
	if from > 0 && from < t.rows() {
		if err := t.indexPages(t.groupOf(from)); err != nil {
			return nil, err
		}
		if err := r.in.SeekToRow(from); err != nil {
			return nil, fmt.Errorf("%w: seeking in %s: %w", errCorrupt, t.name, err)
		}
	}
	return r, nil
}

// peek is the next row, nil behind the last.
func (r *rowReader[R]) peek() (_ *R, err error) {
	if len(r.read) > 0 {
		return &r.read[0], nil
	}
	if r.left <= 0 {
		return nil, nil
	}
	defer caught(&err)
	clear(r.rows)
	n, err := r.in.Read(r.rows[:min(int64(len(r.rows)), r.left)])
	if n == 0 {
		return nil, fmt.Errorf("%w: reading %s: it ends early: %w", errCorrupt, r.table.name, err)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: reading %s: %w", errCorrupt, r.table.name, err)
	}
	r.read, r.left = r.rows[:n], r.left-int64(n)
	return &r.read[0], nil
}

func (r *rowReader[R]) advance() { r.read = r.read[1:] }

func (r *rowReader[R]) close() { _ = r.in.Close() } // it was read only

// readAll hands the rows of a table from one up to, but not with, another to fn. A row is fn's until it returns.
func readAll[R any](t *table, from, to int64, fn func(*R) error) error {
	r, err := newRowReader[R](t, from, to)
	if err != nil {
		return err
	}
	defer r.close()
	for {
		row, err := r.peek()
		if err != nil || row == nil {
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
		r.advance()
	}
}

// errCorrupt says that a file is not what was written.
var errCorrupt = errors.New("file is corrupt")

// caught makes an error of a panic, as a deferred call: the library panics on some bytes that no writer writes.
func caught(err *error) {
	if r := recover(); r != nil { //nolint:revive // it is deferred by its callers
		*err = fmt.Errorf("%w: %v", errCorrupt, r)
	}
}
