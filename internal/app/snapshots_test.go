package app_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
	"github.com/fleetbeat/fleetbeat/internal/projection"
)

// TestAStartWithSnapshotsThatItCannotReadGoesByLogAndRegistry finds snapshots that are whole and of another form, as
// another version of the program may leave them.
func TestAStartWithSnapshotsThatItCannotReadGoesByLogAndRegistry(t *testing.T) {
	t.Parallel()
	s := fleettest.Start(t)
	fleettest.Register(t, s.Client, fleettest.VIN(1))
	sequence := int64(7)
	if _, err := s.Heartbeat(t.Context(), fleettest.VIN(1), client.NewHeartbeat{Sequence: &sequence}); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	dir := filepath.Join(s.Config.DataDir, "snapshots")
	for _, name := range []string{"vehicles", "window", "fleet"} {
		kept, err := filepath.Glob(filepath.Join(dir, name+"-*.snapshot"))
		if err != nil || len(kept) == 0 {
			t.Fatalf("snapshots of %s: %v, %v", name, kept, err)
		}
		for _, path := range kept {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		all := projection.Snapshots{Dir: dir, Name: name, Logger: slog.New(slog.DiscardHandler)}
		_, err = all.Save(func(w io.Writer) (uint64, error) {
			_, err := io.WriteString(w, "of another form")
			return 1, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Restart(t)
	again, err := s.Heartbeat(t.Context(), fleettest.VIN(1), client.NewHeartbeat{Sequence: &sequence})
	if err != nil || !again.Repeat {
		t.Errorf("a heartbeat that came before the restart: %+v, %v", again, err)
	}
}

// TestReplayNoticesASnapshotThatTheLogDoesNotReach puts the snapshots of one server beside the log of another.
func TestReplayNoticesASnapshotThatTheLogDoesNotReach(t *testing.T) {
	t.Parallel()
	s := fleettest.Start(t)
	fleettest.Register(t, s.Client, fleettest.VIN(1))
	hear(t, s.Client, []string{fleettest.VIN(1)})
	s.Stop(t)
	for _, name := range []string{"fleet", "window"} {
		data := t.TempDir()
		other, err := eventlog.Open(t.Context(), eventlog.Config{Dir: data})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		kept, err := filepath.Glob(filepath.Join(s.Config.DataDir, "snapshots", name+"-*.snapshot"))
		if err != nil || len(kept) == 0 {
			t.Fatalf("snapshots of %s: %v, %v", name, kept, err)
		}
		if err := os.Mkdir(filepath.Join(data, "snapshots"), 0o750); err != nil {
			t.Fatal(err)
		}
		for _, path := range kept {
			if err := os.Link(path, filepath.Join(data, "snapshots", filepath.Base(path))); err != nil {
				t.Fatal(err)
			}
		}
		if report, err := app.Replay(data, nil); err == nil || !strings.Contains(err.Error(), name+"'s snapshot") {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}
