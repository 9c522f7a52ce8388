package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Vehicle is a registered vehicle.
type Vehicle struct {
	Number             event.VehicleID // its number in the log; never used again
	VIN                string          // unique, and for ever the same
	RegistrationNumber string          // the plate; may be empty
	Customer           event.CustomerID
	CustomerID         string   // the id of that customer
	Tags               []string // sorted, each once
	Policy             event.Policy
	Paused             bool
}

// NewVehicle is what it takes to add a vehicle.
type NewVehicle struct {
	VIN                string // see CheckVIN
	RegistrationNumber string
	CustomerID         string
	Tags               []string
	Policy             event.Policy // of its own; zero for none
	Paused             bool
}

// VehiclePatch changes what is not nil.
type VehiclePatch struct {
	RegistrationNumber *string
	CustomerID         *string
	Tags               *[]string     // all of them
	Policy             *event.Policy // the zero policy takes the vehicle's own away
	Paused             *bool
}

// CreateVehicle adds a vehicle. The VIN may be taken (ErrConflict), the customer be missing (ErrInvalid).
func (r *Registry) CreateVehicle(ctx context.Context, n NewVehicle) (v Vehicle, revision int64, err error) {
	var p problems
	p.vin(n.VIN)
	v = Vehicle{
		VIN:                n.VIN,
		RegistrationNumber: p.text("registration_number", n.RegistrationNumber, MaxRegistrationNumber),
		Tags:               p.tags(n.Tags),
		Policy:             n.Policy,
		Paused:             n.Paused,
	}
	p.policy(n.Policy)
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) (err error) {
		if v.Customer, err = t.owner(ctx, &p, n.CustomerID); err != nil {
			return err
		}
		if err := p.err(); err != nil {
			return err
		}
		if _, err := t.vehicle(ctx, v.VIN); !errors.Is(err, ErrNotFound) {
			return conflict(err, "vehicle", v.VIN)
		}
		v.CustomerID = n.CustomerID
		v.Number = t.nextVehicle()
		return t.insertVehicles(ctx, v)
	})
	if err != nil {
		return Vehicle{}, 0, fmt.Errorf("creating vehicle %s: %w", quoted(n.VIN), err)
	}
	return v, revision, nil
}

// Vehicle is the vehicle with this VIN, or ErrNotFound.
func (r *Registry) Vehicle(ctx context.Context, vin string) (v Vehicle, err error) {
	err = r.whileThere(ctx, func(ctx context.Context) error {
		v, err = vehicleByVIN(ctx, r.reader, vin)
		return err
	})
	return v, err
}

// UpdateVehicle changes a vehicle and returns it as it is then.
func (r *Registry) UpdateVehicle(ctx context.Context, vin string, patch VehiclePatch) (v Vehicle, revision int64, err error) {
	var p problems
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) error {
		old, err := t.vehicle(ctx, vin)
		if err != nil {
			return err
		}
		v = patch.apply(old, &p)
		if patch.CustomerID != nil {
			if v.Customer, err = t.owner(ctx, &p, *patch.CustomerID); err != nil {
				return err
			}
			v.CustomerID = *patch.CustomerID
		}
		if err := p.err(); err != nil {
			return err
		}
		return t.updateVehicle(ctx, old, v)
	})
	if err != nil {
		return Vehicle{}, 0, fmt.Errorf("updating vehicle %s: %w", quoted(vin), err)
	}
	return v, revision, nil
}

// apply changes all but the customer, which only the database can tell.
func (patch VehiclePatch) apply(v Vehicle, p *problems) Vehicle {
	if patch.RegistrationNumber != nil {
		v.RegistrationNumber = p.text("registration_number", *patch.RegistrationNumber, MaxRegistrationNumber)
	}
	if patch.Tags != nil {
		v.Tags = p.tags(*patch.Tags)
	}
	if patch.Policy != nil {
		v.Policy = *patch.Policy
		p.policy(v.Policy)
	}
	if patch.Paused != nil {
		v.Paused = *patch.Paused
	}
	return v
}

