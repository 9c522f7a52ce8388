package fleet

import (
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Directory is everything that the view was told by Update, as one Update: what another view needs besides the log to
// become the same.
func (v *View) Directory() Update {
	defer v.readDirectory()()
	d := &v.dir
	u := Update{Revision: d.revision}
	for c := range d.named.All {
		u.Customers = append(u.Customers, d.customers[c].Customer)
	}
	for id := range event.VehicleID(len(d.owner)) {
		if d.has(id) {
			u.Vehicles = append(u.Vehicles, Vehicle{
				Number:             id,
				VIN:                string(d.vin(id)),
				RegistrationNumber: string(d.plate(id)),
				Customer:           d.owner[id],
				Tags:               slices.Clone(d.tags.of(d.tagSet[id])),
			})
		}
	}
	return u
}

// VIN is that of a vehicle by its number, and "" for one that the directory does not know.
func (v *View) VIN(id event.VehicleID) string {
	defer v.readDirectory()()
	if !v.dir.has(id) {
		return ""
	}
	return string(v.dir.vin(id))
}
