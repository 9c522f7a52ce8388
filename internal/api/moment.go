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
	Past time.Time `query:"at" doc:"The fleet as it was at this moment, in RFC 3339. What the log said then counts: a vehicle added later is not in it"`
}

// view is the fleet now, or as it was at a moment.
func (s *server) view(ctx context.Context, m Moment) (*fleet.View, error) {
	if m.Past.IsZero() {
		return s.cfg.View, nil
	}
	return s.cfg.At(ctx, event.At(m.Past))
}

// viewOf is view for a handler that reads the query itself.
func (s *server) viewOf(r *http.Request) (*fleet.View, error) {
	at, err := readMoment(r, "at")
	if err != nil || at == 0 {
		return s.cfg.View, err
	}
	return s.cfg.At(r.Context(), at)
}
