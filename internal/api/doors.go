package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
)

// describeDoors describes the doors of heartbeats. Package ingest answers them, without huma: they are the hot ones.
func (s *server) describeDoors() {
	text := &huma.Schema{Type: huma.TypeString}
	refused := []int{
		http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable,
	}
	s.describe(huma.Operation{
		OperationID: "heartbeat", Method: http.MethodPost, Path: "/heartbeat/{vehicle_id}", Tags: []string{"original"},
		Summary:     "Accept a heartbeat",
		Description: "Any body is ignored. A vehicle that is not registered gets 404, and nothing is stored.",
		Parameters:  []*huma.Param{parameter("path", "vehicle_id", "The VIN", text)},
		Responses:   answers("The heartbeat is durable", "application/json", s.shape(reflect.TypeFor[client.Entity]())),
		Errors:      []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable},
	})
	s.describe(huma.Operation{
		OperationID: "heartbeat-ping", Method: http.MethodGet, Path: "/heartbeat/ping", Tags: []string{"original"},
		Summary:   "Say pong",
		Responses: answers("pong", "application/json", s.shape(reflect.TypeFor[client.Message]())),
	})
	s.describe(huma.Operation{
		OperationID: "add-heartbeat", Method: http.MethodPost, Path: "/v1/vehicles/{vin}/heartbeats", Tags: []string{"heartbeats"},
		Summary:     "Accept a heartbeat",
		Description: "The body is optional. A sequence number that the vehicle sent before is accepted and stored once, within its last 64.",
		Parameters:  []*huma.Param{parameter("path", "vin", "The VIN", text)},
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{
			"application/json": {Schema: s.shape(reflect.TypeFor[client.NewHeartbeat]())},
		}},
		Responses: answers("The heartbeat is durable", "application/json", s.shape(reflect.TypeFor[client.Accepted]())),
		Errors:    append([]int{http.StatusNotFound}, refused...),
	})
	s.describe(huma.Operation{
		OperationID: "add-heartbeats", Method: http.MethodPost, Path: "/v1/heartbeats", Tags: []string{"heartbeats"},
		Summary:     "Accept many heartbeats",
		Description: "At most 10,000 heartbeats and 4 MiB, which may be compressed by gzip or zstd. Items are judged one by one: the answer lists those that were not accepted.",
		RequestBody: s.batchBody(),
		Responses:   answers("All that are not rejected are durable", "application/json", s.shape(reflect.TypeFor[client.BatchAccepted]())),
		Errors:      refused,
	})
}

func (s *server) batchBody() *huma.RequestBody {
	item := s.shape(reflect.TypeFor[client.NewHeartbeat]())
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json":       {Schema: &huma.Schema{Type: huma.TypeArray, Items: item}},
		"application/x-ndjson":   {Schema: &huma.Schema{Type: huma.TypeString, Description: "One heartbeat a line, each as JSON"}},
		"application/x-protobuf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "As heartbeats.proto says"}},
	}}
}
