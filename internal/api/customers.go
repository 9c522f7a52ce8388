package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// CustomerPath is part of the calls that concern one customer. It is exported because huma passes over what is not.
type CustomerPath struct {
	ID string `path:"id" doc:"The customer's id"`
}

// customerAnswer answers a write: reads on this server show it.
type customerAnswer struct {
	Position uint64 `header:"Fleetbeat-Position" doc:"The log position at which the write is effective"`
	Body     client.Customer
}

// gone answers a removal.
type gone struct {
	Position uint64 `header:"Fleetbeat-Position" doc:"The log position at which the removal is effective"`
}

func (s *server) describeCustomers() {
	tags := []string{"customers"}
	typed(s, huma.Operation{
		OperationID: "list-customers", Method: http.MethodGet, Path: "/v1/customers", Tags: tags,
		Summary: "A page of customers, by name",
	}, s.listCustomers)
	typed(s, huma.Operation{
		OperationID: "get-customer", Method: http.MethodGet, Path: "/v1/customers/{id}", Tags: tags,
		Summary: "One customer", Errors: []int{http.StatusNotFound},
	}, s.getCustomer)
	typed(s, huma.Operation{
		OperationID: "create-customer", Method: http.MethodPost, Path: "/v1/customers", Tags: tags,
		Summary: "Add a customer", DefaultStatus: http.StatusCreated, Errors: writeErrors(http.StatusConflict),
	}, s.createCustomer)
	typed(s, huma.Operation{
		OperationID: "update-customer", Method: http.MethodPatch, Path: "/v1/customers/{id}", Tags: tags,
		Summary: "Change a customer", Description: "What the body does not name stays.", Errors: writeErrors(http.StatusNotFound),
	}, s.updateCustomer)
	typed(s, huma.Operation{
		OperationID: "delete-customer", Method: http.MethodDelete, Path: "/v1/customers/{id}", Tags: tags,
		Summary: "Remove a customer", Description: "A customer that has vehicles is removed only together with them, when asked to.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.deleteCustomer)
}

// writeErrors are the refusals that every write with a body knows, and some more.
func writeErrors(more ...int) []int {
	return append(more, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
}

type customerQuery struct {
	Text   string `query:"q" maxLength:"200" doc:"Part of name, address or id; case and diacritics do not matter"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Customers on the page"`
	Cursor string `query:"cursor" maxLength:"2000" doc:"next_cursor of the page before"`
}

func (s *server) listCustomers(ctx context.Context, q *customerQuery) (*body[client.CustomerPage], error) {
	page, err := s.cfg.Registry.Customers(ctx, registry.CustomerQuery{Search: q.Text, Limit: q.Limit, Cursor: q.Cursor})
	if err != nil {
		return nil, err
	}
	answer := client.CustomerPage{Items: make([]client.Customer, len(page.Items)), Total: page.Total, NextCursor: cursorOf(page.NextCursor)}
	for i, c := range page.Items {
		answer.Items[i] = s.customerOf(c)
	}
	return &body[client.CustomerPage]{answer}, nil
}

func (s *server) getCustomer(ctx context.Context, in *CustomerPath) (*body[client.Customer], error) {
	c, err := s.cfg.Registry.Customer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[client.Customer]{s.customerOf(c)}, nil
}

func (s *server) createCustomer(ctx context.Context, in *struct{ Body client.NewCustomer }) (*customerAnswer, error) {
	c, revision, err := s.cfg.Registry.CreateCustomer(ctx, registry.NewCustomer{
		ID: in.Body.ID, Name: in.Body.Name, Address: in.Body.Address, Policy: ownPolicy(in.Body.OwnPolicy),
	})
	if err != nil {
		return nil, err
	}
	return s.customerWritten(ctx, c.ID, revision)
}

type customerChange struct {
	CustomerPath
	Body client.CustomerPatch
}

func (s *server) updateCustomer(ctx context.Context, in *customerChange) (*customerAnswer, error) {
	c, revision, err := s.cfg.Registry.UpdateCustomer(ctx, in.ID, registry.CustomerPatch{
		Name: in.Body.Name, Address: in.Body.Address, Policy: policyPatch(in.Body.OwnPolicy),
	})
	if err != nil {
		return nil, err
	}
	return s.customerWritten(ctx, c.ID, revision)
}

// customerWritten answers a write when reads show it.
func (s *server) customerWritten(ctx context.Context, id string, revision int64) (*customerAnswer, error) {
	position, err := s.shown(ctx, revision, waitTimeout)
	if err != nil {
		return nil, err
	}
	c, err := s.cfg.Registry.Customer(ctx, id)
	if err != nil {
		return nil, err
	}
	return &customerAnswer{Position: uint64(position), Body: s.customerOf(c)}, nil
}

type customerRemoval struct {
	CustomerPath
	Vehicles bool `query:"vehicles" doc:"Remove the customer's vehicles too"`
}

func (s *server) deleteCustomer(ctx context.Context, in *customerRemoval) (*gone, error) {
	var revision int64
	var err error
	if in.Vehicles {
		_, revision, err = s.cfg.Registry.DeleteCustomerAndVehicles(ctx, in.ID)
	} else {
		revision, err = s.cfg.Registry.DeleteCustomer(ctx, in.ID)
	}
	if err != nil {
		return nil, err
	}
	return s.goneAt(ctx, revision)
}

func (s *server) goneAt(ctx context.Context, revision int64) (*gone, error) {
	position, err := s.shown(ctx, revision, waitTimeout)
	if err != nil {
		return nil, err
	}
	return &gone{Position: uint64(position)}, nil
}
