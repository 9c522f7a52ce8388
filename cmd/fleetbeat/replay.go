package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

type replayCommand struct {
	Data        string `help:"Folder of the server; it may be running." default:"fleetbeat-data" type:"path"`
	Transitions bool   `help:"Print every transition of the log as a line of JSON."`
}

// Help is shown below the flags.
func (replayCommand) Help() string {
	return `Reads and verifies the whole log, rebuilds every projection from it and says whether it equals the newest snapshot. Where the
beginning of the log was dropped, it begins with the oldest snapshot. Nothing is changed. The exit code is 1 when the log is damaged or a snapshot differs.`
}

func (c *replayCommand) Run(t *terminal) error {
	if _, err := os.Stat(c.Data); err != nil {
		return usageError{err}
	}
	var tell func(event.Transition, string) error
	if c.Transitions {
		lines := json.NewEncoder(t.out)
		tell = func(tr event.Transition, vin string) error { return lines.Encode(transitionLine(tr, vin)) }
	}
	report, err := app.Replay(c.Data, tell)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.err, "%d batches, positions %d to %d, %d heartbeats: whole and in order; %.1f million heartbeats/s\n",
		report.Batches, report.First, report.Last, report.Heartbeats, float64(report.Heartbeats)/1e6/max(report.Elapsed.Seconds(), 1e-9))
	if report.Based > 0 {
		fmt.Fprintf(t.err, "the log was dropped up to position %d: rebuilt from the snapshots of position %d\n", report.First-1, report.Based)
	}
	if len(report.Compared) == 0 {
		fmt.Fprintln(t.err, "there is no snapshot to compare with")
	}
	equal := true
	for _, s := range report.Compared {
		verdict := "equals"
		if !s.Equal {
			verdict, equal = "DIFFERS FROM", false
		}
		fmt.Fprintf(t.err, "%s rebuilt up to position %d %s its snapshot\n", s.Name, s.Mark, verdict)
	}
	if !equal {
		return errors.New("a snapshot differs from what the log says; delete it, and the next start rebuilds it")
	}
	return nil
}

// replayedTransition is a transition as the API gives it, with the number of its vehicle for one that is not known.
type replayedTransition struct {
	client.Transition
	Vehicle event.VehicleID `json:"vehicle"`
}

func transitionLine(t event.Transition, vin string) replayedTransition {
	return replayedTransition{
		Vehicle: t.Vehicle,
		Transition: client.Transition{
			VIN: vin, From: client.Presence(t.From.String()), To: client.Presence(t.To.String()),
			At: client.At(t.At.Std()), Position: uint64(t.Position),
		},
	}
}
