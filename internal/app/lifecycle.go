package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// stopTimeout bounds the stop of each part: what has not ended by then is reported and left behind.
const stopTimeout = 20 * time.Second

// part is something that runs as long as the app does. Its run function blocks until its context ends, finishes what it
// has begun, and returns; when it returns earlier, the app stops.
type part struct {
	name string
	run  func(ctx context.Context) error
}

// runParts starts the parts in order, waits until ctx ends or a part returns, and stops them in reverse order, each
// only after the one that was started after it has ended: a door ends before the committer that answers its callers.
func runParts(ctx context.Context, logger *slog.Logger, parts []part) error {
	type running struct {
		part
		stop context.CancelFunc
		done chan error
	}
	first := make(chan string, len(parts))
	started := make([]running, 0, len(parts))
	for _, p := range parts {
		partCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := running{part: p, stop: cancel, done: make(chan error, 1)}
		go func() {
			r.done <- p.run(partCtx)
			first <- p.name
		}()
		started = append(started, r)
	}
	select {
	case <-ctx.Done():
	case name := <-first:
		logger.Error("stopping, because a part has ended", "part", name)
	}
	var errs []error
	for _, r := range slices.Backward(started) {
		r.stop()
		select {
		case err := <-r.done:
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
			}
		case <-time.After(stopTimeout):
			errs = append(errs, fmt.Errorf("%s did not stop within %s", r.name, stopTimeout))
		}
	}
	return errors.Join(errs...)
}
