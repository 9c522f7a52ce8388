package main

import (
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/api"
	"github.com/fleetbeat/fleetbeat/web"
)

type pageCommand struct {
	Folder string `arg:"" help:"Folder to write to; made when missing, empty when not." type:"path"`
	API    string `name:"api" help:"Origin of the server, as browsers reach it: https://beat.example.com." required:"" placeholder:"URL"`
}

// Help is shown below the flags.
func (pageCommand) Help() string {
	return `The server must name the page's own origin: fleetbeat serve --web-origin https://fleet.example.com. Whoever serves the files answers index.html for
every path that is no file, without caching it; all files with a hash in their name may be kept for ever.`
}

func (c *pageCommand) Run(t *terminal) error {
	if err := api.CheckOrigin(c.API); err != nil {
		return usageError{err}
	}
	if err := web.Export(web.Built(), c.Folder, c.API); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "The dashboard is in %s, and calls %s.\n", c.Folder, c.API)
	return err
}
