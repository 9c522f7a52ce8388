package ingest

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// TestFullDiskIsUnavailableUntilThereIsRoom keeps the log on a tiny file system of its own.
func TestFullDiskIsUnavailableUntilThereIsRoom(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("mounting a tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	h := newHouse(t, options{dir: filepath.Join(dir, "log"), log: eventlog.Config{Reserve: 1, Timeout: 300 * time.Millisecond}})
	mustSubmit(t, h, row(1, 1), 0)
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	many := make([]event.Heartbeat, 10_000) // more than what is left of the last page
	for i := range many {
		many[i] = row(2, event.NoSequence)
	}
	for range 3 {
		if receipt, err := h.committer.Submit(t.Context(), many); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("on a full disk: %+v, %v", receipt, err)
		}
	}
	if h.metric(t, "unavailable") != 1 {
		t.Error("the metric does not show it")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		got := h.post(t, "/heartbeat/"+vin(3), "")
		if got.status != http.StatusOK && (got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "") {
			t.Errorf("got %+v", got)
		}
		return got.status == http.StatusOK
	})
	mustSubmit(t, h, row(1, 1), 1)
	mustSubmit(t, h, row(1, 2), 0)
	eventually(t, func() bool { return h.metric(t, "unavailable") == 0 })
}

// fill writes a file until its disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
