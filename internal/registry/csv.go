package registry

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The CSV of Import and Export is RFC 4180, one line per vehicle. No text of the registry has a line break, so no cell
// may have one either: a quote that is not closed spoils its own line and not the rest of the file.

// The columns, in the order in which Export writes them.
const (
	colVIN = iota
	colRegistrationNumber
	colCustomerID
	colCustomerName
	colCustomerAddress
	colTags
	colLateAfter
	colOfflineAfter
	colPaused
	columnCount
)

// columnNames are the header.
func columnNames() []string {
	return []string{"vin", "registration_number", "customer_id", "customer_name", "customer_address", "tags",
		"late_after", "offline_after", "paused"}
}

// maxLine is the longest line that is read, in bytes; what the registry may hold is shorter by far.
const maxLine = 64 << 10

// csvReader reads a file line by line into cells.
type csvReader struct {
	in    *bufio.Reader
	line  int    // the number of the line read last, from 1
	text  string // that line, without its end
	cells []string
}

// newCSVReader begins to read; bad says why the file cannot be read at all.
func newCSVReader(r io.Reader) (c *csvReader, bad string, err error) {
	c = &csvReader{in: bufio.NewReaderSize(r, maxLine)}
	start, err := c.in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, "", err
	}
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) || bytes.IndexByte(start, 0) >= 0 {
		return c, "the file is UTF-16; save it as UTF-8", nil
	}
	if mark := []byte("\ufeff"); bytes.HasPrefix(start, mark) {
		_, err = c.in.Discard(len(mark))
	} else {
		err = nil
	}
	return c, "", err
}

// next reads the next line that is not blank into cells; bad says why it cannot be read, and the one after it can.
// The end of the file is io.EOF.
func (c *csvReader) next() (bad string, err error) {
	for {
		bad, err := c.readLine()
		if bad != "" || err != nil {
			return bad, err
		}
		if c.cells, bad = splitCells(c.text, c.cells[:0]); bad != "" {
			return bad, nil
		}
		if slices.ContainsFunc(c.cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			return "", nil
		}
	}
}

func (c *csvReader) readLine() (bad string, err error) {
	line, err := c.in.ReadSlice('\n')
	if err == io.EOF && len(line) == 0 {
		return "", io.EOF
	}
	c.line++
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = c.in.ReadSlice('\n')
		}
		bad = "the line is longer than 64 KiB"
	}
	if err != nil && err != io.EOF {
		return "", err
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	c.text = string(bytes.TrimSuffix(line, []byte("\r")))
	if bad == "" && !utf8.ValidString(c.text) {
		bad = "the line is not valid UTF-8; save the file as UTF-8"
	}
	return bad, nil
}

// splitCells appends the cells of a line; bad says why it cannot be split.
func splitCells(line string, cells []string) (_ []string, bad string) {
	for {
		var cell string
		var more bool
		if strings.HasPrefix(line, `"`) {
			var ok bool
			if cell, line, ok = quotedCell(line[1:]); !ok {
				return cells, "a quote is not closed on the line"
			}
			if line != "" && line[0] != ',' {
				return cells, "a closing quote is not followed by a comma"
			}
			if more = line != ""; more {
				line = line[1:]
			}
		} else if cell, line, more = strings.Cut(line, ","); strings.Contains(cell, `"`) {
			return cells, "a cell with a quote in it does not begin with one"
		}
		cells = append(cells, cell)
		if !more {
			return cells, ""
		}
	}
}

// quotedCell reads what follows an opening quote, up to the closing one.
func quotedCell(s string) (cell, rest string, ok bool) {
	cell, rest, ok = strings.Cut(s, `"`)
	for ok && strings.HasPrefix(rest, `"`) { // a doubled quote stands for one
		var part string
		part, rest, ok = strings.Cut(rest[1:], `"`)
		cell += `"` + part
	}
	return cell, rest, ok
}

// appendCell writes a cell, in quotes where it needs them.
func appendCell(buf []byte, cell string) []byte {
	cell = guard(cell)
	if !strings.ContainsAny(cell, `,"`) {
		return append(buf, cell...)
	}
	buf = append(buf, '"')
	buf = append(buf, strings.ReplaceAll(cell, `"`, `""`)...)
	return append(buf, '"')
}

// Spreadsheets run a cell that begins with = + - or @ as a formula. Such a cell is exported behind an apostrophe, and so
// is one that begins with apostrophes before such a character, so that taking one apostrophe away always gives back
// exactly what was there.

func guard(cell string) string {
	if looksLikeFormula(cell) {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if strings.HasPrefix(cell, "'") && looksLikeFormula(cell) {
		return cell[1:]
	}
	return cell
}

func looksLikeFormula(cell string) bool {
	cell = strings.TrimLeft(cell, "'")
	return cell != "" && strings.IndexByte("=+-@", cell[0]) >= 0
}

// appendAfter writes a policy's time: in seconds where it is whole, else in Go's form; none is the empty cell.
func appendAfter(buf []byte, d time.Duration) []byte {
	switch {
	case d == 0:
		return buf
	case d%time.Second == 0:
		return strconv.AppendInt(buf, int64(d/time.Second), 10)
	}
	return append(buf, d.String()...)
}

// parseAfter reads what appendAfter wrote.
func (p *problems) parseAfter(field, s string) time.Duration {
	if s == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(s, 10, 32); err == nil {
		if seconds == 0 {
			p.add(field, "is less than %v", MinAfter)
		}
		return time.Duration(seconds) * time.Second
	}
	d, err := time.ParseDuration(s)
	if err != nil || d == 0 {
		p.add(field, "is neither a number of seconds nor a duration like 1m30s")
	}
	return d
}
