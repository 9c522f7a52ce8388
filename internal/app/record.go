package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/api"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/history/roster"
	"github.com/fleetbeat/fleetbeat/internal/presence"
	"github.com/fleetbeat/fleetbeat/internal/projection"
)

const (
	// clockMargin is how long before an outage heartbeats are read, to learn how far off the vehicle's clock was.
	clockMargin = 2 * time.Hour
	// endOfTime is later than any moment in the log.
	endOfTime event.Time = 1 << 53
	// maxTransitions bounds what is kept in memory to answer for one customer.
	maxTransitions = 2_000_000
	transitionPage = 10_000
)

// openRoster builds what remembers whose the vehicles were, from its newest snapshot.
func (a *App) openRoster(context.Context) error {
	snapshots := a.snapshots("roster")
	_, err := snapshots.Load(uint64(a.log.Head()), func(r io.Reader) (err error) {
		a.roster, err = roster.Load(r)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the roster's snapshot: %w", err)
	}
	if a.roster == nil {
		a.roster = roster.New()
	}
	a.rosterRunner = projection.New(projection.Config{
		Log: a.log, Projection: a.roster, Snapshots: snapshots, SnapshotEvery: a.config.SnapshotEvery,
		Logger: a.config.Logger, Registerer: a.metrics,
	})
	return nil
}

// records gathers what the log said of vehicles, from the history and the roster.
type records struct {
	history *history.History
	roster  *roster.Roster
	reached func(context.Context) error // waits until both have what the log holds now
}

// records of this server.
func (a *App) records() *records {
	return &records{history: a.history, roster: a.roster, reached: func(ctx context.Context) error {
		if err := a.historyReached(ctx); err != nil {
			return err
		}
		return a.rosterRunner.Wait(ctx, a.history.Checkpoint())
	}}
}

// api is how the API knows them.
func (r *records) api() api.Records {
	return api.Records{Of: r.of, OfCustomer: r.ofCustomer, Received: r.received, Series: r.series}
}

// past is up to where the record is told.
func (r *records) past(ctx context.Context) (past api.Past, err error) {
	if err := r.reached(ctx); err != nil {
		return past, err
	}
	past.Observer.Proof, past.Position = r.history.Proven()
	past.Begin = r.history.Begin()
	return past, nil
}

// of gathers what the log said of one vehicle, as far as a window needs it.
func (r *records) of(ctx context.Context, vehicle event.VehicleID, w record.Window) (past api.Past, v record.Vehicle, err error) {
	if past, err = r.past(ctx); err != nil {
		return past, v, err
	}
	if err := r.history.Reaches(w.To); err != nil {
		return past, v, err
	}
	w.From = max(w.From, past.Begin)
	now := r.history.Presence(vehicle)
	if past.Observer.Gaps, err = r.history.Gaps(w.From, past.Observer.Proof+1); err != nil {
		return past, v, err
	}
	all, err := r.history.TransitionsOf(vehicle, 0, endOfTime)
	if err != nil {
		return past, v, err
	}
	v = vehicleOf(r.roster.Memberships(vehicle), all, past.Begin)
	v.Holds = r.history.Policy(vehicle).OfflineAfter
	if len(all) == 0 && lasts(&v) && v.Memberships[0].From < past.Begin {
		v.Before = now
	}
	// Only an outage can be repaired.
	periods := record.Periods(&v, &past.Observer, w)
	first := slices.IndexFunc(periods, func(p record.Period) bool { return p.State == record.Offline || p.State == record.NeverHeard })
	if first >= 0 {
		v.Heartbeats, err = r.history.Received(vehicle, periods[first].From.Add(-clockMargin), endOfTime)
	}
	return past, v, err
}

// vehicleOf makes rows of transitions from some moment on. What held before is what the first of them came from.
func vehicleOf(memberships []record.Membership, transitions []history.Transition, from event.Time) record.Vehicle {
	for len(memberships) > 0 && memberships[0].To != 0 && memberships[0].To < from {
		memberships = memberships[1:]
	}
	v := record.Vehicle{Memberships: memberships, Transitions: make([]record.Transition, len(transitions))}
	for i, t := range transitions {
		v.Transitions[i] = record.Transition{From: t.From, To: t.To, At: t.At, Known: t.ShownAt}
	}
	if len(memberships) > 0 && memberships[0].From < from && len(transitions) > 0 && transitions[0].At <= endOf(memberships) {
		v.Before = transitions[0].From
	}
	return v
}

// endOf is when a vehicle that was watched at first was not any more: moves to other customers do not end it.
func endOf(memberships []record.Membership) event.Time {
	for i, m := range memberships {
		if m.To == 0 {
			return endOfTime
		}
		if i+1 == len(memberships) || memberships[i+1].From != m.To {
			return m.To
		}
	}
	return 0
}

// lasts says whether a vehicle has been watched without a break since its first membership.
func lasts(v *record.Vehicle) bool { return endOf(v.Memberships) == endOfTime }

// ofCustomer tells what the log said of each vehicle that was a customer's in a window, without its heartbeats.
func (r *records) ofCustomer(ctx context.Context, customer event.CustomerID, w record.Window, tell func(*api.Past, *record.Vehicle)) (past api.Past, err error) {
	if past, err = r.past(ctx); err != nil {
		return past, err
	}
	if err := r.history.Reaches(w.To); err != nil {
		return past, err
	}
	w.From = max(w.From, past.Begin)
	if past.Observer.Gaps, err = r.history.Gaps(w.From, past.Observer.Proof+1); err != nil {
		return past, err
	}
	members := r.roster.Members(customer, w.From, w.To)
	now := make(map[event.VehicleID]event.Presence, len(members)) // before the transitions are read: it holds if there are none
	for _, v := range members {
		now[v] = r.history.Presence(v)
	}
	since, err := r.transitionsSince(ctx, w.From, now)
	if err != nil {
		return past, err
	}
	for _, number := range members {
		v := vehicleOf(r.roster.Memberships(number), since[number], w.From)
		if len(v.Memberships) > 0 && v.Memberships[0].From < w.From && (len(v.Transitions) == 0 || v.Transitions[0].At > endOf(v.Memberships)) {
			if v.Before = now[number]; !lasts(&v) {
				if v.Before, err = r.presenceBefore(ctx, number, w.From); err != nil {
					return past, err
				}
			}
		}
		tell(&past, &v)
	}
	return past, ctx.Err()
}

// presenceBefore is the presence that a vehicle had right before a moment at which it was watched.
func (r *records) presenceBefore(ctx context.Context, vehicle event.VehicleID, at event.Time) (event.Presence, error) {
	added := event.Time(0)
	for i, all := 0, r.roster.Memberships(vehicle); i < len(all) && all[i].From < at; i++ {
		if i == 0 || all[i-1].To != all[i].From { // a move to another customer leaves its presence as it is
			added = all[i].From
		}
	}
	was, begin := event.Unknown, r.history.Begin()
	if added < begin { // what came before is kept as a state alone
		err := r.history.Presences(ctx, begin, begin, func(_ event.Time, rule *presence.Rule) { was = rule.Presence(vehicle) }, func(*history.Transition) {})
		if err != nil || at <= begin {
			return was, err
		}
	}
	all, err := r.history.TransitionsOf(vehicle, added, at)
	if err != nil || len(all) == 0 {
		return was, err
	}
	return all[len(all)-1].To, nil
}

// transitionsSince are all transitions of some vehicles from a moment on, of each in order.
func (r *records) transitionsSince(ctx context.Context, from event.Time, of map[event.VehicleID]event.Presence) (map[event.VehicleID][]history.Transition, error) {
	found := make(map[event.VehicleID][]history.Transition)
	q := history.TransitionQuery{From: from, Limit: transitionPage, Listed: func(v event.VehicleID) bool {
		_, is := of[v]
		return is
	}}
	for total := 0; ; {
		page, err := r.history.Transitions(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Items {
			found[t.Vehicle] = append(found[t.Vehicle], t)
		}
		if total += len(page.Items); total > maxTransitions {
			return nil, api.ErrTooMuch
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
	}
	for v := range found {
		slices.Reverse(found[v])
	}
	return found, nil
}

// received are the heartbeats of a vehicle from somewhat before a window on, and what is known of the observer.
func (r *records) received(ctx context.Context, vehicle event.VehicleID, w record.Window) (past api.Past, heartbeats []event.Heartbeat, err error) {
	if past, err = r.past(ctx); err != nil {
		return past, nil, err
	}
	if err := r.history.Reaches(w.To); err != nil {
		return past, nil, err
	}
	w.From = max(w.From, past.Begin)
	if past.Observer.Gaps, err = r.history.Gaps(w.From.Add(-clockMargin), past.Observer.Proof+1); err != nil {
		return past, nil, err
	}
	heartbeats, err = r.history.Received(vehicle, w.From.Add(-clockMargin), endOfTime)
	return past, heartbeats, err
}

// series counts vehicles by presence at the moments that cut makes of a window, in one walk through the transitions.
func (r *records) series(ctx context.Context, q api.SeriesQuery, cut func(*api.Past) ([]event.Time, error)) (past api.Past, points []record.Point, err error) {
	if past, err = r.past(ctx); err != nil {
		return past, nil, err
	}
	if err := r.history.Reaches(q.To); err != nil {
		return past, nil, err
	}
	at, err := cut(&past)
	if err != nil || len(at) == 0 {
		return past, nil, err
	}
	from, to := at[0], at[len(at)-1]
	if past.Observer.Gaps, err = r.history.Gaps(from-1, to+1); err != nil {
		return past, nil, err
	}
	moves := slices.DeleteFunc(r.roster.Moves(to+1), func(m record.Move) bool { return !q.Listed(m.Vehicle) })
	counts := func(c event.CustomerID) bool { return q.Customers == nil || q.Customers[c] }
	var series *record.Series
	proven := false
	err = r.history.Presences(ctx, from, to, func(begin event.Time, rule *presence.Rule) {
		series = record.NewSeries(at, moves, counts)
		series.Begin(begin, rule.Presence)
		proven = rule.Proof() != 0
	}, func(t *history.Transition) { series.Tell(t.Vehicle, t.To, t.ShownAt) })
	if err != nil {
		return past, nil, err
	}
	gaps := past.Observer.Gaps
	if proven {
		return past, series.Points(gaps), nil
	}
	first, err := r.history.FirstProof()
	if err != nil {
		return past, nil, err
	}
	if first > from { // before the first start, nobody listened
		gaps = slices.Concat([]event.Gap{{To: first}}, gaps)
	}
	return past, series.Points(gaps), nil
}
