package simulate

import (
	"fmt"
	"strings"
)

// vinLength is the length of a VIN by ISO 3779.
const vinLength = 17

// maxCustomers bounds the companies of a generated fleet; there are names for 12,000.
const maxCustomers = 10_000

// perCustomer is the mean number of vehicles of a company, until there are maxCustomers of them.
const perCustomer = 20

// Roster is who the simulated vehicles are: the same for the same seed and number. The original vehicles, when asked
// for, come first. It holds 17 bytes a vehicle; all else is computed when asked.
type Roster struct {
	seed      uint64
	originals []original
	generated int
	customers int    // generated ones
	vins      string // all VINs, one after the other
}

// Customer is a company as registered.
type Customer struct {
	ID, Name, Address string
}

// Vehicle is a vehicle as registered.
type Vehicle struct {
	VIN, RegistrationNumber string
	Customer                Customer
	Tags                    []string
}

// NewRoster generates a number of vehicles, and puts the original seven before them if withOriginals.
func NewRoster(seed uint64, generated int, withOriginals bool) *Roster {
	r := &Roster{seed: seed, generated: generated, customers: min((generated+perCustomer-1)/perCustomer, maxCustomers)}
	if withOriginals {
		r.originals = originals
	}
	var vins strings.Builder
	vins.Grow(r.Vehicles() * vinLength)
	for _, o := range r.originals {
		vins.WriteString(o.vin)
	}
	for i := range generated {
		vin := r.generateVIN(i)
		vins.Write(vin[:])
	}
	r.vins = vins.String()
	return r
}

// Vehicles is how many vehicles there are; their indexes are the numbers below it.
func (r *Roster) Vehicles() int { return len(r.originals) + r.generated }

// Customers is how many companies own them.
func (r *Roster) Customers() int {
	seen := make(map[string]bool)
	for _, o := range r.originals {
		seen[o.owner.ID] = true
	}
	return len(seen) + r.customers
}

// VIN is a vehicle's identity.
func (r *Roster) VIN(vehicle int) string { return r.vins[vehicle*vinLength:][:vinLength] }

// Vehicle is all that is registered about a vehicle.
func (r *Roster) Vehicle(vehicle int) Vehicle {
	v := Vehicle{VIN: r.VIN(vehicle), Tags: []string{cities[r.city(vehicle)].tag}}
	if vehicle < len(r.originals) {
		o := r.originals[vehicle]
		v.RegistrationNumber, v.Customer = o.plate, o.owner
		return v
	}
	n := vehicle - len(r.originals)
	v.RegistrationNumber, v.Customer = r.plate(n), r.customer(r.ownerOf(n))
	bits := r.traits(n)
	v.Tags = append(v.Tags, pick(kinds, bits))
	if fraction(mix(bits)) < 0.2 {
		v.Tags = append(v.Tags, "night-shift")
	}
	if fraction(mix(^bits)) < 0.05 {
		v.Tags = append(v.Tags, "adr")
	}
	return v
}

// city is the index of the city in which a vehicle drives: its owner's, for four in five.
func (r *Roster) city(vehicle int) int {
	if vehicle < len(r.originals) {
		return r.originals[vehicle].city
	}
	n := vehicle - len(r.originals)
	bits := draw(r.seed, cityDraw, uint64(n), 0)
	if fraction(bits) < 0.2 {
		return int(below(bits, int64(len(cities))))
	}
	return r.homeOf(r.ownerOf(n))
}

func (r *Roster) traits(n int) uint64 { return draw(r.seed, vehicleDraw, uint64(n), 0) }

// ownerOf is the company of generated vehicle n. Companies differ in size as they do: the larger its number, the
// smaller it is.
func (r *Roster) ownerOf(n int) int {
	f := fraction(draw(r.seed, ownerDraw, uint64(n), 0))
	return int(f * f * float64(r.customers))
}

func (r *Roster) homeOf(customer int) int {
	return int(below(draw(r.seed, customerDraw, uint64(customer), 0), int64(len(cities))))
}

// customer is generated company c.
func (r *Roster) customer(c int) Customer {
	place := pick(streets, draw(r.seed, customerDraw, uint64(c), 1))
	number := 1 + below(draw(r.seed, customerDraw, uint64(c), 2), 98)
	box := 10 + below(draw(r.seed, customerDraw, uint64(c), 3), 90)
	home := cities[r.homeOf(c)]
	return Customer{
		ID:      fmt.Sprintf("sim-%05d", c+1),
		Name:    r.companyName(c),
		Address: fmt.Sprintf("%s %d, %s %d %s", place, number, home.postal, box, home.name),
	}
}

// companyName is a name that no other company of the roster has.
func (r *Roster) companyName(c int) string {
	names := uint64(len(placeStarts) * len(placeEnds) * len(trades) * len(companyForms))
	n := shuffle(uint64(c), 7_919, draw(r.seed, customerDraw, 0, 4), names)
	take := func(words []string) string {
		word := words[n%uint64(len(words))]
		n /= uint64(len(words))
		return word
	}
	return take(placeStarts) + take(placeEnds) + "s " + take(trades) + " " + take(companyForms)
}

// shuffle is a permutation of the numbers below size, for a factor that shares no divisor with size: what it makes of
// different n differs, without a list of those given out.
func shuffle(n, factor, shift, size uint64) uint64 { return (n*factor + shift%size) % size }

func pick(words []string, bits uint64) string { return words[below(bits, int64(len(words)))] }
