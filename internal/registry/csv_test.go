package registry

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestGuardIsTakenAwayExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringOf(rapid.SampledFrom([]rune("'=+-@a"))).Draw(t, "cell")
		guarded := guard(cell)
		if unguard(guarded) != cell {
			t.Fatalf("%q comes back as %q", cell, unguard(guarded))
		}
		if guarded != "" && strings.ContainsRune("=+-@", rune(guarded[0])) {
			t.Fatalf("%q is exported as the formula %q", cell, guarded)
		}
	})
}

// TestCellsAreReadAsTheStandardLibraryReadsThem compares the splitting of lines with encoding/csv, which reads quotes
// over several lines, and therefore is not used.
func TestCellsAreReadAsTheStandardLibraryReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.StringOf(rapid.SampledFrom([]rune(`",ab å;`))).Draw(t, "line")
		got, bad := splitCells(line, nil)
		want, err := csv.NewReader(strings.NewReader(line)).Read()
		if err == io.EOF { // a blank line
			want, err = []string{""}, nil
		}
		if (bad != "") != (err != nil) || bad == "" && !slices.Equal(got, want) {
			t.Fatalf("%q: %q %s, encoding/csv: %q %v", line, got, bad, want, err)
		}
	})
}

func TestAppendCellIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune(`",'=ab;`))), 1, 5).Draw(t, "cells")
		var line []byte
		for i, cell := range cells {
			if i > 0 {
				line = append(line, ',')
			}
			line = appendCell(line, cell)
		}
		got, bad := splitCells(string(line), nil)
		for i := range got {
			got[i] = unguard(got[i])
		}
		if bad != "" || !slices.Equal(got, cells) {
			t.Fatalf("%q are written as %s and read as %q %s", cells, line, got, bad)
		}
	})
}

// FuzzLines feeds anything to what reads an import. A line that it takes must be the same when it is written as Export
// writes it and read again.
func FuzzLines(f *testing.F) {
	f.Add([]byte(fleetCSV(3)))
	f.Add([]byte("\ufeffvin,customer_name\r\nv1,\"a, \"\"b\"\"\"\r\n"))
	f.Add([]byte(fullHeader + "'=v,'-1,c,Name,'@x,b;a,90,1m30.5s,TRUE\n"))
	f.Add([]byte("\xff\xfev\x00i\x00n\x00"))
	f.Add([]byte("vin,customer_name\n\"v1\n"))
	f.Add([]byte(fullHeader + "a/b,,,,,,soon,,maybe\n,,,,,,,,\nv1,,a,,,,1,,\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		first := readLines(t, data)
		written := []byte(fullHeader)
		for _, line := range first {
			v, c := line.vehicle, line.customer
			out := exportLine{texts: [...]string{v.VIN, v.RegistrationNumber, c.ID, c.Name, c.Address, joinTags(v.Tags)},
				late: v.Policy.LateAfter.Milliseconds(), offline: v.Policy.OfflineAfter.Milliseconds(), paused: v.Paused}
			written = out.append(written)
		}
		if diff := cmp.Diff(first, readLines(t, written), cmp.AllowUnexported(importLine{}), cmpopts.IgnoreFields(importLine{}, "number")); diff != "" {
			t.Errorf("%s\n%s", written, diff)
		}
	})
}

// readLines are the right lines of a file.
func readLines(t *testing.T, data []byte) (lines []importLine) {
	in, bad, err := newCSVReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if bad == "" {
		bad, err = in.next()
	}
	var p problems
	header := parseHeader(&p, in.cells)
	for bad == "" && len(p) == 0 && err == nil {
		var bad string
		if bad, err = in.next(); err == nil {
			if line, p := header.parse(in, bad); len(p) == 0 {
				lines = append(lines, line)
			}
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return lines
}

// TestWhatImportTakesComesOutOfExport imports random files: what is taken must come out of Export, and go in again, here
// and elsewhere, without a change.
func TestWhatImportTakesComesOutOfExport(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		on.eachRound(t, func(rt *rapid.T) {
			cell := rapid.SampledFrom([]string{"", "v1", "v2", "a", "=b", "'=b", "\"x,\"\"y\"", "1.5s", "90", "true", "p;q", "/", "\""})
			file := fullHeader
			for range rapid.IntRange(0, 8).Draw(rt, "lines") {
				file += strings.Join(rapid.SliceOfN(cell, int(columnCount), int(columnCount)).Draw(rt, "cells"), ",") + "\n"
			}
			r, other := on.openInMemory(t), on.openInMemory(t)
			defer other.Close()
			defer r.Close()
			result := importText(t, r, file, ImportOptions{Partial: true})
			if result.Created+result.Rejected != result.Lines {
				rt.Errorf("lines are missing in %+v", result)
			}
			first := exported(t, r)
			if again := mustImport(t, r, first); again.Unchanged != result.Created || again.Lines != result.Created {
				rt.Errorf("%d were created; the export imports as %+v", result.Created, again)
			}
			mustImport(t, other, first)
			if exported(t, other) != first {
				rt.Error("the export of the import of the export differs")
			}
		})
	})
}
