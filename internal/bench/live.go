package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// probeCustomer owns the vehicles whose transitions are timed.
const probeCustomer = "bench-probes"

func probeVIN(i int) string { return fmt.Sprintf("PROBE-%05d", i) }

// measureLive has vehicles that report too seldom for their policy, among a fleet that reports as it should, and times
// how long after its deadline each transition reaches a reader of the live stream.
func (b *bench) measureLive(ctx context.Context) (err error) {
	f, err := b.needServer(ctx)
	if err != nil {
		return err
	}
	if err := f.addProbes(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.client.DeleteCustomer(ctx, probeCustomer, true)) }()
	stopFleet := f.steady().background(ctx)
	// late after silent, offline after half as much again, and heard anew after that twice.
	stopProbes := load{
		address: f.process.address, connections: 1, rate: float64(b.probes) / (2.5 * b.silent.Seconds()),
		traffic: probeTraffic(b.probes), items: 1,
	}.background(ctx)
	arrivals := listen(ctx, f.client)
	err = b.timeTransitions(ctx, arrivals)
	arrivals.stop()
	_, err1 := stopFleet()
	_, err2 := stopProbes()
	return errors.Join(err, err1, err2)
}

func (b *bench) timeTransitions(ctx context.Context, arrivals *arrivals) error {
	if err := pause(ctx, b.silent*5/2); err != nil {
		return err
	}
	for range b.rounds {
		if _, err := arrivals.take(); err != nil { // what came before the round
			return err
		}
		w := b.watch()
		if err := pause(ctx, b.steady); err != nil {
			return err
		}
		after, err := arrivals.take()
		if err != nil {
			return err
		}
		b.add("live-deadline-p50", "transition reaches the live stream after its deadline, p50", "ms", nil, milliseconds(quantile(after.deadline, 0.5)), w.busy())
		b.add("live-deadline-p99", "  p99", "ms", atMost(500), milliseconds(quantile(after.deadline, 0.99)), w.busy())
		b.add("live-heard-p50", "heartbeat reaches the live stream as a vehicle that is online again, p50", "ms", nil, milliseconds(quantile(after.heard, 0.5)), w.busy())
		b.add("live-heard-p99", "  p99", "ms", nil, milliseconds(quantile(after.heard, 0.99)), w.busy())
	}
	return nil
}

// addProbes registers the vehicles whose transitions are timed, with a short policy.
func (f *server) addProbes(ctx context.Context) error {
	var csv strings.Builder
	fmt.Fprintln(&csv, "vin,customer_id,customer_name,late_after,offline_after")
	for i := range f.bench.probes {
		fmt.Fprintf(&csv, "%s,%s,Probes,%s,%s\n", probeVIN(i), probeCustomer, f.bench.silent, f.bench.silent*3/2)
	}
	result, err := f.client.Import(ctx, strings.NewReader(csv.String()), client.ImportOptions{})
	if err == nil && len(result.Errors) > 0 {
		err = fmt.Errorf("%d lines were rejected, the first for its %s: %s", result.Rejected, result.Errors[0].Column, result.Errors[0].Error)
	}
	if err != nil {
		return fmt.Errorf("registering probes: %w", err)
	}
	return nil
}

func probeTraffic(probes int) traffic {
	return func() requests {
		return func(n int) []byte {
			return append(post(nil, "/heartbeat/"+probeVIN(n%probes)), "Content-Length: 0\r\n\r\n"...)
		}
	}
}

// arrivals is a reader of the live stream that notes how old the probes' transitions are when they reach it.
type arrivals struct {
	stop func()

	mu   sync.Mutex // guards the rest
	ages ages
	err  error
}

// ages is how long ago each transition happened by the log when it reached the reader.
type ages struct {
	deadline []time.Duration // of those to late and offline
	heard    []time.Duration // of those to online
}

// listen reads the live stream until stop.
func listen(ctx context.Context, c *client.Client) *arrivals {
	ctx, cancel := context.WithCancel(ctx)
	a := &arrivals{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event, err := range c.Live(ctx, client.LiveOptions{}) {
			a.note(event, err, time.Now())
		}
	}()
	a.stop = func() {
		cancel()
		<-done
	}
	return a
}

func (a *arrivals) note(event client.LiveEvent, err error, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if event.Resync != nil {
		err = fmt.Errorf("the live stream began anew: %s", event.Resync.Reason)
	}
	a.err = errors.Join(a.err, err)
	if event.Transitions == nil {
		return
	}
	for _, t := range event.Transitions.Items {
		switch age := now.Sub(t.At.Time); {
		case !strings.HasPrefix(t.VIN, "PROBE-"):
		case t.To == client.Online:
			a.ages.heard = append(a.ages.heard, age)
		default:
			a.ages.deadline = append(a.ages.deadline, age)
		}
	}
}

// take gives what was noted since the last take, sorted.
func (a *arrivals) take() (ages, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken, err := a.ages, a.err
	a.ages, a.err = ages{}, nil
	if err == nil && (len(taken.deadline) == 0 || len(taken.heard) == 0) {
		err = errors.New("no transition came")
	}
	slices.Sort(taken.deadline)
	slices.Sort(taken.heard)
	return taken, err
}
