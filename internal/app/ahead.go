package app

import (
	"context"
	"errors"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// batchesAhead is how many batches are decoded before they are applied. One takes up to about half a MiB.
const batchesAhead = 64

// readAhead reads a log on one core and applies it on another, until apply wants no more.
func readAhead(ctx context.Context, read func(func(event.Stored) error) error, apply func(event.Stored) (more bool)) error {
	batches, enough := make(chan event.Stored, batchesAhead), make(chan struct{})
	var failed error
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(batches)
		failed = read(func(batch event.Stored) error {
			select {
			case batches <- batch:
				return nil
			case <-enough:
				return errEnough
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for batch := range batches {
		if ctx.Err() != nil || !apply(batch) {
			break
		}
	}
	close(enough)
	reading.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed != nil && !errors.Is(failed, errEnough):
		return failed
	}
	return nil
}
