package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Limits of an import.
const (
	MaxImportBytes = 256 << 20
	MaxImportLines = 1_000_000 // with a vehicle
	MaxLineErrors  = 1000      // that a result lists
)

// ImportOptions say how an import treats lines that are wrong. By default one wrong line keeps all from being stored.
type ImportOptions struct {
	Partial bool // store the lines that are right
	DryRun  bool // store nothing, and say what would happen
}

// ImportResult says what an import did, or would have done when it is not applied.
type ImportResult struct {
	Applied          bool // false on a dry run, and when a line was wrong and Partial was not asked for
	Lines            int  // with a vehicle
	Created          int  // vehicles that are new
	Updated          int  // vehicles that were there and differ
	Unchanged        int  // vehicles that were there just so
	CustomersCreated int
	Rejected         int         // lines that are wrong
	Errors           []LineError // what is wrong with them, in order; the first MaxLineErrors
	Warnings         []LineError // what looks wrong about new vehicles; the first MaxLineErrors
	Revision         int64       // of the registry afterwards
}

// LineError says what is wrong with a line of a file.
type LineError struct {
	Line   int    // from 1, which is the header
	Column string // its name; empty when the line as a whole is at fault
	Error  string
}

// Import adds and changes the vehicles of a CSV file in one transaction. The header names the columns, in any order:
//
//	vin,registration_number,customer_id,customer_name,customer_address,tags,late_after,offline_after,paused
//
// vin and one of customer_id and customer_name are required. A vehicle that is registered becomes as its line says; what
// the file has no column for stays. The customer is the one with the id, or when the line has none, the one with exactly
// the name; it is created when there is none, and otherwise must be as the line says, for lines could contradict each
// other. Tags are separated by semicolons, times are seconds or like 1m30s, paused is true or false.
//
// Lines that are wrong are no error: the result lists them. A file that is too large is ErrInvalid. The file is read to
// its end before the registry is locked: a slow sender delays nobody.
func (r *Registry) Import(ctx context.Context, file io.Reader, options ImportOptions) (ImportResult, error) {
	select {
	case r.imports <- struct{}{}:
		defer func() { <-r.imports }()
	case <-ctx.Done():
		return ImportResult{}, fmt.Errorf("waiting for another import to end: %w", ctx.Err())
	}
	spool, err := r.spool(file)
	if err != nil {
		return ImportResult{}, fmt.Errorf("reading the file to import: %w", err)
	}
	defer spool.Close()
	im := importer{seen: make(map[event.VehicleID]int)}
	revision, err := r.write(ctx, func(ctx context.Context, t *tx) error {
		im.tx, im.customers = t, newImportCustomers(t)
		if err := im.run(ctx, spool); err != nil {
			return err
		}
		im.result.CustomersCreated = im.customers.created
		if options.DryRun || im.result.Rejected > 0 && !options.Partial {
			return errNotApplied
		}
		im.result.Applied = true
		return nil
	})
	if errors.Is(err, errNotApplied) {
		revision, err = r.Revision(), nil
	}
	if err != nil {
		return ImportResult{}, fmt.Errorf("importing: %w", err)
	}
	im.result.Revision = revision
	// What only the registry knows about a line is found after what the next lines say about themselves.
	slices.SortStableFunc(im.result.Errors, func(a, b LineError) int { return cmp.Compare(a.Line, b.Line) })
	return im.result, nil
}

// maxImports is how many imports there may be at a time; others wait. Each keeps its file on the disk that the log is on.
const maxImports = 2

// errNotApplied takes back an import that is not to be.
var errNotApplied = errors.New("not applied")

// spool copies a file of a sender we know nothing about to disk. The copy has no name there: it goes when it is closed.
func (r *Registry) spool(file io.Reader) (*os.File, error) {
	spool, err := os.CreateTemp(filepath.Dir(r.config.Path), ".import-*.csv")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(spool.Name()); err != nil {
		return nil, errors.Join(err, spool.Close())
	}
	n, err := io.Copy(spool, io.LimitReader(file, MaxImportBytes+1))
	if err == nil && n > MaxImportBytes {
		err = fileError("is larger than %d MiB; split it", MaxImportBytes>>20)
	}
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, spool.Close())
	}
	return spool, nil
}

func fileError(format string, args ...any) error {
	var p problems
	p.add("file", format, args...)
	return p.err()
}

// importer is one import.
type importer struct {
	tx        *tx
	customers *importCustomers
	header    header
	seen      map[event.VehicleID]int // the line of each vehicle, to tell that it comes twice
	created   []Vehicle               // not inserted yet
	changed   []vehicleChange         // not stored yet
	result    ImportResult
}

