package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

// demoPolicy is short, so that something happens soon: late after three intervals, offline after six, in whole seconds and
// no shorter than a policy may be.
func demoPolicy(interval time.Duration) event.Policy {
	late := max(2*time.Second, (3*interval + time.Second - 1).Truncate(time.Second))
	return event.Policy{LateAfter: late, OfflineAfter: 2 * late}
}

type demoCommand struct {
	fleetFlags
	HTTP     string `name:"http" help:"Address to listen on." default:"127.0.0.1:8080"`
	Data     string `help:"Folder to keep the data in; default: a temporary one, removed at the end." type:"path"`
	Vehicles int    `help:"How many generated vehicles, beside the original seven." default:"500"`
}

// Help is shown below the flags.
func (demoCommand) Help() string {
	return `The demo shows the main job: a server, the original three customers with their seven vehicles, a generated fleet beside them,
and real heartbeats over real HTTP. Vehicles report every second, are late after three such intervals and offline after six.

` + scenarioHelp()
}

func (c *demoCommand) Run(ctx context.Context, t *terminal) error {
	config, err := c.config("", c.Vehicles, t.err)
	if err != nil {
		return err
	}
	config.Original = true
	if err := config.Check(); err != nil {
		return usageError{err}
	}
	data := c.Data
	if data == "" {
		temporary, err := os.MkdirTemp("", "fleetbeat-demo-")
		if err != nil {
			return fmt.Errorf("making a folder for the demo: %w", err)
		}
		defer func() { _ = os.RemoveAll(temporary) }() // temporary folders are cleared anyway
		data = temporary
	}
	a, err := app.New(ctx, app.Config{
		Listen: c.HTTP, DataDir: data, DefaultPolicy: demoPolicy(c.Interval), Version: programVersion(),
		Logger: t.quietLog(),
	})
	if err != nil {
		return err
	}
	config.BaseURL = a.URL()

	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	driving, stopDriving := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- a.Run(serving)
		stopDriving()
	}()
	err = drive(driving, t, config)
	stopServing()
	return errors.Join(ignoreInterrupt(driving, err), <-served)
}

// drive registers the fleet, says where to look, and sends heartbeats until it is interrupted.
func drive(ctx context.Context, t *terminal, config simulate.Config) error {
	url := config.BaseURL
	api, err := client.New(client.Config{BaseURL: url})
	if err != nil {
		return err
	}
	defer api.Close()
	simulation, err := simulate.New(config)
	if err != nil {
		return err
	}
	if err := waitReady(ctx, api); err != nil {
		return err
	}
	if err := simulation.Register(ctx); err != nil {
		return fmt.Errorf("registering the fleet: %w", err)
	}
	roster := simulation.Roster()
	fmt.Fprintf(t.out, `
  Fleetbeat is running, with %d vehicles of %d customers.

    Look at     %s/
    The API     %s/docs
    Try         curl -X POST %s/heartbeat/%s
    Stop        Ctrl-C

`, roster.Vehicles(), roster.Customers(), url, url, url, roster.VIN(0))
	_, err = simulation.Run(ctx)
	return err
}

// waitReady waits until the server can answer.
func waitReady(ctx context.Context, api *client.Client) error {
	for {
		err := api.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// quietLog is the log without what is of no interest to somebody who looks at a demo.
func (t *terminal) quietLog() *slog.Logger {
	if t.log.Enabled(context.Background(), slog.LevelDebug) {
		return t.log
	}
	return slog.New(minimumLevel{t.log.Handler(), slog.LevelWarn})
}

// minimumLevel lets only records from a level on through.
type minimumLevel struct {
	slog.Handler
	level slog.Level
}

// Enabled says whether a record of this level is let through.
func (h minimumLevel) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}
