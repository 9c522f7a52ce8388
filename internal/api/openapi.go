package api

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
)

const schemaPrefix = "#/components/schemas/"

// openAPI is the document before anything is registered.
func openAPI(version string) *huma.OpenAPI {
	shapes := huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)
	shapes.RegisterTypeAlias(reflect.TypeFor[client.Time](), reflect.TypeFor[*time.Time]())
	shapes.RegisterTypeAlias(reflect.TypeFor[client.PolicyPatch](), reflect.TypeFor[*client.OwnPolicy]())
	shapes.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[client.Problem]())
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Fleetbeat", Version: version,
			Description: "Which vehicles are connected, now. Times are RFC 3339 UTC with milliseconds; errors are problem details (RFC 9457).",
			License:     &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Components: &huma.Components{Schemas: shapes},
		Tags: []*huma.Tag{
			{Name: "heartbeats", Description: "How vehicles say that they are connected. An answer of success means: on disk."},
			{Name: "vehicles", Description: "The vehicles, and whether they are connected. A write is answered when reads on this server show it."},
			{Name: "customers", Description: "The owners of vehicles."},
			{Name: "fleet", Description: "The fleet as a whole, and what changes in it."},
			{Name: "proof", Description: "What lets others check the record: keys, checkpoints, proofs."},
			{Name: "original", Description: "The original contract. Here a vehicle is online when its last heartbeat is less than 60 seconds old."},
			{Name: "machines", Description: "Health, figures and documents."},
		},
	}
}

// stream registers a raw handler that answers from the fleet or the registry: not before the server is ready, and not to
// a query that it does not know. An import with dryrun for dry_run must not be one.
func (s *server) stream(op huma.Operation, h http.HandlerFunc) {
	op.Errors = append(op.Errors, http.StatusServiceUnavailable)
	s.raw(op, func(w http.ResponseWriter, r *http.Request) {
		err := s.ready()
		if err == nil && op.Path != "/search" { // the original contract passes over what it does not know
			err = checkQuery(&op, r)
		}
		if err != nil {
			writeModel(w, problemOf(err, "query", s.logger))
			return
		}
		h(w, r)
	})
}

func checkQuery(op *huma.Operation, r *http.Request) error {
	for name := range r.URL.Query() {
		if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name }) {
			return refuse(http.StatusUnprocessableEntity, "query."+name, "unknown query parameter", nil)
		}
	}
	return nil
}

// raw registers a handler that reads its request and writes its answer itself, and describes it.
func (s *server) raw(op huma.Operation, h http.HandlerFunc) {
	pattern := op.Path
	if pattern == "/" {
		pattern = "/{$}" // this path alone
	}
	s.router.HandleFunc(op.Method+" "+pattern, h)
	s.describe(op)
}

// describe puts an operation into the document that is registered elsewhere.
func (s *server) describe(op huma.Operation) {
	problem := s.shape(reflect.TypeFor[huma.ErrorModel]())
	for _, status := range op.Errors {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}
	}
	s.huma.OpenAPI().AddOperation(&op)
}

// shape is a reference to a type's schema, which it adds to the document.
func (s *server) shape(t reflect.Type) *huma.Schema {
	return s.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// answers describes the one good answer of an operation; a nil schema stands for text.
func answers(description, contentType string, schema *huma.Schema) map[string]*huma.Response {
	if schema == nil {
		schema = &huma.Schema{Type: huma.TypeString}
	}
	return map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{contentType: {Schema: schema}},
	}}
}

// parameter describes a parameter that a raw handler reads.
func parameter(in, name, description string, schema *huma.Schema) *huma.Param {
	return &huma.Param{In: in, Name: name, Description: description, Schema: schema, Required: in == "path"}
}

// presences is the schema of a filter by presence, for a parameter that may be repeated or a list with commas.
func presences(name, description string) *huma.Param {
	all := []any{"unknown", "online", "late", "offline", "paused"}
	explode := true
	return &huma.Param{
		In: "query", Name: name, Description: description, Explode: &explode,
		Schema: &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString, Enum: all}},
	}
}
