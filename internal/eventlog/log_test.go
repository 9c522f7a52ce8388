package eventlog

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := Open(t.Context(), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLog(t, l) })
	return l
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// history makes batches of n heartbeats and some facts, their times growing from 1,000.
func history(seed uint64, batches, n int) []event.Batch {
	rnd := rand.New(rand.NewPCG(seed, 0))
	at := event.Time(1000)
	made := make([]event.Batch, batches)
	for i := range made {
		b := &made[i]
		for range n {
			at += event.Time(rnd.IntN(3))
			hb := event.Heartbeat{Vehicle: event.VehicleID(1 + rnd.IntN(1_000_000)), ReceivedAt: at, Sequence: event.NoSequence}
			if i%2 == 1 {
				hb.SentAt, hb.Sequence, hb.Flags = at-event.Time(rnd.IntN(1000)), int64(rnd.IntN(1000)), event.Buffered
			}
			b.Heartbeats.Append(hb)
		}
		b.Entries = []event.Entry{{After: n, ReceivedAt: at, Fact: event.Canary{Door: "http"}}}
	}
	return made
}

// large makes batches of 3 MiB each, so that a block takes two.
func large(seed uint64, batches int) []event.Batch {
	made := history(seed, batches, 10)
	rnd := rand.NewChaCha8([32]byte{byte(seed)})
	for i := range made {
		noise := make([]byte, 3<<19)
		_, _ = rnd.Read(noise)
		made[i].Entries[0].Fact = event.Canary{Door: hex.EncodeToString(noise)}
	}
	return made
}

func appendAll(t testing.TB, l *Log, batches []event.Batch) {
	t.Helper()
	for i := range batches {
		before := l.Head()
		position, err := l.Append(t.Context(), &batches[i])
		if err != nil {
			t.Fatal(err)
		}
		if position != before+1 || l.Head() != position {
			t.Fatalf("appended at %d after %d, head %d", position, before, l.Head())
		}
	}
}

// follow gives what Follow hands out up to position last.
func follow(t testing.TB, l *Log, from, last event.Position) []event.Stored {
	t.Helper()
	enough := errors.New("enough")
	var got []event.Stored
	err := l.Follow(t.Context(), from, func(s event.Stored) error {
		got = append(got, s)
		if s.Position == last {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	return got
}

func TestFollowGivesWhatWasAppended(t *testing.T) {
	l := open(t, t.TempDir())
	want := history(1, 50, 20)
	appendAll(t, l, want)
	for i, got := range follow(t, l, 1, 50) {
		if got.Position != event.Position(i+1) || got.Epoch != 1 {
			t.Fatalf("batch %d has position %d, epoch %d", i, got.Position, got.Epoch)
		}
		if diff := cmp.Diff(want[i], got.Batch); diff != "" {
			t.Fatalf("batch %d (-appended +followed):\n%s", i, diff)
		}
	}
	if got := follow(t, l, 30, 50); len(got) != 21 || got[0].Position != 30 {
		t.Fatalf("from 30: %d batches from %d", len(got), got[0].Position)
	}
}

func TestFollowGoesOnWithWhatIsAppendedLater(t *testing.T) {
	l := open(t, t.TempDir())
	want := history(2, 200, 5)
	appendAll(t, l, want[:10])
	got := make(chan event.Position, len(want))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- l.Follow(ctx, 5, func(s event.Stored) error { got <- s.Position; return nil })
	}()
	appendAll(t, l, want[10:])
	for p := event.Position(5); p <= 200; p++ {
		if at := <-got; at != p {
			t.Fatalf("got %d, want %d", at, p)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestFollowEndsWithItsContextWhileThereIsMore(t *testing.T) {
	l := open(t, t.TempDir())
	appendAll(t, l, history(2, 3, 5))
	ctx, cancel := context.WithCancel(t.Context())
	var got []event.Position
	err := l.Follow(ctx, 1, func(s event.Stored) error {
		got = append(got, s.Position)
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(got) != 1 {
		t.Fatalf("followed %v, then %v", got, err)
	}
}

func TestReopenedLogGoesOnInANewEpoch(t *testing.T) {
	dir := t.TempDir()
	want := history(3, 40, 5)
	l := open(t, dir)
	appendAll(t, l, want[:20])
	end := l.LastTime()
	closeLog(t, l)
	l = open(t, dir)
	if l.Head() != 20 || l.Epoch() != 2 || l.LastTime() != end || end == 0 || len(l.Damages()) != 0 {
		t.Fatalf("head %d, epoch %d, end %v, damages %v", l.Head(), l.Epoch(), l.LastTime(), l.Damages())
	}
	appendAll(t, l, want[20:])
	got := follow(t, l, 1, 40)
	if len(got) != 40 || got[19].Epoch != 1 || got[20].Epoch != 2 {
		t.Fatalf("%d batches, epochs %d and %d", len(got), got[19].Epoch, got[20].Epoch)
	}
}

func TestWaitReturnsWhenThePositionIsReached(t *testing.T) {
	l := open(t, t.TempDir())
	done := make(chan error)
	go func() { done <- l.Wait(t.Context(), 3) }()
	appendAll(t, l, history(4, 3, 1))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := l.Wait(ctx, 4); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	go func() { done <- l.Wait(t.Context(), 4) }()
	closeLog(t, l)
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestReadWithoutAServerGivesTheSame(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	appendAll(t, l, history(5, 60, 10))
	want := follow(t, l, 1, 60)
	var got []event.Stored
	read := func() Report {
		got = nil
		report, err := Read(dir, 1, func(s event.Stored) error { got = append(got, s); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if live := read(); live != (Report{First: 1, Last: 60, Batches: 60, Heartbeats: 600}) {
		t.Fatalf("beside an open log: %+v", live)
	}
	closeLog(t, l)
	read()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-followed +read):\n%s", diff)
	}
}
