package eventlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const (
	// lookAgain is how long after the end of the shared log was seen it is looked for again. A node that appends needs not wait.
	lookAgain = 10 * time.Millisecond
	// tailAgain is how long after a failure the tail of the shared log is looked for again.
	tailAgain = 50 * time.Millisecond
	// tailPatience is for how long failures are nothing to speak of: servers look for a leader.
	tailPatience = 10 * time.Second
)

// keepCopy copies the shared log as it grows, until ctx ends or the log turns out not to be ours.
func (l *Log) keepCopy(ctx context.Context) {
	failing := time.Time{} // since when; zero while all is well
	for {
		before := l.Head()
		err := l.tail(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrForeign), errors.Is(err, ErrNewerFormat):
			l.fail(fmt.Errorf("copying the shared log: %w", err))
			return
		case failing.IsZero() || l.Head() > before:
			failing = time.Now()
		case time.Since(failing) > tailPatience:
			l.config.Logger.Warn("the shared log cannot be copied for the moment", "error", err)
			failing = time.Now()
		}
		if l.store == nil {
			l.reopenCopy(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tailAgain):
		}
	}
}

// take checks a batch of the shared log and adds it to the copy. One that the copy has already is nothing new.
func (l *Log) take(ctx context.Context, position event.Position, record []byte) error {
	h := l.currentHead()
	if position <= h.position {
		return nil
	}
	if position != h.position+1 {
		return fmt.Errorf("%w: it goes on with batch %d behind %d", ErrForeign, position, h.position)
	}
	batch, said, err := openShareable(record)
	if err != nil {
		return fmt.Errorf("%w: batch %d: %w", ErrForeign, position, err)
	}
	if said.number != position || said.previous != h.link {
		return fmt.Errorf("%w: batch %d does not continue what this node knows", ErrForeign, position)
	}
	s, err := l.decoder.decode(batch)
	if err != nil {
		return fmt.Errorf("%w: batch %d: %w", ErrForeign, position, err)
	}
	return l.copy(ctx, head{position: position, epoch: max(h.epoch, said.epoch), end: max(h.end, s.EndTime()), link: said.link(batch)}, record)
}

// copy stores a record and makes it known. What is about the dropped part is of the moment.
func (l *Log) copy(ctx context.Context, end head, record []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.store == nil {
		return ErrClosed
	}
	now := l.currentHead()
	end.dropped, end.before = now.dropped, now.before
	if err := l.commit(ctx, end, record); err != nil {
		l.store.close()
		l.store = nil // what it holds is read anew
		return fmt.Errorf("copying batch %d: %w", end.position, err)
	}
	l.advance(end)
	return nil
}

// reopenCopy reads again what the copy holds, after it could not be written.
func (l *Log) reopenCopy(ctx context.Context) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.open(ctx); err != nil {
		l.config.Logger.Error("the copy of the shared log cannot be opened", "error", err)
	}
}

// fail ends the log: who waits, follows or appends gets the error.
func (l *Log) fail(err error) {
	l.config.Logger.Error("the shared log is not what it was", "error", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
	l.wake()
}

// setCopyAside moves a damaged copy out of the way: the servers have it all.
func (l *Log) setCopyAside(found *findings, damages []Damage) error {
	dir := l.config.Dir
	aside, err := setAside(dir, damages, found.store.more)
	if err != nil {
		return err
	}
	if exists(storePath(dir)) {
		if err := rename(storePath(dir), storePath(aside)); err != nil {
			return err
		}
	}
	l.config.Logger.Warn("the copy of the shared log is made anew; the damaged files are kept", "dir", aside)
	return removeCopy(dir)
}

// beginCopy writes the first batch of a shared log whose beginning was dropped, and gives the head of a copy that holds
// nothing else: JetStream finds it there, and would not begin at another position than 1 without a trace of its own.
func beginCopy(dir string, first *scanned) (head, error) {
	s, err := new(decoder).decode(first.batch)
	if err != nil {
		return head{}, fmt.Errorf("%w: batch %d: %w", ErrForeign, first.header.number, err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return head{}, err
	}
	w := blockWriter{dir: dir}
	if err := errors.Join(w.keep(*first), w.finish()); err != nil {
		return head{}, err
	}
	return head{
		position: s.Position, epoch: s.Epoch, end: s.EndTime(), link: first.link,
		dropped: s.Position - 1, before: first.header.previous,
	}, nil
}
