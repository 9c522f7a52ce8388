package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

type proveCommand struct {
	VIN  string    `arg:"" name:"vin" help:"The vehicle."`
	From time.Time `help:"Heartbeats received from this moment on, RFC 3339." required:""`
	To   time.Time `help:"Heartbeats received before this moment; default: now."`
	Out  string    `help:"File to write; - is standard output." required:""`
	URL  string    `name:"url" help:"Address of the server." default:"http://127.0.0.1:8080"`
}

// Help is shown below the flags.
func (proveCommand) Help() string {
	return `Writes a file that shows which heartbeats of the vehicle are in the server's log. Anyone checks it offline, by
"fleetbeat verify FILE --key KEY" with the public key that the server shows at /v1/proof/key and in its first log line.
The file holds the batches that the heartbeats came in, and so the numbers of other vehicles heard at the same time.`
}

func (c *proveCommand) Run(ctx context.Context, t *terminal) error {
	to := c.To
	if to.IsZero() {
		to = time.Now()
	}
	if !c.From.Before(to) {
		return usageError{errors.New("--from must be before --to")}
	}
	api, err := client.New(client.Config{BaseURL: c.URL})
	if err != nil {
		return usageError{err}
	}
	p, err := api.Proof(ctx, c.VIN, c.From, to)
	if err != nil {
		return fmt.Errorf("proving heartbeats of %s: %w", c.VIN, err)
	}
	proven := 0
	for i := range p.Batches {
		proven += len(p.Batches[i].Heartbeats)
	}
	if proven == 0 {
		return fmt.Errorf("the log holds no heartbeat of %s from %s to %s: there is nothing to prove", c.VIN, p.From, p.To)
	}
	if err := writeProof(t, c.Out, p); err != nil {
		return fmt.Errorf("writing %s: %w", c.Out, err)
	}
	fmt.Fprintf(t.err, "%d heartbeats of %s in %d batches: %s\n", proven, c.VIN, len(p.Batches), c.Out)
	return nil
}

func writeProof(t *terminal, path string, p client.Proof) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if path == "-" {
		_, err := t.out.Write(data)
		return err
	}
	return os.WriteFile(path, data, 0o640)
}
