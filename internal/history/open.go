package history

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// RefuseNewer returns ErrNewerFormat when a newer version of this program wrote the history of a folder. It changes
// nothing.
func RefuseNewer(dir string) error {
	if _, err := readManifestFile(filepath.Join(dir, manifestName)); errors.Is(err, ErrNewerFormat) {
		return fmt.Errorf("looking at the history in %s: %w", dir, err)
	}
	return nil
}

// load brings the history to where its files end.
func (h *History) load() error {
	m, damaged, err := h.disk.readManifest()
	if err != nil {
		return err
	}
	if damaged != nil {
		h.config.Logger.Error("the manifest of the history is damaged and set aside; the one before takes its place", "error", damaged)
	}
	if m.Format < manifestFormat {
		h.config.Logger.Warn("the history is of an older format and is made anew from the log", "format", m.Format)
		m = &manifest{Format: manifestFormat}
	}
	was := len(m.Missing)
	if err := h.checkFiles(m); err != nil {
		return err
	}
	if err := h.tidy(m, damaged != nil); err != nil {
		return err
	}
	if damaged != nil || len(m.Missing) != was {
		if err := h.disk.writeManifest(m); err != nil {
			return err
		}
	}
	h.manifest, h.cuts = m, []event.Time{m.SealedUntil}
	return h.loadNewestState(m)
}

// checkFiles sets aside the files that are not as long as they were written.
func (h *History) checkFiles(m *manifest) error {
	for _, f := range m.clone().Files {
		info, err := os.Stat(h.disk.path(f.Name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			err = errors.New("it is not there")
		case err != nil:
			return err
		case info.Size() == f.Bytes:
			continue
		default:
			err = fmt.Errorf("it has %d bytes, not %d", info.Size(), f.Bytes)
		}
		h.config.Logger.Error("a file of the history is damaged; it is set aside and made again from the log", "file", h.disk.path(f.Name), "error", err)
		if err := h.disk.setAside(f.Name); err != nil {
			return err
		}
		m.condemn(f.Name)
	}
	return nil
}

// condemn takes a file off the list and notes that it is to be made again.
func (m *manifest) condemn(name string) {
	for i, f := range m.Files {
		if f.Name == name {
			m.Files = append(m.Files[:i:i], m.Files[i+1:]...)
			m.Missing = append(m.Missing, missing{f.Kind, f.span})
			return
		}
	}
}

// tidy removes the files that do not count, what a crash left. When the manifest was damaged, they are kept beside.
func (h *History) tidy(m *manifest, keep bool) error {
	live := make(map[string]bool, len(m.Files))
	for i := range m.Files {
		live[m.Files[i].Name] = true
	}
	return h.disk.sweep(live, keep)
}

// loadNewestState loads the state from which the log is read on: the newest that is whole. A damaged one is told to Run.
func (h *History) loadNewestState(m *manifest) error {
	h.state = newState()
	for i := len(m.Files) - 1; i >= 0; i-- {
		f := &m.Files[i]
		if f.Kind != stateFiles || f.From > m.SealedUntil {
			continue
		}
		s, err := h.readState(f, presence.Load)
		if err == nil {
			h.state, h.from, h.checkpoint = s, f.From, f.First-1
			return nil
		}
		if !errors.Is(err, errCorrupt) {
			return err
		}
		h.suspect(f, err)
	}
	return nil
}

// readState reads the state of a file. What is not what was written is errCorrupt.
func (h *History) readState(f *file, load loadRule) (*state, error) {
	data, err := os.ReadFile(h.disk.path(f.Name))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.SHA256 {
		return nil, fmt.Errorf("%w: the checksum of %s does not fit", errCorrupt, f.Name)
	}
	s, err := decodeState(data, load)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errCorrupt, f.Name, err)
	}
	return s, nil
}

func decodeState(data []byte, load loadRule) (*state, error) {
	in, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := in.Reset(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	return loadState(in, load)
}

// suspect tells Run of a file that could not be read.
func (h *History) suspect(f *file, err error) {
	h.suspectMu.Lock()
	defer h.suspectMu.Unlock()
	if _, known := h.suspects[f.Name]; !known && len(h.suspects) < maxSuspects {
		h.suspects[f.Name] = err
	}
	h.nudge()
}

// maxSuspects bounds how many files wait for being looked at. The others are found again.
const maxSuspects = 1000

// condemnOne looks at a file that could not be read, and sets it aside if it is not what was written.
func (h *History) condemnOne(ctx context.Context) (bool, error) {
	name, cause := h.takeSuspect()
	if cause == nil {
		return false, nil
	}
	h.mu.RLock()
	m := h.manifest.clone()
	h.mu.RUnlock()
	for i := range m.Files {
		f := m.Files[i]
		if f.Name != name {
			continue
		}
		if err := h.verify(ctx, &f); !errors.Is(err, errCorrupt) {
			return true, err
		}
		h.config.Logger.Error("a file of the history is damaged; it is set aside and made again from the log", "file", h.disk.path(name), "error", cause)
		h.metrics.damaged.Inc()
		h.files.forget(name)
		m.condemn(name)
		if err := h.replace(m, func() {}); err != nil {
			return false, err
		}
		return true, h.disk.setAside(name)
	}
	return true, nil
}

func (h *History) takeSuspect() (string, error) {
	h.suspectMu.Lock()
	defer h.suspectMu.Unlock()
	for name, err := range h.suspects {
		delete(h.suspects, name)
		return name, err
	}
	return "", nil
}

// verify reads a whole file and compares its checksum.
func (h *History) verify(ctx context.Context, f *file) error {
	in, err := os.Open(h.disk.path(f.Name))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %s is not there", errCorrupt, f.Name)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	untilEnd := readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return in.Read(p)
	})
	if _, err := io.Copy(sum, untilEnd); err != nil {
		return fmt.Errorf("verifying %s: %w", f.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: the checksum of %s does not fit", errCorrupt, f.Name)
	}
	return nil
}

// readerFunc reads by a function.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// missing is what was set aside and is to be made again.
type missing struct {
	Kind kind `json:"kind"`
	span
}

// sealedState is the newest state file at or before a moment; nil when there is none.
func (m *manifest) sealedState(at event.Time) *file {
	for i := len(m.Files) - 1; i >= 0; i-- {
		if f := &m.Files[i]; f.Kind == stateFiles && f.From <= at {
			return f
		}
	}
	return nil
}
