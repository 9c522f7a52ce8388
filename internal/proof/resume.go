package proof

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// resume finds out how far the tree on disk can be trusted: up to the newest checkpoint, when its root is the signed one.
// What came after is taken from the log again. A tree that is missing or damaged is made anew: from the log, and for what was
// dropped from it, from the leaves on disk.
//
// Since each batch names the hash of the one before, and the log was verified when it was opened, the last signed batch
// being in its place means that all before it are.
func (t *Tree) resume(ctx context.Context) error {
	now := t.look()
	signed := now.signed
	if signed.Size > t.config.Log.Head() {
		return fmt.Errorf("%w: it ends at position %d, and %d were signed", ErrBroken, t.config.Log.Head(), signed.Size)
	}
	dropped, last := t.config.Log.Dropped()
	size := max(signed.Size, dropped)
	err := t.trust(signed, size)
	if now.suspect && signed.Size > 0 {
		err = errors.New("a proof made from it was wrong")
	}
	if err != nil {
		t.config.Logger.Warn("the tree of the log is made anew", "reason", err)
		if err := t.rebuild(ctx, signed, dropped); err != nil {
			return err
		}
	}
	if size > dropped {
		err = t.checkLast(ctx, size)
	} else {
		err = t.checkDropped(dropped, tlog.RecordHash(last[:]))
	}
	if err != nil {
		return err
	}
	t.change(func(s *state) { s.applied, s.ready, s.suspect = size, true, false })
	return nil
}

// trust says whether the files hold the tree that was signed, and leaves the first size leaves of it.
func (t *Tree) trust(signed Checkpoint, size event.Position) error {
	if signed.Size == 0 && size > 0 {
		return errors.New("no checkpoint says what it was")
	}
	if err := t.files.cut(int64(size)); err != nil || size == 0 {
		return err
	}
	root, err := t.files.root(int64(signed.Size))
	if err != nil {
		return err
	}
	if root != signed.Root {
		return errors.New("it is not the one that was signed")
	}
	return nil
}

var errReached = errors.New("read far enough")

// rebuild makes the tree of what was signed anew: from the leaves of what was dropped, and from the log behind that.
func (t *Tree) rebuild(ctx context.Context, signed Checkpoint, dropped event.Position) error {
	if err := t.files.regrow(int64(dropped)); err != nil {
		return fmt.Errorf("%w: it was dropped up to position %d, and the leaves that stand for it cannot be read: %w", ErrBroken, dropped, err)
	}
	if signed.Size == 0 {
		return nil
	}
	lost := event.Position(0)
	if signed.Size > dropped {
		err := t.config.Log.FollowBytes(ctx, dropped+1, func(b eventlog.Bytes) error {
			if !b.HashKnown && lost == 0 {
				lost = b.Position
			}
			if err := t.files.add(leafOf(b)); err != nil || b.Position < signed.Size {
				return err
			}
			return errReached
		})
		if !errors.Is(err, errReached) {
			return err
		}
	}
	root, err := t.files.root(int64(signed.Size))
	switch {
	case err != nil || root == signed.Root:
		return err
	case lost != 0:
		return fmt.Errorf("%w up to position %d: batches from position %d on were lost to damage, and with the tree their hashes", ErrBroken, signed.Size, lost)
	case dropped != 0:
		return fmt.Errorf("%w up to position %d: that, or the leaves of the %d batches that were dropped are damaged", ErrBroken, signed.Size, dropped)
	}
	return fmt.Errorf("%w up to position %d", ErrBroken, signed.Size)
}

// checkDropped holds the last batch that was dropped, by its leaf as the log names it, against the leaf on disk.
func (t *Tree) checkDropped(dropped event.Position, leaf tlog.Hash) error {
	if dropped == 0 {
		return nil
	}
	leaves, err := t.files.readLeaves(int64(dropped)-1, int64(dropped))
	if err == nil && leaves[0] != leaf {
		err = fmt.Errorf("%w: position %d, the last that was dropped, held another batch", ErrBroken, dropped)
	}
	return err
}

// checkLast holds the last batch that was signed against its leaf.
func (t *Tree) checkLast(ctx context.Context, size event.Position) error {
	leaves, err := t.files.readLeaves(int64(size)-1, int64(size))
	if err != nil {
		return err
	}
	err = t.config.Log.FollowBytes(ctx, size, func(b eventlog.Bytes) error {
		if b.HashKnown && leafOf(b) != leaves[0] {
			return fmt.Errorf("%w: position %d holds another batch than was signed, or follows others", ErrBroken, size)
		}
		return errReached
	})
	if errors.Is(err, errReached) {
		return nil
	}
	return err
}
