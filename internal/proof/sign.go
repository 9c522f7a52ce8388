package proof

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// ErrNotSigned says that nothing is signed yet, or not that far.
var ErrNotSigned = errors.New("not signed yet")

// signAtMost is how often a checkpoint is signed because somebody asks for it.
const signAtMost = time.Second

// signNowAndThen signs what the log got, at the regular bound and sooner when somebody waits, until ctx ends.
func (t *Tree) signNowAndThen(ctx context.Context) {
	regular := time.NewTicker(t.config.SignEvery)
	defer regular.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-regular.C:
		case <-t.wanted:
		}
		if err := t.sign(); err != nil {
			t.metrics.failures.Inc()
			t.config.Logger.Error("no checkpoint could be signed; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(signAtMost, t.config.SignEvery)):
		}
	}
}

// signable says whether the tree is one to sign.
func (s *state) signable() bool { return s.ready && s.broken == nil }

// sign makes what the tree holds durable, and then signs it.
func (t *Tree) sign() error {
	s := t.look()
	if !s.signable() || s.applied == s.signed.Size {
		return nil
	}
	if err := t.files.sync(); err != nil {
		return fmt.Errorf("syncing the tree: %w", err)
	}
	root, err := t.files.root(int64(s.applied))
	if err != nil {
		return err
	}
	c := Checkpoint{Origin: t.key.verifier.Name(), Size: s.applied, Root: root}
	signed, err := c.sign(t.key)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(t.config.Dir, checkpointName), signed, 0o640); err != nil {
		return fmt.Errorf("writing the checkpoint: %w", err)
	}
	t.metrics.signed.Inc()
	t.change(func(s *state) { s.signed, s.note = c, signed })
	return nil
}

// root computes the root over the first size leaves.
func (f *files) root(size int64) (tlog.Hash, error) {
	root, err := tlog.TreeHash(size, f.levels())
	if err != nil {
		return root, fmt.Errorf("reading the tree: %w", err)
	}
	return root, nil
}

// Checkpoint is the newest checkpoint as a signed note. Its errors are ErrNotSigned and ErrBroken.
func (t *Tree) Checkpoint() ([]byte, error) {
	s := t.look()
	if s.note == nil {
		return nil, errors.Join(ErrNotSigned, s.broken)
	}
	return s.note, nil
}

// Signed is how many batches the newest checkpoint covers: their leaves are on disk.
func (t *Tree) Signed() event.Position { return t.look().signed.Size }

// signedUpTo waits until a checkpoint covers a position, and has one signed when none does.
func (t *Tree) signedUpTo(ctx context.Context, position event.Position) (state, error) {
	for {
		t.mu.Lock()
		s, changed := t.state, t.changed
		t.waiting = true
		t.mu.Unlock()
		switch {
		case s.broken != nil:
			return s, s.broken
		case s.ready && s.signed.Size >= position && s.signed.Size > 0:
			return s, nil
		case s.applied >= position:
			select {
			case t.wanted <- struct{}{}:
			default: // asked for already
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s, fmt.Errorf("%w up to position %d", ErrNotSigned, position)
		}
	}
}

// Consistency proves to who kept the checkpoint of an earlier size that the newest one contains all that it did: by a
// proof after RFC 6962, section 2.1.2, and the newest checkpoint as a signed note.
func (t *Tree) Consistency(from event.Position) (path []tlog.Hash, signed []byte, err error) {
	s := t.look()
	if s.broken != nil {
		return nil, nil, s.broken
	}
	if !s.ready || from == 0 || from > s.signed.Size {
		return nil, nil, fmt.Errorf("%w up to position %d", ErrNotSigned, from)
	}
	path, err = tlog.ProveTree(int64(s.signed.Size), int64(from), t.files.levels())
	if err != nil {
		return nil, nil, t.unreadable(err)
	}
	return path, s.note, nil
}
