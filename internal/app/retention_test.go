package app_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/backup"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
	"github.com/fleetbeat/fleetbeat/internal/proof"
)

// oldLog writes a log of some blocks, all from some days ago, two batches each.
func oldLog(t *testing.T, dir string, blocks int) {
	t.Helper()
	l, err := eventlog.Open(t.Context(), eventlog.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	at := event.At(time.Now().Add(-100 * time.Hour))
	noise := make([]byte, 3<<19)
	for i := range 2 * blocks {
		_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(noise)
		at = at.Add(time.Hour)
		b := event.Batch{Entries: []event.Entry{{ReceivedAt: at, Fact: event.Canary{Door: hex.EncodeToString(noise)}}}}
		if _, err := l.Append(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// keptServer runs on a log that is kept for two days and whose first blocks are older, until they are dropped. Three vehicles
// are registered, and the first two were heard.
func keptServer(t *testing.T) *fleettest.Server {
	t.Helper()
	dir := t.TempDir()
	oldLog(t, dir, 2)
	s := fleettest.Start(t, func(c *app.Config) {
		c.DataDir, c.KeepLog, c.SnapshotEvery, c.SignEvery = dir, 48*time.Hour, 100*time.Millisecond, 50*time.Millisecond
	})
	fleettest.Register(t, s.Client, fleettest.VIN(1), fleettest.VIN(2), fleettest.VIN(3))
	for v := 1; v <= 2; v++ {
		if _, err := s.Heartbeat(t.Context(), fleettest.VIN(v), client.NewHeartbeat{}); err != nil {
			t.Fatal(err)
		}
	}
	fleettest.Eventually(t, "everything has what is old", func() error {
		snapshots, _ := filepath.Glob(filepath.Join(dir, "snapshots", "*.snapshot"))
		states, _ := filepath.Glob(filepath.Join(dir, "history", "*.state"))
		if head := s.App.Log().Head(); len(snapshots) < 8 || len(states) < 4 || head < 30 {
			return fmt.Errorf("there are %d snapshots and %d states, and the log ends at %d", len(snapshots), len(states), head)
		}
		return nil
	})
	if first := s.App.Log().First(); first != 1 {
		t.Fatalf("it begins at %d before everything had what was dropped", first)
	}
	s.Restart(t)
	fleettest.Eventually(t, "what is old is dropped", func() error {
		if first := s.App.Log().First(); first != 3 {
			return fmt.Errorf("the log begins at %d", first)
		}
		return nil
	})
	return s
}

func TestWhatIsOldIsDroppedFromTheLogAndNothingElseChanges(t *testing.T) {
	s := keptServer(t)
	dir := s.Config.DataDir
	known := func(what string) {
		t.Helper()
		summary, err := s.Summary(t.Context())
		if err != nil || summary.Vehicles != 3 || summary.Presence.Online != 2 || summary.Presence.Unknown != 1 {
			t.Errorf("%s: %+v, %v", what, summary, err)
		}
	}
	known("after the drop")
	storage, err := s.Storage(t.Context())
	if err != nil || storage.Parts[0].Part != "log" || storage.Parts[0].OldestPosition != 3 || *storage.KeepLog != client.SecondsOf(48*time.Hour) {
		t.Errorf("storage: %+v, %v", storage, err)
	}
	if _, err := s.Proof(t.Context(), fleettest.VIN(1), time.Now().Add(-200*time.Hour), time.Now()); !refusedWith(err, http.StatusNotFound) {
		t.Errorf("a proof that needs what was dropped: %v", err)
	}
	p, err := s.Proof(t.Context(), fleettest.VIN(1), time.Now().Add(-time.Hour), time.Now().Add(time.Second))
	if err != nil || len(p.Batches) != 1 {
		t.Errorf("a proof that does not: %d batches, %v", len(p.Batches), err)
	}
	tested, err := s.Backtest(t.Context(), client.NewBacktest{Policy: client.Policy{LateAfter: client.SecondsOf(time.Hour), OfflineAfter: client.SecondsOf(2 * time.Hour)}})
	if err != nil || tested.Vehicles != 3 {
		t.Errorf("a back-test, of which the history tells the beginning: %+v, %v", tested, err)
	}
	s.Restart(t)
	known("after another start")
	s.Stop(t)

	report, err := proof.VerifyFolder(proof.Folder{Dir: dir})
	if err != nil || report.Finding != nil || report.First != 3 || report.Signed != report.Last {
		t.Errorf("the folder: %+v, %v", report, err)
	}
	replayed, err := app.Replay(dir, nil)
	if err != nil || replayed.First != 3 || replayed.Based < 2 || len(replayed.Compared) != 2 || !replayed.Compared[0].Equal || !replayed.Compared[1].Equal {
		t.Errorf("replayed: %+v, %v", replayed, err)
	}
}

func TestABackupOfADroppedLogIsWhole(t *testing.T) {
	s := keptServer(t)
	to := filepath.Join(t.TempDir(), "backup")
	if _, err := app.Backup(t.Context(), app.BackupConfig{DataDir: s.Config.DataDir, Dir: to}); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	restored := filepath.Join(t.TempDir(), "restored")
	if _, err := backup.Restore(t.Context(), to, restored, nil); err != nil {
		t.Fatal(err)
	}
	again := fleettest.Start(t, func(c *app.Config) { c.DataDir = restored })
	summary, err := again.Summary(t.Context())
	if err != nil || summary.Vehicles != 3 || summary.Presence.Online != 2 || again.App.Log().First() != 3 {
		t.Errorf("%+v, %v", summary, err)
	}
}

// TestAFleetWithoutSnapshotsOnADroppedLogIsToldItsVehicles loses everything that was derived from what was dropped.
func TestAFleetWithoutSnapshotsOnADroppedLogIsToldItsVehicles(t *testing.T) {
	s := keptServer(t)
	s.Stop(t)
	for _, lost := range []string{"snapshots", "history"} {
		if err := os.RemoveAll(filepath.Join(s.Config.DataDir, lost)); err != nil {
			t.Fatal(err)
		}
	}
	s.Restart(t)
	if _, err := s.Backtest(t.Context(), client.NewBacktest{Policy: client.Policy{LateAfter: client.SecondsOf(time.Hour), OfflineAfter: client.SecondsOf(2 * time.Hour)}}); !refusedWith(err, http.StatusNotFound) {
		t.Errorf("a back-test of what was dropped: %v", err)
	}
	fleettest.Eventually(t, "the vehicles are known again", func() error {
		summary, err := s.Summary(t.Context())
		if err == nil && summary.Vehicles != 3 {
			err = fmt.Errorf("%+v", summary)
		}
		return err
	})
	if _, err := s.Heartbeat(t.Context(), fleettest.VIN(3), client.NewHeartbeat{}); err != nil {
		t.Fatal(err)
	}
	fleettest.Eventually(t, "one is online", func() error {
		v, err := s.Vehicle(t.Context(), fleettest.VIN(3))
		if err == nil && v.Presence != client.Online {
			err = fmt.Errorf("it is %s", v.Presence)
		}
		return err
	})
}

func refusedWith(err error, status int) bool {
	problem, ok := errors.AsType[*client.Problem](err)
	return ok && problem.Status == status
}
