package eventlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// droppedAtOnce bounds the blocks of one Drop, for which appends wait: 128 MiB.
const droppedAtOnce = 16

// Drop removes blocks from the beginning of the log, oldest first, while every batch in them is at or before a position and
// was received before a time; at most a few, and never the newest. It gives the position at which the log begins now: when
// that is not where it began before, there may be more to drop.
//
// The second place says so, durably, before the first file goes: what a crash leaves of it is known to be meant, and the
// next Open goes on with it. A position is not used again. On an error of the disk the log is broken until Recover.
func (l *Log) Drop(ctx context.Context, upTo event.Position, before event.Time) (first event.Position, err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	h, err := l.whole()
	if err != nil {
		return 0, err
	}
	dir := msgsDir(storePath(l.config.Dir))
	border, blocks, err := findBorder(dir, upTo, before)
	if err != nil || border.dropped <= h.dropped {
		return h.dropped + 1, err
	}
	h.dropped, h.before = border.dropped, border.before
	if err := l.headFile.writeBoth(h); err != nil {
		return 0, err
	}
	if err := l.dropFiles(ctx, dir, h); err != nil {
		l.mu.Lock()
		l.pending = &pending{position: h.position, link: h.link}
		l.mu.Unlock()
		return 0, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	l.metrics.blocks.Sub(float64(blocks))
	l.metrics.first.Set(float64(h.dropped + 1))
	l.config.Logger.Info("the beginning of the log was dropped", "first_position", h.dropped+1, "blocks", blocks)
	return h.dropped + 1, nil
}

// dropFiles lets go what the head says was dropped. No follower looks for a file meanwhile.
func (l *Log) dropFiles(ctx context.Context, dir string, h head) error {
	l.files.Lock()
	defer l.files.Unlock()
	l.mu.Lock()
	l.head = h
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	return errors.Join(l.store.drop(ctx, h.dropped+1), syncDir(dir))
}

// findBorder looks for the border between two blocks up to which the log may be dropped, and says how many lie before it.
// In the head that it gives, only what is about the dropped part is set.
func findBorder(dir string, upTo event.Position, before event.Time) (border head, blocks int, err error) {
	all, err := listBlocks(dir)
	if err != nil {
		return head{}, 0, err
	}
	for i := 1; i < min(len(all), droppedAtOnce+1); i++ {
		first, err := openBlock(dir, all[i])
		if errors.Is(err, errEnd) {
			break // the newest, which holds nothing yet
		}
		if err != nil {
			return head{}, 0, err
		}
		if first.header.number-1 > upTo || first.begins > before {
			break
		}
		border, blocks = head{dropped: first.header.number - 1, before: first.header.previous}, i
	}
	return border, blocks, nil
}

// finishDrop removes the blocks that a Drop left when it was interrupted. A block goes when the one behind it, whose first
// batch is whole, begins at or before what the head says was dropped; whatever is in doubt stays, and will be found damaged.
func (l *Log) finishDrop(dir string) error {
	said, _, err := readHead(filepath.Join(dir, headName))
	if err != nil || said.dropped == 0 {
		return err
	}
	storeDir := storePath(dir)
	msgs := msgsDir(storeDir)
	all, err := listBlocks(msgs)
	if err != nil {
		return err
	}
	removed := 0
	for i := 0; i+1 < len(all); i++ {
		first, err := openBlock(msgs, all[i+1])
		if err != nil || first.header.number > said.dropped+1 {
			break
		}
		if err := os.Remove(blockPath(msgs, all[i])); err != nil {
			return err
		}
		removed++
	}
	if removed == 0 {
		return nil
	}
	l.config.Logger.Info("what was dropped from the beginning of the log is removed", "blocks", removed)
	return errors.Join(removeIndex(storeDir), syncDir(msgs))
}
