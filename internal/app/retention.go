package app

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// leastKeptLog is how short the log may be kept. What is derived from it is at most some hours behind, also in a backup that
// takes long: so whatever is dropped is in there already.
const leastKeptLog = 24 * time.Hour

// dropEvery is how often the log is looked at for what is too old.
const dropEvery = time.Minute

// dropOld drops from the beginning of the log what is older than Config.KeepLog, counted back from its newest event, and
// what nothing that is derived from it needs any more, until ctx ends.
func (a *App) dropOld(ctx context.Context) error {
	if a.config.KeepLog == 0 {
		<-ctx.Done()
		return nil
	}
	for {
		if err := a.dropOldOnce(ctx); err != nil && ctx.Err() == nil {
			a.config.Logger.Error("old parts of the log could not be dropped; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(dropEvery):
		}
	}
}

func (a *App) dropOldOnce(ctx context.Context) error {
	upTo, err := a.unneeded()
	if err != nil {
		return err
	}
	before := a.log.LastTime().Add(-a.config.KeepLog)
	return a.drop(ctx, upTo, before)
}

// drop lets go of the log's beginning up to a position, as far as it was received before a moment.
func (a *App) drop(ctx context.Context, upTo event.Position, before event.Time) error {
	for first := a.log.First(); ; {
		next, err := a.log.Drop(ctx, upTo, before)
		if err != nil || next == first {
			return err
		}
		first = next
	}
}

// unneeded is the last position that a start needs no more, even if the newest of everything that is derived from the log were
// damaged: all of it has an older one that covers it. What was not signed is not dropped either.
func (a *App) unneeded() (event.Position, error) {
	upTo := min(a.proof.Signed(), a.history.Needs()-1)
	derived := []string{"fleet", "roster"}
	if a.config.Roles.Ingest {
		derived = append(derived, "window")
	}
	for _, name := range derived {
		covered, err := a.snapshots(name).Covered()
		if err != nil {
			return 0, fmt.Errorf("looking for what the log is still needed for: %w", err)
		}
		upTo = min(upTo, event.Position(covered))
	}
	return upTo, nil
}

// bridge deals with a log that begins behind what is derived from it, because all snapshots of something were damaged: the
// facts of the registry that were dropped are told again, so that vehicles are known from now on. What was counted of their
// heartbeats before is lost.
func (a *App) bridge(ctx context.Context) error {
	dropped := a.log.First() - 1
	if covered := min(a.runner.Checkpoint(), a.rosterRunner.Checkpoint(), a.history.Checkpoint()); covered >= dropped {
		return nil
	}
	a.config.Logger.Error("what is derived from the log lacks what was dropped from it: the registry tells it everything again, and counts begin anew",
		"fleet", a.runner.Checkpoint(), "roster", a.rosterRunner.Checkpoint(), "history", a.history.Checkpoint(), "log_first", dropped+1)
	_, err := a.registry.Resend(ctx)
	return err
}
