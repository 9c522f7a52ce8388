package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
)

func (s *server) describePolicy() {
	typed(s, huma.Operation{
		OperationID: "get-policy", Method: http.MethodGet, Path: "/v1/policy", Tags: []string{"fleet"},
		Summary: "The default policy", Description: "It holds for all vehicles that have none of their own or of their customer's.",
	}, func(ctx context.Context, _ *struct{}) (*body[client.Policy], error) {
		policy, err := s.cfg.Registry.DefaultPolicy(ctx)
		if err != nil {
			return nil, err
		}
		return &body[client.Policy]{policyOf(policy)}, nil
	})
	typed(s, huma.Operation{
		OperationID: "set-policy", Method: http.MethodPut, Path: "/v1/policy", Tags: []string{"fleet"},
		Summary: "Set the default policy", Errors: writeErrors(),
	}, s.setPolicy)
}

type policyAnswer struct {
	Position uint64 `header:"Fleetbeat-Position" doc:"The log position from which the policy holds"`
	Body     client.Policy
}

func (s *server) setPolicy(ctx context.Context, in *struct{ Body client.Policy }) (*policyAnswer, error) {
	revision, err := s.cfg.Registry.SetDefaultPolicy(ctx, eventPolicy(in.Body))
	if err != nil {
		return nil, err
	}
	position, err := s.shown(ctx, revision, waitTimeout)
	if err != nil {
		return nil, err
	}
	return &policyAnswer{Position: uint64(position), Body: in.Body}, nil
}
