package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// prepare leaves a folder whose every batch is verified, for the server to start on: it repairs what is damaged and
// cuts off a write that was never finished.
func (l *Log) prepare(ctx context.Context) (*findings, error) {
	dir := l.config.Dir
	storeDir := storePath(dir)
	if _, err := readFormat(dir); errors.Is(err, ErrNewerFormat) {
		return nil, err
	}
	if err := l.finishRepair(dir, storeDir); err != nil {
		return nil, fmt.Errorf("finishing an interrupted repair: %w", err)
	}
	if err := l.finishDrop(dir); err != nil {
		return nil, fmt.Errorf("finishing an interrupted drop: %w", err)
	}
	found, err := inspect(dir)
	if err != nil {
		return nil, err
	}
	if found.fresh {
		// What may stand here is the rest of a first start that was interrupted.
		return found, os.RemoveAll(storeDir)
	}
	if damages := found.damages(); len(damages) > 0 {
		l.report(damages, found.store.more)
		if l.shared != nil {
			return &findings{fresh: true}, l.setCopyAside(found, damages)
		}
		if err := l.repair(ctx, found, damages); err != nil {
			return nil, fmt.Errorf("repairing the log (%w): %w", &DamageError{damages[0]}, err)
		}
	}
	if u := found.store.unfinished; u != nil {
		l.config.Logger.Info("cutting off a write that was never finished", "file", u.file, "offset", u.offset)
		if err := cutOff(u.file, u.offset); err != nil {
			return nil, fmt.Errorf("cutting off an unfinished write: %w", err)
		}
	}
	if err := l.secureLastBlock(msgsDir(storeDir)); err != nil {
		return nil, fmt.Errorf("making the last block durable: %w", err)
	}
	return found, nil
}

// secureLastBlock makes durable what was read of the last block: a process that died between write and sync left it in
// the page cache alone. After a sync that failed the kernel may even take pages for clean that never reached the disk,
// so then the block is written anew.
func (l *Log) secureLastBlock(dir string) error {
	blocks, err := listBlocks(dir)
	if err != nil || len(blocks) == 0 {
		return err
	}
	path := blockPath(dir, blocks[len(blocks)-1])
	l.mu.Lock()
	broken := l.pending != nil
	l.mu.Unlock()
	if !broken {
		return syncFile(path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return writeFile(path, data)
}

// loggedDamages bounds the lines about damage at one start.
const loggedDamages = 20

func (l *Log) report(damages []Damage, more uint64) {
	for i, d := range damages {
		if i == loggedDamages {
			l.config.Logger.Error("the log is damaged at more places", "more", uint64(len(damages)-i)+more)
			break
		}
		l.config.Logger.Error("the log is damaged", "file", d.File, "offset", d.Offset, "position", d.Position,
			"lost", d.Lost, "reason", d.Reason)
	}
	l.metrics.damages.Add(float64(uint64(len(damages)) + more))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.damages = append(l.damages, damages...)
	l.damages = l.damages[:min(len(l.damages), maxDamages)]
}

func cutOff(path string, size int64) error {
	if err := os.Truncate(path, size); err != nil {
		return err
	}
	return syncFile(path)
}

// finishRepair brings a repair that was interrupted to its end when the new store was complete and the damaged one out
// of the way; else it removes the attempt, and a new repair starts over.
func (l *Log) finishRepair(dir, storeDir string) error {
	rebuilt := filepath.Join(dir, rebuiltName)
	if exists(rebuilt) && !exists(storeDir) {
		l.config.Logger.Warn("finishing a repair that was interrupted")
		return rename(rebuilt, storeDir)
	}
	return errors.Join(os.RemoveAll(rebuilt), os.RemoveAll(filepath.Join(dir, buildingName)))
}

// repair sets the damaged files aside and puts a store in their place that holds every batch that can still be read.
// Interrupted at any point, it leaves either the damaged store in place or the complete new one.
func (l *Log) repair(ctx context.Context, found *findings, damages []Damage) error {
	dir := l.config.Dir
	aside, err := setAside(dir, damages, found.store.more)
	if err != nil {
		return err
	}
	if len(found.store.damages) == 0 {
		return nil
	}
	building, rebuilt := filepath.Join(dir, buildingName), filepath.Join(dir, rebuiltName)
	storeDir := storePath(dir)
	if err := l.rebuild(ctx, storeDir, building, found); err != nil {
		return err
	}
	if err := rename(building, rebuilt); err != nil {
		return err
	}
	if exists(storeDir) {
		if err := rename(storeDir, storePath(aside)); err != nil {
			return err
		}
	}
	if err := rename(rebuilt, storeDir); err != nil {
		return err
	}
	l.config.Logger.Warn("the log was repaired; the damaged files are kept", "dir", aside)
	return nil
}

// rename moves a file or folder, durably.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(to)), syncDir(filepath.Dir(from)))
}

// setAside makes a folder for what is damaged, with a text that says what and where, and copies of the small files. The
// store itself is moved there once there is a new one.
func setAside(dir string, damages []Damage, more uint64) (string, error) {
	name := filepath.Join(dir, asidePrefix+time.Now().UTC().Format("20060102T150405.000Z"))
	aside := name
	for i := 2; exists(aside); i++ {
		aside = fmt.Sprintf("%s-%d", name, i)
	}
	if err := os.Mkdir(aside, 0o750); err != nil {
		return "", err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Damage found in %s. The files here are as they were found.\n\n", dir)
	for _, d := range damages {
		fmt.Fprintln(&text, d)
	}
	if more > 0 {
		fmt.Fprintf(&text, "and %d more\n", more)
	}
	if err := writeFile(filepath.Join(aside, "DAMAGE.txt"), []byte(text.String())); err != nil {
		return "", err
	}
	for _, name := range []string{headName, formatName} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = writeFile(filepath.Join(aside, name), data)
		}
		if err != nil {
			return "", err
		}
	}
	return aside, syncDir(dir)
}

// rebuild makes a new store of what can be read of a damaged one, makes it durable and verifies it.
func (l *Log) rebuild(ctx context.Context, from, to string, found *findings) error {
	begin := found.store.head
	w := &blockWriter{dir: msgsDir(to), epoch: begin.epoch + 1, chain: begin.before}
	if err := os.MkdirAll(w.dir, 0o750); err != nil {
		return err
	}
	s := stitcher{head: found.said, chosen: found.store.chosen, keep: w.keep, fill: w.fill}
	s.begin()
	err := scanBlocks(msgsDir(from), s.add)
	if err == nil {
		_, err = s.finish(w.dir)
	}
	if err := errors.Join(err, w.finish()); err != nil {
		return err
	}
	// The server writes its description of the stream and says whether it sees what we wrote.
	store, err := openStore(ctx, to, false, l.config.Logger)
	if err != nil {
		return err
	}
	err = store.checkView(ctx, begin.dropped, w.last)
	store.close()
	if err != nil {
		return err
	}
	if err := syncTree(to, true); err != nil {
		return err
	}
	again, err := inspectStore(to, found.said, "")
	if err != nil {
		return err
	}
	if len(again.damages) > 0 {
		return &DamageError{again.damages[0]}
	}
	found.store.head, found.store.unfinished = again.head, nil
	return nil
}
