package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
	"github.com/fleetbeat/fleetbeat/internal/projection"
	"github.com/fleetbeat/fleetbeat/internal/proof"
)

// openSides builds the writing and the reading side at once: with a million vehicles each has snapshots to read for a
// second or so, and neither needs the other.
func (a *App) openSides(ctx context.Context) error {
	var writing, reading error
	var both sync.WaitGroup
	if a.config.Roles.Ingest {
		both.Go(func() { writing = a.openCommitter(ctx) })
	}
	if a.config.Roles.Query {
		reading = a.openView(ctx)
	}
	both.Wait()
	return errors.Join(writing, reading)
}

// openCommitter builds the writing side: the set of known vehicles, the window of repeats as of the log's head, and the
// committer between doors and log.
func (a *App) openCommitter(ctx context.Context) error {
	_, err := a.snapshots("vehicles").Load(uint64(a.registry.Revision()), func(r io.Reader) (err error) {
		a.set, err = ingest.LoadSet(r)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the set of vehicles: %w", err)
	}
	if a.set == nil {
		a.set = ingest.NewSet()
	}
	var window *ingest.Window
	_, err = a.snapshots("window").Load(uint64(a.log.Head()), func(r io.Reader) (err error) {
		window, err = ingest.LoadWindow(r)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the window of repeats: %w", err)
	}
	if first := a.log.First(); window == nil || window.Position()+1 < first {
		window = ingest.WindowFrom(first)
	}
	if err := projection.CatchUp(ctx, a.log, window.Position()+1, window.Apply); err != nil {
		return fmt.Errorf("bringing the window of repeats up to date: %w", err)
	}
	a.committer, err = ingest.NewCommitter(ingest.CommitterConfig{
		Log: a.log, Window: window, Door: a.door(), Clock: a.config.Clock, Logger: a.config.Logger, Registerer: a.metrics,
	})
	return err
}

// openView builds the reading side: the fleet from its newest snapshot, and what will follow the log into it.
func (a *App) openView(context.Context) error {
	config := fleet.Config{Registerer: a.metrics}
	snapshots := a.snapshots("fleet")
	_, err := snapshots.Load(uint64(a.log.Head()), func(r io.Reader) (err error) {
		a.view, err = fleet.Load(config, r)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the fleet's snapshot: %w", err)
	}
	if a.view == nil {
		a.view = fleet.New(config)
	}
	if known, is := a.view.Revision(), a.registry.Revision(); known > is {
		return a.olderRegistry(is, known)
	}
	a.runner = projection.New(projection.Config{
		Log: a.log, Projection: a.view, Snapshots: snapshots, SnapshotEvery: a.config.SnapshotEvery,
		Logger: a.config.Logger, Registerer: a.metrics,
	})
	return nil
}

// openProof opens the tree over the log and its key.
func (a *App) openProof(context.Context) (err error) {
	a.proof, err = proof.Open(proof.Config{
		Dir: proofDir(a.config.DataDir), Log: a.log, SignEvery: a.config.SignEvery, Logger: a.config.Logger, Registerer: a.metrics,
	})
	if err != nil {
		return fmt.Errorf("opening the proof of the log: %w", err)
	}
	a.cleanup(a.proof.Close)
	return nil
}

// openDirectory brings both sides up to the registry of this moment, so that no door calls a registered vehicle unknown.
func (a *App) openDirectory(ctx context.Context) error {
	a.directory = newDirectory(a.registry, a.set, a.view, a.config.Logger)
	return a.directory.catchUp(ctx)
}

// openDoors builds the HTTP doors and the canary that tries them.
func (a *App) openDoors(ctx context.Context) (err error) {
	if err := a.awaitAlone(ctx); err != nil {
		return err
	}
	a.doors, err = ingest.NewDoors(ingest.DoorsConfig{
		Committer: a.committer, Vehicles: a.set, Unregistered: a.unregistered, Name: a.door(), Registerer: a.metrics,
	})
	if err != nil {
		return err
	}
	url := a.config.PublicURL
	if url == "" {
		url = a.URL()
	}
	a.canary, err = ingest.NewCanary(ingest.CanaryConfig{
		Doors: a.doors, URL: url, Interval: a.config.CanaryInterval, Logger: a.config.Logger, Registerer: a.metrics,
	})
	return err
}
