package history

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// fullDisk mounts a small file system of its own and fills it. What it returns makes room again.
func fullDisk(t *testing.T) (dir string, makeRoom func()) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16777216"); err != nil {
		t.Skipf("a full disk is not tried, because no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) || f.Close() != nil {
		t.Fatal(err)
	}
	return dir, func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
}

// TestAFullDiskHoldsTheHistoryUpAndLosesNothing: nothing is sealed, what waits in memory is bounded since Apply waits too, and
// what was applied is answered; with room, it goes on by itself and has everything.
func TestAFullDiskHoldsTheHistoryUpAndLosesNothing(t *testing.T) {
	root, makeRoom := fullDisk(t)
	begin := event.At(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	log := aLog{{Position: 1, Epoch: 1, Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: begin, Fact: event.VehicleAdded{Vehicle: 1, Customer: 1}}}}}}
	for at := begin; at < begin+8*hour; at += hour / 4 {
		s := event.Stored{Position: event.Position(len(log) + 1), Epoch: 1}
		s.Heartbeats.Append(event.Heartbeat{Vehicle: 1, ReceivedAt: at, Sequence: event.NoSequence})
		s.Entries = append(s.Entries, event.Entry{After: 1, ReceivedAt: at, Fact: event.Canary{Door: "a"}})
		log = append(log, s)
	}
	h := open(t, filepath.Join(root, "history"), log)
	h.retryAfter = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	running.Go(func() {
		for _, s := range log {
			if err := h.Apply(s); err != nil {
				t.Error(err)
			}
		}
	})
	until(t, func() bool { return h.Stats().Waiting == maxClosed+1 && testutil.ToFloat64(h.metrics.failures) > 20 })
	held := h.Checkpoint()
	if held >= event.Position(len(log)) || h.Stats().Files != 0 {
		t.Errorf("with a full disk, it is at %d of %d and has %d files", held, len(log), h.Stats().Files)
	}
	if beats := allHeartbeats(t, h, 1, 0, 0, 100); len(beats) != int(held)-1 {
		t.Errorf("%d heartbeats are answered of %d applied", len(beats), held-1)
	}
	makeRoom()
	until(t, func() bool { return h.Checkpoint() == event.Position(len(log)) && h.Stats().Waiting == 0 })
	cancel()
	running.Wait()
	if beats := allHeartbeats(t, h, 1, 0, 0, 100); len(beats) != len(log)-1 {
		t.Errorf("%d heartbeats are kept of %d", len(beats), len(log)-1)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, filepath.Join(root, "history"), log)
	apply(t, h, log, compacted)
	if beats := allHeartbeats(t, h, 1, 0, 0, 100); len(beats) != len(log)-1 {
		t.Errorf("after a start, %d heartbeats are kept of %d", len(beats), len(log)-1)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t *testing.T, is func() bool) {
	t.Helper()
	for ctx := t.Context(); !is(); {
		select {
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}