// importChunk is how many lines are compared with the registry at once.
const importChunk = 500

func (im *importer) run(ctx context.Context, file io.Reader) error {
	in, bad, err := newCSVReader(file)
	if err != nil {
		return err
	}
	if bad == "" {
		if bad, err = in.next(); errors.Is(err, io.EOF) {
			bad, err = "the file is empty", nil
		}
	}
	if err != nil {
		return err
	}
	var p problems
	if bad != "" {
		p.add("", "%s", bad)
	} else {
		im.header = parseHeader(&p, in.cells)
	}
	if len(p) > 0 {
		im.reject(max(in.line, 1), p)
		return nil
	}
	return im.readLines(ctx, in)
}

func (im *importer) readLines(ctx context.Context, in *csvReader) error {
	chunk := make([]importLine, 0, importChunk)
	for {
		bad, err := in.next()
		if errors.Is(err, io.EOF) {
			return im.store(ctx, chunk)
		}
		if err != nil {
			return err
		}
		if im.result.Lines++; im.result.Lines > MaxImportLines {
			return fileError("has more than %d lines; split it", MaxImportLines)
		}
		line, p := im.header.parse(in, bad)
		if len(p) > 0 {
			im.reject(line.number, p)
			continue
		}
		if chunk = append(chunk, line); len(chunk) == importChunk {
			if err := im.store(ctx, chunk); err != nil {
				return err
			}
			chunk = chunk[:0]
		}
	}
}

func (im *importer) reject(line int, p problems) {
	im.result.Rejected++
	for _, f := range p {
		if len(im.result.Errors) < MaxLineErrors {
			im.result.Errors = append(im.result.Errors, LineError{Line: line, Column: f.Field, Error: f.Reason})
		}
	}
}

// store brings a chunk of lines into the registry.
func (im *importer) store(ctx context.Context, chunk []importLine) error {
	if len(chunk) == 0 {
		return nil
	}
	known, err := im.tx.vehiclesOf(ctx, chunk)
	if err != nil {
		return err
	}
	for _, line := range chunk {
		if err := im.storeLine(ctx, line, known); err != nil {
			return fmt.Errorf("line %d: %w", line.number, err)
		}
	}
	if err := im.tx.updateVehicles(ctx, im.changed); err != nil {
		return err
	}
	err = im.tx.insertVehicles(ctx, im.created...)
	im.created, im.changed = im.created[:0], im.changed[:0]
	return err
}

func (im *importer) storeLine(ctx context.Context, line importLine, known map[string]Vehicle) error {
	var p problems
	old, exists := known[line.vehicle.VIN]
	if first := im.seen[old.Number]; exists && first > 0 {
		p.add("vin", "is that of line %d too", first)
		im.reject(line.number, p)
		return nil
	}
	customer, err := im.customers.resolve(ctx, line.customer, &p)
	if err != nil {
		return err
	}
	if len(p) > 0 {
		im.reject(line.number, p)
		return nil
	}
	v := im.header.merge(old, line.vehicle)
	v.Customer, v.CustomerID = customer.Number, customer.ID
	if !exists {
		v.Number = im.tx.nextVehicle()
		known[v.VIN] = v
		im.created = append(im.created, v)
		im.result.Created++
		im.warn(line.number, VINWarning(v.VIN))
	} else if sameVehicle(old, v) {
		im.result.Unchanged++
	} else {
		im.result.Updated++
		im.changed = append(im.changed, vehicleChange{old, v})
	}
	im.seen[v.Number] = line.number
	return nil
}

func (im *importer) warn(line int, warning string) {
	if warning != "" && len(im.result.Warnings) < MaxLineErrors {
		im.result.Warnings = append(im.result.Warnings, LineError{Line: line, Column: "vin", Error: warning})
	}
}

// vehiclesOf are the registered vehicles among those of the lines, by VIN.
func (t *tx) vehiclesOf(ctx context.Context, lines []importLine) (map[string]Vehicle, error) {
	args := make([]any, len(lines))
	for i, line := range lines {
		args[i] = line.vehicle.VIN
	}
	rows, err := t.QueryContext(ctx, selectVehicles+`WHERE v.vin IN `+t.engine.placeholders(1, len(args)), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[string]Vehicle, len(lines))
	for rows.Next() {
		v, err := scanVehicle(rows.Scan)
		if err != nil {
			return nil, err
		}
		known[v.VIN] = v
	}
	return known, rows.Err()
}
