package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// eraseTimeout bounds how long an erasure may take: it writes all snapshots anew.
const eraseTimeout = time.Minute

// VehiclePath is part of the calls that concern one vehicle. It is exported because huma passes over what is not.
type VehiclePath struct {
	VIN string `path:"vin" doc:"The VIN"`
}

// vehicleAnswer answers a write: reads on this server show it.
type vehicleAnswer struct {
	Position uint64 `header:"Fleetbeat-Position" doc:"The log position at which the write is effective"`
	Body     client.Vehicle
}

func (s *server) describeVehicles() {
	tags := []string{"vehicles"}
	typed(s, huma.Operation{
		OperationID: "list-vehicles", Method: http.MethodGet, Path: "/v1/vehicles", Tags: tags,
		Summary:    "A page of vehicles, with total and facets",
		Parameters: []*huma.Param{presences("presence", "Any of these presences: repeat it, or separate by commas")},
		Errors:     []int{http.StatusBadRequest},
	}, s.listVehicles)
	typed(s, huma.Operation{
		OperationID: "get-vehicle", Method: http.MethodGet, Path: "/v1/vehicles/{vin}", Tags: tags,
		Summary: "One vehicle", Errors: []int{http.StatusNotFound},
	}, s.getVehicle)
	typed(s, huma.Operation{
		OperationID: "create-vehicle", Method: http.MethodPost, Path: "/v1/vehicles", Tags: tags,
		Summary: "Add a vehicle", Description: "Its heartbeats are accepted from the moment of the answer.",
		DefaultStatus: http.StatusCreated, Errors: writeErrors(http.StatusConflict),
	}, s.createVehicle)
	typed(s, huma.Operation{
		OperationID: "update-vehicle", Method: http.MethodPatch, Path: "/v1/vehicles/{vin}", Tags: tags,
		Summary: "Change a vehicle", Description: "What the body does not name stays.", Errors: writeErrors(http.StatusNotFound),
	}, s.updateVehicle)
	typed(s, huma.Operation{
		OperationID: "delete-vehicle", Method: http.MethodDelete, Path: "/v1/vehicles/{vin}", Tags: tags,
		Summary: "Remove a vehicle", Description: "Its heartbeats are refused from then on, and only the past shows it. With erase, the past does not either, and the answer comes only when no file of the " +
			"server holds its VIN and registration numbers; this may be asked of a vehicle that was removed before, and again when it failed.",
		Errors: []int{http.StatusNotFound},
	}, s.deleteVehicle)
	for _, act := range []struct {
		name, summary string
		paused        bool
	}{
		{"pause", "Stop watching a vehicle for a while", true},
		{"resume", "Watch a paused vehicle again", false},
	} {
		typed(s, huma.Operation{
			OperationID: act.name + "-vehicle", Method: http.MethodPost, Path: "/v1/vehicles/{vin}/" + act.name, Tags: tags,
			Summary: act.summary, Errors: []int{http.StatusNotFound},
		}, func(ctx context.Context, in *VehiclePath) (*vehicleAnswer, error) {
			return s.changeVehicle(ctx, in.VIN, registry.VehiclePatch{Paused: &act.paused})
		})
	}
}

func (s *server) createVehicle(ctx context.Context, in *struct{ Body client.NewVehicle }) (*vehicleAnswer, error) {
	v, revision, err := s.cfg.Registry.CreateVehicle(ctx, registry.NewVehicle{
		VIN: in.Body.VIN, RegistrationNumber: in.Body.RegistrationNumber, CustomerID: in.Body.CustomerID,
		Tags: in.Body.Tags, Policy: ownPolicy(in.Body.OwnPolicy), Paused: in.Body.Paused,
	})
	if err != nil {
		return nil, err
	}
	return s.vehicleWritten(ctx, v.VIN, revision)
}

type vehicleChange struct {
	VehiclePath
	Body client.VehiclePatch
}

func (s *server) updateVehicle(ctx context.Context, in *vehicleChange) (*vehicleAnswer, error) {
	return s.changeVehicle(ctx, in.VIN, registry.VehiclePatch{
		RegistrationNumber: in.Body.RegistrationNumber, CustomerID: in.Body.CustomerID, Tags: in.Body.Tags,
		Policy: policyPatch(in.Body.OwnPolicy), Paused: in.Body.Paused,
	})
}

func (s *server) changeVehicle(ctx context.Context, vin string, patch registry.VehiclePatch) (*vehicleAnswer, error) {
	v, revision, err := s.cfg.Registry.UpdateVehicle(ctx, vin, patch)
	if err != nil {
		return nil, err
	}
	return s.vehicleWritten(ctx, v.VIN, revision)
}

type vehicleRemoval struct {
	VehiclePath
	Erase bool `query:"erase" doc:"Take its VIN and registration numbers out of all files of the server too"`
}

func (s *server) deleteVehicle(ctx context.Context, in *vehicleRemoval) (*gone, error) {
	revision, err := s.cfg.Registry.DeleteVehicle(ctx, in.VIN)
	if in.Erase && errors.Is(err, registry.ErrNotFound) {
		revision, err = s.cfg.Registry.Revision(), nil
	}
	if err != nil {
		return nil, err
	}
	gone, err := s.goneAt(ctx, revision)
	if err != nil || !in.Erase {
		return gone, err
	}
	ctx, cancel := context.WithTimeout(ctx, eraseTimeout)
	defer cancel()
	return gone, s.cfg.Erase(ctx, in.VIN)
}

func ownPolicy(p *client.OwnPolicy) event.Policy {
	if p == nil {
		return event.Policy{}
	}
	return eventPolicy(p.Policy)
}

func policyPatch(p client.PolicyPatch) *event.Policy {
	if !p.Given {
		return nil
	}
	policy := eventPolicy(p.Policy)
	return &policy
}

func eventPolicy(p client.Policy) event.Policy {
	return event.Policy{LateAfter: p.LateAfter.Duration(), OfflineAfter: p.OfflineAfter.Duration()}
}

func policyOf(p event.Policy) client.Policy {
	return client.Policy{LateAfter: client.SecondsOf(p.LateAfter), OfflineAfter: client.SecondsOf(p.OfflineAfter)}
}

// ownPolicyOf is nil for the zero policy, which stands for none.
func ownPolicyOf(p event.Policy) *client.OwnPolicy {
	if p == (event.Policy{}) {
		return nil
	}
	return &client.OwnPolicy{Policy: policyOf(p)}
}
