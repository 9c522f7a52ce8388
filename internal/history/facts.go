package history

import (
	"errors"
	"fmt"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Fact is a fact of the log and when it entered it.
type Fact struct {
	event.Fact
	ReceivedAt event.Time
	Position   event.Position
	After      uint32 // how many heartbeats of its batch come before it
}

// The words for the facts in the files.
const (
	factCanary        = "canary"
	factStarted       = "observer_started"
	factStopped       = "observer_stopped"
	factAdded         = "vehicle_added"
	factPaused        = "vehicle_paused"
	factResumed       = "vehicle_resumed"
	factRemoved       = "vehicle_removed"
	factPolicyChanged = "policy_changed"
	factLost          = "lost"
)

// row is a fact as the files have it. One of a kind that this version does not know has no row: it says nothing to any
// answer.
func (f *Fact) row() (factRow, bool) {
	row := factRow{ReceivedAt: int64(f.ReceivedAt), Position: int64(f.Position), After: f.After}
	switch f := f.Fact.(type) {
	case event.Canary:
		row.Fact, row.Text = factCanary, f.Door
	case event.ObserverStarted:
		row.Fact, row.Text = factStarted, f.Door
	case event.ObserverStopped:
		row.Fact, row.Text = factStopped, f.Door
	case event.VehicleAdded:
		row.Fact, row.Vehicle, row.Customer = factAdded, uint32(f.Vehicle), uint32(f.Customer)
	case event.VehiclePaused:
		row.Fact, row.Vehicle = factPaused, uint32(f.Vehicle)
	case event.VehicleResumed:
		row.Fact, row.Vehicle = factResumed, uint32(f.Vehicle)
	case event.VehicleRemoved:
		row.Fact, row.Vehicle = factRemoved, uint32(f.Vehicle)
	case event.PolicyChanged:
		row.Fact, row.Vehicle, row.Customer = factPolicyChanged, uint32(f.Vehicle), uint32(f.Customer)
		row.LateAfter, row.OfflineAfter = f.Policy.LateAfter.Milliseconds(), f.Policy.OfflineAfter.Milliseconds()
	case event.Lost:
		row.Fact, row.Text = factLost, f.Reason
	default:
		return row, false
	}
	return row, true
}

func (r *factRow) fact() (Fact, error) {
	out := Fact{ReceivedAt: event.Time(r.ReceivedAt), Position: event.Position(r.Position), After: r.After}
	vehicle, customer := event.VehicleID(r.Vehicle), event.CustomerID(r.Customer)
	switch r.Fact {
	case factCanary:
		out.Fact = event.Canary{Door: r.Text}
	case factStarted:
		out.Fact = event.ObserverStarted{Door: r.Text}
	case factStopped:
		out.Fact = event.ObserverStopped{Door: r.Text}
	case factAdded:
		out.Fact = event.VehicleAdded{Vehicle: vehicle, Customer: customer}
	case factPaused:
		out.Fact = event.VehiclePaused{Vehicle: vehicle}
	case factResumed:
		out.Fact = event.VehicleResumed{Vehicle: vehicle}
	case factRemoved:
		out.Fact = event.VehicleRemoved{Vehicle: vehicle}
	case factPolicyChanged:
		out.Fact = event.PolicyChanged{Vehicle: vehicle, Customer: customer, Policy: event.Policy{
			LateAfter: time.Duration(r.LateAfter) * time.Millisecond, OfflineAfter: time.Duration(r.OfflineAfter) * time.Millisecond,
		}}
	case factLost:
		out.Fact = event.Lost{Reason: r.Text}
	default:
		return out, fmt.Errorf("fact %q is none", r.Fact)
	}
	return out, nil
}

// The columns of a fact's row, in the order of factRow.
const (
	columnFactReceivedAt = iota
	columnFact
	columnFactVehicle
	columnFactCustomer
	columnFactLateAfter
	columnFactOfflineAfter
	columnFactText
	columnFactPosition
	columnFactAfter
	factColumns
)

// facts hands the facts of a table to fn, in their order. Most of a log's facts are canaries, hundreds of thousands a day, so they
// are read by column: the library takes five times as long to fill a row.
func (t *table) facts(fn func(Fact)) error {
	if len(t.columns) != factColumns {
		return fmt.Errorf("%w: %s has %d columns", errCorrupt, t.name, len(t.columns))
	}
	for i := range t.groups {
		rows, err := readFacts(&t.groups[i])
		if err != nil {
			return fmt.Errorf("%w: reading %s: %w", errCorrupt, t.name, err)
		}
		for i := range rows.at {
			row := factRow{
				rows.at[i], rows.facts[i], rows.vehicles[i], rows.customers[i], rows.late[i], rows.offline[i], rows.texts[i],
				rows.positions[i], rows.after[i],
			}
			f, err := row.fact()
			if err != nil {
				return err
			}
			fn(f)
		}
	}
	return nil
}

// factRows are the rows of a row group, by column.
type factRows struct {
	at, late, offline, positions []int64
	vehicles, customers, after   []uint32
	facts, texts                 []string
}

func readFacts(g *group) (r factRows, err error) {
	err = errors.Join(
		readWhole(g, columnFactReceivedAt, &r.at, appendPage),
		readWhole(g, columnFact, &r.facts, appendTexts),
		readWhole(g, columnFactVehicle, &r.vehicles, appendPage),
		readWhole(g, columnFactCustomer, &r.customers, appendPage),
		readWhole(g, columnFactLateAfter, &r.late, appendPage),
		readWhole(g, columnFactOfflineAfter, &r.offline, appendPage),
		readWhole(g, columnFactText, &r.texts, appendTexts),
		readWhole(g, columnFactPosition, &r.positions, appendPage),
		readWhole(g, columnFactAfter, &r.after, appendPage),
	)
	return r, err
}

// readWhole reads a column of a row group.
func readWhole[T any](g *group, column int, into *[]T, add func([]T, parquet.Page) []T) (err error) {
	*into, err = readPages(g, column, 0, g.NumRows(), *into, add)
	return err
}
