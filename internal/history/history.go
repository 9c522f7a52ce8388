package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Errors that a caller tells apart.
var (
	ErrOldBatch      = errors.New("batch is not after the last")                             // applied already
	ErrNewerFormat   = errors.New("the history was written by a newer version of Fleetbeat") // nothing was changed
	ErrNotKept       = errors.New("the history does not reach there")                        // before its beginning, or dropped
	ErrDamaged       = errors.New("a file of the history is damaged and made anew")          // ask again later
	ErrBehind        = errors.New("the history has not read the log to its end yet")
	ErrInvalidCursor = errors.New("invalid cursor") // not one that was given out
)

// Config says where the history is and how it behaves. Only Dir is required.
type Config struct {
	Dir string // of its files; made when missing

	// Log hands to fn every batch from a position on, up to where fn gives an error, to make damaged files anew. Default:
	// they cannot be.
	Log func(ctx context.Context, from event.Position, fn func(event.Stored) error) error

	Keep      time.Duration // how old the history gets, counted back from the newest event; 0: it keeps everything
	PartBytes int           // memory at which the open part is sealed before its hour is over; default 256 MiB
	Logger    *slog.Logger  // default none
}

func (c Config) withDefaults() Config {
	if c.PartBytes == 0 {
		c.PartBytes = 256 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// hour is the length of a part, and day that of a compacted one, both of UTC.
const (
	hour = event.Time(time.Hour / time.Millisecond)
	day  = 24 * hour
)

// maxClosed is how many closed parts wait for being sealed. Apply waits while there are more.
const maxClosed = 2

// History is the projection that remembers. Apply has one caller; all other methods may be called at once.
type History struct {
	config  Config
	disk    disk
	files   files
	metrics metrics

	wake       chan struct{} // tells Run that there is something to do
	retryAfter time.Duration // the pause after work that failed, because the disk is full for instance

	suspectMu sync.Mutex
	suspects  map[string]error // guarded by suspectMu: files that could not be read, by name

	mu         sync.RWMutex // guards the following
	room       *sync.Cond   // of mu: a closed part was sealed, or Run has ended
	ended      bool
	manifest   *manifest // replaced, never changed
	checkpoint event.Position
	reached    chan struct{} // closed and replaced when the checkpoint moves and somebody waits
	waiting    bool
	proof      event.Time   // received-at of the newest event applied
	cuts       []event.Time // where the files ended at the start
	from       event.Time   // of the state at the start: what was received before is in it
	state      *state       // Apply changes it
	open       *part        // nil before the first event
	closed     []*part      // oldest first
}

// Open reads the manifest of a folder, sets aside what is damaged and removes what does not count. The error is
// ErrNewerFormat or one of the operating system's.
func Open(config Config) (*History, error) {
	h := &History{config: config.withDefaults(), wake: make(chan struct{}, 1), retryAfter: 10 * time.Second, suspects: make(map[string]error)}
	h.room, h.reached = sync.NewCond(&h.mu), make(chan struct{})
	h.disk = disk{dir: config.Dir}
	h.files.disk = &h.disk
	if err := h.disk.prepare(); err != nil {
		return nil, fmt.Errorf("opening the history in %s: %w", config.Dir, err)
	}
	if err := h.load(); err != nil {
		return nil, fmt.Errorf("opening the history in %s: %w", config.Dir, err)
	}
	h.metrics = newMetrics()
	return h, nil
}

// Close closes the files.
func (h *History) Close() error { return h.files.close() }

// Checkpoint is the position of the last batch applied. Apply goes on with the one behind it.
func (h *History) Checkpoint() event.Position {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.checkpoint
}

// Apply takes in the next batch of the log. A batch that is not after the Checkpoint is refused with ErrOldBatch and
// changes nothing. While more parts wait for being sealed than memory is meant for, it waits for Run.
func (h *History) Apply(s event.Stored) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.Position <= h.checkpoint {
		return fmt.Errorf("%w: position %d, applied up to %d", ErrOldBatch, s.Position, h.checkpoint)
	}
	for len(h.closed) > maxClosed && !h.ended {
		h.room.Wait()
	}
	w := walk{state: h.state, open: h.open, sealed: h.from, cuts: h.cuts, limit: h.config.PartBytes}
	w.full = func(p *part) {
		if p.until > h.cuts[0] { // else it is in files already: the newest state was damaged
			h.closed = append(h.closed, p)
			h.nudge()
		}
	}
	if err := w.batch(s); err != nil {
		return err
	}
	h.open, h.checkpoint = w.open, s.Position
	h.proof = max(h.proof, s.EndTime())
	if h.waiting {
		close(h.reached)
		h.reached, h.waiting = make(chan struct{}), false
	}
	return nil
}

// Wait returns when everything up to a position is applied, or with ErrBehind when ctx ends before.
func (h *History) Wait(ctx context.Context, position event.Position) error {
	for {
		h.mu.Lock()
		reached, checkpoint := h.reached, h.checkpoint
		h.waiting = true
		h.mu.Unlock()
		if checkpoint >= position {
			return nil
		}
		select {
		case <-reached:
		case <-ctx.Done():
			return fmt.Errorf("%w: %d batches to go", ErrBehind, position-checkpoint)
		}
	}
}

// nudge lets Run look for work.
func (h *History) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run seals, compacts and mends until ctx ends. What is not sealed by then is made again from the log.
func (h *History) Run(ctx context.Context) {
	defer h.end()
	for {
		again, err := h.work(ctx)
		if err != nil && ctx.Err() == nil {
			h.metrics.failures.Inc()
			h.config.Logger.Error("the history was not written; trying again", "error", err)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			select {
			case <-time.After(h.retryAfter):
			case <-ctx.Done():
			}
		case !again:
			select {
			case <-h.wake:
			case <-ctx.Done():
			}
		}
	}
}

func (h *History) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	h.room.Broadcast()
}

// work does what is most urgent, and says whether there may be more.
func (h *History) work(ctx context.Context) (again bool, err error) {
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // the end of ctx is how it ends
	}
	for _, do := range []func(context.Context) (bool, error){h.sealOldest, h.dropOld, h.condemnOne, h.mendOne, h.compactOne} {
		done, err := do(ctx)
		if done || err != nil {
			return done, err
		}
	}
	return false, nil
}
