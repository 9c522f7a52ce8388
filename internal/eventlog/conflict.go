package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const (
	// attemptWithin bounds one attempt at an append, and how long its outcome is awaited in the copy.
	attemptWithin = time.Second
	// attemptAgain is how long after a failed attempt the next one begins.
	attemptAgain = 50 * time.Millisecond
)

// awaited is a batch that an append waits for in the copy, to see whose it is.
type awaited struct {
	position event.Position
	link     link // what stands there; meaningful once the head has come to position
}

// appendShared appends to the shared log, and returns once the batch is in this node's copy too.
func (l *Log) appendShared(ctx context.Context, after event.Position, b *event.Batch) (event.Position, error) {
	s := l.shared
	s.appending.Lock()
	defer s.appending.Unlock()
	l.writing.Lock()
	h, err := l.ready()
	l.writing.Unlock()
	if err != nil {
		return 0, err
	}
	if len(b.Entries)+b.Heartbeats.Len() == 0 {
		return 0, fmt.Errorf("%w: it is empty", ErrInvalid)
	}
	if h.position != after || b.StartTime() < h.end {
		return 0, ErrBehind
	}
	epoch := s.epoch
	if epoch == 0 {
		epoch = h.epoch + 1
	}
	next := header{epoch: epoch, number: after + 1, previous: h.link}
	record, batch, err := s.encoder.encode(next, b)
	if err != nil {
		return 0, err
	}
	if len(record) > min(maxRecord, int(s.conn.MaxPayload())) {
		return 0, fmt.Errorf("%w: it has %d bytes, at most %d can be stored", ErrInvalid, len(record), min(maxRecord, int(s.conn.MaxPayload())))
	}
	p := pending{position: next.number, link: next.link(batch), record: record}
	l.mu.Lock()
	l.awaited = awaited{position: p.position}
	l.mu.Unlock()
	started := time.Now()
	ours, err := l.attempt(ctx, p)
	if err != nil {
		p.record = bytes.Clone(record)
		l.mu.Lock()
		l.pending = &p
		l.mu.Unlock()
		return 0, fmt.Errorf("%w: appending batch %d: %w", ErrBroken, p.position, err)
	}
	if !ours {
		l.metrics.conflicts.Inc()
		return 0, ErrBehind
	}
	s.epoch = epoch
	l.metrics.commit.Observe(time.Since(started).Seconds())
	l.metrics.bytes.Add(float64(len(record)))
	return p.position, nil
}

// attempt publishes a record until its place in the log is taken, by itself or by another one. To publish it again is safe: its
// place is named, so that it is stored there or nowhere.
func (l *Log) attempt(ctx context.Context, p pending) (ours bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	for timeouts := 0; ; {
		err := l.shared.publish(ctx, p)
		if err == nil || isConflict(err) {
			l.shared.hint()
			var taken bool
			if taken, ours, err = l.outcome(ctx, p); taken || err != nil {
				return ours, err
			}
		}
		if timeouts++; errors.Is(err, context.DeadlineExceeded) && timeouts%2 == 0 {
			_ = l.shared.conn.ForceReconnect() // the server that we talk to may be cut off from the others
		}
		select {
		case <-ctx.Done():
			return false, errors.Join(ctx.Err(), err)
		case <-time.After(attemptAgain):
		}
	}
}

// publish offers a record for its place behind the batch before.
func (s *shared) publish(ctx context.Context, p pending) error {
	ctx, cancel := context.WithTimeout(ctx, attemptWithin)
	defer cancel()
	_, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: s.subject(), Data: p.record},
		jetstream.WithExpectLastSequence(uint64(p.position-1)), jetstream.WithRetryAttempts(0))
	return err
}

// isConflict says whether the servers refused a record because its place is taken, or is about to be.
func isConflict(err error) bool {
	refused, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// outcome waits, for a while, until the copy shows what took the place.
func (l *Log) outcome(ctx context.Context, p pending) (taken, ours bool, _ error) {
	waiting, cancel := context.WithTimeout(ctx, attemptWithin)
	defer cancel()
	err := l.Wait(waiting, p.position)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return true, l.awaited.link == p.link, nil
}

// recoverShared finds out what became of the append that ended without an answer. Until then no other begins, so what it looks
// for in the copy may have come meanwhile.
func (l *Log) recoverShared(ctx context.Context, p *pending) (stored bool, err error) {
	l.shared.appending.Lock()
	defer l.shared.appending.Unlock()
	if stored, err = l.attempt(ctx, *p); err != nil {
		return false, fmt.Errorf("%w: recovering it: %w", ErrBroken, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = nil
	return stored, nil
}
