package registry

import (
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"

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

// FuzzImport feeds anything to Import. What it takes must come out of Export, and go in again without a change.
func FuzzImport(f *testing.F) {
	f.Add([]byte(fleetCSV(3)))
	f.Add([]byte("\ufeffvin,customer_name\r\nv1,\"a, \"\"b\"\"\"\r\n"))
	f.Add([]byte(fullHeader + "'=v,'-1,c,Name,'@x,b;a,90,1m30.5s,TRUE\n"))
	f.Add([]byte("\xff\xfev\x00i\x00n\x00"))
	f.Add([]byte("vin,customer_name\n\"v1\n"))
	f.Add([]byte(fullHeader + "a/b,,,,,,soon,,maybe\n,,,,,,,,\nv1,,a,,,,1,,\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx := context.Background()
		r := openAt(t, memoryDir(t)+"/registry.db")
		result, err := r.Import(ctx, strings.NewReader(string(data)), ImportOptions{Partial: true})
		if err != nil {
			t.Fatal(err)
		}
		if result.Created+result.Rejected < result.Lines {
			t.Errorf("lines are missing in %+v", result)
		}
		first := exported(t, r)
		if again := mustImport(t, r, first); again.Unchanged != result.Created || again.Lines != result.Created {
			t.Errorf("%d were created; the export imports as %+v", result.Created, again)
		}
		other := openAt(t, memoryDir(t)+"/registry.db")
		mustImport(t, other, first)
		if exported(t, other) != first {
			t.Error("the export of the import of the export differs")
		}
	})
}
