package app

import (
	"context"
	"io"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// saveDoors writes the snapshots of the writing side from time to time and at the stop.
func (a *App) saveDoors(ctx context.Context) error {
	ticks := time.NewTicker(a.config.SnapshotEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			a.saveDoorsOnce()
			if a.config.Roles.Query {
				continue
			}
			if err := a.dropCopy(ctx); err != nil && ctx.Err() == nil {
				a.config.Logger.Error("the copy of the log grows; it is tried again", "error", err)
			}
		case <-ctx.Done():
			a.saveDoorsOnce()
			return nil
		}
	}
}

func (a *App) saveDoorsOnce() {
	a.doorsMu.Lock()
	defer a.doorsMu.Unlock()
	_, err := a.snapshots("window").Save(func(w io.Writer) (uint64, error) {
		position, err := a.committer.Snapshot(w)
		return uint64(position), err
	})
	if err != nil {
		a.config.Logger.Error("the window of repeats was not saved; the next start reads more of the log", "error", err)
	}
	_, err = a.snapshots("vehicles").Save(func(w io.Writer) (uint64, error) {
		return uint64(a.set.Revision()), a.set.Save(w)
	})
	if err != nil {
		a.config.Logger.Error("the set of vehicles was not saved; the next start reads more of the registry", "error", err)
	}
}

// dropCopy lets go what a node that only takes heartbeats needs no more of its copy of the log: the windows of repeats that it
// saved begin behind it. What such a node keeps is some hours at most, whatever --keep-log says.
func (a *App) dropCopy(ctx context.Context) error {
	covered, err := a.snapshots("window").Covered()
	if err != nil {
		return err
	}
	return a.drop(ctx, event.Position(covered), a.log.LastTime())
}
