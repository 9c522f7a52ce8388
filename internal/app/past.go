package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// pasts makes views of the past and keeps the newest few: a page is followed by the next, and by its grid.
type pasts struct {
	turn chan struct{} // one is made at a time: it takes a core, and memory like the fleet's

	mu   sync.Mutex // guards the following
	kept []pastView // the last used last
}

type pastView struct {
	at       event.Time
	revision int64 // of the directory that it was made with
	view     *fleet.View
}

// keptPasts is how many views of the past are kept. Each takes about as much memory as the fleet.
const keptPasts = 2

func newPasts() *pasts { return &pasts{turn: make(chan struct{}, 1)} }

func (p *pasts) find(at event.Time, revision int64) *fleet.View {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.kept, func(v pastView) bool { return v.at == at && v.revision == revision })
	if i < 0 {
		return nil
	}
	found := p.kept[i]
	p.kept = append(slices.Delete(p.kept, i, i+1), found)
	return found.view
}

func (p *pasts) keep(v pastView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) == keptPasts {
		p.kept = slices.Delete(p.kept, 0, 1)
	}
	p.kept = append(p.kept, v)
}

// at is the fleet as it was at a moment; now, for one that is not past.
func (a *App) at(ctx context.Context, at event.Time) (*fleet.View, error) {
	if at >= a.now() {
		return a.view, nil
	}
	revision := a.view.Revision()
	if found := a.pasts.find(at, revision); found != nil {
		return found, nil
	}
	select {
	case a.pasts.turn <- struct{}{}:
		defer func() { <-a.pasts.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for another look at the past: %w", ctx.Err())
	}
	if found := a.pasts.find(at, revision); found != nil { // who waited before asked for the same
		return found, nil
	}
	if err := a.historyReached(ctx); err != nil {
		return nil, err
	}
	past, err := a.history.At(ctx, at)
	if err != nil {
		return nil, err
	}
	whole := func() (*presence.Rule, tally.Tallies, error) {
		a.pasts.turn <- struct{}{}
		defer func() { <-a.pasts.turn }()
		past, err := a.history.Replay(context.WithoutCancel(ctx), at) // others want it too
		if err != nil {
			return nil, tally.Tallies{}, err
		}
		return past.Rule, past.Tallies, nil
	}
	then := func() (fleet.Then, error) { return a.then(ctx, at) }
	view, err := a.view.Past(fleet.Past{Rule: past.Rule, Tallies: past.Tallies, LastGap: past.LastGap, Position: past.Position, Heard: past.Heard, Whole: whole, Then: then})
	if err != nil {
		return nil, err
	}
	a.pasts.keep(pastView{at, revision, view})
	return view, nil
}

// then is the directory as it was at a moment.
func (a *App) then(ctx context.Context, at event.Time) (fleet.Then, error) {
	past, err := a.registry.Past(ctx, at)
	if err != nil {
		return fleet.Then{}, err
	}
	return fleet.Then{
		LastCustomer: past.LastCustomer, LastVehicle: past.LastVehicle,
		Customers: customersOf(past.Customers), Vehicles: vehiclesOf(past.Vehicles),
	}, nil
}

// forgetPast drops what the registry keeps of the time before the history.
func (a *App) forgetPast(ctx context.Context) error {
	ticks := time.NewTicker(a.config.SnapshotEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return nil
		}
		begin := a.history.Begin()
		if a.history.Reaches(begin) == nil {
			continue // nothing was dropped so far
		}
		if err := a.registry.ForgetPast(ctx, begin); err != nil && ctx.Err() == nil {
			a.config.Logger.Error("the registry keeps more of the past than the history does; trying again", "error", err)
		}
	}
}
