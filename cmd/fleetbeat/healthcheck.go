package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

type healthcheckCommand struct {
	URL     string        `name:"url" help:"Address of the server." default:"http://127.0.0.1:8080"`
	Timeout time.Duration `help:"How long an answer may take." default:"3s"`
}

// Help is shown below the flags.
func (healthcheckCommand) Help() string {
	return `For container engines and scripts: the exit code is 0 when the server is ready to answer questions about the present, and 1 when it
is not, or does not answer. Nothing is printed then but the reason.`
}

func (c *healthcheckCommand) Run(ctx context.Context, _ *terminal) error {
	api, err := client.New(client.Config{BaseURL: c.URL})
	if err != nil {
		return usageError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	if err := api.Ready(ctx); err != nil {
		return fmt.Errorf("%s is not ready: %w", c.URL, err)
	}
	return nil
}
