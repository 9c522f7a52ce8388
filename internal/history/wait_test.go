package history

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestWaitReturnsWhenThePositionIsAppliedAndSaysWhenNot(t *testing.T) {
	h := open(t, t.TempDir(), nil)
	defer h.Close()
	done := make(chan error)
	go func() { done <- h.Wait(t.Context(), 1) }()
	if err := h.Apply(event.Stored{Position: 1, Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: 1, Fact: event.Canary{}}}}}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := h.Wait(ctx, 2); !errors.Is(err, ErrBehind) {
		t.Fatalf("waiting for what never comes: %v", err)
	}
	if err := h.Apply(event.Stored{Position: 1}); !errors.Is(err, ErrOldBatch) {
		t.Fatalf("the same batch again: %v", err)
	}
}
