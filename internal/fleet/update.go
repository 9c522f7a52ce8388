package fleet

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
	"github.com/fleetbeat/fleetbeat/internal/fleet/text"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// MaxCustomer is the highest customer number a view accepts. The registry numbers customers densely from 1, so a higher
// number is an error somewhere and not a customer.
const MaxCustomer event.CustomerID = 1<<24 - 1

// maxText is the most bytes that a VIN or a registration number may have.
const maxText = math.MaxUint8

// Customer is what the registry says of a customer.
type Customer struct {
	Number  event.CustomerID
	ID      string // the public one
	Name    string
	Address string
}

// Vehicle is what the registry says of a vehicle. Its customer may be told later; until then it is not listed.
type Vehicle struct {
	Number             event.VehicleID
	VIN                string // at most 255 bytes, without NUL
	RegistrationNumber string // at most 255 bytes, without NUL
	Customer           event.CustomerID
	Tags               []string // in any order; none empty or with NUL
}

// Update is a change of the directory: everything new, changed or gone up to a revision. Of what it names twice, the
// last holds; what it names and removes is removed.
type Update struct {
	Revision         int64 // of the registry; 0 leaves it as it is
	Customers        []Customer
	Vehicles         []Vehicle
	RemovedVehicles  []event.VehicleID
	RemovedCustomers []event.CustomerID
}

// Update takes in a change of the directory. The next reader brings the orders and indexes up to date: a few milliseconds
// after a small change to a million vehicles, half a second after a tenth of them changed. An update that cannot be is
// refused as a whole with ErrInvalidUpdate.
func (v *View) Update(u Update) error {
	if err := u.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidUpdate, err)
	}
	v.dirMu.Lock()
	defer v.dirMu.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.dir.makeRoom(&u); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidUpdate, err)
	}
	v.grow(len(v.dir.owner))
	v.byCustomer = grown(v.byCustomer, len(v.dir.customers))
	v.updateCustomers(&u)
	v.updateVehicles(&u)
	v.matches.clear()
	if u.Revision != 0 {
		v.dir.revision = u.Revision
	}
	return nil
}

func (u *Update) check() error {
	for i := range u.Customers {
		if n := u.Customers[i].Number; n == 0 || n > MaxCustomer {
			return fmt.Errorf("customer number %d", n)
		}
	}
	for i := range u.Vehicles {
		if err := u.Vehicles[i].check(); err != nil {
			return fmt.Errorf("vehicle %d: %w", u.Vehicles[i].Number, err)
		}
	}
	return nil
}

func (v *Vehicle) check() error {
	switch {
	case v.Number == 0 || v.Number > presence.MaxVehicle:
		return fmt.Errorf("number is not from 1 to %d", presence.MaxVehicle)
	case v.Customer == 0 || v.Customer > MaxCustomer:
		return fmt.Errorf("customer number %d", v.Customer)
	case v.VIN == "" || !fits([]byte(v.VIN)) || !fits([]byte(v.RegistrationNumber)):
		return fmt.Errorf("VIN of %d and registration number of %d bytes", len(v.VIN), len(v.RegistrationNumber))
	}
	return checkTags(v.Tags)
}

// fits says whether a text can stand in the columns.
func fits(text []byte) bool {
	return len(text) <= maxText && bytes.IndexByte(text, 0) < 0 && utf8.Valid(text)
}

func checkTags(tags []string) error {
	if slices.ContainsFunc(tags, func(tag string) bool { return tag == "" || strings.Contains(tag, "\x00") }) {
		return fmt.Errorf("tags %q", tags)
	}
	return nil
}