// DeleteVehicle removes a vehicle. Its VIN may be registered again, as another vehicle with a number of its own.
func (r *Registry) DeleteVehicle(ctx context.Context, vin string) (revision int64, err error) {
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) error {
		v, err := t.vehicle(ctx, vin)
		if err != nil {
			return err
		}
		if err := t.rememberVehicle(ctx, v.Number); err != nil {
			return err
		}
		if err := t.exec(ctx, `DELETE FROM vehicles WHERE number = $1`, v.Number); err != nil {
			return err
		}
		if err := t.exec(ctx, `INSERT INTO removed_vehicles (number, revision) VALUES ($1, $2)`, v.Number, t.revision); err != nil {
			return err
		}
		return t.tell(ctx, event.VehicleRemoved{Vehicle: v.Number})
	})
	if err != nil {
		return 0, fmt.Errorf("deleting vehicle %s: %w", quoted(vin), err)
	}
	return revision, nil
}

// owner finds the customer that a vehicle is to belong to; that there is none is a problem of the input.
func (t *tx) owner(ctx context.Context, p *problems, id string) (event.CustomerID, error) {
	if id == "" {
		p.add("customer_id", "is missing")
		return 0, nil
	}
	c, err := t.customer(ctx, id)
	if errors.Is(err, ErrNotFound) {
		p.add("customer_id", "%s is not registered", quoted(id))
		return 0, nil
	}
	return c.Number, err
}

func (t *tx) nextVehicle() event.VehicleID {
	t.lastVehicle++
	return t.lastVehicle
}

func (t *tx) vehicle(ctx context.Context, vin string) (Vehicle, error) {
	return vehicleByVIN(ctx, t.Tx, vin)
}

// insertVehicles adds vehicles and tells the log.
func (t *tx) insertVehicles(ctx context.Context, vehicles ...Vehicle) error {
	args := make([]any, 0, 9*len(vehicles))
	facts := make([]event.Fact, 0, len(vehicles))
	for _, v := range vehicles {
		args = append(args, v.Number, v.VIN, v.RegistrationNumber, v.Customer, joinTags(v.Tags),
			v.Policy.LateAfter.Milliseconds(), v.Policy.OfflineAfter.Milliseconds(), number(v.Paused), t.revision)
		facts = appendFacts(facts, Vehicle{}, v)
	}
	err := t.insert(ctx, `INSERT INTO vehicles (number, vin, registration_number, customer, tags, late_after,
		offline_after, paused, revision)`, 9, args)
	if err != nil {
		return err
	}
	return t.tell(ctx, facts...)
}

// updateVehicle stores v where it differs from old, and tells the log.
func (t *tx) updateVehicle(ctx context.Context, old, v Vehicle) error {
	if sameVehicle(old, v) {
		return nil
	}
	if !sameInDirectory(old, v) {
		if err := t.rememberVehicle(ctx, v.Number); err != nil {
			return err
		}
	}
	err := t.exec(ctx, `UPDATE vehicles SET registration_number = $1, customer = $2, tags = $3, late_after = $4,
		offline_after = $5, paused = $6, revision = $7 WHERE number = $8`,
		v.RegistrationNumber, v.Customer, joinTags(v.Tags), v.Policy.LateAfter.Milliseconds(),
		v.Policy.OfflineAfter.Milliseconds(), number(v.Paused), t.revision, v.Number)
	if err != nil {
		return err
	}
	return t.tell(ctx, appendFacts(nil, old, v)...)
}

// vehicleChange is what a vehicle was and becomes, which differ.
type vehicleChange struct{ old, new Vehicle }

// updateVehicles does what updateVehicle does, for many vehicles by few statements: where the database is elsewhere, each
// takes its time to come and go.
func (t *tx) updateVehicles(ctx context.Context, changes []vehicleChange) error {
	if len(changes) == 0 {
		return nil
	}
	var remembered []any
	var facts []event.Fact
	args := make([]any, 0, 8*len(changes))
	for _, c := range changes {
		v := c.new
		if !sameInDirectory(c.old, v) {
			remembered = append(remembered, v.Number)
		}
		facts = appendFacts(facts, c.old, v)
		args = append(args, v.Number, v.RegistrationNumber, v.Customer, joinTags(v.Tags), v.Policy.LateAfter.Milliseconds(),
			v.Policy.OfflineAfter.Milliseconds(), number(v.Paused), t.revision)
	}
	if err := t.rememberVehicles(ctx, remembered); err != nil {
		return err
	}
	t.changed = true
	_, err := t.ExecContext(ctx, `UPDATE vehicles SET registration_number = n.column2, customer = CAST(n.column3 AS BIGINT),
		tags = n.column4, late_after = CAST(n.column5 AS BIGINT), offline_after = CAST(n.column6 AS BIGINT),
		paused = CAST(n.column7 AS BIGINT), revision = CAST(n.column8 AS BIGINT)
		FROM (VALUES `+t.engine.placeholders(len(changes), 8)+`) AS n WHERE vehicles.number = CAST(n.column1 AS BIGINT)`, args...)
	if err != nil {
		return err
	}
	return t.tell(ctx, facts...)
}

