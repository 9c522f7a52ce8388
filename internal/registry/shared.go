package registry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What several servers that share a registry learn of each other, and how they take turns.

// The times of Follow: between two looks, and how long one may take.
const (
	followEvery  = 200 * time.Millisecond
	followWithin = 5 * time.Second
)

// Follow learns what other servers write to the registry, and whether its database is there, until ctx ends; it then
// returns nil. What it learns wakes Wait, as a write of this server does.
//
// Only with it running are methods sure to return ErrUnavailable soon, where a database is away and nothing says so.
func (r *Registry) Follow(ctx context.Context) error {
	db := r.engine.watcher()
	if db == nil {
		<-ctx.Done()
		return nil
	}
	ticks := time.NewTicker(followEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return nil
		}
		look, cancel := context.WithTimeout(ctx, followWithin)
		p, err := loadProgress(look, db)
		if err == nil && p.revision > r.Revision() {
			p.past, err = loadPast(look, db)
		}
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		r.seen(err)
		if err == nil {
			r.advance(p)
		}
	}
}

// presence is whether the database is there, as a context that ends when it goes away.
type presence struct {
	ctx  context.Context //nolint:containedctx // it is handed to whoever asks the database
	gone context.CancelCauseFunc
}

func newPresence() presence {
	ctx, gone := context.WithCancelCause(context.Background())
	return presence{ctx, gone}
}

// seen takes in whether the database was there at a look. It says so when that changes.
func (r *Registry) seen(err error) {
	r.mu.Lock()
	was := r.there.ctx.Err() != nil
	switch {
	case err != nil:
		r.there.gone(errAway)
	case was:
		r.there = newPresence()
	}
	r.mu.Unlock()
	switch {
	case err != nil && !was:
		r.logger.Error("the registry is away: what is registered is known, and nothing can be changed", "registry", r.Where(), "error", oneLine(err))
	case err == nil && was:
		r.logger.Info("the registry is back", "registry", r.Where())
	}
}

// isThere says whether the last look found the database.
func (r *Registry) isThere() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.there.ctx.Err() == nil
}

// whileThere runs ask with a context that also ends when a look finds no database: one that has stopped to answer keeps
// nobody waiting. Its error is ErrUnavailable then.
func (r *Registry) whileThere(ctx context.Context, ask func(context.Context) error) error {
	r.mu.Lock()
	there := r.there.ctx
	r.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(there, func() { cancel(errAway) })()
	if there.Err() != nil {
		return &awayError{errAway}
	}
	err := ask(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errAway) {
		return &awayError{errors.Join(errAway, err)}
	}
	return r.engine.fault(err)
}

var (
	errAway = errors.New("the last look found no database")
	// errElsewhere: another server relays.
	errElsewhere = errors.New("another server relays the facts")
)

// noteWithin is how long a relay that is to end may take to note what it stored.
const noteWithin = 5 * time.Second

// outlast is a context that ends some time after ctx.
func outlast(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(by):
			cancel()
		case <-lasting.Done():
		}
	})
	return lasting, func() {
		stop()
		cancel()
	}
}

// turnLasts is the default of Registry.turnLasts.
const turnLasts = 10 * time.Second

// relayInTurn relays the oldest facts while no other server does. It holds the lock by the transaction that takes the facts
// from the outbox, while the log takes them. When that transaction breaks, or ends because the log takes too long, another
// server may have its turn before what this one has sent is in the log, which then has newer facts before older ones: it is
// told again how things are.
func (r *Registry) relayInTurn(ctx context.Context, store storeFunc, stored *appended) error {
	if !r.isThere() {
		return &awayError{errAway}
	}
	lasting, cancel := outlast(ctx, noteWithin) // what was stored is to be noted
	defer cancel()
	t, err := r.engine.relayer().BeginTx(lasting, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() // does nothing after the commit
	var mine bool
	if err := t.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(relayLock)).Scan(&mine); err != nil {
		return err
	}
	is, err := loadProgress(ctx, t)
	if err != nil {
		return err
	}
	r.advance(is)
	if !mine {
		return errElsewhere
	}
	if stored.some() && is.relayed != stored.before {
		return r.overtaken(lasting, is, stored)
	}
	if !stored.some() {
		facts, last, err := oldestFacts(ctx, t)
		if err != nil || len(facts) == 0 {
			return err
		}
		turn := time.AfterFunc(r.turnLasts, func() { _ = t.Rollback() })
		position, err := store(ctx, facts)
		turn.Stop()
		if err != nil {
			return fmt.Errorf("appending %d facts: %w", len(facts), err)
		}
		*stored = appended{progress{relayed: last, position: position}, is.relayed, facts}
	}
	if err := takeFromOutbox(lasting, t, stored.progress); err != nil {
		return fmt.Errorf("noting that the log has the facts: %w", err)
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("noting that the log has the facts: %w", err)
	}
	r.advance(stored.progress)
	*stored = appended{}
	return nil
}

// overtaken deals with facts that were stored and that the database says are relayed, up to where is: by the commit of ours
// whose answer was lost, or by another server.
func (r *Registry) overtaken(ctx context.Context, is progress, stored *appended) error {
	if is.relayed == stored.relayed && is.position == stored.position {
		*stored = appended{} // it was ours
		return nil
	}
	r.logger.Warn("another server relayed facts while this one did: the log is told again how things are", "facts", len(stored.facts))
	if err := r.tellAgain(ctx, stored.facts); err != nil {
		return err
	}
	*stored = appended{}
	return nil
}