// makeRoom makes room in the columns for what the update names.
func (d *directory) makeRoom(u *Update) error {
	vehicles, customers, room := event.VehicleID(0), event.CustomerID(0), 0
	for i := range u.Customers {
		customers = max(customers, u.Customers[i].Number)
	}
	for i := range u.Vehicles {
		vehicles = max(vehicles, u.Vehicles[i].Number)
		customers = max(customers, u.Vehicles[i].Customer)
		room += len(u.Vehicles[i].VIN) + len(u.Vehicles[i].RegistrationNumber)
	}
	if len(d.arena)+room > math.MaxUint32 {
		return fmt.Errorf("%d bytes of VINs and registration numbers are too many", len(d.arena)+room)
	}
	d.growVehicles(int(vehicles) + 1)
	d.growCustomers(int(customers) + 1)
	d.arena = slices.Grow(d.arena, room)
	return nil
}

// updateCustomers takes in what the update says of customers. Who is removed goes first: the public id may be another's
// now.
func (v *View) updateCustomers(u *Update) {
	if len(u.Customers)+len(u.RemovedCustomers) == 0 {
		return
	}
	d := &v.dir
	turned := make(map[event.CustomerID]bool) // who became known or is known no more
	gone := make(map[event.CustomerID]bool)
	for _, c := range u.RemovedCustomers {
		gone[c] = true
		if d.named.Has(uint32(c)) {
			turned[c] = true
			d.unname(c)
		}
	}
	for _, c := range u.Customers {
		if gone[c.Number] {
			continue
		}
		if d.named.Has(uint32(c.Number)) {
			d.freeID(c.Number)
		} else {
			turned[c.Number] = true
		}
		d.name(c)
	}
	v.layout++
	v.placeAll(turned)
}

// name takes in what is said of a customer.
func (d *directory) name(c Customer) {
	d.named.Add(uint32(c.Number))
	d.numbers[c.ID] = c.Number
	told := &d.customers[c.Number]
	told.Customer, told.folded, told.address = c, text.Fold(c.Name), text.Fold(c.Address)
	d.namesDirty = true
}

// unname forgets what is said of a customer.
func (d *directory) unname(c event.CustomerID) {
	d.named.Remove(uint32(c))
	d.freeID(c)
	d.customers[c] = customer{vehicles: d.customers[c].vehicles}
	d.namesDirty = true
}

// freeID makes the public id of a customer free for another.
func (d *directory) freeID(c event.CustomerID) {
	if id := d.customers[c].ID; d.numbers[id] == c {
		delete(d.numbers, id)
	}
}

// placeAll places the vehicles of some customers. Their lists may not be settled, so it looks at every vehicle.
func (v *View) placeAll(customers map[event.CustomerID]bool) {
	if len(customers) == 0 {
		return
	}
	marked := bitset.New(len(v.dir.customers))
	for c := range customers {
		marked.Add(uint32(c))
	}
	for id, c := range v.dir.owner {
		if marked.Has(uint32(c)) {
			v.place(event.VehicleID(id))
		}
	}
}

// updateVehicles takes in what the update says of vehicles, the last first: of what is named twice, only that counts.
func (v *View) updateVehicles(u *Update) {
	d := &v.dir
	done := bitset.New(len(d.owner))
	for _, id := range u.RemovedVehicles {
		if int(id) < len(d.owner) {
			done.Add(uint32(id))
		}
		if d.has(id) {
			d.soil(id)
			v.unlist(id)
			d.drop(id)
			d.owner[id] = 0
			v.layout++
		}
	}
	for i := range slices.Backward(u.Vehicles) {
		vehicle := &u.Vehicles[i]
		if id := uint32(vehicle.Number); !done.Has(id) {
			done.Add(id)
			v.updateVehicle(vehicle)
		}
	}
}

func (v *View) updateVehicle(vehicle *Vehicle) {
	d, id, tags := &v.dir, vehicle.Number, canonicalTags(vehicle.Tags)
	if d.owner[id] == vehicle.Customer && string(d.vin(id)) == vehicle.VIN && string(d.plate(id)) == vehicle.RegistrationNumber {
		d.retag(id, tags)
		return
	}
	d.soil(id)
	v.unlist(id)
	d.owner[id] = vehicle.Customer
	d.set(vehicle, tags)
	v.place(id)
	v.layout++
}
