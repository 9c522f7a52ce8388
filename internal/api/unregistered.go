package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
)

type unregisteredQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Vehicles on the page"`
	Cursor string `query:"cursor" maxLength:"20" doc:"next_cursor of the page before"`
}

func (s *server) describeUnregistered() {
	typed(s, huma.Operation{
		OperationID: "list-unregistered", Method: http.MethodGet, Path: "/v1/unregistered", Tags: []string{"vehicles"},
		Summary:     "Vehicles that were heard and are not registered, newest first",
		Description: "Kept in memory only, as many as fit.",
	}, s.listUnregistered)
}

func (s *server) listUnregistered(_ context.Context, q *unregisteredQuery) (*body[client.UnregisteredPage], error) {
	var cursor uint64
	if q.Cursor != "" {
		var err error
		if cursor, err = strconv.ParseUint(q.Cursor, 10, 64); err != nil || cursor == 0 {
			return nil, refuse(http.StatusUnprocessableEntity, "query.cursor", "is not one that a page gave", q.Cursor)
		}
	}
	seen, next := s.cfg.Unregistered.Page(cursor, q.Limit)
	page := client.UnregisteredPage{Items: make([]client.Unregistered, 0, len(seen)), Total: s.cfg.Unregistered.Len()}
	for _, v := range seen {
		if _, registered := s.cfg.View.Vehicle(v.ID); registered { // since it was heard
			s.cfg.Unregistered.Forget(v.ID)
			page.Total--
			continue
		}
		page.Items = append(page.Items, client.Unregistered{
			VIN: v.ID, FirstSeenAt: timeOf(v.First), LastSeenAt: timeOf(v.Last), Count: v.Count,
		})
	}
	if next != 0 {
		page.NextCursor = cursorOf(strconv.FormatUint(next, 10))
	}
	return &body[client.UnregisteredPage]{page}, nil
}
