package main

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

var errPolicyHalf = errors.New("--late-after and --offline-after go together")

// collectAt is by how many percent the heap may grow before the garbage collector runs, when GOGC does not say: half of
// Go's own. Most of the heap is large columns without pointers, which cost a collection nothing, but count as growth.
const collectAt = 50

type serveCommand struct {
	HTTP string `name:"http" help:"Address to listen on." default:"127.0.0.1:8080"`
	Data string `help:"Folder for the log, the registry and the snapshots; made when missing." default:"fleetbeat-data" type:"path"`
	registryFlags
	PublicURL      string        `name:"public-url" help:"Address at which vehicles reach this server, for its own heartbeat; default: the one of --http."`
	Admin          string        `help:"Loopback address for profiles (pprof), for instance 127.0.0.1:6060; default: none."`
	WebOrigin      []string      `help:"Another origin from which the dashboard is served, such as a CDN: https://fleet.example.com. Several are separated by commas." placeholder:"URL"`
	LateAfter      time.Duration `help:"Default policy: a vehicle is late after so much silence. With --offline-after; kept in the registry."`
	OfflineAfter   time.Duration `help:"Default policy: a vehicle is offline after so much silence."`
	CanaryInterval time.Duration `help:"Time between two of the server's own heartbeats." default:"250ms"`
	SnapshotEvery  time.Duration `help:"Time between two snapshots." default:"5m"`
	SignEvery      time.Duration `help:"How old the end of the log gets before it is signed." default:"1m"`
	KeepLog        time.Duration `help:"How old the log gets before whole files of it are dropped, a day at least. 0 keeps everything." default:"0"`
	KeepHistory    time.Duration `help:"How old the history gets before whole files of it are dropped. 0 keeps everything." default:"0"`
	Reserve        uint64        `help:"MiB that stay free on the disk: below, heartbeats are refused until there is room." default:"64"`
	Roles          []string      `help:"What this node does: ingest takes heartbeats, query answers questions. With --nats and a registry that nodes share." enum:"ingest,query" default:"ingest,query"`
	Node           string        `help:"Name of this node among those that share a log, which no other has; default: the host's name."`
	Drain          time.Duration `help:"How long a node says that it is not ready before it closes its door, so that a load balancer looks elsewhere." default:"0"`
	Traces         string        `help:"Where traces from door to append go, by OTLP over HTTP: http://host:4318; default: nowhere." placeholder:"URL"`
	TraceSample    float64       `help:"Which part of the requests is traced that do not say it themselves, from 0 to 1." default:"0.01"`

	NATS natsFlags `embed:""`
}

func (c *serveCommand) Run(ctx context.Context, t *terminal) error {
	if (c.LateAfter == 0) != (c.OfflineAfter == 0) {
		return usageError{errPolicyHalf}
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	shared, err := c.NATS.shared()
	if err != nil {
		return usageError{err}
	}
	registry, err := c.url()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, app.Config{
		Listen:         c.HTTP,
		Admin:          c.Admin,
		PublicURL:      c.PublicURL,
		WebOrigins:     c.WebOrigin,
		DataDir:        c.Data,
		RegistryURL:    registry,
		DefaultPolicy:  event.Policy{LateAfter: c.LateAfter, OfflineAfter: c.OfflineAfter},
		CanaryInterval: c.CanaryInterval,
		SnapshotEvery:  c.SnapshotEvery,
		SignEvery:      c.SignEvery,
		KeepLog:        c.KeepLog,
		KeepHistory:    c.KeepHistory,
		Reserve:        c.Reserve << 20,
		Roles:          app.Roles{Ingest: slices.Contains(c.Roles, "ingest"), Query: slices.Contains(c.Roles, "query")},
		Node:           c.Node,
		Shared:         shared,
		Drain:          c.Drain,
		Traces:         c.Traces,
		TraceSample:    c.TraceSample,
		Version:        programVersion(),
		Logger:         t.log,
	})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
