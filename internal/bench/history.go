package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

// historyBegin is 2025-11-25T00:00:00Z, the beginning of the hour that is measured.
const historyBegin event.Time = 1_764_028_800_000

// jitter is how much later than planned a heartbeat of the measured hour may be, in milliseconds.
const jitter = 2000

// measureHistory gives an hour of the fleet to the history: what it takes in memory while it is open and on disk when it is
// sealed, what sealing costs those who bring the next hour, and how soon the fleet of a moment in it is shown.
func (b *bench) measureHistory(ctx context.Context) (err error) {
	dir := filepath.Join(b.dir, "history")
	h, err := history.Open(history.Config{Dir: dir, PartBytes: 2 << 30})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, h.Close(), os.RemoveAll(dir))
		debug.FreeOSMemory()
	}()
	view := fleet.New(fleet.Config{})
	known := directory(simulate.NewRoster(1, b.Vehicles, false))
	if err := view.Update(known); err != nil {
		return err
	}
	if _, err := view.Query(fleet.Query{Facets: fleet.FacetCustomers | fleet.FacetTags}); err != nil { // the present is looked at before the past
		return err
	}
	w := newHourWriter(h, known.Vehicles, 60_000)
	watch := b.watch()
	if err := w.register(ctx); err != nil {
		return err
	}
	if _, err := w.minutes(ctx, 60); err != nil {
		return err
	}
	if err := sealAll(ctx, h); err != nil { // the minute before the hour
		return err
	}
	b.add("history-open", "open hour in memory", "bytes/vehicle", atMost(300), float64(h.Stats().OpenBytes)/float64(b.Vehicles), watch.busy())
	if _, err := w.minutes(ctx, 1); err != nil { // of the hour after, which closes the hour
		return err
	}
	watch, began := b.watch(), time.Now()
	if err := sealAll(ctx, h); err != nil {
		return err
	}
	b.add("history-seal", "sealing an hour", "s", nil, time.Since(began).Seconds(), watch.busy())
	size, err := sizeOf(dir, "heartbeats-*", "batches-*")
	if err != nil {
		return err
	}
	b.add("history-disk-hour", "hour files: heartbeats, and the batches by which they are found", "bytes/heartbeat", nil, float64(size)/float64(60*b.Vehicles), watch.busy())
	if err := b.measurePast(ctx, h, view); err != nil {
		return err
	}
	for _, measure := range []func(context.Context) error{b.measureSealing, b.measureDay, b.measureMonth, b.measureBacktest} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sealAll seals and compacts everything that is over.
func sealAll(ctx context.Context, h *history.History) error {
	working, stop := context.WithCancel(ctx)
	var sealing sync.WaitGroup
	sealing.Go(func() { h.Run(working) })
	defer sealing.Wait()
	defer stop()
	return settled(ctx, h)
}

// settled waits until nothing that is over waits for being sealed or compacted.
func settled(ctx context.Context, h *history.History) error {
	for h.Stats().Waiting > 0 || h.Uncompacted() {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// measurePast shows the fleet as it was at moments that were not asked for before: the first page with all facets.
func (b *bench) measurePast(ctx context.Context, h *history.History, view *fleet.View) error {
	for i := range b.rounds {
		watch, began := b.watch(), time.Now()
		past, err := h.At(ctx, historyBegin.Add(time.Duration(50-i)*time.Minute))
		if err != nil {
			return fmt.Errorf("looking at the past: %w", err)
		}
		known := time.Since(began)
		then, err := view.Past(fleet.Past{Rule: past.Rule, Tallies: past.Tallies, LastGap: past.LastGap, Position: past.Position, Heard: past.Heard})
		if err != nil {
			return fmt.Errorf("looking at the past: %w", err)
		}
		made := time.Since(began)
		page, err := then.Query(fleet.Query{Facets: fleet.FacetCustomers | fleet.FacetTags})
		if err != nil {
			return fmt.Errorf("looking at the past: %w", err)
		}
		took := time.Since(began)
		if page.Total != b.Vehicles || page.Rows[0].LastHeartbeat == 0 {
			return fmt.Errorf("the past has %d vehicles, not %d, or does not know when they were heard", page.Total, b.Vehicles)
		}
		b.add("history-past", "fleet at a past moment, cold: first page and all counts", "ms", atMost(300), milliseconds(took), watch.busy())
		b.add("history-past-state", "  of which presences", "ms", nil, milliseconds(known), watch.busy())
		b.add("history-past-view", "  of which the view", "ms", nil, milliseconds(made-known), watch.busy())
		b.add("history-past-page", "  of which the page", "ms", nil, milliseconds(took-made), watch.busy())
	}
	return nil
}

func sizeOf(dir string, patterns ...string) (sum int64, err error) {
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return 0, err
		}
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil {
				return 0, err
			}
			sum += info.Size()
		}
	}
	return sum, nil
}

