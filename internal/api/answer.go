package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// body is an answer that has nothing but a body.
type body[T any] struct{ Body T }

// waitTimeout bounds how long a call waits for the read side. A file of vehicles is many writes, and waits for all of them.
const (
	waitTimeout     = 5 * time.Second
	fileWaitTimeout = time.Minute
)

// The read side did not come far enough within that time.
var (
	errBehind = errors.New("the read side has not come to this position yet; try again")
	errUnseen = errors.New("it is written and will hold, but the read side does not show it yet")
)

// ready is nil when what the server would answer is true as of now. Before, it would be of the past, or of a part.
func (s *server) ready() error {
	if err := s.cfg.Ready(); err != nil {
		return &huma.ErrorModel{
			Status: http.StatusServiceUnavailable, Title: http.StatusText(http.StatusServiceUnavailable), Detail: "not ready: " + err.Error(),
		}
	}
	return nil
}

// shown waits until reads on this server show a write of the registry, and gives the position at which it holds.
func (s *server) shown(ctx context.Context, revision int64, within time.Duration) (event.Position, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, errUnseen)
	defer cancel()
	position, err := s.cfg.Applied(ctx, revision)
	return position, timedOut(ctx, err)
}

// reached waits until the read side shows a position.
func (s *server) reached(ctx context.Context, position event.Position) error {
	if position == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, waitTimeout, errBehind)
	defer cancel()
	return timedOut(ctx, s.cfg.Reached(ctx, position))
}

// timedOut puts the reason for which ctx ended, if it did, in the place of its error.
func timedOut(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("waiting for the read side: %w", context.Cause(ctx))
	}
	return err
}

// cursorOf is null on the last page.
func cursorOf(cursor string) *string {
	if cursor == "" {
		return nil
	}
	return &cursor
}
