package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history"
)

func (s *server) describeFleet() {
	tags := []string{"fleet"}
	typed(s, huma.Operation{
		OperationID: "summary", Method: http.MethodGet, Path: "/v1/summary", Tags: tags,
		Summary: "The fleet in one glance",
	}, s.getSummary)
	typed(s, huma.Operation{
		OperationID: "list-transitions", Method: http.MethodGet, Path: "/v1/transitions", Tags: tags,
		Summary: "Changes of presence, newest first",
		Description: "As far back as the history reaches, of the vehicles that are listed now, with the customers that they had at that time. With since, and while the history " +
			"is being made anew, recent ones, as many as are held in memory, with the customers of now.",
		Parameters: []*huma.Param{presences("to", "Changes to any of these presences: repeat it, or separate by commas")},
	}, s.listTransitions)
	s.stream(huma.Operation{
		OperationID: "export-transitions", Method: http.MethodGet, Path: "/v1/transitions.csv", Tags: tags,
		Summary: "Changes of presence of any time as a CSV file, newest first",
		Parameters: append([]*huma.Param{
			parameter("query", "vehicle", "As in the list", &huma.Schema{Type: huma.TypeString}),
			parameter("query", "customer", "As in the list", listOfTexts()),
			presences("to", "As in the list"),
		}, periodParameters("until")...),
		Responses: answers("The file", "text/csv", nil), Errors: []int{http.StatusUnprocessableEntity},
	}, s.exportTransitions)
	typed(s, huma.Operation{
		OperationID: "list-gaps", Method: http.MethodGet, Path: "/v1/gaps", Tags: tags,
		Summary:     "Recent times that were not observed, newest first",
		Description: "In them the server cannot prove that it was listening, and calls no vehicle late or offline. As many as are held in memory.",
	}, func(context.Context, *struct{}) (*body[client.GapList], error) {
		gaps := s.cfg.View.Gaps()
		list := client.GapList{Items: make([]client.Gap, len(gaps))}
		for i, g := range gaps {
			list.Items[i] = gapOf(g)
		}
		return &body[client.GapList]{list}, nil
	})
}

// isRecent says whether a cursor is of the transitions in memory: those of the history have dots.
func isRecent(cursor string) bool { return cursor != "" && !strings.Contains(cursor, ".") }

type summaryQuery struct {
	MinPosition
	Moment
}

func (s *server) getSummary(ctx context.Context, in *summaryQuery) (*body[client.Summary], error) {
	if err := s.reached(ctx, event.Position(in.Least)); err != nil {
		return nil, err
	}
	view, err := s.view(ctx, in.Moment)
	if err != nil {
		return nil, err
	}
	summary := summaryOf(view.Summary())
	summary.Observer.Doors = doorsOf(view.Doors())
	return &body[client.Summary]{summary}, nil
}

type transitionQuery struct {
	MinPosition
	Vehicle  string    `query:"vehicle" maxLength:"64" doc:"Of this vehicle, by VIN"`
	Customer []string  `query:"customer,explode" maxItems:"1000" nullable:"false" doc:"Of the vehicles of any of these customers, by id; repeat it"`
	To       []string  `query:"to,explode" nullable:"false"`
	Since    uint64    `query:"since" doc:"Only those that came after this log position, of recent ones"`
	Limit    int       `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Transitions on the page"`
	From     time.Time `query:"from" doc:"From this moment on, in RFC 3339"`
	Until    time.Time `query:"until" doc:"Before this moment, in RFC 3339"`
	Cursor   string    `query:"cursor" maxLength:"100" doc:"next_cursor of the page before, for older ones"`
}

func (s *server) listTransitions(ctx context.Context, q *transitionQuery) (*body[client.TransitionPage], error) {
	to, err := presencesOf("to", q.To)
	if err != nil {
		return nil, err
	}
	if err := s.reached(ctx, event.Position(q.Least)); err != nil {
		return nil, err
	}
	if q.Since == 0 && !isRecent(q.Cursor) || !q.From.IsZero() || !q.Until.IsZero() {
		page, err := s.pastTransitions(ctx, q, to)
		if !errors.Is(err, history.ErrBehind) || q.Cursor != "" || !q.From.IsZero() || !q.Until.IsZero() {
			return page, err
		}
	}
	found, err := s.cfg.View.Transitions(fleet.TransitionQuery{
		VIN: q.Vehicle, Customers: q.Customer, To: to, Since: event.Position(q.Since), Limit: q.Limit, Cursor: q.Cursor,
	})
	if err != nil {
		return nil, err
	}
	return &body[client.TransitionPage]{client.TransitionPage{
		Items: transitionsOf(found.Items), NextCursor: cursorOf(found.NextCursor), Position: uint64(found.Position),
	}}, nil
}
