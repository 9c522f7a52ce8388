package eventlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Config says where the log is and how it behaves.
type Config struct {
	Dir        string                // the log's folder; made when missing
	Logger     *slog.Logger          // default: slog.Default()
	Registerer prometheus.Registerer // of the metrics; nil: none
	Reserve    uint64                // bytes to leave free on the disk; default: 64 MiB
	Timeout    time.Duration         // of one append; default: 10 s
	Shared     *Shared               // the log that several nodes write, of which Dir holds a copy; nil: Dir holds the log itself
}

// Log is a log open for writing. Its methods may be called from any goroutine.
type Log struct {
	config  Config
	metrics *metrics
	lock    *os.File
	syncing sync.WaitGroup
	done    chan struct{}

	// writing is held by Append, Recover and Close, one at a time. It guards the fields up to the next blank line.
	writing  sync.Mutex
	store    *store // nil while closed
	headFile *headFile
	encoder  encoder
	block    int // the newest
	freeAt   time.Time

	shared  *shared // nil: the log is this folder's own
	decoder decoder // of what is copied

	// files is held for reading while a follower takes bytes from the blocks, and for writing while they may be replaced.
	files sync.RWMutex

	// mu guards the fields below.
	mu         sync.Mutex
	head       head
	generation int           // grows with every opening of the store
	changed    chan struct{} // closed when the fields of this group change; nil while nobody waits
	pending    *pending      // the append whose fate is unknown, while the log is broken
	closed     bool
	failed     error   // why there is no use in going on
	awaited    awaited // what an append to the shared log looks for
	damages    []Damage
	verified   Verified
}

// Verified says when every block of the log was last read and checked, and up to which position.
type Verified struct {
	At       time.Time
	Position event.Position
}

// pending is an append that ended without an answer.
type pending struct {
	position event.Position
	link     link
	record   []byte // of a shared log
}

// headSyncEvery is how often the second place is made durable.
const headSyncEvery = time.Second

// Open locks the folder, verifies every batch in it, repairs what is damaged as far as it can be read, and starts the
// log. Its errors are ErrLocked, ErrNewerFormat, and those of the operating system.
func Open(ctx context.Context, config Config) (*Log, error) {
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.Reserve == 0 {
		config.Reserve = 64 << 20
	}
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	lock, err := lockFolder(config.Dir)
	if err != nil {
		return nil, err
	}
	l := &Log{config: config, lock: lock, done: make(chan struct{})}
	if l.metrics, err = newMetrics(config.Registerer); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l.warnOfFileSystem()
	if err := l.start(ctx); err != nil {
		if l.shared != nil {
			l.shared.close()
		}
		l.metrics.unregister()
		return nil, errors.Join(err, lock.Close())
	}
	l.syncing.Go(l.syncHead)
	return l, nil
}

// start opens the folder, and keeps it up to date with the shared log if there is one.
func (l *Log) start(ctx context.Context) (err error) {
	if l.config.Shared != nil {
		if l.shared, err = openShared(ctx, l.config); err != nil {
			return err
		}
	}
	if err := belongs(l.config.Dir, l.shared); err != nil {
		return err
	}
	if err := l.open(ctx); err != nil || l.shared == nil {
		return err
	}
	copying, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.shared.stop = stop
	l.shared.copying.Go(func() { l.keepCopy(copying) })
	return l.awaitCopy(ctx, l.shared.last)
}

// tellEvery is how often a start says how far it has come.
const tellEvery = 5 * time.Second

// awaitCopy returns when the copy has come to a position.
func (l *Log) awaitCopy(ctx context.Context, position event.Position) error {
	for {
		some, cancel := context.WithTimeout(ctx, tellEvery)
		err := l.Wait(some, position)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("copying the shared log up to position %d: %w", position, err)
		}
		l.config.Logger.Info("copying the shared log", "position", l.Head(), "of", position)
	}
}

