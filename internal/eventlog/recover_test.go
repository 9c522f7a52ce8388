package eventlog

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// TestRecoverKnowsWhetherTheBatchWasStored ends appends at random moments. Each batch is then tried again exactly when
// Recover says that it is not in the log, so that a follower must see every one once.
func TestRecoverKnowsWhetherTheBatchWasStored(t *testing.T) {
	l := open(t, memoryDir(t))
	batches := history(20, 150, 3)
	followed := make(chan []event.Stored)
	go func() {
		var got []event.Stored
		_ = l.Follow(t.Context(), 1, func(s event.Stored) error {
			if got = append(got, s); len(got) == len(batches) {
				return errors.New("enough")
			}
			return nil
		})
		followed <- got
	}()
	rnd := rand.New(rand.NewPCG(20, 20))
	outcomes := map[string]int{}
	for i := 0; i < len(batches); {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(400))*time.Microsecond)
		_, err := l.Append(ctx, &batches[i])
		cancel()
		if err == nil {
			outcomes["appended"]++
			i++
			continue
		}
		if !errors.Is(err, ErrBroken) {
			t.Fatal(err)
		}
		if _, err := l.Append(t.Context(), &batches[i]); !errors.Is(err, ErrBroken) {
			t.Fatalf("a broken log took a batch: %v", err)
		}
		stored, err := l.Recover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if stored {
			outcomes["stored"]++
			i++
		} else {
			outcomes["not stored"]++
		}
	}
	t.Log(outcomes)
	for i, s := range <-followed {
		if s.Position != event.Position(i+1) || !reflect.DeepEqual(s.Batch, batches[i]) {
			t.Fatalf("batch %d is not what was appended", i+1)
		}
	}
	if len(l.Damages()) > 0 {
		t.Fatal(l.Damages())
	}
}

func TestRecoverOfALogThatIsNotBrokenDoesNothing(t *testing.T) {
	l := open(t, memoryDir(t))
	if stored, err := l.Recover(t.Context()); stored || err != nil {
		t.Fatal(stored, err)
	}
}

// TestLogGoesOnAfterTheDiskWasFull fills a small disk until the server itself runs out of space.
func TestLogGoesOnAfterTheDiskWasFull(t *testing.T) {
	dir := smallDisk(t, 16<<20)
	l, err := Open(t.Context(), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), Reserve: 1, Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLog(t, l) })
	ballast := dir + "/ballast"
	write(t, ballast, make([]byte, 6<<20))
	batches := large(21, 10)
	i := 0
	for ; ; i++ {
		if _, err = l.Append(t.Context(), &batches[i]); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrBroken) || i == 0 {
		t.Fatalf("after %d batches: %v", i, err)
	}
	remove(t, ballast)
	stored, err := l.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !stored {
		if _, err := l.Append(t.Context(), &batches[i]); err != nil {
			t.Fatal(err)
		}
	}
	for k, s := range follow(t, l, 1, event.Position(i+1)) {
		if !reflect.DeepEqual(s.Batch, batches[k]) {
			t.Fatalf("batch %d is not what was appended", k+1)
		}
	}
}
