package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history"
)

func historyDir(dataDir string) string { return filepath.Join(dataDir, "history") }

// openHistory opens what remembers the past. One that covers more than there is of the log comes from another log, and one
// that ends before the log begins cannot be continued: it is set aside, and made anew from this one.
func (a *App) openHistory(context.Context) (err error) {
	dir := historyDir(a.config.DataDir)
	config := history.Config{Dir: dir, Log: a.readLog, Keep: a.config.KeepHistory, Logger: a.config.Logger}
	if a.history, err = history.Open(config); err != nil {
		return err
	}
	checkpoint, first, head := a.history.Checkpoint(), a.log.First(), a.log.Head()
	if checkpoint > head || checkpoint > 0 && checkpoint+1 < first {
		aside := dir + ".foreign-" + time.Now().UTC().Format("20060102T150405.000Z")
		a.config.Logger.Error("the history and the log do not meet; it is set aside and made anew",
			"covers", checkpoint, "log_first", first, "log_head", head, "aside", aside)
		if err := errors.Join(a.history.Close(), os.Rename(dir, aside)); err != nil {
			return fmt.Errorf("setting the history aside: %w", err)
		}
		if a.history, err = history.Open(config); err != nil {
			return err
		}
	}
	a.cleanup(a.history.Close)
	a.history.Register(a.metrics)
	return a.metrics.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fleetbeat_history_lag_batches", Help: "Batches in the log that the history has not applied yet.",
	}, func() float64 { return float64(max(a.log.Head(), a.history.Checkpoint()) - a.history.Checkpoint()) }))
}

// readLog hands what the log holds now to fn, from a position on or from where it begins.
func (a *App) readLog(ctx context.Context, from event.Position, fn func(event.Stored) error) error {
	head := a.log.Head()
	from = max(from, a.log.First())
	if from > head {
		return nil
	}
	err := a.log.Follow(ctx, from, func(batch event.Stored) error {
		if err := fn(batch); err != nil {
			return err
		}
		if batch.Position >= head {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// runHistory follows the log into the history, beside what writes its files: neither holds up the fleet or the doors.
func (a *App) runHistory(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var writing sync.WaitGroup
	writing.Go(func() { a.history.Run(ctx) })
	err := a.log.Follow(ctx, max(a.history.Checkpoint()+1, a.log.First()), func(batch event.Stored) error {
		if err := a.history.Apply(batch); err != nil {
			a.config.Logger.Error("batch refused and skipped", "projection", "history", "position", batch.Position, "error", err)
		}
		return ctx.Err()
	})
	damaged := err != nil && ctx.Err() == nil
	cancel()
	writing.Wait()
	if damaged {
		return fmt.Errorf("following the log for the history: %w", err)
	}
	return nil
}
