package eventlog

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// freeEvery is how often Append asks for the free space of the disk.
const freeEvery = 100 * time.Millisecond

// Append writes one batch behind the head and gives its position. When it returns without an error, the batch is on disk; of
// a shared log, on those of most servers. The batch's times must not be before LastTime.
//
// ErrInvalid, ErrNoSpace and ErrBehind: nothing was written. ErrBroken: whether the batch was written is not known; every
// further Append gives ErrBroken until Recover has found out.
func (l *Log) Append(ctx context.Context, b *event.Batch) (event.Position, error) {
	return l.AppendAfter(ctx, l.Head(), b)
}

// AppendAfter is Append for who must know all that stands before the batch: behind the position given or not at all. It gives
// ErrBehind when the log has grown since, which only a shared one does by itself, be it while the batch is on its way.
func (l *Log) AppendAfter(ctx context.Context, after event.Position, b *event.Batch) (event.Position, error) {
	if l.shared != nil {
		return l.appendShared(ctx, after, b)
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	h, err := l.ready()
	if err != nil {
		return 0, err
	}
	if h.position != after {
		return 0, ErrBehind
	}
	if start := b.StartTime(); len(b.Entries)+b.Heartbeats.Len() == 0 || start < h.end {
		return 0, fmt.Errorf("%w: it is empty or begins at %d, before the log's last time %d", ErrInvalid, start, h.end)
	}
	next := header{epoch: h.epoch, number: h.position + 1, previous: h.link}
	record, batch, err := l.encoder.encode(next, b)
	if err != nil {
		return 0, err
	}
	if len(record) > maxRecord {
		return 0, fmt.Errorf("%w: it has %d bytes, at most %d can be stored", ErrInvalid, len(record), maxRecord)
	}
	h.position, h.end, h.link = next.number, b.EndTime(), next.link(batch)
	started := time.Now()
	if err := l.commit(ctx, h, record); err != nil {
		l.mu.Lock()
		l.pending = &pending{position: h.position, link: h.link}
		l.mu.Unlock()
		return 0, fmt.Errorf("%w: appending batch %d: %w", ErrBroken, h.position, err)
	}
	l.metrics.commit.Observe(time.Since(started).Seconds())
	l.metrics.bytes.Add(float64(len(record)))
	l.advance(h)
	return h.position, nil
}

// whole gives the head of a log that is open and not broken. l.writing is held.
func (l *Log) whole() (head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return l.head, ErrClosed
	case l.failed != nil:
		return l.head, l.failed
	case l.pending != nil || l.store == nil:
		return l.head, ErrBroken
	}
	return l.head, nil
}

// ready gives the head to append to, or says why the log takes nothing now.
func (l *Log) ready() (head, error) {
	h, err := l.whole()
	if err != nil {
		return h, err
	}
	if now := time.Now(); now.Sub(l.freeAt) >= freeEvery {
		free, _, err := DiskSpace(l.config.Dir)
		if err != nil {
			return h, err
		}
		if free < l.config.Reserve {
			return h, fmt.Errorf("%w: %d MiB are free, %d are kept", ErrNoSpace, free>>20, l.config.Reserve>>20)
		}
		l.freeAt = now
	}
	return h, nil
}

// commit makes a record durable at the head's position.
func (l *Log) commit(ctx context.Context, h head, record []byte) error {
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	position, err := l.store.publish(ctx, record)
	if err != nil {
		return err
	}
	if position != h.position {
		return fmt.Errorf("the embedded server stored it as batch %d", position)
	}
	return l.syncRoll()
}

// syncRoll makes the name of a new block durable, which JetStream does not, when one has begun.
func (l *Log) syncRoll() error {
	dir := msgsDir(storePath(l.config.Dir))
	for exists(blockPath(dir, l.block+1)) {
		l.block++
		l.metrics.blocks.Inc()
		if err := syncDir(dir); err != nil {
			return fmt.Errorf("syncing the folder of a new block: %w", err)
		}
	}
	return nil
}

// advance makes a durable batch known. The batch is stored already, so that a second place that cannot be written is
// reported and no reason to fail.
func (l *Log) advance(h head) {
	if err := l.headFile.write(h); err != nil {
		l.config.Logger.Error("the second place of the log's head is out of date", "error", err)
	}
	l.metrics.head.Set(float64(h.position))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head = h
	if l.awaited.position == h.position {
		l.awaited.link = h.link
	}
	l.wake()
}

// Recover opens the store again after ErrBroken, or asks the servers of a shared log, and says whether the batch of the failed
// Append is in the log: then it counts as appended, at the position after the former head. While it gives an error the log stays
// broken, and Recover may be called again. On a log that is not broken it does nothing.
func (l *Log) Recover(ctx context.Context) (stored bool, err error) {
	l.mu.Lock()
	pending, closed := l.pending, l.closed
	l.mu.Unlock()
	switch {
	case closed:
		return false, ErrClosed
	case pending == nil:
		return false, nil
	case l.shared != nil:
		return l.recoverShared(ctx, pending)
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.store != nil {
		l.store.close()
		l.store = nil
	}
	if err := l.open(ctx); err != nil {
		return false, fmt.Errorf("%w: recovering it: %w", ErrBroken, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = nil
	return l.head.position >= pending.position && l.head.link == pending.link, nil
}
