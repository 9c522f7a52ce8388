package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

// MinPosition is part of the reads that can be told what they must show.
type MinPosition struct {
	Least uint64 `query:"min_position" doc:"Answer only with this log position or a later one; the server waits up to 5 seconds for it"`
}

type vehicleQuery struct {
	MinPosition
	Moment
	Text     string   `query:"q" maxLength:"200" doc:"Part of VIN, registration number, customer's name or address; case and diacritics do not matter"`
	Customer []string `query:"customer,explode" maxItems:"1000" nullable:"false" doc:"Any of these customers, by id; repeat it"`
	Presence []string `query:"presence,explode" nullable:"false"`
	Tag      []string `query:"tag,explode" maxItems:"100" nullable:"false" doc:"All of these tags; repeat it"`
	VIN      []string `query:"vin,explode" maxItems:"200" nullable:"false" doc:"Only these vehicles; repeat it"`
	Sort     string   `query:"sort" enum:"vin,-vin,registration_number,-registration_number,customer,-customer,last_heartbeat_at,-last_heartbeat_at,since,-since" default:"vin" doc:"A leading - turns the order round"`
	Limit    int      `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Vehicles on the page"`
	Cursor   string   `query:"cursor" maxLength:"2000" doc:"next_cursor of the page before, with the same query"`
	Offset   int      `query:"offset" minimum:"0" maximum:"1000000" doc:"Vehicles to leave out before the first, to jump anywhere; not with a cursor"`
	Facets   bool     `query:"facets" default:"true" doc:"With false, the facets by customer and tag are empty; they are the dearest part of a page"`
}

func (s *server) listVehicles(ctx context.Context, q *vehicleQuery) (*body[client.VehiclePage], error) {
	wanted, err := presencesOf("presence", q.Presence)
	if err != nil {
		return nil, err
	}
	if err := s.reached(ctx, event.Position(q.Least)); err != nil {
		return nil, err
	}
	query := fleet.Query{
		Text: q.Text, Customers: q.Customer, Presences: wanted, Tags: q.Tag, VINs: q.VIN,
		Sort: q.Sort, Limit: q.Limit, Cursor: q.Cursor, Offset: q.Offset,
	}
	if q.Facets {
		query.Facets = fleet.FacetCustomers | fleet.FacetTags
	}
	view, err := s.view(ctx, q.Moment)
	if err != nil {
		return nil, err
	}
	page, err := view.Query(query)
	if err != nil {
		return nil, err
	}
	return &body[client.VehiclePage]{pageOf(page)}, nil
}

// presencesOf reads presences that were given one by one, as lists with commas, or both.
func presencesOf(parameter string, values []string) (out []event.Presence, err error) {
	for _, list := range values {
		for name := range strings.SplitSeq(list, ",") {
			p, err := event.ParsePresence(name)
			if err != nil {
				return nil, refuse(http.StatusUnprocessableEntity, "query."+parameter, err.Error(), list)
			}
			out = append(out, p)
		}
	}
	return out, nil
}

type vehicleRead struct {
	VehiclePath
	MinPosition
}

func (s *server) getVehicle(ctx context.Context, in *vehicleRead) (*body[client.Vehicle], error) {
	if err := s.reached(ctx, event.Position(in.Least)); err != nil {
		return nil, err
	}
	v, err := s.vehicle(in.VIN)
	if err != nil {
		return nil, err
	}
	return &body[client.Vehicle]{v}, nil
}

// vehicle is a vehicle as the read side shows it.
func (s *server) vehicle(vin string) (client.Vehicle, error) {
	row, ok := s.cfg.View.Vehicle(vin)
	if !ok {
		return client.Vehicle{}, fmt.Errorf("vehicle %.64q: %w", vin, errNoVehicle)
	}
	return vehicleOf(row), nil
}

// vehicleWritten answers a write when reads show it.
func (s *server) vehicleWritten(ctx context.Context, vin string, revision int64) (*vehicleAnswer, error) {
	position, err := s.shown(ctx, revision, waitTimeout)
	if err != nil {
		return nil, err
	}
	v, err := s.vehicle(vin)
	if err != nil {
		return nil, err // another call removed it at once
	}
	return &vehicleAnswer{Position: uint64(position), Body: v}, nil
}
