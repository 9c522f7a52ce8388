package proof

import (
	"context"
	"errors"
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// resume finds out how far the tree on disk can be trusted: up to the newest checkpoint, when its root is the signed one.
// What came after is taken from the log again. A tree that is missing or damaged is made anew from the log.
//
// Since each batch names the hash of the one before, and the log was verified when it was opened, the last signed batch
// being in its place means that all before it are.
func (t *Tree) resume(ctx context.Context) error {
	now := t.look()
	signed := now.signed
	if signed.Size > t.config.Log.Head() {
		return fmt.Errorf("%w: it ends at position %d, and %d were signed", ErrBroken, t.config.Log.Head(), signed.Size)
	}
	err := t.trust(signed)
	if now.suspect && signed.Size > 0 {
		err = errors.New("a proof made from it was wrong")
	}
	if err != nil {
		t.config.Logger.Warn("the tree of the log is made anew", "reason", err)
		if err := t.rebuild(ctx, signed); err != nil {
			return err
		}
	}
	if err := t.checkLast(ctx, signed.Size); err != nil {
		return err
	}
	t.change(func(s *state) { s.applied, s.ready, s.suspect = signed.Size, true, false })
	return nil
}

// trust says whether the files hold the tree that was signed.
func (t *Tree) trust(signed Checkpoint) error {
	if signed.Size == 0 {
		return t.files.cut(0)
	}
	if err := t.files.cut(int64(signed.Size)); err != nil {
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

// rebuild makes the tree of what was signed anew from the log.
func (t *Tree) rebuild(ctx context.Context, signed Checkpoint) error {
	if err := t.files.cut(0); err != nil {
		return err
	}
	lost := event.Position(0)
	err := t.config.Log.FollowBytes(ctx, 1, func(b eventlog.Bytes) error {
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
	root, err := t.files.root(int64(signed.Size))
	if err != nil || root == signed.Root {
		return err
	}
	if lost != 0 {
		return fmt.Errorf("%w up to position %d: batches from position %d on were lost to damage, and with the tree their hashes", ErrBroken, signed.Size, lost)
	}
	return fmt.Errorf("%w up to position %d", ErrBroken, signed.Size)
}

// checkLast holds the last batch that was signed against its leaf.
func (t *Tree) checkLast(ctx context.Context, size event.Position) error {
	if size == 0 {
		return nil
	}
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
