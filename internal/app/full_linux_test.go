package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
	"github.com/fleetbeat/fleetbeat/internal/proof"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

// TestSnapshotsAndProofOutlastAFullDisk: snapshots that cannot be written are tried again, the proof goes on when the log does, and
// after that everything that was acknowledged is there and signed.
func TestSnapshotsAndProofOutlastAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=67108864"); err != nil {
		t.Skipf("a full disk is not tried, because no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := fleettest.Start(t, func(c *app.Config) {
		c.DataDir, c.SnapshotEvery, c.SignEvery, c.Reserve = filepath.Join(dir, "data"), 50*time.Millisecond, 50*time.Millisecond, 1<<20
	})
	fleet, err := simulate.New(simulate.Config{BaseURL: s.URL, Original: true})
	if err == nil {
		err = fleet.Register(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	heartbeat := func() error {
		_, err := s.Heartbeat(t.Context(), someVIN, client.NewHeartbeat{})
		if err == nil {
			accepted++
		}
		return err
	}
	fleettest.Eventually(t, "a heartbeat is taken", heartbeat)
	ballast := filepath.Join(dir, "ballast")
	fillDisk(t, ballast)
	fleettest.Eventually(t, "heartbeats are refused, and the storage tells why", func() error {
		var problem *client.Problem
		if err := heartbeat(); !errors.As(err, &problem) || problem.Status != http.StatusServiceUnavailable {
			return fmt.Errorf("a heartbeat: %w", err)
		}
		if figure(t, s, "fleetbeat_storage_disk_free_bytes") > 1<<20 {
			return errors.New("the storage does not tell that the disk is full")
		}
		return nil
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	fleettest.Eventually(t, "heartbeats are taken again", heartbeat)
	head := s.App.Log().Head()
	fleettest.Eventually(t, "the log is signed, and there are snapshots", func() error {
		if signed := figure(t, s, "fleetbeat_proof_signed_position"); signed < float64(head) || figure(t, s, "fleetbeat_proof_broken") != 0 {
			return fmt.Errorf("signed up to %v of %d", signed, head)
		}
		for _, name := range []string{"fleet", "window", "roster"} {
			all, err := filepath.Glob(filepath.Join(s.Config.DataDir, "snapshots", name+"-*.snapshot"))
			if least := fmt.Sprintf("%s-%020d", name, head); err != nil || len(all) == 0 || filepath.Base(all[len(all)-1]) < least {
				return fmt.Errorf("%s has the snapshots %v (%w)", name, all, err)
			}
		}
		return nil
	})
	s.Restart(t)
	vehicle, err := s.Vehicle(t.Context(), someVIN)
	if err != nil || vehicle.Heartbeats != uint64(accepted) {
		t.Errorf("%d heartbeats were acknowledged, %d are there (%v)", accepted, vehicle.Heartbeats, err)
	}
	s.Stop(t)
	report, err := proof.VerifyFolder(proof.Folder{Dir: s.Config.DataDir})
	if err != nil || report.Finding != nil || report.Signed < head {
		t.Errorf("the log does not verify: %+v, %v", report, err)
	}
}

// fillDisk writes a file until its disk is full.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// figure is the value of a metric.
func figure(t *testing.T, s *fleettest.Server, name string) float64 {
	t.Helper()
	text := call(t, http.MethodGet, s.URL+"/metrics", "", http.StatusOK)
	found := regexp.MustCompile(`(?m)^` + name + `(?:\{[^}]*\})? (\S+)$`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("there is no %s", name)
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
