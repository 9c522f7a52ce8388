package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// warmUp precedes each round, so that connections, pools and caches are as they stay.
const warmUp = 200 * time.Millisecond

// ServeNothing is the server that ours is held against: net/http with the same limits, and a handler that does nothing.
// It says on log where it listens.
func ServeNothing(ctx context.Context, log io.Writer) error {
	var bind net.ListenConfig
	listener, err := bind.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	mux := http.NewServeMux()
	answer, kind := []byte(`{"entity_id":"1-1"}`), []string{"application/json"}
	mux.HandleFunc("POST /heartbeat/{vehicle_id}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = kind
		w.Write(answer)
	})
	server := &http.Server{ // as package app has it
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	slog.New(slog.NewJSONHandler(log, nil)).Info("listening", "url", "http://"+listener.Addr().String())
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// measureSingle sends single heartbeats as fast as a number of connections allows, in turns to the server and to one
// that does nothing.
func (b *bench) measureSingle(ctx context.Context) error {
	f, err := b.needServer(ctx)
	if err != nil {
		return err
	}
	nothing, err := b.start(ctx, "bench", "--serve-nothing")
	if err != nil {
		return err
	}
	for _, c := range []struct {
		connections int
		goal        float64
	}{{64, 0.5}, {256, 0.7}} {
		for range b.rounds {
			if err := b.compareSingles(ctx, f, nothing, c.connections, c.goal); err != nil {
				return err
			}
		}
	}
	return b.stop(nothing)
}

func (b *bench) compareSingles(ctx context.Context, f *server, nothing *process, connections int, goal float64) error {
	w := b.watch()
	var of [2]outcome
	for i, address := range []string{nothing.address, f.process.address} {
		l := f.steady()
		l.address, l.connections, l.rate, l.duration = address, connections, 0, warmUp
		if i == 0 {
			l.sent = nil
		}
		if _, err := l.run(ctx); err != nil {
			return err
		}
		l.duration = b.round
		var err error
		if of[i], err = l.run(ctx); err != nil {
			return err
		}
	}
	bare, durable, busy := of[0], of[1], w.busy()
	name, what := fmt.Sprintf("single-%d", connections), fmt.Sprintf("%d connections", connections)
	b.add(name+"-nothing", "handler that does nothing, "+what, "requests/s", nil, bare.perSecond(), busy)
	b.add(name, "durable single heartbeats, "+what, "heartbeats/s", nil, durable.perSecond(), busy)
	b.add(name+"-ratio", "  of the handler that does nothing", "", atLeast(goal), durable.perSecond()/bare.perSecond(), busy)
	b.add(name+"-p50", "  answered, p50", "ms", nil, durable.quantile(0.50), busy)
	b.add(name+"-p99", "  answered, p99", "ms", atMost(20), durable.quantile(0.99), busy)
	return nil
}

// batchConnections load the server with batches: enough that it always has some to decode while others are committed.
const batchConnections = 8

// measureBatch sends batches as fast as it goes.
func (b *bench) measureBatch(ctx context.Context) error {
	f, err := b.needServer(ctx)
	if err != nil {
		return err
	}
	for _, form := range []struct {
		name   string
		format client.Format
		goal   float64
	}{{"protobuf", client.Protobuf, 2_000_000}, {"ndjson", client.NDJSON, 1_000_000}} {
		made := newTemplates(batchForm{form.format, true}, f.roster)
		for range b.rounds {
			w := b.watch()
			l := f.batchesOf(made)
			l.duration = b.round
			o, err := l.run(ctx)
			if err != nil {
				return err
			}
			b.add("batch-"+form.name, "batches of 1,000, "+form.name, "heartbeats/s", atLeast(form.goal), o.perSecond(), w.busy())
			b.add("batch-"+form.name+"-p99", "  answered, p99", "ms", nil, o.quantile(0.99), w.busy())
		}
	}
	return nil
}
