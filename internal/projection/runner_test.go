package projection_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/projection"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tally is a small projection: it counts heartbeats and refuses those of vehicle 666.
type tally struct {
	position   event.Position
	heartbeats uint64
}

var errRefused = errors.New("refused")

func (p *tally) Apply(batch event.Stored) error {
	if batch.Position != p.position+1 {
		panic(fmt.Sprintf("position %d after %d", batch.Position, p.position))
	}
	p.position = batch.Position
	if slices.Contains(batch.Heartbeats.Vehicle, 666) {
		return errRefused
	}
	p.heartbeats += uint64(batch.Heartbeats.Len())
	return nil
}

func (p *tally) Checkpoint() event.Position { return p.position }

func (p *tally) Save(w io.Writer) error {
	return binary.Write(w, binary.LittleEndian, []uint64{uint64(p.position), p.heartbeats})
}

func (p *tally) load(r io.Reader) error {
	state := make([]uint64, 2)
	err := binary.Read(r, binary.LittleEndian, state)
	p.position, p.heartbeats = event.Position(state[0]), state[1]
	return err
}

func openLog(t *testing.T) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(t.Context(), eventlog.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

func appendHeartbeats(t *testing.T, log *eventlog.Log, vehicles ...event.VehicleID) {
	t.Helper()
	var batch event.Batch
	for _, v := range vehicles {
		batch.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: event.At(time.Now()), Sequence: event.NoSequence})
	}
	if _, err := log.Append(t.Context(), &batch); err != nil {
		t.Fatal(err)
	}
}

// start runs a runner and gives a function that stops it and waits for its end.
func start(t *testing.T, runner *projection.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestStartIsSnapshotPlusTail(t *testing.T) {
	log, snapshots := openLog(t), newSnapshots(t)
	appendHeartbeats(t, log, 1, 2, 3)

	first := &tally{}
	runner := projection.New(projection.Config{Log: log, Projection: first, Snapshots: snapshots, Logger: snapshots.Logger})
	stop := start(t, runner)
	if err := runner.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	stop() // writes the snapshot
	appendHeartbeats(t, log, 4)

	second := &tally{}
	if mark, err := snapshots.Load(uint64(log.Head()), second.load); err != nil || mark != 1 {
		t.Fatalf("snapshot at %d, %v", mark, err)
	}
	runner = projection.New(projection.Config{Log: log, Projection: second, Snapshots: snapshots, Logger: snapshots.Logger})
	if runner.Checkpoint() != 1 || runner.Lag() != 1 {
		t.Errorf("checkpoint %d, lag %d", runner.Checkpoint(), runner.Lag())
	}
	stop = start(t, runner)
	defer stop()
	if err := runner.Wait(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if second.heartbeats != 4 || runner.Lag() != 0 {
		t.Errorf("%d heartbeats, lag %d", second.heartbeats, runner.Lag())
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	log := openLog(t)
	snapshots := newSnapshots(t)
	runner := projection.New(projection.Config{Log: log, Projection: &tally{}, Snapshots: snapshots, Logger: snapshots.Logger})
	stop := start(t, runner)
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := runner.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestManyWaitersAreAllWoken(t *testing.T) {
	log := openLog(t)
	snapshots := newSnapshots(t)
	runner := projection.New(projection.Config{Log: log, Projection: &tally{}, Snapshots: snapshots, Logger: snapshots.Logger})
	stop := start(t, runner)
	defer stop()
	const waiters, batches = 50, 20
	woken := make(chan error, waiters)
	for i := range waiters {
		go func() { woken <- runner.Wait(t.Context(), event.Position(1+i%batches)) }()
	}
	for range batches {
		appendHeartbeats(t, log, 1)
	}
	for range waiters {
		if err := <-woken; err != nil {
			t.Fatal(err)
		}
	}
}

func TestARefusedBatchIsCountedAndSkipped(t *testing.T) {
	log, snapshots, metrics := openLog(t), newSnapshots(t), prometheus.NewRegistry()
	projected := &tally{}
	runner := projection.New(projection.Config{Log: log, Projection: projected, Snapshots: snapshots, Logger: snapshots.Logger, Registerer: metrics})
	stop := start(t, runner)
	appendHeartbeats(t, log, 1)
	appendHeartbeats(t, log, 666)
	appendHeartbeats(t, log, 2)
	if err := runner.Wait(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	stop()
	if projected.heartbeats != 2 {
		t.Errorf("%d heartbeats", projected.heartbeats)
	}
	if n, err := testutil.GatherAndCount(metrics, "fleetbeat_projection_refused_batches_total"); n != 1 || err != nil {
		t.Errorf("no figure for refused batches: %v", err)
	}
}

func TestSnapshotsAreWrittenWhileRunning(t *testing.T) {
	log, snapshots := openLog(t), newSnapshots(t)
	runner := projection.New(projection.Config{
		Log: log, Projection: &tally{}, Snapshots: snapshots, SnapshotEvery: time.Nanosecond, Logger: snapshots.Logger,
	})
	stop := start(t, runner)
	defer stop()
	for position := event.Position(1); ; position++ {
		appendHeartbeats(t, log, 1)
		if err := runner.Wait(t.Context(), position); err != nil {
			t.Fatal(err)
		}
		var loaded tally
		if mark, err := snapshots.Load(uint64(log.Head()), loaded.load); err != nil {
			t.Fatal(err)
		} else if mark > 0 {
			if loaded.heartbeats != mark || uint64(loaded.position) != mark {
				t.Errorf("snapshot at %d holds position %d, %d heartbeats", mark, loaded.position, loaded.heartbeats)
			}
			return
		}
	}
}

func TestCatchUpStopsAtTheHead(t *testing.T) {
	log := openLog(t)
	for v := range event.VehicleID(5) {
		appendHeartbeats(t, log, v+1)
	}
	var p tally
	if err := projection.CatchUp(t.Context(), log, 1, p.Apply); err != nil || p.position != 5 {
		t.Errorf("at %d, %v", p.position, err)
	}
	if err := projection.CatchUp(t.Context(), log, 6, p.Apply); err != nil || p.position != 5 {
		t.Errorf("with nothing to do: at %d, %v", p.position, err)
	}
	refuse := func(event.Stored) error { return errRefused }
	if err := projection.CatchUp(t.Context(), log, 1, refuse); !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
}
