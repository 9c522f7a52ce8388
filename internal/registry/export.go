package registry

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Export writes all vehicles of one moment with their customers as CSV, in the order in which they were added. Import
// reads it back unchanged, into this registry or an empty one. Customers without vehicles, the policies of customers and
// the default policy are not in it.
func (r *Registry) Export(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if err := r.export(ctx, out); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}

func (r *Registry) export(ctx context.Context, out *bufio.Writer) error {
	rows, err := r.reader.QueryContext(ctx, `SELECT v.vin, v.registration_number, c.id, c.name, c.address, v.tags,
		v.late_after, v.offline_after, v.paused FROM vehicles v JOIN customers c ON c.number = v.customer ORDER BY v.number`)
	if err != nil {
		return err
	}
	defer rows.Close()
	if _, err := out.WriteString(strings.Join(columnNames(), ",") + "\n"); err != nil {
		return err
	}
	var line []byte
	for rows.Next() {
		var text [colTags + 1]string // the columns up to the tags
		var late, offline int64
		var paused bool
		err := rows.Scan(&text[colVIN], &text[colRegistrationNumber], &text[colCustomerID], &text[colCustomerName],
			&text[colCustomerAddress], &text[colTags], &late, &offline, &paused)
		if err != nil {
			return err
		}
		line = line[:0]
		for _, cell := range text {
			line = append(appendCell(line, cell), ',')
		}
		policy := policyOf(late, offline)
		line = append(appendAfter(line, policy.LateAfter), ',')
		line = append(appendAfter(line, policy.OfflineAfter), ',')
		line = append(strconv.AppendBool(line, paused), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return rows.Err()
}
