package registry

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// stuckWriter takes nothing until released.
type stuckWriter struct{ reached, released chan struct{} }

func (w stuckWriter) Write([]byte) (int, error) {
	w.reached <- struct{}{}
	<-w.released
	return 0, errors.New("the other side has gone")
}

func TestSlowExportsLeaveRoomForOtherReaders(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		mustImport(t, r, fleetCSV(2000)) // more than an export gathers before it writes
		w := stuckWriter{make(chan struct{}, 2*maxReaders), make(chan struct{})}
		var exports sync.WaitGroup
		for range 2 * maxReaders {
			exports.Go(func() {
				if err := r.Export(t.Context(), w); err == nil {
					t.Error("an export that was cut off says that it is whole")
				}
			})
		}
		defer exports.Wait()
		defer close(w.released)
		for range maxExports {
			<-w.reached
		}
		enough := time.After(100 * time.Millisecond) // for those that should wait and do not
		for waiting := true; waiting; {
			select {
			case <-w.reached:
			case <-enough:
				waiting = false
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := r.Customers(ctx, CustomerQuery{}); err != nil {
			t.Error(err)
		}
	})
}
