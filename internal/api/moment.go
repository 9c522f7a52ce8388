package api

import (
	"context"
	"net/http"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

// Moment is part of the reads that can show the fleet as it was.
type Moment struct {
	At time.Time `query:"at" doc:"The fleet as it was at this moment, in RFC 3339. What the log and the registry said then counts: a vehicle added later is not in it, and one that moved is with the customer that it had"`
}

// view is the fleet now, or as it was at a moment.
func (s *server) view(ctx context.Context, m Moment) (*fleet.View, error) {
	if m.At.IsZero() {
		return s.cfg.View, nil
	}
	return s.cfg.At(ctx, event.At(m.At))
}

// viewOf is view for a handler that reads the query itself.
func (s *server) viewOf(r *http.Request) (*fleet.View, error) {
	at, err := readMoment(r, "at")
	if err != nil {
		return nil, err
	}
	return s.view(r.Context(), Moment{at})
}

// readMoment reads a moment of the query of a handler that reads it itself; the zero time when there is none.
func readMoment(r *http.Request, name string) (t time.Time, err error) {
	value := r.URL.Query().Get(name)
	if value == "" {
		return t, nil
	}
	if t, err = time.Parse(time.RFC3339, value); err != nil {
		return t, refuse(http.StatusUnprocessableEntity, "query."+name, "must be a moment in RFC 3339", value)
	}
	return t, nil
}
