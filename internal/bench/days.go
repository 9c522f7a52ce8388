package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history"
)

// days and hours are how long a time is made: a month or a day, unless it is only to be shown that it can be measured.
func (b *bench) days() int {
	if b.Short {
		return 1
	}
	return 30
}

func (b *bench) hours() int {
	if b.Short {
		return 1
	}
	return 24
}

// numbered are vehicles with nothing but their numbers, from 1.
func numbered(n int) []fleet.Vehicle {
	vehicles := make([]fleet.Vehicle, n)
	for i := range vehicles {
		vehicles[i] = fleet.Vehicle{Number: event.VehicleID(i + 1), Customer: event.CustomerID(i%100 + 1)}
	}
	return vehicles
}

// withHistory opens a history in a folder that is removed at the end.
func (b *bench) withHistory(partBytes int, use func(dir string, h *history.History) error) (err error) {
	dir, err := os.MkdirTemp(b.dir, "history-")
	if err != nil {
		return err
	}
	h, err := history.Open(history.Config{Dir: filepath.Join(dir, "history"), PartBytes: partBytes})
	if err != nil {
		return err
	}
	err = use(dir, h)
	return errors.Join(err, h.Close(), os.RemoveAll(dir))
}

// measureSealing compares how quickly the committer and the log take heartbeats in, at full rate, with how quickly they do while
// the history seals, in turns.
func (b *bench) measureSealing(ctx context.Context) error {
	// A part of so much has five minutes of the fleet, or a little more.
	return b.withHistory(150*b.Vehicles, func(dir string, h *history.History) error {
		w := newHourWriter(h, numbered(b.Vehicles), 60_000)
		working, stop := context.WithCancel(ctx)
		var first sync.WaitGroup
		first.Go(func() { h.Run(working) })
		err := w.register(ctx)
		stop()
		first.Wait()
		if err != nil {
			return err
		}
		for i := range b.rounds {
			for h.Stats().Waiting == 0 {
				if _, err := w.minutes(ctx, 1); err != nil {
					return err
				}
			}
			watch := b.watch()
			alone, err := b.appendToLog(ctx, filepath.Join(dir, fmt.Sprintf("alone-%d", i)))
			if err != nil {
				return err
			}
			working, stop := context.WithCancel(ctx)
			var sealing sync.WaitGroup
			sealing.Go(func() { h.Run(working) })
			beside, err := b.appendToLog(ctx, filepath.Join(dir, fmt.Sprintf("beside-%d", i)))
			began := h.Stats().Waiting > 0
			stop()
			sealing.Wait()
			if err != nil {
				return err
			}
			if !began && !b.Short {
				b.say("  the sealing ended before the round did")
			}
			b.add("history-seal-alone", "heartbeats into the log, 512 callers", "heartbeats/s", nil, alone, watch.busy())
			b.add("history-seal-ratio", "  while an hour is sealed, of that", "", atLeast(0.9), beside/alone, watch.busy())
		}
		return nil
	})
}

// measureDay makes a day of a tenth of the fleet: the vehicles that plan to report in the same six seconds of a minute, so that
// the batches are those of the whole fleet.
func (b *bench) measureDay(ctx context.Context) error {
	vehicles := b.Vehicles / 10
	return b.withHistory(0, func(dir string, h *history.History) error {
		w := newHourWriter(h, numbered(vehicles), 6000)
		working, stop := context.WithCancel(ctx)
		var sealing sync.WaitGroup
		sealing.Go(func() { h.Run(working) })
		defer sealing.Wait()
		defer stop()
		watch := b.watch()
		if err := w.register(ctx); err != nil {
			return err
		}
		n, err := w.minutes(ctx, b.hours()*60+1)
		if err != nil {
			return err
		}
		if err := settled(ctx, h); err != nil {
			return err
		}
		date := historyBegin.Std().Format("2006-01-02")
		size, err := sizeOf(filepath.Join(dir, "history"), "heartbeats-"+date+"-*", "batches-"+date+"-*")
		if err != nil {
			return err
		}
		n -= vehicles // of the minute after the day
		b.add("history-disk", "day files: heartbeats, and the batches by which they are found", "bytes/heartbeat", atMost(2.5), float64(size)/float64(n), watch.busy())
		for i := range 20 * b.rounds {
			v, watch := event.VehicleID(1+i*7919%vehicles), b.watch()
			found, err := h.Received(v, historyBegin, historyBegin.Add(time.Duration(b.hours())*time.Hour))
			if err != nil || len(found) < 58*b.hours() {
				return fmt.Errorf("a day has %d heartbeats: %w", len(found), err)
			}
			b.add("history-day", "a vehicle's day of heartbeats", "ms", atMost(5), milliseconds(time.Since(watch.began)), watch.busy())
		}
		return nil
	})
}

