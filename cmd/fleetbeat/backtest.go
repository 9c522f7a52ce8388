package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/backtest"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

type backtestCommand struct {
	Data         string        `help:"Folder of the server; it may be running." default:"fleetbeat-data" type:"path"`
	LateAfter    time.Duration `help:"Listening time without a heartbeat after which a vehicle would be late." required:""`
	OfflineAfter time.Duration `help:"The same for offline." required:""`
	Customer     string        `help:"Only the vehicles of this customer, by id." placeholder:"ID"`
	From         time.Time     `help:"Count what began at this moment or later, as in 2026-01-31T00:00:00Z." format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	To           time.Time     `help:"Count what began before this moment." format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	Examples     int           `help:"How many outages of each kind to name." default:"5"`
	JSON         bool          `help:"Print the answer as JSON, as the API gives it." name:"json"`
}

// Help is shown below the flags.
func (backtestCommand) Help() string {
	return `Replays the whole log twice, under the policies that were in force and under the one given, and compares the outages of both. Nothing
is changed.`
}

func (c *backtestCommand) Run(ctx context.Context, t *terminal) error {
	if _, err := os.Stat(c.Data); err != nil {
		return usageError{err}
	}
	q := backtest.Query{Policy: event.Policy{LateAfter: c.LateAfter, OfflineAfter: c.OfflineAfter}, Examples: c.Examples}
	if !c.From.IsZero() {
		q.From = event.At(c.From)
	}
	if !c.To.IsZero() {
		q.To = event.At(c.To)
	}
	if q.From < 0 || q.To < 0 || q.To != 0 && q.To <= q.From || c.Examples < 0 {
		return usageError{errors.New("--to must be after --from, both after 1970, and --examples not negative")}
	}
	report, err := app.Backtest(ctx, c.Data, q, c.Customer)
	if errors.Is(err, app.ErrNoPolicy) || errors.Is(err, app.ErrUnknownCustomer) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.err, "%d heartbeats read in %s, %.1f million a second\n",
		report.Heartbeats, report.Elapsed.Round(time.Millisecond), float64(report.Heartbeats)/1e6/max(report.Elapsed.Seconds(), 1e-9))
	answer := report.JSON(c.Customer)
	if c.JSON {
		lines := json.NewEncoder(t.out)
		return lines.Encode(answer)
	}
	return printBacktest(t, &answer)
}

// printBacktest writes an answer for people: both sides as a table, then what became of each outage.
func printBacktest(t *terminal, b *client.Backtest) error {
	fmt.Fprintf(t.out, "%s to %s, vehicles: %d\n\n", b.From, b.To, b.Vehicles)
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tin force\ttested\t")
	for _, row := range []struct {
		name            string
		present, tested any
	}{
		{"became late", b.Present.Transitions.Late, b.Tested.Transitions.Late},
		{"became offline", b.Present.Transitions.Offline, b.Tested.Transitions.Offline},
		{"came online", b.Present.Transitions.Online, b.Tested.Transitions.Online},
		{"outages", b.Present.Outages, b.Tested.Outages},
		{"time offline", b.Present.Offline.Duration(), b.Tested.Offline.Duration()},
	} {
		fmt.Fprintf(table, "%s\t%v\t%v\t\n", row.name, row.present, row.tested)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, kind := range []struct {
		name, says string
		found      *client.BacktestOutages
	}{
		{"same", "found at the same moment", &b.Same},
		{"later", "would have been found later", &b.Later},
		{"earlier", "would have been found earlier", &b.Earlier},
		{"missed", "would not have been found", &b.Missed},
		{"new", "were not found, and would have been", &b.New},
	} {
		printOutages(t, kind.name, kind.says, kind.found)
	}
	return nil
}

func printOutages(t *terminal, name, says string, found *client.BacktestOutages) {
	if found.Outages == 0 {
		return
	}
	fmt.Fprintf(t.out, "\n%s: %d %s", name, found.Outages, says)
	if found.Longest > 0 {
		fmt.Fprintf(t.out, ", by %s on average and %s at most", found.Mean.Duration(), found.Longest.Duration())
	}
	fmt.Fprintln(t.out)
	if name == "same" {
		return
	}
	for _, o := range found.Examples {
		vin := o.VIN
		if vin == "" {
			vin = "(not registered)"
		}
		fmt.Fprintf(t.out, "  %s lasted %s: found %s, tested %s\n", vin, o.Lasted.Duration(), orNever(o.FoundAt), orNever(o.TestedAt))
	}
}

func orNever(t client.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.String()
}
