package api

import (
	"context"
	"net/http"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history"
)

// pastTransitions answers from the history.
func (s *server) pastTransitions(ctx context.Context, q *transitionQuery, to []event.Presence) (*body[client.TransitionPage], error) {
	if q.Since != 0 {
		return nil, refuse(http.StatusUnprocessableEntity, "query.since", "does not go together with from and until", q.Since)
	}
	query := s.historyQuery(q.Vehicle, q.Customer, to)
	query.From, query.Until, query.Limit, query.Cursor = momentOf(q.From), momentOf(q.Until), q.Limit, q.Cursor
	found, vins, err := s.findTransitions(ctx, query)
	if err != nil {
		return nil, err
	}
	page := client.TransitionPage{
		Items: make([]client.Transition, len(found.Items)), NextCursor: cursorOf(found.NextCursor), CompleteFrom: timeOf(found.CompleteFrom), Position: uint64(found.Position),
	}
	for i, t := range found.Items {
		page.Items[i] = client.Transition{
			VIN: vins[t.Vehicle], From: client.Presence(t.From.String()), To: client.Presence(t.To.String()), At: timeOf(t.At), Position: uint64(t.Position),
		}
	}
	return &body[client.TransitionPage]{page}, nil
}

// historyQuery asks the history as the fleet would be asked.
func (s *server) historyQuery(vin string, customers []string, to []event.Presence) history.TransitionQuery {
	q := history.TransitionQuery{Listed: s.cfg.View.Lists}
	if vin != "" {
		row, _ := s.cfg.View.Vehicle(vin)
		q.Listed = func(id event.VehicleID) bool { return row.Number != 0 && id == row.Number }
	}
	if len(customers) > 0 {
		q.Customers = s.cfg.View.CustomerNumbers(customers)
	}
	for _, p := range to {
		if q.To == nil {
			q.To = make(map[event.Presence]bool)
		}
		q.To[p] = true
	}
	return q
}

// findTransitions also names the vehicles of the page.
func (s *server) findTransitions(ctx context.Context, q history.TransitionQuery) (history.TransitionPage, map[event.VehicleID]string, error) {
	found, err := s.cfg.Transitions(ctx, q)
	if err != nil {
		return found, nil, err
	}
	numbers := make([]event.VehicleID, len(found.Items))
	for i := range found.Items {
		numbers[i] = found.Items[i].Vehicle
	}
	return found, s.cfg.View.VINs(numbers), nil
}

func (s *server) exportTransitions(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	to, err := presencesOf("to", query["to"])
	q := s.historyQuery(query.Get("vehicle"), query["customer"], to)
	q.Limit = 1000
	if err == nil {
		q.From, q.Until, err = readPeriod(r, "until")
	}
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	s.exportPages(w, r, "transitions", []string{"vin", "from", "to", "at", "shown_at"}, func(cursor string) (rows [][]string, next string, err error) {
		q.Cursor = cursor
		page, vins, err := s.findTransitions(r.Context(), q)
		for _, t := range page.Items {
			rows = append(rows, []string{vins[t.Vehicle], t.From.String(), t.To.String(), t.At.String(), t.ShownAt.String()})
		}
		return rows, page.NextCursor, err
	})
}
