package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// ErrBroken says that the log does not fit what was signed.
var ErrBroken = errors.New("the log does not fit what was signed")

// Config says which log is proven, and where the proof is kept.
type Config struct {
	Dir        string                // the folder of the proof; made when missing
	Log        *eventlog.Log         //
	SignEvery  time.Duration         // how old the unsigned part of a growing log gets; default: 1 minute
	Logger     *slog.Logger          // default: none
	Registerer prometheus.Registerer // of the metrics; nil: none
}

// Tree follows the log into a tree of hashes and signs it. Its methods may be called from any goroutine.
type Tree struct {
	config  Config
	key     key
	files   *files // written by Run alone
	metrics metrics
	wanted  chan struct{} // somebody waits for a checkpoint

	mu      sync.Mutex
	state   state         // guarded by mu
	changed chan struct{} // guarded by mu; closed and replaced when the state changes and somebody waits
	waiting bool          // guarded by mu
}

// state is what readers of a tree see.
type state struct {
	applied event.Position // the last batch in the tree
	signed  Checkpoint     // the newest; its Size is 0 when there is none
	note    []byte         // the newest, signed
	broken  error          // why nothing is signed any more
	ready   bool           // the tree fits the newest checkpoint, so that proofs can be made
	suspect bool           // a proof made from the files was wrong, so that they are to be made anew

	interrupt context.CancelFunc // ends the following of the log
}

// Open opens a folder of proof, and makes its key when there is none. The tree stands still until Run.
func Open(config Config) (*Tree, error) {
	if config.SignEvery == 0 {
		config.SignEvery = time.Minute
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if err := makeFolder(config.Dir); err != nil {
		return nil, err
	}
	k, err := loadKey(config.Dir, config.Logger)
	if err != nil {
		return nil, err
	}
	t := &Tree{config: config, key: k, wanted: make(chan struct{}, 1), changed: make(chan struct{})}
	if err := t.readCheckpoint(); err != nil {
		return nil, err
	}
	if t.files, err = openFiles(config.Dir); err != nil {
		return nil, err
	}
	t.metrics = newMetrics(config.Registerer, t)
	return t, nil
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("making the folder of the proof: %w", err)
	}
	if err := RefuseNewer(dir); err != nil {
		return err
	}
	path := filepath.Join(dir, formatName)
	if text, err := os.ReadFile(path); err == nil && bytes.Equal(text, formatText(format)) {
		return nil
	}
	if err := writeFile(path, formatText(format), 0o640); err != nil {
		return fmt.Errorf("writing the format of the proof: %w", err)
	}
	return nil
}

// readCheckpoint reads the newest checkpoint, which may be of an earlier key. One that cannot be read is kept aside.
func (t *Tree) readCheckpoint() error {
	path := filepath.Join(t.config.Dir, checkpointName)
	signed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the checkpoint: %w", err)
	}
	keys, err := verifiers(t.config.Dir)
	if err != nil {
		return err
	}
	c, err := OpenCheckpoint(signed, keys...)
	switch {
	case err != nil:
		t.config.Logger.Error("the checkpoint is damaged and set aside; the tree is made anew from the log", "file", path, "error", err)
		if err := os.Rename(path, path+".damaged"); err != nil {
			return fmt.Errorf("setting a damaged checkpoint aside: %w", err)
		}
	case c.Origin == t.key.verifier.Name():
		t.state.signed, t.state.note = c, signed
	default:
		// A new key begins a new record. What the earlier one signed stays beside it, for the check of the folder.
		if err := os.Rename(path, path+"."+c.Origin); err != nil {
			return fmt.Errorf("setting the checkpoint of an earlier key aside: %w", err)
		}
	}
	return nil
}

// verifiers are the public keys of a folder; those that cannot be read are passed over.
func verifiers(dir string) ([]note.Verifier, error) {
	all, err := publicKeys(dir)
	if err != nil {
		return nil, err
	}
	var keys []note.Verifier
	for _, public := range all {
		if v, err := note.NewVerifier(public); err == nil {
			keys = append(keys, v)
		}
	}
	return keys, nil
}

// Key is the public key, as it is shown.
func (t *Tree) Key() string { return t.key.public }

// Close closes the files. It is called after Run has ended.
func (t *Tree) Close() error { return t.files.close() }

func (t *Tree) look() state {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// change changes the state and wakes those who wait for that.
func (t *Tree) change(set func(*state)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	set(&t.state)
	if t.waiting {
		close(t.changed)
		t.changed, t.waiting = make(chan struct{}), false
	}
}

// retryAfter is how long the tree waits after a failure of the disk.
const retryAfter = 5 * time.Second

// Run brings the tree up to date, keeps it there and signs it from time to time, until ctx ends; then it takes in what
// the log still got, and signs that. A failure of the disk is tried again. When the log does not fit what was signed,
// Run says so and does nothing more.
func (t *Tree) Run(ctx context.Context) error {
	var signing sync.WaitGroup
	signing.Go(func() { t.signNowAndThen(ctx) })
	defer signing.Wait()
	for {
		err := t.follow(ctx)
		switch {
		case ctx.Err() != nil:
			signing.Wait()
			return t.finish(context.WithoutCancel(ctx))
		case errors.Is(err, ErrBroken):
			t.config.Logger.Error("NOTHING MORE IS SIGNED: the log does not fit what was signed", "error", err)
			t.change(func(s *state) { s.broken = err })
			<-ctx.Done()
			return nil
		case errors.Is(err, eventlog.ErrClosed):
			return err
		case errors.Is(err, context.Canceled): // by unreadable, for the tree to be made anew
			continue
		}
		t.metrics.failures.Inc()
		t.config.Logger.Error("the tree of the log cannot be written; it is tried again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

func (t *Tree) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.change(func(s *state) { s.interrupt = cancel })
	if !t.look().ready {
		if err := t.resume(ctx); err != nil {
			return err
		}
	}
	return t.config.Log.FollowBytes(ctx, t.look().applied+1, t.apply)
}

func (t *Tree) apply(b eventlog.Bytes) error {
	if err := t.files.add(leafOf(b)); err != nil {
		return err
	}
	t.change(func(s *state) { s.applied = b.Position })
	return nil
}

// leafOf is the leaf of a batch in the tree.
func leafOf(b eventlog.Bytes) tlog.Hash { return tlog.RecordHash(b.Hash[:]) }

// finishWithin bounds what a stop waits for the tree.
const finishWithin = 10 * time.Second

// finish takes in what the log holds at the stop, and signs it.
func (t *Tree) finish(ctx context.Context) error {
	s := t.look()
	if !s.signable() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	head := t.config.Log.Head()
	var err error
	if s.applied < head {
		err = t.config.Log.FollowBytes(ctx, s.applied+1, func(b eventlog.Bytes) error {
			if err := t.apply(b); err != nil || b.Position < head {
				return err
			}
			return errReached
		})
		if errors.Is(err, errReached) {
			err = nil
		}
	}
	if err := errors.Join(err, t.sign()); err != nil {
		t.config.Logger.Error("the end of the log is not signed; the next start does it", "error", err)
	}
	return nil
}
