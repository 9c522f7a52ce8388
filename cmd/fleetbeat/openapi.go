package main

import (
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/api"
)

type openapiCommand struct{}

func (openapiCommand) Run(t *terminal) error {
	document, err := api.Document()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", document)
	return err
}
