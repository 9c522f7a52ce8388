package simulate

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/fleetbeat/fleetbeat/client"
)

// importSize is how many vehicles one call to the server's import takes.
const importSize = 100_000

// Register adds the roster's vehicles and their customers to the server, in calls of up to 100,000 vehicles. Vehicles
// that are there already stay as they are.
func (s *Simulation) Register(ctx context.Context) error {
	for from := 0; from < s.roster.Vehicles(); from += importSize {
		to := min(from+importSize, s.roster.Vehicles())
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(s.roster.WriteCSV(writer, from, to)) }()
		answer, err := s.client.Import(ctx, reader, client.ImportOptions{})
		_ = reader.Close() // never fails; ends the writer, if the server did not read to the end
		if err != nil {
			return fmt.Errorf("registering vehicles %d to %d: %w", from, to, err)
		}
		if len(answer.Errors) > 0 {
			first := answer.Errors[0]
			return fmt.Errorf("registering vehicles %d to %d: line %d: %s %s", from, to, first.Line, first.Column, first.Error)
		}
	}
	return nil
}

// WriteCSV writes the vehicles from one index up to, and without, another as the server's import reads them. Policies are
// left to the server's default.
func (r *Roster) WriteCSV(w io.Writer, from, to int) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{
		"vin", "registration_number", "customer_id", "customer_name", "customer_address", "tags",
		"late_after", "offline_after", "paused",
	})
	for i := from; i < to; i++ {
		v := r.Vehicle(i)
		_ = out.Write([]string{
			v.VIN, v.RegistrationNumber, v.Customer.ID, v.Customer.Name, v.Customer.Address, strings.Join(v.Tags, ";"),
			"", "", "",
		}) // an error stays with the writer
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing vehicles %d to %d: %w", from, to, err)
	}
	return nil
}
