package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

// fleetFlags describe a simulated fleet; simulate and demo share them.
type fleetFlags struct {
	Interval time.Duration `help:"Time between two heartbeats of a vehicle." default:"${interval}"`
	Jitter   time.Duration `help:"How much later than planned a heartbeat may be, up to half the interval." default:"0s"`
	Scenario string        `help:"What goes wrong, one or several joined by commas; see below." default:"${scenario}"`
	Aligned  bool          `help:"All report at the top of the interval, as real fleets do; otherwise spread over it."`
	Seed     uint64        `help:"Equal seeds give equal fleets." default:"1"`
}

func (f fleetFlags) config(baseURL string, vehicles int, progress io.Writer) (simulate.Config, error) {
	behaviour, err := simulate.ParseScenario(f.Scenario)
	if err != nil {
		return simulate.Config{}, usageError{err}
	}
	return simulate.Config{
		BaseURL:   baseURL,
		Vehicles:  vehicles,
		Seed:      f.Seed,
		Interval:  f.Interval,
		Jitter:    f.Jitter,
		Aligned:   f.Aligned,
		Behaviour: behaviour,
		Progress:  progress,
	}, nil
}

type simulateCommand struct {
	fleetFlags
	URL         string        `name:"url" help:"Address of the server." default:"http://127.0.0.1:8080"`
	Vehicles    int           `help:"How many generated vehicles." default:"500"`
	Original    bool          `help:"With the seven vehicles of the original three customers."`
	Register    bool          `help:"Register the vehicles at the server first." default:"true" negatable:""`
	Duration    time.Duration `help:"How long to send; 0 is until interrupted." default:"0s"`
	Batch       int           `help:"Heartbeats in a request; 1 is a call of its own for each, as a vehicle makes it." default:"1"`
	Connections int           `help:"Requests in flight at most; 0 chooses by --batch." default:"0"`
	NoSequence  bool          `help:"Send no sequence numbers."`
	NoSentAt    bool          `help:"Do not send the vehicles' own time."`
}

// Help is shown below the flags.
func (simulateCommand) Help() string { return scenarioHelp() }

func scenarioHelp() string {
	var text strings.Builder
	text.WriteString("Scenarios:\n")
	for _, s := range simulate.Scenarios() {
		fmt.Fprintf(&text, "\n  - %s: %s", s.Name, s.Help)
	}
	return text.String()
}

func (c *simulateCommand) Run(ctx context.Context, t *terminal) error {
	config, err := c.config(c.URL, c.Vehicles, t.err)
	if err != nil {
		return err
	}
	config.Original = c.Original
	config.Duration = c.Duration
	config.BatchSize = c.Batch
	config.Connections = c.Connections
	config.NoSequence = c.NoSequence
	config.NoSentAt = c.NoSentAt
	simulation, err := simulate.New(config)
	if err != nil {
		return usageError{err}
	}
	if c.Register {
		if err := simulation.Register(ctx); err != nil {
			return ignoreInterrupt(ctx, fmt.Errorf("registering the vehicles at %s: %w", c.URL, err))
		}
	}
	result, err := simulation.Run(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, result)
	return err
}

// ignoreInterrupt turns the error that an interrupt causes into success: who interrupts knows that the work is not done.
func ignoreInterrupt(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
