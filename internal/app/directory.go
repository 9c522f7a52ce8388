package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// directory keeps what the doors and the view know of the registry in step with it: VINs, plates, customers and tags,
// which are not in the log.
type directory struct {
	registry *registry.Registry
	set      *ingest.Set // nil on a node without doors
	view     *fleet.View // nil on a node that answers no questions
	logger   *slog.Logger

	mu      sync.Mutex
	reached chan struct{} // guarded by mu; closed and replaced at each step
}

func newDirectory(r *registry.Registry, set *ingest.Set, view *fleet.View, logger *slog.Logger) *directory {
	return &directory{registry: r, set: set, view: view, logger: logger, reached: make(chan struct{})}
}

// revision is the revision of the registry that both the doors and the view have.
func (d *directory) revision() int64 {
	switch {
	case d.set == nil:
		return d.view.Revision()
	case d.view == nil:
		return d.set.Revision()
	}
	return min(d.set.Revision(), d.view.Revision())
}

// retryAfter is the pause after the registry could not be read.
const retryAfter = time.Second

// run follows the registry until ctx ends. While the registry cannot be read, what is known stays: vehicles that are
// known already do not depend on it.
func (d *directory) run(ctx context.Context) error {
	for {
		_, err := d.registry.Wait(ctx, d.revision())
		if err == nil {
			err = d.catchUp(ctx)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is how it ends, whatever it interrupted
		}
		if err == nil {
			continue
		}
		d.logger.Error("what changes in the registry does not show; trying again", "error", err)
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
		}
	}
}

// catchUp brings both to the registry of this moment. One that is ahead of the other bears being told again.
func (d *directory) catchUp(ctx context.Context) error {
	err := d.registry.Changes(ctx, d.revision(), func(c registry.Changes) error {
		if err := d.tellDoors(c); err != nil {
			return err
		}
		if d.view == nil {
			return nil
		}
		return d.view.Update(updateOf(c))
	})
	if err != nil {
		return fmt.Errorf("following the registry: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.reached)
	d.reached = make(chan struct{})
	return nil
}

func (d *directory) tellDoors(c registry.Changes) error {
	if d.set == nil {
		return nil
	}
	for _, number := range c.RemovedVehicles {
		d.set.Remove(number)
	}
	for i := range c.Vehicles {
		if err := d.set.Put(c.Vehicles[i].VIN, c.Vehicles[i].Number); err != nil {
			return err
		}
	}
	d.set.SetRevision(c.Revision)
	return nil
}

func updateOf(c registry.Changes) fleet.Update {
	return fleet.Update{
		Revision: c.Revision, RemovedVehicles: c.RemovedVehicles, RemovedCustomers: c.RemovedCustomers,
		Customers: customersOf(c.Customers), Vehicles: vehiclesOf(c.Vehicles),
	}
}

func customersOf(customers []registry.Customer) []fleet.Customer {
	of := make([]fleet.Customer, len(customers))
	for i, c := range customers {
		of[i] = fleet.Customer{Number: c.Number, ID: c.ID, Name: c.Name, Address: c.Address}
	}
	return of
}

func vehiclesOf(vehicles []registry.Vehicle) []fleet.Vehicle {
	of := make([]fleet.Vehicle, len(vehicles))
	for i, v := range vehicles {
		of[i] = fleet.Vehicle{Number: v.Number, VIN: v.VIN, RegistrationNumber: v.RegistrationNumber, Customer: v.Customer, Tags: v.Tags}
	}
	return of
}

// wait returns when the doors and the view have the registry's revision.
func (d *directory) wait(ctx context.Context, revision int64) error {
	for {
		d.mu.Lock()
		reached := d.reached
		d.mu.Unlock()
		if d.revision() >= revision {
			return nil
		}
		select {
		case <-reached:
		case <-ctx.Done():
			return fmt.Errorf("waiting for revision %d of the registry: %w", revision, ctx.Err())
		}
	}
}

// applied returns when a write to the registry shows everywhere: its facts are in the log and in the view, and the
// doors and the view have its directory data. The position is one at which the log has the facts.
func (a *App) applied(ctx context.Context, revision int64) (event.Position, error) {
	position, err := a.registry.WaitRelayed(ctx, revision)
	if err != nil {
		return 0, err
	}
	if err := a.directory.wait(ctx, revision); err != nil {
		return 0, err
	}
	return position, a.runner.Wait(ctx, position)
}
