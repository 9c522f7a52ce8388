package history

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// aLog is a log in memory.
type aLog []event.Stored

// follow is Config.Log.
func (l aLog) follow(_ context.Context, from event.Position, fn func(event.Stored) error) error {
	for _, s := range l {
		if s.Position >= from {
			if err := fn(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// beats are the heartbeats of a vehicle in the log, in its order.
func (l aLog) beats(vehicle event.VehicleID) (out []Heartbeat) {
	for _, s := range l {
		for i, v := range s.Heartbeats.Vehicle {
			if v == vehicle {
				out = append(out, Heartbeat{s.Heartbeats.At(i), event.ID{Position: s.Position, Index: uint32(i)}})
			}
		}
	}
	return out
}

const vehicles = 12

// drawLog draws a log of some hours, or of more than a day.
func drawLog(t *rapid.T) (log aLog) {
	at, position := event.Time(1_764_000_000_000), event.Position(1)
	steps := rapid.SampledFrom([][]int{{0, 1, 200, 250}, {250, 4_000, 60_000, 1_800_000}, {250, 3_600_000, 20_000_000}}).Draw(t, "pace")
	for range rapid.IntRange(1, 60).Draw(t, "batches") {
		s := event.Stored{Position: position, Epoch: 1}
		if rapid.IntRange(0, 19).Draw(t, "lost") == 0 { // such a batch holds nothing else, and bears the time of the one before
			log = append(log, event.Stored{Position: position, Epoch: 1, Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: at, Fact: event.Lost{Reason: "gone"}}}}})
			position++
			continue
		}
		for range rapid.IntRange(0, 4).Draw(t, "runs") {
			for range rapid.IntRange(0, 5).Draw(t, "heartbeats") {
				at += event.Time(rapid.SampledFrom(steps[:3]).Draw(t, "later") / 3)
				s.Heartbeats.Append(drawHeartbeat(t, at))
			}
			at += event.Time(rapid.SampledFrom(steps).Draw(t, "later"))
			s.Entries = append(s.Entries, event.Entry{After: s.Heartbeats.Len(), ReceivedAt: at, Fact: drawFact(t)})
		}
		if s.Heartbeats.Len()+len(s.Entries) > 0 {
			log = append(log, s)
			position++
		}
	}
	return log
}

func drawHeartbeat(t *rapid.T, at event.Time) event.Heartbeat {
	hb := event.Heartbeat{Vehicle: event.VehicleID(rapid.IntRange(1, vehicles).Draw(t, "vehicle")), ReceivedAt: at, Sequence: event.NoSequence}
	if rapid.IntRange(0, 3).Draw(t, "says more") == 0 {
		hb.SentAt = at + event.Time(rapid.IntRange(-1000, 1000).Draw(t, "sent"))
		hb.Sequence = rapid.Int64Range(-1, 10).Draw(t, "sequence")
		hb.Flags = event.Flags(rapid.SampledFrom([]int{0, 0, int(event.Buffered), int(event.Repeat)}).Draw(t, "flags"))
	}
	return hb
}

func drawFact(t *rapid.T) event.Fact {
	vehicle, customer := event.VehicleID(rapid.IntRange(1, vehicles).Draw(t, "vehicle")), event.CustomerID(rapid.IntRange(1, 3).Draw(t, "customer"))
	switch rapid.IntRange(0, 14).Draw(t, "fact") {
	case 0:
		return event.VehicleRemoved{Vehicle: vehicle}
	case 1:
		return event.VehiclePaused{Vehicle: vehicle}
	case 2:
		return event.VehicleResumed{Vehicle: vehicle}
	case 3:
		return rapid.SampledFrom([]event.Fact{event.ObserverStarted{Door: "a"}, event.ObserverStopped{Door: "a"}}).Draw(t, "observer")
	case 4:
		late := time.Duration(rapid.IntRange(1, 90).Draw(t, "late")) * time.Second
		return event.PolicyChanged{Vehicle: vehicle * event.VehicleID(rapid.IntRange(0, 1).Draw(t, "of one")), Customer: customer * event.CustomerID(rapid.IntRange(0, 1).Draw(t, "of some")), Policy: event.Policy{LateAfter: late, OfflineAfter: 2 * late}}
	case 5, 6, 7, 8:
		return event.VehicleAdded{Vehicle: vehicle, Customer: customer}
	}
	return event.Canary{Door: "a"}
}

// working is how far a test lets the work in the background come.
type working int

const (
	inMemory working = iota
	sealed
	compacted
)

// open opens a history whose disk is told to step.
func open(t rapid.TB, dir string, log aLog) *History {
	t.Helper()
	h, err := Open(Config{Dir: dir, Log: log.follow})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// apply applies what the history does not have of a log.
func apply(t rapid.TB, h *History, log aLog, until working) {
	t.Helper()
	from := h.Checkpoint()
	for _, s := range log {
		if s.Position <= from {
			continue
		}
		if until == inMemory { // nobody seals: Apply must not wait
			h.mu.Lock()
			h.ended = true
			h.mu.Unlock()
		}
		if err := h.Apply(s); err != nil {
			t.Fatal(err)
		}
		work(t, h, until)
	}
}

// work works until there is nothing to do.
func work(t rapid.TB, h *History, until working) {
	t.Helper()
	for again := until >= sealed; again; {
		var err error
		if again, err = h.sealOldest(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for again := until >= compacted; again; {
		var err error
		if again, err = h.work(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// allHeartbeats pages through the heartbeats of a vehicle.
func allHeartbeats(t rapid.TB, h *History, vehicle event.VehicleID, from, to event.Time, limit int) (all []Heartbeat) {
	t.Helper()
	q := HeartbeatQuery{Vehicle: vehicle, From: from, To: to, Limit: limit}
	for {
		page, err := h.Heartbeats(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if page.NextCursor == "" {
			return all
		}
		q.Cursor = page.NextCursor
	}
}

// between keeps of heartbeats those of a time, newest first.
func between(beats []Heartbeat, from, to event.Time) []Heartbeat {
	beats = slices.DeleteFunc(slices.Clone(beats), func(b Heartbeat) bool { return b.ReceivedAt < from || to != 0 && b.ReceivedAt >= to })
	slices.SortStableFunc(beats, func(a, b Heartbeat) int {
		return -cmp.Or(cmp.Compare(a.ReceivedAt, b.ReceivedAt), cmp.Compare(a.ID.Position, b.ID.Position), cmp.Compare(a.ID.Index, b.ID.Index))
	})
	return beats
}

// inTemp checks a property with a fresh folder each time, in memory where the system has such folders: syncing is not
// what it is about.
func inTemp(t *testing.T, check func(t *rapid.T, dir string)) {
	root, err := os.MkdirTemp("/dev/shm", "history") //nolint:usetesting // it is another folder on purpose
	if err != nil {
		root = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		check(t, filepath.Join(root, strconv.Itoa(n)))
	})
}
