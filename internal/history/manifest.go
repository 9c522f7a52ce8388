package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/fleetbeat/fleetbeat/internal/checksummed"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// manifest names the files that count. It is a line of JSON and a line with the SHA-256 of the first.
type manifest struct {
	Format      int            `json:"format"`
	Begin       event.Time     `json:"begin_ms"`               // where the history begins
	Kept        event.Time     `json:"kept_from_ms,omitempty"` // what was received before was dropped; 0: nothing was
	SealedUntil event.Time     `json:"sealed_until_ms"`        // everything received before is in files, or missing
	Position    event.Position `json:"position"`               // from which the log must be read again
	Next        int            `json:"next_file"`              // number of the next file
	Files       []file         `json:"files"`                  // in the order of their beginnings
	Missing     []missing      `json:"missing"`                // what was set aside and is to be made again
	Gone        []missing      `json:"gone"`                   // what cannot be made again: the log no longer reaches there
}

// kind is what a file holds.
type kind string

const (
	heartbeatFiles  kind = "heartbeats"
	batchFiles      kind = "batches"
	transitionFiles kind = "transitions" // by vehicle and time
	timelineFiles   kind = "timeline"    // the same transitions in the order of the log
	gapFiles        kind = "gaps"
	factFiles       kind = "facts"
	stateFiles      kind = "state" // at the moment From
)

// span is a stretch of time, and of the log.
type span struct {
	From  event.Time     `json:"from_ms"`
	To    event.Time     `json:"to_ms"`
	First event.Position `json:"first_position"` // of the batches that have something in it
	Last  event.Position `json:"last_position"`
}

// file is a file that counts.
type file struct {
	span
	Kind   kind       `json:"kind"`
	Name   string     `json:"name"`
	Bytes  int64      `json:"bytes"`
	Rows   int64      `json:"rows"`
	SHA256 string     `json:"sha256"`
	Oldest event.Time `json:"oldest_ms,omitempty"` // moment that it tells of, of transitions and gaps
	Newest event.Time `json:"newest_ms,omitempty"` // likewise
}

const (
	manifestFormat = 2 // 1 had no column after in the files of facts
	manifestName   = "manifest"
	previousName   = "manifest.previous" // for the case that the present one is damaged
)

var errManifest = errors.New("the manifest of the history cannot be read")

func (m *manifest) clone() *manifest {
	c := *m
	c.Files, c.Missing, c.Gone = slices.Clone(m.Files), slices.Clone(m.Missing), slices.Clone(m.Gone)
	return &c
}

// of lists the files of a kind that overlap a time, in its order.
func (m *manifest) of(k kind, from, to event.Time) []file {
	var out []file
	for _, f := range m.Files {
		if f.Kind == k && f.From < to && f.To > from {
			out = append(out, f)
		}
	}
	return out
}

// covers is an error when something between two moments is not there.
func (m *manifest) covers(from, to event.Time) error {
	if err := m.reaches(to); err != nil {
		return err
	}
	if to > m.Begin && from < m.Begin {
		from = m.Begin // there was nothing before
	}
	for _, s := range m.Missing {
		if s.From < to && s.To > from {
			return fmt.Errorf("%w: what was received from %v to %v", ErrDamaged, s.From, s.To)
		}
	}
	for _, s := range m.Gone {
		if s.From < to && s.To > from {
			return fmt.Errorf("%w: what was received from %v to %v is lost", ErrNotKept, s.From, s.To)
		}
	}
	return nil
}

// decodeManifest reads what checksummed wrote. Errors are errManifest and ErrNewerFormat.
func decodeManifest(data []byte) (*manifest, error) {
	var m manifest
	if err := checksummed.Decode(data, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", errManifest, err)
	}
	if m.Format > manifestFormat {
		return nil, fmt.Errorf("%w: it has format %d, this program reads up to %d", ErrNewerFormat, m.Format, manifestFormat)
	}
	for i := range m.Files {
		f := &m.Files[i]
		if f.Name == "" || f.Name != baseName(f.Name) || f.From > f.To || f.Bytes < 0 || f.Rows < 0 {
			return nil, fmt.Errorf("%w: file %q is none", errManifest, f.Name)
		}
	}
	return &m, nil
}

// baseName is a name without what would lead out of the folder.
func baseName(name string) string {
	if i := strings.LastIndexAny(name, "/\\\x00"); i >= 0 {
		return name[i+1:]
	}
	return name
}

// writeManifest makes a manifest the one that counts.
func (d *disk) writeManifest(m *manifest) error {
	data, err := checksummed.Encode(m)
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	previous, now := d.path(previousName), d.path(manifestName)
	if _, err := os.Stat(now); err == nil {
		if err := os.Remove(previous); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("writing the manifest: %w", err)
		}
		if err := os.Link(now, previous); err != nil {
			return fmt.Errorf("keeping the manifest before: %w", err)
		}
	}
	_, _, err = d.write(manifestName, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	return nil
}

// readManifest reads the manifest, or the one before it when it is damaged; a new one when there is none.
func (d *disk) readManifest() (_ *manifest, damaged error, err error) {
	m, err := readManifestFile(d.path(manifestName))
	switch {
	case err == nil:
		return m, nil, nil
	case errors.Is(err, os.ErrNotExist):
		return &manifest{Format: manifestFormat}, nil, nil
	case !errors.Is(err, errManifest):
		return nil, nil, err
	}
	damaged = err
	if err := d.setAside(manifestName); err != nil {
		return nil, nil, err
	}
	m, err = readManifestFile(d.path(previousName))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, errManifest) {
		return &manifest{Format: manifestFormat}, damaged, nil
	}
	return m, damaged, err
}

func readManifestFile(path string) (*manifest, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decodeManifest(data)
}
