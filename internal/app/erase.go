package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// erase takes what is left of a removed vehicle's VIN out of the data folder. The log, the history and the proof never held it:
// they know vehicles by number. So it may have stood in the registry, which keeps what it said before, and in the snapshots of
// what knows the registry. Doing it again does no harm.
func (a *App) erase(ctx context.Context, vin string) error {
	if err := a.registry.EraseVehicle(ctx, vin); err != nil {
		return err
	}
	if err := a.scrub(ctx); err != nil {
		return fmt.Errorf("erasing from the registry: %w", err)
	}
	if err := a.runner.Replace(ctx); err != nil {
		return err
	}
	if err := a.replaceSet(); err != nil {
		return err
	}
	return a.eraseAside(vin)
}

// scrubWithin is how long an erasure waits for readers of the registry, who are done in milliseconds.
const scrubWithin = 5 * time.Second

// scrub waits until no reader keeps what was erased in a file of the registry.
func (a *App) scrub(ctx context.Context) error {
	for deadline := time.Now().Add(scrubWithin); ; {
		err := a.registry.Scrub(ctx)
		if !errors.Is(err, registry.ErrBusy) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// replaceSet puts a new snapshot of the set of vehicles in the place of those that there are.
func (a *App) replaceSet() error {
	if a.set == nil {
		return nil
	}
	a.doorsMu.Lock()
	defer a.doorsMu.Unlock()
	_, err := a.snapshots("vehicles").Replace(func(w io.Writer) (uint64, error) { return uint64(a.set.Revision()), a.set.Save(w) })
	return err
}

// eraseAside removes the snapshots that were set aside with damage and hold the VIN.
func (a *App) eraseAside(vin string) error {
	aside, err := filepath.Glob(filepath.Join(a.config.DataDir, "damaged-*", "snapshots", "*"))
	if err != nil {
		return fmt.Errorf("looking for snapshots set aside: %w", err)
	}
	for _, path := range aside {
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) || err == nil && !bytes.Contains(data, []byte(vin)) {
			continue
		}
		if err == nil {
			err = os.Remove(path)
		}
		if err != nil {
			return fmt.Errorf("erasing from what was set aside: %w", err)
		}
	}
	return nil
}
