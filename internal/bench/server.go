package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

// calm is a policy under which nobody becomes late while other things are measured.
var calm = client.Policy{LateAfter: 3600, OfflineAfter: 7200}

// steadyConnections carry the load of a fleet that reports once a minute.
const steadyConnections = 64

// server is one with the whole fleet registered.
type server struct {
	bench   *bench
	dir     string
	args    []string // of serve, beside those that all have
	process *process
	roster  *simulate.Roster
	client  *client.Client
	numbers int64        // sequence numbers up to here are used
	sent    atomic.Int64 // heartbeats in the log
}

// needServer starts the server and registers the fleet, when that has not been done.
func (b *bench) needServer(ctx context.Context) (*server, error) {
	if b.server != nil {
		return b.server, nil
	}
	f := &server{bench: b, dir: filepath.Join(b.dir, "fleet"), numbers: firstSequence}
	if err := f.start(ctx); err != nil {
		return nil, err
	}
	simulation, err := simulate.New(simulate.Config{BaseURL: f.url(), Vehicles: b.Vehicles, Seed: 1})
	if err != nil {
		return nil, err
	}
	f.roster = simulation.Roster()
	w := b.watch()
	if err := simulation.Register(ctx); err != nil {
		return nil, err
	}
	b.add("register", fmt.Sprintf("registering %s vehicles of %d customers", number(float64(b.Vehicles)), f.roster.Customers()),
		"s", nil, time.Since(w.began).Seconds(), w.busy())
	if _, err := f.client.SetPolicy(ctx, calm); err != nil {
		return nil, fmt.Errorf("setting the policy: %w", err)
	}
	if err := f.reportAll(ctx); err != nil {
		return nil, err
	}
	b.server = f
	return f, nil
}

// start starts the server on its folder and waits until it is ready.
func (f *server) start(ctx context.Context) (err error) {
	args := append([]string{"--log-format", "json", "serve", "--http", "127.0.0.1:0", "--data", f.dir}, f.args...)
	f.process, err = f.bench.start(ctx, args...)
	if err != nil {
		return err
	}
	if f.client, err = client.New(client.Config{BaseURL: f.url()}); err != nil {
		return err
	}
	for {
		err := f.client.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-f.process.ended:
			return fmt.Errorf("the server ended before it was ready\n%s", f.process.said())
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("waiting for the server: %w", err)
		}
	}
}

func (f *server) url() string { return "http://" + f.process.address }

// unused is a sequence number above all that were used, with room for what a measurement needs.
func (f *server) unused() int64 {
	f.numbers += 20_000
	return f.numbers
}

// batches is a load of batches; each vehicle is in one before any is in a second.
func (f *server) batches(format client.Format) load {
	return f.batchesOf(newTemplates(batchForm{format, true}, f.roster))
}

func (f *server) batchesOf(made templates) load {
	return load{
		address: f.process.address, connections: batchConnections, traffic: made.from(f.unused()), items: batchSize, sent: &f.sent,
		check: allAccepted,
	}
}

// reportAll makes every vehicle report once, as fast as it goes.
func (f *server) reportAll(ctx context.Context) error {
	l := f.batches(client.Protobuf)
	l.requests = f.roster.Vehicles() / batchSize
	_, err := l.run(ctx)
	return err
}

// steady is the load of the fleet in which every vehicle reports once a minute by itself, evenly spread.
func (f *server) steady() load {
	return load{
		address: f.process.address, connections: steadyConnections, rate: f.bench.perSecond(),
		traffic: singles("/heartbeat/", f.roster), items: 1, sent: &f.sent,
	}
}

// logBytes is the size of the log's blocks.
func (f *server) logBytes() (sum int64, err error) {
	err = filepath.WalkDir(f.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".blk" {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
