package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/fleetbeat/fleetbeat/internal/bench"
)

type benchCommand struct {
	Only         []string `help:"Measure only these, joined by commas; see below." placeholder:"NAME"`
	JSON         string   `name:"json" help:"File to write the figures to, as JSON; - writes them to standard output instead of the table." placeholder:"FILE"`
	Vehicles     int      `help:"Vehicles in the fleet; 0 is 1,000,000, and 20,000 with --short." default:"0"`
	Short        bool     `help:"Take seconds: this shows that everything can be measured, and little else."`
	Data         string   `help:"Folder on the disk that is to be measured; what is put there is removed at the end." type:"path" placeholder:"DIR"`
	Postgres     string   `help:"URL of an empty PostgreSQL database, which is filled: measures an import into a registry there too." placeholder:"URL"`
	ServeNothing bool     `hidden:""`
}

// Help is shown below the flags.
func (benchCommand) Help() string {
	var text strings.Builder
	text.WriteString("The full run takes about ten minutes, on a machine that should have nothing else to do.\n\nMeasurements:\n")
	names, help := bench.Names()
	for i, name := range names {
		fmt.Fprintf(&text, "\n    %-8s %s", name, help[i])
	}
	return text.String()
}

func (c *benchCommand) Run(ctx context.Context, t *terminal) error {
	if c.ServeNothing {
		return bench.ServeNothing(ctx, t.err)
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	report, err := bench.Run(ctx, bench.Config{
		Program: program, Env: otherEnvironment(), Only: c.Only, Dir: c.Data, Vehicles: c.Vehicles, Short: c.Short, Postgres: c.Postgres, Progress: t.err,
	})
	if len(report.Figures) == 0 {
		return err
	}
	if wrote := c.write(t, &report); wrote != nil {
		return wrote
	}
	return ignoreInterrupt(ctx, err)
}

// otherEnvironment is the environment without settings of ours: what they say of a server is not about the one measured.
func otherEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "FLEETBEAT_") })
}

func (c *benchCommand) write(t *terminal, report *bench.Report) error {
	if c.JSON != "-" {
		if err := report.Write(t.out); err != nil {
			return err
		}
	}
	if c.JSON == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	text = append(text, '\n')
	if c.JSON == "-" {
		_, err = t.out.Write(text)
		return err
	}
	if err := os.WriteFile(c.JSON, text, 0o644); err != nil { //nolint:gosec // figures are for everybody
		return fmt.Errorf("writing the figures: %w", err)
	}
	return nil
}
