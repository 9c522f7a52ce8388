// Command heartbeat reports as one vehicle in the way that docs/devices.md asks for: at a moment of the minute that is
// its own, with a sequence number, and trying again without haste.
//
//	go run ./examples/heartbeat -vin YS2R4X20005399401
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

func main() {
	url := flag.String("url", "http://127.0.0.1:8080", "address of the server")
	vin := flag.String("vin", "", "the vehicle, as registered")
	interval := flag.Duration("interval", time.Minute, "time between two heartbeats")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *url, *vin, *interval); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run sends a heartbeat an interval until ctx ends.
func run(ctx context.Context, url, vin string, interval time.Duration) error {
	server, err := client.New(client.Config{BaseURL: url})
	if err != nil {
		return err
	}
	defer server.Close()
	// Seconds of the clock go on growing over a restart, without being stored anywhere.
	for sequence := time.Now().Unix(); sleep(ctx, untilSlot(time.Now(), vin, interval)); sequence++ {
		slot, cancel := context.WithTimeout(ctx, interval)
		accepted, err := send(slot, server, vin, sequence)
		cancel()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue // the next heartbeat says the same and more
		}
		fmt.Printf("heartbeat %d is stored as %s, received at %s\n", sequence, accepted.ID, accepted.ReceivedAt)
	}
	return nil
}

// untilSlot is the time until the vehicle's own moment of the interval comes next. It depends on nothing but the VIN, so
// that a fleet that is switched on together does not report together.
func untilSlot(now time.Time, vin string, interval time.Duration) time.Duration {
	hash := fnv.New64a()
	hash.Write([]byte(vin))
	phase := time.Duration(hash.Sum64() % uint64(interval))
	return (phase - now.Sub(time.Unix(0, 0))%interval + interval) % interval
}

// Waits between two attempts are drawn from zero up to a bound that doubles: the one thing that keeps those who failed
// together from coming back together.
const (
	firstWait = time.Second
	longest   = 30 * time.Second
)

// send tries one heartbeat until it is durable or ctx ends. Each attempt has the same sequence number, so that it counts
// once, whether or not an attempt that seemed to fail got through.
func send(ctx context.Context, server *client.Client, vin string, sequence int64) (client.Accepted, error) {
	heartbeat := client.NewHeartbeat{SentAt: client.At(time.Now()), Sequence: &sequence}
	for bound := firstWait; ; bound = min(2*bound, longest) {
		accepted, err := server.Heartbeat(ctx, vin, heartbeat)
		if err == nil {
			return accepted, nil
		}
		var asked time.Duration
		if problem, ok := errors.AsType[*client.Problem](err); ok {
			if problem.Status < 500 {
				return accepted, err // trying again changes nothing
			}
			asked = problem.RetryAfter
		}
		if !sleep(ctx, asked+rand.N(bound)) {
			return accepted, fmt.Errorf("heartbeat %d was not acknowledged: %w", sequence, err)
		}
	}
}

// sleep waits, and says whether ctx lasted as long.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