// measureMonth makes 30 days in which each vehicle of a tenth of the fleet is connected once a day, and asks for those of one.
func (b *bench) measureMonth(ctx context.Context) error {
	vehicles := b.Vehicles / 10
	return b.withHistory(0, func(_ string, h *history.History) error {
		working, stop := context.WithCancel(ctx)
		var sealing sync.WaitGroup
		sealing.Go(func() { h.Run(working) })
		defer sealing.Wait()
		defer stop()
		w := newHourWriter(h, numbered(vehicles), 60_000)
		watch := b.watch()
		if err := w.register(ctx); err != nil {
			return err
		}
		begin := historyBegin.Add(time.Hour)
		end := begin.Add(time.Duration(b.days()) * 24 * time.Hour)
		const step = event.Time(10_000) // between canaries
		perStep := vehicles/(24*360) + 1
		for at, next := begin, 0; at < end; at += step {
			var batch event.Batch
			for range perStep {
				batch.Heartbeats.Append(event.Heartbeat{Vehicle: event.VehicleID(1 + next%vehicles), ReceivedAt: at, Sequence: event.NoSequence})
				next++
			}
			batch.Entries = []event.Entry{{After: perStep, ReceivedAt: at, Fact: event.Canary{Door: "http"}}}
			if err := errors.Join(w.apply(ctx, batch), ctx.Err()); err != nil {
				return err
			}
		}
		if err := settled(ctx, h); err != nil {
			return err
		}
		for i := range 20 * b.rounds {
			v, watch := event.VehicleID(1+i*7919%vehicles), b.watch()
			found, err := h.TransitionsOf(v, begin, end)
			if err == nil {
				_, err = h.Gaps(begin, end)
			}
			if err != nil || len(found) < 2*b.days()-1 {
				return fmt.Errorf("a month has %d transitions: %w", len(found), err)
			}
			b.add("history-month", "30 days of a vehicle's connections", "ms", atMost(20), milliseconds(time.Since(watch.began)), watch.busy())
		}
		b.say("  made in %.0f s", time.Since(watch.began).Seconds())
		return nil
	})
}

var tested = regexp.MustCompile(`(\d+) heartbeats read in .*, (\S+) million a second`)

// measureBacktest makes a day of 10,000 vehicles, in the log and in the history, and back-tests it as a process of its own.
func (b *bench) measureBacktest(ctx context.Context) error {
	return b.withHistory(0, func(dir string, h *history.History) (err error) {
		log, err := eventlog.Open(ctx, eventlog.Config{Dir: dir})
		if err != nil {
			return err
		}
		w := newHourWriter(h, numbered(b.Vehicles/100), 60_000)
		w.log, w.every, w.most, w.outages = log, 5000, 1<<20, true
		working, stop := context.WithCancel(ctx)
		var sealing sync.WaitGroup
		sealing.Go(func() { h.Run(working) })
		if err = w.register(ctx); err == nil {
			if _, err = w.minutes(ctx, b.hours()*60+1); err == nil {
				err = settled(ctx, h)
			}
		}
		stop()
		sealing.Wait()
		if err = errors.Join(err, log.Close()); err != nil {
			return err
		}
		for range b.rounds {
			watch := b.watch()
			command := exec.CommandContext(ctx, b.Program, "backtest", "--data", dir, "--late-after", "120s", "--offline-after", "240s") //nolint:gosec // the program is ours
			command.Env = b.Env
			said, err := command.CombinedOutput()
			match := tested.FindSubmatch(said)
			if err != nil || match == nil {
				return fmt.Errorf("back-testing: %w: %s", err, said)
			}
			heartbeats, _ := strconv.ParseFloat(string(match[1]), 64)
			took := time.Since(watch.began)
			b.add("history-backtest", "back-test of a day of 10,000 vehicles, 14.4 million/s are 30 days in 30 s", "heartbeats/s", atLeast(14_400_000), heartbeats/took.Seconds(), watch.busy())
		}
		return nil
	})
}
