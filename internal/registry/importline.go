package registry

import (
	"slices"
	"strings"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// importLine is what a line of a file says.
type importLine struct {
	number   int
	vehicle  Vehicle  // without numbers
	customer Customer // id, name and address, each empty when not said
}

// header says in which cell of a line each column stands.
type header struct {
	cell  [columnCount]int // -1: the file has no such column
	width int              // cells in a line
}

// parseHeader reads the first line.
func parseHeader(p *problems, cells []string) (h header) {
	names := columnNames()
	h.width = len(cells)
	for i := range h.cell {
		h.cell[i] = -1
	}
	if len(cells) == 1 && strings.Contains(cells[0], ";") {
		p.add("", "the columns are separated by semicolons; separate them by commas")
		return h
	}
	for i, cell := range cells {
		name := strings.TrimSpace(cell)
		switch column := slices.Index(names, name); {
		case column < 0:
			p.add("", "%s is not a column; these are: %s", quoted(name), strings.Join(names, ", "))
		case h.cell[column] >= 0:
			p.add(name, "is there twice")
		default:
			h.cell[column] = i
		}
	}
	if !h.has(colVIN) {
		p.add("vin", "is missing")
	}
	if !h.has(colCustomerID) && !h.has(colCustomerName) {
		p.add("customer_id", "is missing, and customer_name too")
	}
	return h
}

func (h *header) has(column int) bool { return h.cell[column] >= 0 }

// parse reads the line that in read last; bad says that it could not be read.
func (h *header) parse(in *csvReader, bad string) (line importLine, p problems) {
	line.number = in.line
	if bad != "" {
		p.add("", "%s", bad)
		return line, p
	}
	if len(in.cells) != h.width {
		p.add("", "the line has %d cells, the header has %d", len(in.cells), h.width)
		return line, p
	}
	cell := func(column int) string {
		if !h.has(column) {
			return ""
		}
		return strings.TrimSpace(unguard(in.cells[h.cell[column]]))
	}
	line.vehicle = Vehicle{
		VIN:                cell(colVIN),
		RegistrationNumber: p.text("registration_number", cell(colRegistrationNumber), MaxRegistrationNumber),
		Tags:               p.tags(splitTags(cell(colTags))),
		Policy:             p.parsePolicy(cell(colLateAfter), cell(colOfflineAfter)),
		Paused:             p.parsePaused(cell(colPaused)),
	}
	p.vin(line.vehicle.VIN)
	line.customer = Customer{
		ID:      cell(colCustomerID),
		Name:    p.text("customer_name", cell(colCustomerName), MaxName),
		Address: p.text("customer_address", cell(colCustomerAddress), MaxAddress),
	}
	if line.customer.ID != "" {
		p.customerID("customer_id", line.customer.ID)
	} else if line.customer.Name == "" && len(p) == 0 {
		p.add("customer_id", "is missing, and customer_name too")
	}
	return line, p
}

func (p *problems) parsePolicy(late, offline string) event.Policy {
	if late != "" && offline == "" {
		p.add("offline_after", "is missing beside late_after")
	}
	if late == "" && offline != "" {
		p.add("late_after", "is missing beside offline_after")
	}
	found := len(*p)
	policy := event.Policy{LateAfter: p.parseAfter("late_after", late), OfflineAfter: p.parseAfter("offline_after", offline)}
	if late != "" && offline != "" && len(*p) == found {
		p.policy(policy)
	}
	return policy
}

func (p *problems) parsePaused(s string) bool {
	switch strings.ToLower(s) {
	case "true":
		return true
	case "false", "":
	default:
		p.add("paused", "is neither true nor false")
	}
	return false
}

// merge is what a vehicle becomes by a line: a new one all that the line says, one that is registered what the file has
// columns for.
func (h *header) merge(old, line Vehicle) Vehicle {
	v := old
	v.VIN = line.VIN
	if h.has(colRegistrationNumber) {
		v.RegistrationNumber = line.RegistrationNumber
	}
	if h.has(colTags) {
		v.Tags = line.Tags
	}
	if h.has(colLateAfter) || h.has(colOfflineAfter) {
		v.Policy = line.Policy
	}
	if h.has(colPaused) {
		v.Paused = line.Paused
	}
	return v
}
