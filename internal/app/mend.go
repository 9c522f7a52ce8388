package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/projection"
)

// mend brings registry and log together again where one of them lost something: after damage to the log, and when the
// log that is there is not as long as the one that the registry told its facts to.
func (a *App) mend(ctx context.Context) error {
	if err := a.refuseForgetful(ctx); err != nil {
		return err
	}
	if err := a.mendDamage(ctx); err != nil {
		return err
	}
	told, err := a.told(ctx)
	if err != nil {
		return err
	}
	if told <= a.log.Head() {
		return nil
	}
	a.config.Logger.Warn("the log is shorter than the registry knows it: the registry tells it everything again",
		"known_position", told, "log_head", a.log.Head())
	_, err = a.registry.Resend(ctx)
	return err
}

// toldWithin is how long a copy of a shared log may be behind what the registry told it.
const toldWithin = 10 * time.Second

// told is the position at which the log has what the registry told it.
func (a *App) told(ctx context.Context) (event.Position, error) {
	told, err := a.registry.WaitRelayed(ctx, 0)
	if err != nil || a.config.Shared == nil || told <= a.log.Head() {
		return told, err
	}
	ctx, cancel := context.WithTimeout(ctx, toldWithin)
	defer cancel()
	if err := a.log.Wait(ctx, told); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return 0, err
	}
	return told, nil
}

// refuseForgetful refuses a registry into which nothing was ever written beside a log that knows vehicles: it would
// give their numbers to others. Of a log whose beginning was dropped, their heartbeats say so.
func (a *App) refuseForgetful(ctx context.Context) error {
	if a.registry.Revision() > 0 {
		return nil
	}
	return projection.CatchUp(ctx, a.log, 1, func(s event.Stored) error {
		known := s.Heartbeats.Len() > 0
		for _, e := range s.Entries {
			_, added := e.Fact.(event.VehicleAdded)
			known = known || added
		}
		if known {
			return a.emptyRegistry()
		}
		return nil
	})
}

// mendedMark is the file that says, in a folder of damage, that its consequences were dealt with.
const mendedMark = "MENDED"

// mendDamage deals with what damage to the log means for the rest, once for each folder in which the log has set damage
// aside. The lost batches may have held facts of the registry, so all of them are told again. Snapshots that saw the
// lost batches say more than the log does now: they join the damaged files, and everything is derived from the log
// anew, in which the loss shows as a gap. A crash on the way leaves the mark unwritten, and doing it again is harmless.
func (a *App) mendDamage(ctx context.Context) error {
	damaged, err := filepath.Glob(filepath.Join(a.config.DataDir, "damaged-*"))
	if err != nil {
		return fmt.Errorf("looking for damage set aside: %w", err)
	}
	for _, folder := range damaged {
		mark := filepath.Join(folder, mendedMark)
		if _, err := os.Stat(mark); err == nil || !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if a.nothingLost() {
			if err := writeMark(mark, "Nothing was lost.\n"); err != nil {
				return err
			}
			continue
		}
		a.config.Logger.Warn("the log lost batches to damage: the registry tells it everything again, and snapshots are made anew", "damage", folder)
		if err := a.setSnapshotsAside(folder); err != nil {
			return err
		}
		if _, err := a.registry.Resend(ctx); err != nil {
			return err
		}
		if err := writeMark(mark, "The facts of the registry were told again, and the snapshots set aside.\n"); err != nil {
			return err
		}
	}
	return nil
}

// nothingLost says whether the log knows that the damage took no batch. It does not, when an earlier start found the
// damage and ended before it was dealt with. Of a shared log, only a copy can be damaged.
func (a *App) nothingLost() bool {
	if a.config.Shared != nil {
		return true
	}
	damages := a.log.Damages()
	return len(damages) > 0 && !slices.ContainsFunc(damages, func(d eventlog.Damage) bool { return d.Lost > 0 })
}

func writeMark(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		return fmt.Errorf("noting that damage was dealt with: %w", err)
	}
	return nil
}

// setSnapshotsAside moves all snapshots into a folder of damage.
func (a *App) setSnapshotsAside(folder string) error {
	aside := filepath.Join(folder, "snapshots")
	err := os.Mkdir(aside, 0o750)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("setting snapshots aside: %w", err)
	}
	snapshots, err := filepath.Glob(filepath.Join(snapshotDir(a.config.DataDir), "*.snapshot"))
	if err != nil {
		return fmt.Errorf("setting snapshots aside: %w", err)
	}
	for _, snapshot := range snapshots {
		if err := os.Rename(snapshot, filepath.Join(aside, filepath.Base(snapshot))); err != nil {
			return fmt.Errorf("setting snapshots aside: %w", err)
		}
	}
	return nil
}
