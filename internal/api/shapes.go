package api

import (
	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/presence"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// timeOf is t on the wire, where none is null.
func timeOf(t event.Time) client.Time {
	if t == 0 {
		return client.Time{}
	}
	return client.Time{Time: t.Std()}
}

func vehicleOf(row fleet.Row) client.Vehicle {
	v := client.Vehicle{
		VIN:                row.VIN,
		RegistrationNumber: row.RegistrationNumber,
		CustomerID:         row.Customer.ID,
		CustomerName:       row.Customer.Name,
		Tags:               row.Tags,
		Presence:           client.Presence(row.Presence.String()),
		Since:              timeOf(row.Since),
		LastHeartbeatAt:    timeOf(row.LastHeartbeat),
		LastSentAt:         timeOf(row.LastSentAt),
		Heartbeats:         row.Heartbeats,
		Policy:             policyOf(row.Policy),
		Paused:             row.Presence == event.Paused,
	}
	if v.Tags == nil {
		v.Tags = []string{}
	}
	if row.LastSequence != event.NoSequence {
		v.LastSequence = &row.LastSequence
	}
	if row.PolicyScope == presence.OfVehicle {
		v.OwnPolicy = ownPolicyOf(row.Policy)
	}
	if warning := registry.VINWarning(row.VIN); warning != "" {
		v.Warnings = []string{warning}
	}
	return v
}

func vehiclesOf(rows []fleet.Row) []client.Vehicle {
	out := make([]client.Vehicle, len(rows))
	for i, row := range rows {
		out[i] = vehicleOf(row)
	}
	return out
}

func pageOf(p fleet.Page) client.VehiclePage {
	page := client.VehiclePage{
		Items:      vehiclesOf(p.Rows),
		Total:      p.Total,
		NextCursor: cursorOf(p.NextCursor),
		Position:   uint64(p.Position),
		Facets: client.Facets{
			Presence:  countsOf(p.Presences),
			Customers: make([]client.CustomerFacet, len(p.Customers)),
			Tags:      make([]client.TagFacet, len(p.Tags)),
		},
	}
	for i, c := range p.Customers {
		page.Facets.Customers[i] = client.CustomerFacet{ID: c.Customer.ID, Name: c.Customer.Name, Count: c.Vehicles}
	}
	for i, t := range p.Tags {
		page.Facets.Tags[i] = client.TagFacet{Tag: t.Tag, Count: t.Vehicles}
	}
	return page
}

func countsOf(n [event.Presences]int) client.Counts {
	return client.Counts{
		Unknown: n[event.Unknown], Online: n[event.Online], Late: n[event.Late], Offline: n[event.Offline], Paused: n[event.Paused],
	}
}

func gapOf(g event.Gap) client.Gap {
	return client.Gap{From: timeOf(g.From), To: timeOf(g.To), Reason: g.Reason.String(), Position: uint64(g.Position)}
}

func transitionsOf(items []fleet.Transition) []client.Transition {
	out := make([]client.Transition, len(items))
	for i, t := range items {
		out[i] = client.Transition{
			VIN: t.VIN, From: client.Presence(t.From.String()), To: client.Presence(t.To.String()),
			At: timeOf(t.At), Position: uint64(t.Position),
		}
	}
	return out
}

func summaryOf(s fleet.Summary) client.Summary {
	return client.Summary{
		Vehicles: s.Vehicles, Customers: s.Customers, Presence: countsOf(s.Presences),
		Observer: observerOf(s), Revision: s.Revision, Position: uint64(s.Position),
	}
}

func observerOf(s fleet.Summary) client.Observer {
	o := client.Observer{
		ListeningSince: timeOf(s.Listening.Since), ProvenUntil: timeOf(s.Listening.Proof),
		Listening: s.Listening.Proof != 0 && !s.Listening.Broken,
	}
	if s.LastGap != (event.Gap{}) {
		gap := gapOf(s.LastGap)
		o.LastGap = &gap
	}
	return o
}

func doorsOf(doors []presence.Door) []client.Door {
	of := make([]client.Door, len(doors))
	for i, d := range doors {
		of[i] = client.Door{Name: d.Name, ProvenUntil: timeOf(d.Proof)}
	}
	return of
}

// customerOf adds to what is registered of a customer what its vehicles are now.
func (s *server) customerOf(c registry.CountedCustomer) client.Customer {
	counts, _ := s.cfg.View.CustomerCounts(c.ID) // one that the view does not know yet has no vehicles there either
	return client.Customer{
		ID: c.ID, Name: c.Name, Address: c.Address, OwnPolicy: ownPolicyOf(c.Policy),
		Vehicles: c.Vehicles, Presence: countsOf(counts),
	}
}
