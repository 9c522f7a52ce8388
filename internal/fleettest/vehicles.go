package fleettest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// answerTimeout is how long a vehicle waits for an answer; it does not wait with its next heartbeat.
const answerTimeout = time.Second

// Vehicles report to a server at their time, whatever the server does, until they are told to fall silent.
type Vehicles struct {
	client *client.Client
	every  time.Duration

	running sync.WaitGroup
	silence map[string]context.CancelFunc // by VIN
	silent  map[string]chan struct{}      // closed when nothing more of the vehicle is on its way

	mu    sync.Mutex // guards the following
	calls map[string][]*call
}

// call is one heartbeat, from the vehicle's side.
type call struct {
	begun    time.Time
	received time.Time // as the server acknowledged; zero when it did not
}

// VIN is the identity of a test's n-th vehicle.
func VIN(n int) string { return fmt.Sprintf("TEST-%04d", n) }

// Register adds vehicles of one customer in one call.
func Register(t testing.TB, c *client.Client, vins ...string) {
	t.Helper()
	var csv strings.Builder
	csv.WriteString("vin,registration_number,customer_id,customer_name\n")
	for i, vin := range vins {
		fmt.Fprintf(&csv, "%s,AAA%03d,test,Test Åkeri AB\n", vin, i)
	}
	result, err := c.Import(t.Context(), strings.NewReader(csv.String()), client.ImportOptions{})
	if err != nil || !result.Applied {
		t.Fatalf("registering vehicles: %+v, %v", result, err)
	}
}

// Drive lets registered vehicles report, spread over the interval, until they are silenced or the test ends.
func Drive(t testing.TB, c *client.Client, every time.Duration, vins ...string) *Vehicles {
	t.Helper()
	v := &Vehicles{
		client: c, every: every, calls: map[string][]*call{},
		silence: map[string]context.CancelFunc{}, silent: map[string]chan struct{}{},
	}
	for i, vin := range vins {
		ctx, cancel := context.WithCancel(t.Context())
		silent := make(chan struct{})
		v.silence[vin], v.silent[vin] = cancel, silent
		v.running.Go(func() {
			v.drive(ctx, vin, time.Duration(i)*every/time.Duration(len(vins)))
			close(silent)
		})
	}
	t.Cleanup(v.Stop)
	return v
}

// Silence ends the reports of some vehicles, for good. It returns when nothing more is on its way.
func (v *Vehicles) Silence(vins ...string) {
	for _, vin := range vins {
		v.silence[vin]()
	}
	for _, vin := range vins {
		<-v.silent[vin]
	}
}

// Driving says whether a vehicle was not silenced.
func (v *Vehicles) Driving(vin string) bool {
	select {
	case <-v.silent[vin]:
		return false
	default:
		return true
	}
}

// Stop ends the reports of all.
func (v *Vehicles) Stop() {
	for _, silence := range v.silence {
		silence()
	}
	v.running.Wait()
}

func (v *Vehicles) drive(ctx context.Context, vin string, phase time.Duration) {
	var calls sync.WaitGroup
	defer calls.Wait()
	due := time.NewTimer(phase)
	defer due.Stop()
	for next := time.Now().Add(phase); ; {
		select {
		case <-due.C:
		case <-ctx.Done():
			return
		}
		calls.Go(func() { v.report(vin) })
		for now := time.Now(); !next.After(now); {
			next = next.Add(v.every)
		}
		due.Reset(time.Until(next))
	}
}

func (v *Vehicles) report(vin string) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	c := &call{begun: time.Now()}
	v.mu.Lock()
	v.calls[vin] = append(v.calls[vin], c)
	v.mu.Unlock()
	if accepted, err := v.client.Heartbeat(ctx, vin, client.NewHeartbeat{}); err == nil {
		v.mu.Lock()
		c.received = accepted.ReceivedAt.Time
		v.mu.Unlock()
	}
}

// Quiet says whether a vehicle was truly quiet for the time before a moment of the server's clock: on a busy machine a
// vehicle of a test may be so slow. What it began to send in the last quarter of the time and was not acknowledged may
// have been on its way; anything else that it sent, the server should have heard.
func (v *Vehicles) Quiet(vin string, at time.Time, length time.Duration) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	var clock time.Duration // what the server's clock is ahead of ours
	for _, c := range v.calls[vin] {
		moment, end := c.begun.Add(clock), at.Add(-length/4)
		if !c.received.IsZero() {
			clock = c.received.Sub(c.begun.Round(0))
			moment, end = c.received, at
		}
		if moment.After(at.Add(-length)) && !moment.After(end) {
			return false
		}
	}
	return true
}
