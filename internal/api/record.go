package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
)

// Past is what every answer about the past says of itself.
type Past struct {
	Observer record.Observer
	Begin    event.Time     // from here on everything is kept
	Position event.Position // that the answer shows
}

// Records is where the record of vehicles comes from. A window that begins before everything that is kept is cut there.
type Records struct {
	// Of gathers the rows of one vehicle that a window needs, its heartbeats as far as they repair it.
	Of func(ctx context.Context, vehicle event.VehicleID, w record.Window) (Past, record.Vehicle, error)
	// OfCustomer does so for each vehicle that was a customer's in the window, without heartbeats; ErrTooMuch says that the
	// window holds more than can be answered.
	OfCustomer func(ctx context.Context, customer event.CustomerID, w record.Window, tell func(*Past, *record.Vehicle)) (Past, error)
	// Received are the heartbeats of a vehicle from somewhat before the window on.
	Received func(ctx context.Context, vehicle event.VehicleID, w record.Window) (Past, []event.Heartbeat, error)
	// Series counts vehicles by presence at the moments that cut chooses, ascending, when it knows what is kept.
	Series func(ctx context.Context, q SeriesQuery, cut func(*Past) ([]event.Time, error)) (Past, []record.Point, error)
}

// SeriesQuery says which vehicles are counted.
type SeriesQuery struct {
	Customers map[event.CustomerID]bool  // of any of them at that moment; nil means all
	Listed    func(event.VehicleID) bool // whether a vehicle counts at all
	To        event.Time                 // end of the time that was asked about
}

// ErrTooMuch says that a question is about more than the server keeps in memory for an answer.
var ErrTooMuch = errors.New("this is too much for one answer; ask about a shorter time")

const (
	recordScans = 4 // how many calls may read records at once: each takes a core and files for a while
	aDay        = 24 * time.Hour
	maxPast     = 400 * aDay // the longest window
)

// PastWindow is part of the calls about the past.
type PastWindow struct {
	From    time.Time `query:"from" doc:"From this moment on, RFC 3339; without it, a day before the end, or 30 for uptime"`
	To      time.Time `query:"to" doc:"Up to this moment, RFC 3339; without it, up to now. At most 400 days after from"`
	KnownAt time.Time `query:"known_at" doc:"Ignore what the log showed later than this moment: repairs by heartbeats that came late, deadlines that were proven later"`
}

// window reads the times; long is how long the window is when nobody says where it begins.
func (p *PastWindow) window(now time.Time, long time.Duration) (w record.Window, err error) {
	to, from := p.To, p.From
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = to.Add(-long)
	}
	if !p.KnownAt.IsZero() {
		w.KnownAt = event.At(p.KnownAt)
	}
	w.From, w.To = event.At(from), event.At(to)
	switch {
	case !to.After(from):
		return w, refuse(http.StatusUnprocessableEntity, "query.to", "to is not after from", nil)
	case to.Sub(from) > maxPast:
		return w, refuse(http.StatusUnprocessableEntity, "query.from", "from is more than 400 days before to", nil)
	case w.From < 0 || w.KnownAt < 0:
		return w, refuse(http.StatusUnprocessableEntity, "query.from", "there is no log from before 1970", nil)
	}
	return w, nil
}

// told is the window of an answer: no earlier than what is kept, no later than what is proven.
func (p *Past) told(w record.Window) record.Window {
	w.From = max(w.From, p.Begin)
	w = p.Observer.Clip(w)
	w.To = max(w.To, w.From)
	return w
}

// vehicleTurn finds a vehicle and takes a turn among the calls that read records, which ends with done.
func (s *server) vehicleTurn(vin string) (row fleet.Row, done func(), err error) {
	row, ok := s.cfg.View.Vehicle(vin)
	if !ok {
		return row, nil, errNoVehicle
	}
	done, err = s.recordTurns.take()
	return row, done, err
}

// UptimeQuery is part of the calls for uptime.
type UptimeQuery struct {
	PastWindow
	Step string `query:"step" maxLength:"20" doc:"How the time is cut: hour, day, week, month, or a length that divides a day, as 15m or 6h; without it, not at all. At most 2,000 steps"`
	ZoneQuery
}

// ZoneQuery is part of the calls that cut time into steps.
type ZoneQuery struct {
	Zone string `query:"zone" maxLength:"64" default:"UTC" doc:"The time zone whose clocks cut it, by its name in the IANA data base" example:"Europe/Stockholm"`
}

// step reads how time is to be cut.
func (q *ZoneQuery) step(length string) (record.Step, *time.Location, error) {
	step, err := record.ParseStep(length)
	if err != nil {
		return step, nil, refuse(http.StatusUnprocessableEntity, "query.step", err.Error(), length)
	}
	if q.Zone == "" || q.Zone == "Local" {
		return step, nil, refuse(http.StatusUnprocessableEntity, "query.zone", "it is not the name of a time zone", q.Zone)
	}
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return step, nil, refuse(http.StatusUnprocessableEntity, "query.zone", "it is not the name of a time zone", q.Zone)
	}
	return step, zone, nil
}

// pastOf reads the query of a raw handler.
func pastOf(r *http.Request) (p PastWindow, err error) {
	if p.From, err = readMoment(r, "from"); err != nil {
		return p, err
	}
	if p.To, err = readMoment(r, "to"); err != nil {
		return p, err
	}
	p.KnownAt, err = readMoment(r, "known_at")
	return p, err
}

func uptimeQueryOf(r *http.Request) (q UptimeQuery, err error) {
	q.PastWindow, err = pastOf(r)
	q.Step, q.Zone = r.URL.Query().Get("step"), r.URL.Query().Get("zone")
	if q.Zone == "" {
		q.Zone = "UTC"
	}
	return q, err
}

func secondsText(s client.Seconds) string { return strconv.FormatFloat(float64(s), 'f', -1, 64) }