// hourWriter gives the history a fleet of which each vehicle reports once a minute, up to 2 s later than planned, without its
// own time and number, in batches of what comes within a millisecond or of 16, with a canary every 250 ms.
type hourWriter struct {
	history  *history.History
	log      *eventlog.Log // gets the same batches, unless nil
	random   *rand.Rand
	vehicles []fleet.Vehicle
	phase    []int32 // of a vehicle's plan in the minute, ms
	minute   int     // the next; 0 is the one before the hour
	position event.Position
	every    int  // ms whose heartbeats come in one batch
	most     int  // heartbeats in a batch
	outages  bool // each vehicle is silent for five minutes, ten hours apart

	// What is to come, by millisecond of the minute: 0, or one more than the first of a list of plans. A plan is a vehicle in
	// this minute or in the one before, of which some are still to come.
	first []int32
	after []int32
	batch event.Batch // reused
}

// newHourWriter writes of vehicles that are numbered from 1, and all plan to report in the first so many ms of a minute.
func newHourWriter(h *history.History, vehicles []fleet.Vehicle, window int32) *hourWriter {
	w := &hourWriter{
		history: h, random: rand.New(rand.NewPCG(1, 2)), vehicles: vehicles, phase: make([]int32, len(vehicles)), every: 1, most: 16,
		first: make([]int32, 60_000+jitter), after: make([]int32, 2*len(vehicles)),
	}
	for i := range w.phase {
		w.phase[i] = w.random.Int32N(window)
	}
	return w
}

// register registers the vehicles, which report for the minute before the hour.
func (w *hourWriter) register(ctx context.Context) error {
	var added event.Batch
	for i := range w.vehicles {
		v := &w.vehicles[i]
		added.Entries = append(added.Entries, event.Entry{ReceivedAt: historyBegin - 60_000, Fact: event.VehicleAdded{Vehicle: v.Number, Customer: v.Customer}})
	}
	if err := w.apply(ctx, added); err != nil {
		return err
	}
	_, err := w.minutes(ctx, 1)
	return err
}

// minutes gives the next minutes to the history, and says how many heartbeats came in them.
func (w *hourWriter) minutes(ctx context.Context, minutes int) (heartbeats int, err error) {
	for range minutes {
		n, err := w.oneMinute(ctx)
		if err != nil {
			return heartbeats, err
		}
		heartbeats += n
	}
	return heartbeats, nil
}

func (w *hourWriter) oneMinute(ctx context.Context) (heartbeats int, err error) {
	side := w.minute % 2 * len(w.phase)
	for v, phase := range w.phase {
		if w.outages && (w.minute+v)%600 < 5 {
			continue
		}
		at, plan := phase+w.random.Int32N(jitter), side+v
		w.after[plan], w.first[at] = w.first[at], int32(plan)+1
	}
	begin := historyBegin.Add(time.Duration(w.minute-1) * time.Minute)
	for ms := range 60_000 {
		at := begin + event.Time(ms)
		for next := w.first[ms]; next != 0; next = w.after[next-1] {
			w.batch.Heartbeats.Append(event.Heartbeat{Vehicle: event.VehicleID(int(next-1)%len(w.phase) + 1), ReceivedAt: at, Sequence: event.NoSequence})
			heartbeats++
			if w.batch.Heartbeats.Len() == w.most {
				err = errors.Join(err, w.send(ctx))
			}
		}
		if ms%250 == 0 {
			w.batch.Entries = append(w.batch.Entries, event.Entry{After: w.batch.Heartbeats.Len(), ReceivedAt: at, Fact: event.Canary{Door: "http"}})
		}
		if (ms+1)%w.every == 0 && w.batch.Heartbeats.Len()+len(w.batch.Entries) > 0 {
			err = errors.Join(err, w.send(ctx))
		}
		if err != nil {
			return heartbeats, err
		}
	}
	clear(w.first[:60_000])
	copy(w.first, w.first[60_000:])
	clear(w.first[60_000:])
	w.minute++
	return heartbeats, ctx.Err()
}

func (w *hourWriter) send(ctx context.Context) error {
	err := w.apply(ctx, w.batch)
	w.batch = event.Batch{}
	return err
}

func (w *hourWriter) apply(ctx context.Context, batch event.Batch) error {
	w.position++
	if w.log != nil {
		if _, err := w.log.Append(ctx, &batch); err != nil {
			return err
		}
	}
	return w.history.Apply(event.Stored{Position: w.position, Epoch: 1, Batch: batch})
}