func sameVehicle(a, b Vehicle) bool {
	return sameInDirectory(a, b) && a.Policy == b.Policy && a.Paused == b.Paused
}

// sameInDirectory compares what is not in the log.
func sameInDirectory(a, b Vehicle) bool {
	return a.RegistrationNumber == b.RegistrationNumber && a.Customer == b.Customer && slices.Equal(a.Tags, b.Tags)
}

// appendFacts adds what the log must know when a vehicle becomes v; a new one was the zero Vehicle.
func appendFacts(facts []event.Fact, old, v Vehicle) []event.Fact {
	if old.Customer != v.Customer {
		facts = append(facts, event.VehicleAdded{Vehicle: v.Number, Customer: v.Customer})
	}
	if old.Policy != v.Policy {
		facts = append(facts, event.PolicyChanged{Vehicle: v.Number, Policy: v.Policy})
	}
	switch {
	case v.Paused && !old.Paused:
		facts = append(facts, event.VehiclePaused{Vehicle: v.Number})
	case old.Paused && !v.Paused:
		facts = append(facts, event.VehicleResumed{Vehicle: v.Number})
	}
	return facts
}

// querier is a database or a transaction of it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// selectVehicles reads each vehicle as one text, a field to a line, for no text of the registry has a line break: the
// driver takes about as long for a column as for a row, and this is three times as fast as a column for each field.
const selectVehicles = "SELECT concat_ws('\n', v.number, v.vin, v.registration_number, v.customer, c.id, v.tags, " +
	"v.late_after, v.offline_after, v.paused) FROM vehicles v JOIN customers c ON c.number = v.customer "

func vehicleByVIN(ctx context.Context, q querier, vin string) (Vehicle, error) {
	if !storable(vin) {
		return Vehicle{}, found(sql.ErrNoRows, "vehicle", vin)
	}
	v, err := scanVehicle(q.QueryRowContext(ctx, selectVehicles+`WHERE v.vin = $1`, vin).Scan)
	return v, found(err, "vehicle", vin)
}

// scanVehicle reads a row of selectVehicles.
func scanVehicle(scan func(...any) error) (v Vehicle, err error) {
	var row lines
	if err := scan(&row.rest); err != nil {
		return v, err
	}
	v.Number = event.VehicleID(row.number())
	v.VIN = row.text()
	v.RegistrationNumber = row.text()
	v.Customer = event.CustomerID(row.number())
	v.CustomerID = row.text()
	v.Tags = splitTags(row.text())
	v.Policy = policyOf(row.number(), row.number())
	v.Paused = row.number() != 0
	return v, row.err
}

// lines takes a text apart.
type lines struct {
	rest string
	err  error // the first
}

func (l *lines) text() (line string) {
	line, l.rest, _ = strings.Cut(l.rest, "\n")
	return line
}

func (l *lines) number() int64 {
	n, err := strconv.ParseInt(l.text(), 10, 64)
	if l.err == nil {
		l.err = err
	}
	return n
}

// number is how the database holds a yes or no.
func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// storable says whether a text may stand in the registry at all: PostgreSQL takes no other, not even to look for it.
func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// found turns the database's word for nothing into ours.
func found(err error, what, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s %s: %w", what, quoted(id), ErrNotFound)
	}
	return err
}

// conflict is the error of a look-up that should have found nothing.
func conflict(err error, what, id string) error {
	if err == nil {
		return fmt.Errorf("%s %s: %w", what, quoted(id), ErrConflict)
	}
	return err
}

// quoted makes an id of unknown origin fit for a message.
func quoted(id string) string {
	if len(id) > MaxID {
		id = id[:MaxID] + "..."
	}
	return fmt.Sprintf("%q", id)
}
