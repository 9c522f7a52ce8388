package api

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

func (s *server) describeGrid() {
	tags := []string{"fleet"}
	s.stream(huma.Operation{
		OperationID: "grid", Method: http.MethodGet, Path: "/v1/grid", Tags: tags,
		Summary: "The whole fleet in one byte per vehicle",
		Description: "Little-endian: epoch (8 bytes), position (8), count (4); then for each vehicle its presence, 0 to 4 in the order " +
			"unknown, online, late, offline, paused. Vehicles stand in the order of their customers' names, then of their VINs; within " +
			"an epoch the order stays.",
		Parameters: []*huma.Param{atParameter()},
		Responses:  answers("The grid", "application/octet-stream", &huma.Schema{Type: huma.TypeString, Format: "binary"}),
	}, s.grid)
	s.stream(huma.Operation{
		OperationID: "grid-matches", Method: http.MethodGet, Path: "/v1/grid/matches", Tags: tags,
		Summary: "Which cells of the grid a query finds, whatever their presence",
		Description: "The header of the grid; then, for the cells in their order, a bit each, from the lowest of a byte on: " +
			"1 when the vehicle matches.",
		Parameters: []*huma.Param{
			parameter("query", "q", "As in a page of vehicles", &huma.Schema{Type: huma.TypeString}),
			parameter("query", "customer", "As in a page of vehicles", listOfTexts()),
			parameter("query", "tag", "As in a page of vehicles", listOfTexts()),
			atParameter(),
		},
		Responses: answers("The matches", "application/octet-stream", &huma.Schema{Type: huma.TypeString, Format: "binary"}),
		Errors:    []int{http.StatusUnprocessableEntity},
	}, s.gridMatches)
	typed(s, huma.Operation{
		OperationID: "grid-groups", Method: http.MethodGet, Path: "/v1/grid/groups", Tags: tags,
		Summary: "Which part of the grid belongs to which customer",
	}, s.gridGroups)
	typed(s, huma.Operation{
		OperationID: "grid-vehicles", Method: http.MethodGet, Path: "/v1/grid/vehicles", Tags: tags,
		Summary: "The vehicles in some cells of the grid",
	}, s.gridVehicles)
}

func atParameter() *huma.Param {
	return parameter("query", "at", "As it was at this moment, in RFC 3339", &huma.Schema{Type: huma.TypeString, Format: "date-time"})
}

func listOfTexts() *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}
}

func (s *server) grid(w http.ResponseWriter, r *http.Request) {
	view, err := s.viewOf(r)
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	writeCells(w, r, view.Grid())
}

func (s *server) gridMatches(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	view, err := s.viewOf(r)
	var matches fleet.GridMatches
	if err == nil {
		matches, err = view.GridMatches(fleet.Query{Text: query.Get("q"), Customers: query["customer"], Tags: query["tag"]})
	}
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	writeCells(w, r, matches)
}

// writeCells writes what stands for the cells of the grid, packed when the caller takes that.
func writeCells(w http.ResponseWriter, r *http.Request, cells io.WriterTo) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Vary", "Accept-Encoding")
	if r.Method == http.MethodHead {
		return
	}
	out := io.Writer(newDownload(w))
	if acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		packed, err := gzip.NewWriterLevel(out, gzip.BestSpeed) // a million vehicles: 150 kB, where the best would be 100
		if err != nil {
			panic(err) // the level is one that there is
		}
		defer packed.Close() // an error here is the caller's connection
		out = packed
	}
	_, _ = cells.WriteTo(out) // likewise
}

// acceptsGzip reports whether the caller takes gzip: it names it, and not with the weight 0.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

func (s *server) gridGroups(ctx context.Context, in *struct{ Moment }) (*body[client.GridGroups], error) {
	view, err := s.view(ctx, in.Moment)
	if err != nil {
		return nil, err
	}
	epoch, groups := view.GridGroups()
	answer := client.GridGroups{Epoch: epoch, Items: make([]client.GridGroup, len(groups))}
	for i, g := range groups {
		answer.Items[i] = client.GridGroup{CustomerID: g.Customer.ID, CustomerName: g.Customer.Name, Start: g.Start, Vehicles: g.Vehicles}
	}
	return &body[client.GridGroups]{answer}, nil
}

type gridRange struct {
	Moment
	From  int `query:"from" minimum:"0" doc:"Index of the first cell"`
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"1" doc:"How many cells"`
}

func (s *server) gridVehicles(ctx context.Context, q *gridRange) (*body[client.GridVehicles], error) {
	view, err := s.view(ctx, q.Moment)
	if err != nil {
		return nil, err
	}
	epoch, rows, err := view.GridRows(q.From, min(q.Limit, fleet.MaxLimit))
	if err != nil {
		return nil, err
	}
	return &body[client.GridVehicles]{client.GridVehicles{Epoch: epoch, From: q.From, Items: vehiclesOf(rows)}}, nil
}