// open verifies and repairs the files and starts the server on them.
func (l *Log) open(ctx context.Context) error {
	l.files.Lock()
	defer l.files.Unlock()
	found, err := l.prepare(ctx)
	if err != nil {
		return err
	}
	end := found.store.head
	if l.shared == nil {
		end.epoch++
	} else if end, err = l.adjoin(ctx, found); err != nil {
		return err
	}
	store, err := openVerified(ctx, storePath(l.config.Dir), end, l.shared == nil, l.config.Logger)
	if err != nil {
		return err
	}
	if err := l.settle(end, found.format); err != nil {
		store.close()
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store, l.head = store, end
	l.verified = Verified{time.Now(), end.position}
	l.generation++
	l.wake()
	return nil
}

// adjoin gives the end at which the copy goes on, as the shared log has it.
func (l *Log) adjoin(ctx context.Context, found *findings) (head, error) {
	end := found.store.head
	first, err := l.shared.reconcile(ctx, end)
	if err != nil || first == nil {
		return end, err
	}
	l.config.Logger.Info("the copy begins where the shared log does", "first_position", first.header.number, "known_before", end.position)
	if err := removeCopy(l.config.Dir); err != nil {
		return end, err
	}
	found.format = 0
	return beginCopy(msgsDir(storePath(l.config.Dir)), first)
}

// settle makes the folder complete and durable.
func (l *Log) settle(end head, format int) error {
	dir := l.config.Dir
	blocks, err := listBlocks(msgsDir(storePath(dir)))
	if err != nil {
		return err
	}
	if len(blocks) > 0 {
		l.block = blocks[len(blocks)-1]
	}
	l.metrics.blocks.Set(float64(len(blocks)))
	l.metrics.head.Set(float64(end.position))
	l.metrics.first.Set(float64(end.dropped + 1))
	if err := syncTree(storePath(dir), false); err != nil {
		return fmt.Errorf("syncing the log's folders: %w", err)
	}
	headFile, err := createHead(filepath.Join(dir, headName), end)
	if err != nil {
		return err
	}
	if l.headFile != nil {
		_ = l.headFile.close() // replaced by then; what it held is in the new one
	}
	l.headFile = headFile
	if format == folderFormat {
		return nil
	}
	if err := writeFile(filepath.Join(dir, formatName), []byte(formatText(folderFormat))); err != nil {
		return fmt.Errorf("writing the log's format: %w", err)
	}
	return nil
}

func (l *Log) warnOfFileSystem() {
	name, untried, err := untriedFileSystem(l.config.Dir)
	switch {
	case err != nil:
		l.config.Logger.Warn("the file system of the log is not known", "error", err)
	case untried:
		l.config.Logger.Warn("the log is neither on ext4 nor on XFS: a power cut may lose acknowledged batches",
			"dir", l.config.Dir, "file_system", name)
	}
}

// syncHead makes the second place durable, about once a second.
func (l *Log) syncHead() {
	ticker := time.NewTicker(headSyncEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-ticker.C:
		}
		l.writing.Lock()
		headFile := l.headFile
		l.writing.Unlock()
		if l.shared != nil {
			l.syncCopy()
		}
		if err := headFile.sync(); err != nil {
			l.config.Logger.Error("the second place of the log's head is not durable", "error", err)
		}
	}
}

// syncCopy makes durable what was copied, so that it need not be fetched again.
func (l *Log) syncCopy() {
	l.writing.Lock()
	path := blockPath(msgsDir(storePath(l.config.Dir)), l.block)
	l.writing.Unlock()
	if err := syncFile(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.config.Logger.Error("the copy of the shared log is not durable", "error", err)
	}
}

func (l *Log) currentHead() head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Head is the position of the last durable batch, and 0 when there is none.
func (l *Log) Head() event.Position { return l.currentHead().position }

// First is the position at which the log begins: 1, until Drop takes something away.
func (l *Log) First() event.Position { return l.currentHead().dropped + 1 }

// Dropped is the last position that Drop took away, 0 when it never did, and what Bytes.Hash was there.
func (l *Log) Dropped() (event.Position, [sha256.Size]byte) {
	h := l.currentHead()
	return h.dropped, h.before
}

// LastTime is the received-at of the last event in the log, and 0 when there is none.
func (l *Log) LastTime() event.Time { return l.currentHead().end }

// Epoch says how often the log was opened for writing, this time included.
func (l *Log) Epoch() uint64 { return l.currentHead().epoch }

// Verified is the newest verification of the whole log: that of Open, or of Recover. Damages says what it found.
func (l *Log) Verified() Verified {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.verified
}

// Damages are the damages that were found since Open, at most 1,000 of them, in the order of the log.
func (l *Log) Damages() []Damage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Damage(nil), l.damages...)
}

// Wait returns when the log has a batch at a position.
func (l *Log) Wait(ctx context.Context, position event.Position) error {
	_, _, err := l.wait(ctx, position)
	return err
}

// wait also gives the head and the generation of the files.
func (l *Log) wait(ctx context.Context, position event.Position) (event.Position, int, error) {
	for {
		head, generation, changed, err := l.look(position)
		if changed == nil {
			return head, generation, err
		}
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-changed:
		}
	}
}

// look gives the head and the generation of the files when the log has a batch at a position, and else what to wait for.
func (l *Log) look(position event.Position) (_ event.Position, generation int, changed <-chan struct{}, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return 0, 0, nil, ErrClosed
	case l.failed != nil:
		return 0, 0, nil, l.failed
	case l.head.position >= position:
		return l.head.position, l.generation, nil, nil
	case l.changed == nil:
		l.changed = make(chan struct{})
	}
	return 0, 0, l.changed, nil
}

// wake lets all who wait look again. l.mu is held.
func (l *Log) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Close stops the log. Followers and waiters get ErrClosed. Closing it again does nothing.
func (l *Log) Close() error {
	if l.shared != nil {
		l.shared.close()
	}
	l.writing.Lock()
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.wake()
	l.mu.Unlock()
	if closed {
		l.writing.Unlock()
		return nil
	}
	if l.store != nil {
		l.store.close()
		l.store = nil
	}
	err := l.headFile.close()
	l.writing.Unlock()
	close(l.done)
	l.syncing.Wait()
	l.metrics.unregister()
	return errors.Join(err, l.lock.Close())
}
