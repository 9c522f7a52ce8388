package registry

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxExports is how many exports there may be at a time; others wait. Each holds a connection of the reader for as long
// as it takes to send, and those that answer within milliseconds must always find one.
const maxExports = maxReaders / 2

// Export writes all vehicles of one moment with their customers as CSV, in the order in which they were added. Import
// reads it back unchanged, into this registry or an empty one. Customers without vehicles, the policies of customers and
// the default policy are not in it.
func (r *Registry) Export(ctx context.Context, w io.Writer) error {
	select {
	case r.exports <- struct{}{}:
		defer func() { <-r.exports }()
	case <-ctx.Done():
		return fmt.Errorf("exporting: %w", ctx.Err())
	}
	out := bufio.NewWriterSize(w, 64<<10)
	var sending error // not of the database
	err := r.whileThere(ctx, func(ctx context.Context) (reading error) {
		sending, reading = r.export(ctx, out)
		return reading
	})
	if err == nil && sending == nil {
		sending = out.Flush()
	}
	if err = cmp.Or(err, sending); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}

func (r *Registry) export(ctx context.Context, out *bufio.Writer) (sending, reading error) {
	rows, err := r.reader.QueryContext(ctx, `SELECT v.vin, v.registration_number, c.id, c.name, c.address, v.tags,
		v.late_after, v.offline_after, v.paused FROM vehicles v JOIN customers c ON c.number = v.customer ORDER BY v.number`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if _, err := out.WriteString(strings.Join(columnNames(), ",") + "\n"); err != nil {
		return err, nil
	}
	var buf []byte
	for rows.Next() {
		var line exportLine
		err := rows.Scan(&line.texts[colVIN], &line.texts[colRegistrationNumber], &line.texts[colCustomerID],
			&line.texts[colCustomerName], &line.texts[colCustomerAddress], &line.texts[colTags], &line.late, &line.offline, &line.paused)
		if err != nil {
			return nil, err
		}
		buf = line.append(buf[:0])
		if _, err := out.Write(buf); err != nil {
			return err, nil
		}
	}
	return nil, rows.Err()
}

// exportLine is a vehicle and its customer as Export writes them.
type exportLine struct {
	texts         [colTags + 1]string // the columns up to the tags
	late, offline int64               // milliseconds
	paused        bool
}

func (l *exportLine) append(buf []byte) []byte {
	for _, text := range l.texts {
		buf = append(appendCell(buf, text), ',')
	}
	policy := policyOf(l.late, l.offline)
	buf = append(appendAfter(buf, policy.LateAfter), ',')
	buf = append(appendAfter(buf, policy.OfflineAfter), ',')
	return append(strconv.AppendBool(buf, l.paused), '\n')
}
