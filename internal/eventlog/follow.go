package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Follow hands every batch from a position on to fn, in order and one at a time: first what the log holds, then what is
// appended, until ctx ends, fn gives an error, or the log is closed (ErrClosed). Each batch is verified; damage is a
// *DamageError; a position that was dropped is ErrDropped. fn may keep what it gets.
func (l *Log) Follow(ctx context.Context, from event.Position, fn func(event.Stored) error) error {
	return followLog(ctx, l, from, (*reader).stored, fn)
}

// FollowBytes is Follow for who wants the batches as they are stored. What fn gets is valid until it returns.
func (l *Log) FollowBytes(ctx context.Context, from event.Position, fn func(Bytes) error) error {
	return followLog(ctx, l, from, (*reader).bytes, fn)
}

// followLog hands what next reads to fn.
func followLog[T any](ctx context.Context, l *Log, from event.Position, next func(*reader) (T, error), fn func(T) error) error {
	f := follower[T]{log: l, take: next, next: max(from, 1)}
	defer f.close()
	for {
		head, generation, err := l.wait(ctx, f.next)
		if err != nil {
			return err
		}
		for f.next <= head {
			if err := ctx.Err(); err != nil {
				return err
			}
			s, err := f.read(generation)
			if errors.Is(err, errReplaced) {
				break
			}
			if err != nil {
				return fmt.Errorf("following the log: %w", err)
			}
			if err := fn(s); err != nil {
				return err
			}
		}
	}
}

// Cursor reads a log at its caller's pace. It is for one goroutine.
type Cursor struct{ follower follower[event.Stored] }

// Cursor begins at a position.
func (l *Log) Cursor(from event.Position) *Cursor {
	return &Cursor{follower[event.Stored]{log: l, take: (*reader).stored, next: max(from, 1)}}
}

// Next gives the next batch, which the log must have. Errors are those of Follow.
func (c *Cursor) Next() (event.Stored, error) {
	for {
		_, generation, _, err := c.follower.log.look(c.follower.next)
		if err != nil {
			return event.Stored{}, err
		}
		s, err := c.follower.read(generation)
		if errors.Is(err, errReplaced) {
			continue
		}
		return s, err
	}
}

// Skip goes over the next batch, which is checked and not decoded.
func (c *Cursor) Skip() error {
	take := c.follower.take
	defer func() { c.follower.take = take }()
	c.follower.take = func(r *reader) (event.Stored, error) {
		_, _, err := r.read()
		return event.Stored{}, err
	}
	_, err := c.Next()
	return err
}

// Position is that of the batch which Next gives.
func (c *Cursor) Position() event.Position { return c.follower.next }

// Close lets go of the files.
func (c *Cursor) Close() { c.follower.close() }

// follower reads a log that grows, and whose files may be replaced by Recover.
type follower[T any] struct {
	log        *Log
	take       func(*reader) (T, error) // the next batch
	reader     *reader
	generation int
	next       event.Position
}

// errReplaced: the files are not those of the generation asked for.
var errReplaced = errors.New("the log was opened anew")

func (f *follower[T]) read(generation int) (s T, err error) {
	f.log.files.RLock()
	defer f.log.files.RUnlock()
	if f.log.currentGeneration() != generation {
		return s, errReplaced
	}
	if err := f.reopen(generation); err != nil {
		return s, err
	}
	s, err = f.take(f.reader)
	if err != nil && f.next < f.log.First() {
		return s, fmt.Errorf("%w while it was read: it begins at position %d", ErrDropped, f.log.First())
	}
	if errors.Is(err, errEnd) {
		err = f.reader.damage(errors.New("the log ends before its head"))
	}
	if err != nil {
		return s, err
	}
	f.next++
	return s, nil
}

// reopen goes over to the files of a generation, and keeps the chain.
func (f *follower[T]) reopen(generation int) error {
	if f.reader != nil && f.generation == generation {
		return nil
	}
	r, err := openReader(msgsDir(storePath(f.log.config.Dir)), f.next, f.log.currentHead())
	if err != nil {
		return err
	}
	if f.reader != nil {
		if f.reader.known {
			r.chain, r.known = f.reader.chain, true
		}
		f.reader.close()
	}
	f.reader, f.generation = r, generation
	return nil
}

func (f *follower[T]) close() {
	if f.reader != nil {
		f.reader.close()
	}
}

func (l *Log) currentGeneration() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.generation
}
