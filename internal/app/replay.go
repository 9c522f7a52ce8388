package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
	"github.com/fleetbeat/fleetbeat/internal/presence"
	"github.com/fleetbeat/fleetbeat/internal/projection"
)

// ReplayReport says what Replay went through and found.
type ReplayReport struct {
	eventlog.Report
	Elapsed  time.Duration
	Based    event.Position // of the oldest snapshot, from which a log whose beginning was dropped is replayed; 0: from nothing
	Compared []Comparison
}

// Comparison is one snapshot held against the log.
type Comparison struct {
	Name  string
	Mark  uint64 // the log position that the snapshot covers
	Equal bool
}

// Replay rebuilds every projection of a data folder from its log, or from the oldest snapshot when the log's beginning was
// dropped, and compares it with its newest snapshot. It changes nothing and may run beside a server. A snapshot that the log
// does not reach is an error. The transitions function, unless nil, is told each transition with the VIN of its vehicle, which
// is empty when the newest snapshot does not know it.
func Replay(dataDir string, transitions func(event.Transition, string) error) (ReplayReport, error) {
	r, err := newReplay(dataDir)
	if err != nil {
		return ReplayReport{}, err
	}
	r.tell = transitions
	began := time.Now()
	report, err := r.read(dataDir)
	if err != nil {
		return ReplayReport{Report: report}, fmt.Errorf("replaying %s: %w", dataDir, err)
	}
	return ReplayReport{Report: report, Elapsed: time.Since(began), Based: r.based, Compared: r.compared}, r.checkReached(report.Last)
}

// replay holds the projections that are being rebuilt beside those of the snapshots.
type replay struct {
	savedFleet  *fleet.View // nil: there is no snapshot
	savedWindow *ingest.Window

	rule     *presence.Rule
	changes  presence.Changes
	fleet    *fleet.View
	window   *ingest.Window
	based    event.Position
	vins     map[event.VehicleID]string
	compared []Comparison

	tell func(event.Transition, string) error
}

func newReplay(dataDir string) (*replay, error) {
	r := &replay{fleet: fleet.New(fleet.Config{}), window: ingest.NewWindow(), vins: map[event.VehicleID]string{}}
	first, err := eventlog.FirstOf(dataDir)
	if err != nil {
		return nil, err
	}
	if first > 1 {
		if err := r.base(dataDir, first); err != nil {
			return nil, err
		}
	}
	if r.rule, err = r.fleet.Rule(); err != nil {
		return nil, err
	}
	err = snapshotsOf(dataDir, "fleet").Peek(func(in io.Reader) (err error) {
		r.savedFleet, err = fleet.Load(fleet.Config{}, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = snapshotsOf(dataDir, "window").Peek(func(in io.Reader) (err error) {
		r.savedWindow, err = ingest.LoadWindow(in)
		return err
	})
	if err != nil {
		return nil, err
	}
	if r.savedFleet != nil {
		directory := r.savedFleet.Directory()
		for _, v := range directory.Vehicles {
			r.vins[v.Number] = v.VIN
		}
		if err := r.fleet.Update(directory); err != nil {
			return nil, fmt.Errorf("taking over the directory of the snapshot: %w", err)
		}
	}
	return r, nil
}

func snapshotsOf(dataDir, name string) *projection.Snapshots {
	return &projection.Snapshots{Dir: snapshotDir(dataDir), Name: name, Logger: slog.New(slog.DiscardHandler)}
}

// base begins with the oldest snapshots, in the place of what was dropped from a log.
func (r *replay) base(dataDir string, first event.Position) error {
	err := snapshotsOf(dataDir, "fleet").PeekOldest(func(in io.Reader) (err error) {
		r.fleet, err = fleet.Load(fleet.Config{}, in)
		return err
	})
	if err != nil {
		return err
	}
	err = snapshotsOf(dataDir, "window").PeekOldest(func(in io.Reader) (err error) {
		r.window, err = ingest.LoadWindow(in)
		return err
	})
	if err != nil {
		return err
	}
	if r.based = min(r.fleet.Checkpoint(), r.window.Position()); r.based+1 < first {
		return fmt.Errorf("the log in %s begins at position %d, and no snapshot covers what was before", dataDir, first)
	}
	return nil
}

// read reads the log and applies it, up to the first batch that cannot be.
func (r *replay) read(dataDir string) (report eventlog.Report, err error) {
	var applied error
	err = readAhead(context.Background(), func(fn func(event.Stored) error) (err error) {
		report, err = eventlog.Read(dataDir, 1, fn)
		return err
	}, func(batch event.Stored) bool {
		if err := r.apply(batch); err != nil {
			applied = fmt.Errorf("batch %d: %w", batch.Position, err)
		}
		return applied == nil
	})
	if applied != nil {
		return report, applied
	}
	return report, err
}

func (r *replay) apply(batch event.Stored) error {
	if batch.Position > r.window.Position() {
		if err := r.window.Apply(batch); err != nil {
			return err
		}
	}
	if batch.Position > r.fleet.Checkpoint() {
		if err := r.applyFleet(batch); err != nil {
			return err
		}
	}
	return r.compare(batch.Position)
}

func (r *replay) applyFleet(batch event.Stored) error {
	if err := r.fleet.Apply(batch); err != nil {
		return err
	}
	if r.tell != nil {
		r.changes.Reset()
		r.rule.Apply(batch, &r.changes)
		for _, t := range r.changes.Transitions {
			if err := r.tell(t, r.vins[t.Vehicle]); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare holds the rebuilt projections against the snapshots that cover exactly what was replayed so far.
func (r *replay) compare(position event.Position) error {
	if r.savedFleet != nil && r.savedFleet.Checkpoint() == position {
		if err := r.note("fleet", position, r.savedFleet.Save, r.fleet.Save); err != nil {
			return err
		}
	}
	if r.savedWindow != nil && r.savedWindow.Position() == position {
		return r.note("window", position, r.savedWindow.Save, r.window.Save)
	}
	return nil
}

// checkReached looks for a snapshot of what lies behind the end of the log.
func (r *replay) checkReached(end event.Position) error {
	if r.savedFleet != nil && r.savedFleet.Checkpoint() > end {
		return fmt.Errorf("the fleet's snapshot covers position %d, and the log ends at %d", r.savedFleet.Checkpoint(), end)
	}
	if r.savedWindow != nil && r.savedWindow.Position() > end {
		return fmt.Errorf("the window's snapshot covers position %d, and the log ends at %d", r.savedWindow.Position(), end)
	}
	return nil
}

func (r *replay) note(name string, position event.Position, saved, rebuilt func(io.Writer) error) error {
	var a, b bytes.Buffer
	if err := errors.Join(saved(&a), rebuilt(&b)); err != nil {
		return err
	}
	r.compared = append(r.compared, Comparison{Name: name, Mark: uint64(position), Equal: bytes.Equal(a.Bytes(), b.Bytes())})
	return nil
}
