package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/history"
)

// share is how much of the log may be read for one call.
type share struct {
	batches    event.Position
	heartbeats int // of all vehicles
}

// wholeShare takes one core about 0.2 s.
const (
	wholeBatches    = 1 << 16
	wholeHeartbeats = 2_000_000
	firstBatches    = 64 // read at first; each next stretch is up to four times as long
)

// errEnough ends the reading of a stretch.
var errEnough = errors.New("read far enough")

// historyWait bounds how long an answer waits for the history to have read what is in the log.
const historyWait = 2 * time.Second

// heartbeats asks the history. While it is behind, because it reads a long log for the first time for instance, the newest
// heartbeats are read from the end of the log, as far as one call may.
func (a *App) heartbeats(ctx context.Context, q history.HeartbeatQuery) (history.HeartbeatPage, error) {
	err := a.historyReached(ctx)
	if err != nil && q.From == 0 && q.To == 0 && q.Cursor == "" {
		return newestHeartbeats(ctx, a.log, q.Vehicle, q.Limit, share{wholeBatches, wholeHeartbeats})
	}
	if err != nil {
		return history.HeartbeatPage{}, err
	}
	return a.history.Heartbeats(ctx, q)
}

func (a *App) transitions(ctx context.Context, q history.TransitionQuery) (history.TransitionPage, error) {
	if err := a.historyReached(ctx); err != nil {
		return history.TransitionPage{}, err
	}
	return a.history.Transitions(ctx, q)
}

// historyReached waits until the history has what the log holds now.
func (a *App) historyReached(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, historyWait)
	defer cancel()
	return a.history.Wait(ctx, a.log.Head())
}

// newestHeartbeats reads a log from its end, a stretch at a time, until there are enough or it has read its share.
func newestHeartbeats(ctx context.Context, log *eventlog.Log, vehicle event.VehicleID, limit int, left share) (history.HeartbeatPage, error) {
	end := log.Head()
	found := history.HeartbeatPage{Position: end}
	length := min(firstBatches, end, left.batches)
	for length > 0 && len(found.Items) < limit {
		read := stretch{vehicle: vehicle, last: end, most: left.heartbeats}
		if err := log.Follow(ctx, end-length+1, read.read); !errors.Is(err, errEnough) {
			return found, fmt.Errorf("reading the heartbeats of vehicle %d: %w", vehicle, err)
		}
		if read.passed > left.heartbeats {
			break // in the midst of it: what is between it and the stretch before is not known
		}
		slices.Reverse(read.items)
		found.Items = append(found.Items, read.items...)
		if read.first != 0 {
			found.CompleteFrom = read.first
		}
		end, left.batches, left.heartbeats = end-length, left.batches-length, left.heartbeats-read.passed
		dense := max(1, read.passed/int(length)) // heartbeats in a batch
		length = min(4*length, end, left.batches, event.Position(left.heartbeats/dense))
	}
	found.Items = found.Items[:min(limit, len(found.Items))]
	return found, nil
}

// stretch is a part of the log that is read for one vehicle.
type stretch struct {
	vehicle event.VehicleID
	last    event.Position
	most    int // heartbeats of all vehicles; beyond, it ends

	items  []history.Heartbeat // oldest first
	first  event.Time          // the oldest received-at in it; 0 when it has none
	passed int                 // heartbeats of all vehicles in it
}

func (s *stretch) read(batch event.Stored) error {
	if s.first == 0 {
		s.first = batch.StartTime()
	}
	for i, vehicle := range batch.Heartbeats.Vehicle {
		if vehicle == s.vehicle {
			s.items = append(s.items, history.Heartbeat{
				Heartbeat: batch.Heartbeats.At(i), ID: event.ID{Position: batch.Position, Index: uint32(i)},
			})
		}
	}
	s.passed += batch.Heartbeats.Len()
	if batch.Position >= s.last || s.passed > s.most {
		return errEnough
	}
	return nil
}
