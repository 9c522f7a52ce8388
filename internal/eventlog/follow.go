package eventlog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

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
	r, err := openReader(msgsDir(filepath.Join(f.log.config.Dir, storeName)), f.next, f.log.currentHead())
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
