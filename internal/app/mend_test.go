package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
)

func TestFactsThatDamageTookAreToldAgain(t *testing.T) {
	s := fleettest.Start(t)
	fleettest.Register(t, s.Client, fleettest.VIN(1), fleettest.VIN(2), fleettest.VIN(3))
	if _, err := s.PauseVehicle(t.Context(), fleettest.VIN(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Heartbeat(t.Context(), fleettest.VIN(1), client.NewHeartbeat{}); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	destroyBlocks(t, s.Config.DataDir)

	s.Restart(t)
	summary, err := s.Summary(t.Context())
	if err != nil || summary.Vehicles != 3 || summary.Presence.Paused != 1 {
		t.Errorf("after the damage: %+v, %v", summary, err)
	}
	if _, err := s.Heartbeat(t.Context(), fleettest.VIN(3), client.NewHeartbeat{}); err != nil {
		t.Error(err)
	}
	aside, err := filepath.Glob(filepath.Join(s.Config.DataDir, "damaged-*", "snapshots", "*.snapshot"))
	if err != nil || len(aside) == 0 {
		t.Errorf("no snapshot was set aside with the damage: %v", err)
	}

	s.Restart(t)
	again, err := s.Summary(t.Context())
	if err != nil || again.Vehicles != 3 || again.Presence.Paused != 1 {
		t.Errorf("after another start: %+v, %v", again, err)
	}
}

func TestARegistryTellsAnEmptyLogEverything(t *testing.T) {
	s := fleettest.Start(t)
	fleettest.Register(t, s.Client, fleettest.VIN(1), fleettest.VIN(2))
	s.Stop(t)
	for _, lost := range []string{"log", "head"} {
		if err := os.RemoveAll(filepath.Join(s.Config.DataDir, lost)); err != nil {
			t.Fatal(err)
		}
	}
	s.Restart(t)
	if summary, err := s.Summary(t.Context()); err != nil || summary.Vehicles != 2 {
		t.Errorf("%+v, %v", summary, err)
	}
	if _, err := s.Heartbeat(t.Context(), fleettest.VIN(2), client.NewHeartbeat{}); err != nil {
		t.Error(err)
	}
}

func TestARegistryOlderThanTheFleetIsRefused(t *testing.T) {
	s := fleettest.Start(t)
	fleettest.Register(t, s.Client, fleettest.VIN(1))
	s.Stop(t)
	names, err := filepath.Glob(filepath.Join(s.Config.DataDir, "registry.db*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	a, err := app.New(t.Context(), s.Config)
	if err == nil {
		t.Fatal("started", a.Close())
	}
	if !strings.Contains(err.Error(), "registry") {
		t.Errorf("says %v", err)
	}
}

// destroyBlocks makes all that the log's blocks hold unreadable, but the last quarter of each.
func destroyBlocks(t *testing.T, dataDir string) {
	t.Helper()
	var blocks int
	err := filepath.WalkDir(filepath.Join(dataDir, "log"), func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".blk" {
			return err
		}
		blocks++
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		clear(content[:3*len(content)/4])
		return os.WriteFile(path, content, 0o600)
	})
	if err != nil || blocks == 0 {
		t.Fatalf("%d blocks, %v", blocks, err)
	}
}
