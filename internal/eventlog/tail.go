package eventlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const (
	// askAfter is how long no batch comes before the servers are asked for the next one: a consumer may be gone with its server.
	askAfter = 500 * time.Millisecond
	// tailAgain is how long after a failure the tail of the shared log is looked for again.
	tailAgain = 250 * time.Millisecond
	// fetched is how many batches are under way to us.
	fetched = 128
)

// errStalled: the servers have a batch that their consumer did not bring.
var errStalled = errors.New("a consumer of the shared log brings nothing")

// keepCopy copies the shared log as it grows, until ctx ends or the log turns out not to be ours.
func (l *Log) keepCopy(ctx context.Context) {
	for failing := false; ; {
		err := l.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrForeign), errors.Is(err, ErrNewerFormat):
			l.fail(fmt.Errorf("copying the shared log: %w", err))
			return
		case !errors.Is(err, errStalled) && !failing:
			l.config.Logger.Warn("the shared log cannot be copied for the moment", "error", err)
			failing = true
		case errors.Is(err, errStalled):
			failing = false
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

// follow copies batches until something fails.
func (l *Log) follow(ctx context.Context) error {
	s := l.shared
	consumer, err := s.js.OrderedConsumer(ctx, s.config.Stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   uint64(l.Head() + 1),
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(fetched))
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		message, err := messages.Next(jetstream.NextMaxWait(askAfter))
		if errors.Is(err, nats.ErrTimeout) {
			err = l.ask(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		meta, err := message.Metadata()
		if err != nil {
			return err
		}
		if err := l.take(ctx, event.Position(meta.Sequence.Stream), message.Data()); err != nil {
			return err
		}
	}
}

// ask asks for the next batch. One that is there was not brought: it is taken, and errStalled says so.
func (l *Log) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	next := l.Head() + 1
	message, err := l.shared.stream.GetMsg(ctx, uint64(next))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(l.take(ctx, next, message.Data), errStalled)
}

// take checks a batch of the shared log and adds it to the copy. One that the copy has already is nothing new.
func (l *Log) take(ctx context.Context, position event.Position, record []byte) error {
	h := l.currentHead()
	if position <= h.position {
		return nil
	}
	if position != h.position+1 {
		return fmt.Errorf("%w: batch %d came behind %d", errStalled, position, h.position)
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
