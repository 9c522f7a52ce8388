package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

var (
	// ErrTaken says that another process listens under this one's name.
	ErrTaken = errors.New("another process listens under this name")
	// ErrSuperseded says that another process began to listen under this one's name, which took it for dead.
	ErrSuperseded = errors.New("another process took over this one's name")
)

// skipAtMost is how many of its own batches a committer goes over to those of other nodes; past more, it looks for the place.
const skipAtMost = 1000

// AwaitAlone watches a shared log for a time. It gives ErrTaken when another process sends canaries under a name, and nil when
// none does.
func AwaitAlone(ctx context.Context, log *eventlog.Log, door string, within time.Duration) error {
	watching, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := log.Follow(watching, log.Head()+1, func(s event.Stored) error {
		for i := range s.Entries {
			if canary, is := s.Entries[i].Fact.(event.Canary); is && canary.Door == door {
				return fmt.Errorf("%w: %s", ErrTaken, door)
			}
		}
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}

// catchUp brings the window of repeats to the log's head, behind what other nodes wrote. The caller holds commitMu.
func (c *Committer) catchUp() error {
	head := c.log.Head()
	if c.window.position >= head {
		return nil
	}
	if err := c.seek(c.window.position + 1); err != nil {
		return fmt.Errorf("reading what other nodes wrote: %w", err)
	}
	for c.window.position < head {
		s, err := c.cursor.Next()
		if err != nil {
			return fmt.Errorf("reading what other nodes wrote: %w", err)
		}
		if c.isSuperseded(&s) {
			return fmt.Errorf("%w: %s", ErrSuperseded, c.config.Door)
		}
		if err := c.window.Apply(s); err != nil {
			return err
		}
	}
	return nil
}

// seek puts the cursor to a position.
func (c *Committer) seek(position event.Position) error {
	if c.cursor == nil || c.cursor.Position()+skipAtMost < position {
		if c.cursor != nil {
			c.cursor.Close()
		}
		c.cursor = c.log.Cursor(position)
	}
	for c.cursor.Position() < position {
		if err := c.cursor.Skip(); err != nil {
			return err
		}
	}
	return nil
}

// isSuperseded says whether another node's batch says that a process began to listen at our door.
func (c *Committer) isSuperseded(s *event.Stored) bool {
	for i := range s.Entries {
		if started, is := s.Entries[i].Fact.(event.ObserverStarted); is && c.config.Door != "" && started.Door == c.config.Door {
			return true
		}
	}
	return false
}

func (c *Committer) closeCursor() {
	if c.cursor != nil {
		c.cursor.Close()
	}
}
