package proof

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// began is when the tests' histories begin.
const began event.Time = 1_700_000_000_000

// history are n batches of 60 heartbeats of vehicles 1 to 60, a second apart.
func history(n int) []event.Batch {
	batches := make([]event.Batch, n)
	for i := range batches {
		at := began + event.Time(i)*1000
		for v := range 60 {
			batches[i].Heartbeats.Append(event.Heartbeat{Vehicle: event.VehicleID(v + 1), ReceivedAt: at, Sequence: int64(i)})
		}
	}
	return batches
}

func openLog(t testing.TB, dir string) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(t.Context(), eventlog.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func appendTo(t testing.TB, l *eventlog.Log, batches []event.Batch) {
	t.Helper()
	for i := range batches {
		if _, err := l.Append(t.Context(), &batches[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// writeLog makes a log of some batches and closes it.
func writeLog(t testing.TB, dir string, batches []event.Batch) {
	t.Helper()
	l := openLog(t, dir)
	appendTo(t, l, batches)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// running is a tree that follows a log.
type running struct {
	*Tree
	stop func()
}

// start opens the tree of a data folder and runs it.
func start(t testing.TB, dir string, l *eventlog.Log) *running {
	t.Helper()
	tree, err := Open(Config{Dir: filepath.Join(dir, FolderName), Log: l, SignEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // the stop ends it, in order
	done := make(chan error)
	go func() { done <- tree.Run(ctx) }()
	stopped := false
	r := &running{Tree: tree, stop: func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}}
	t.Cleanup(r.stop)
	return r
}

// signed waits until a position is signed.
func (r *running) signed(t testing.TB, position event.Position) Checkpoint {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := r.signedUpTo(ctx, position)
	if err != nil {
		t.Fatal(err)
	}
	return s.signed
}

// provenFolder is a data folder with a log of some batches, all of it signed, as a server leaves it.
func provenFolder(t testing.TB, batches []event.Batch) string {
	t.Helper()
	dir := t.TempDir()
	l := openLog(t, dir)
	appendTo(t, l, batches)
	tree := start(t, dir, l)
	tree.signed(t, event.Position(len(batches)))
	tree.stop()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, f Folder) FolderReport {
	t.Helper()
	report, err := VerifyFolder(f)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// keyOf is the public key of a data folder, kept elsewhere.
func keyOf(t testing.TB, dir string) note.Verifier {
	t.Helper()
	public, err := publicKeys(filepath.Join(dir, FolderName))
	if err != nil || len(public) == 0 {
		t.Fatal(public, err)
	}
	key, err := ParseKey(public[len(public)-1])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// fuzzFolder is a data folder whose tree has any content.
func fuzzFolder(t testing.TB, leaves, nodes, checkpoint []byte) string {
	t.Helper()
	dir := t.TempDir()
	folder := filepath.Join(dir, FolderName)
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{leavesName: leaves, nodesName: nodes, checkpointName: checkpoint} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
