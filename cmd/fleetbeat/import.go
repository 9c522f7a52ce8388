package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fleetbeat/fleetbeat/client"
)

type importCommand struct {
	File    string `arg:"" help:"CSV file with a header line; - reads standard input."`
	URL     string `name:"url" help:"Address of the server." default:"http://127.0.0.1:8080"`
	Partial bool   `help:"Take the good lines even when others are wrong; without it, one wrong line changes nothing."`
	DryRun  bool   `help:"Only say what would happen."`
}

// Help is shown below the flags.
func (importCommand) Help() string {
	return `The header names the columns, in any order: vin, registration_number, customer_id, customer_name, customer_address, tags
(separated by ;), late_after, offline_after (seconds) and paused. Only vin and one of customer_id and customer_name are needed.
Vehicles that exist are updated. What "fleetbeat" exports at /v1/export can be imported again unchanged.`
}

func (c *importCommand) Run(ctx context.Context, t *terminal) error {
	var in io.Reader = os.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return usageError{err}
		}
		defer f.Close()
		in = f
	}
	api, err := client.New(client.Config{BaseURL: c.URL})
	if err != nil {
		return usageError{err}
	}
	result, err := api.Import(ctx, in, client.ImportOptions{Partial: c.Partial, DryRun: c.DryRun})
	if err != nil {
		return fmt.Errorf("importing %s: %w", c.File, err)
	}
	for _, e := range result.Errors {
		fmt.Fprintf(t.err, "%s:%d: %s\n", c.File, e.Line, lineProblem(e))
	}
	if more := result.Rejected - len(result.Errors); more > 0 {
		fmt.Fprintf(t.err, "%s: and more, in %d lines altogether\n", c.File, result.Rejected)
	}
	for _, w := range result.Warnings {
		fmt.Fprintf(t.err, "%s:%d: warning: %s\n", c.File, w.Line, lineProblem(w))
	}
	outcome := "done"
	switch {
	case c.DryRun:
		outcome = "nothing was changed, as asked"
	case !result.Applied:
		outcome = "NOTHING WAS CHANGED"
	}
	fmt.Fprintf(t.out, "%d vehicles created, %d updated, %d unchanged, %d lines rejected: %s\n",
		result.Created, result.Updated, result.Unchanged, result.Rejected, outcome)
	if !result.Applied && !c.DryRun {
		return errors.New("not every line is right; correct them, or take the good ones with --partial")
	}
	return nil
}

func lineProblem(e client.LineError) string {
	if e.Column == "" {
		return e.Error
	}
	return e.Column + ": " + e.Error
}
