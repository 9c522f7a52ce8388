// Package app wires Fleetbeat together: the only place that sees every part. New builds them in the order in which a
// heartbeat flows, Run starts them in that order and stops them in reverse.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"

	"github.com/fleetbeat/fleetbeat/internal/api"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/history/roster"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
	"github.com/fleetbeat/fleetbeat/internal/projection"
	"github.com/fleetbeat/fleetbeat/internal/proof"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// Config says what to run and where. Only DataDir is required.
type Config struct {
	Listen    string // address of the public HTTP server; default 127.0.0.1:8080
	Admin     string // loopback address of the profiles; default none
	PublicURL string // where vehicles reach this server, for the canary; default the address listened on
	DataDir   string // made when missing

	RegistryURL string // of a registry in PostgreSQL; default: it is in SQLite, in the data folder

	WebOrigins []string // other origins from which the dashboard is served; default none

	Roles  Roles            // what this node does; default everything
	Shared *eventlog.Shared // the log that several nodes write; nil: the log is in DataDir, and this is its only node
	Node   string           // the name of this node's door in a shared log, which no other node has; default the host's

	DefaultPolicy  event.Policy  // set in the registry at start; zero leaves what is there
	CanaryInterval time.Duration // default 250 ms
	SnapshotEvery  time.Duration // default 5 minutes
	SignEvery      time.Duration // how old the unsigned end of the log gets; default 1 minute
	KeepLog        time.Duration // how old the log gets; default: it keeps everything
	KeepHistory    time.Duration // likewise of the history
	Reserve        uint64        // bytes that stay free on the disk; default 64 MiB

	Drain time.Duration // between saying that this node is not ready any more and closing its door; default none

	Traces      string  // where traces go, by OTLP over HTTP: http://host:4318; default nowhere
	TraceSample float64 // which part of the requests is traced that do not say it themselves, from 0 to 1

	Clock   ingest.Clock // where received-at comes from; default the machine's
	Version string       // shown in the documents; default "dev"
	Logger  *slog.Logger // default none
}

// App is a Fleetbeat server: built, and then run once.
type App struct {
	config   Config
	listener *boundedListener
	admin    net.Listener // nil: none
	metrics  *prometheus.Registry

	log          *eventlog.Log
	proof        *proof.Tree
	registry     *registry.Registry
	set          *ingest.Set
	committer    *ingest.Committer
	doors        *ingest.Doors
	canary       *ingest.Canary
	unregistered *ingest.Unregistered
	view         *fleet.View
	runner       *projection.Runner
	roster       *roster.Roster
	rosterRunner *projection.Runner
	history      *history.History
	pasts        *pasts
	storage      *storage
	directory    *directory
	handler      http.Handler
	tracers      trace.TracerProvider // nil: nothing is traced

	draining atomic.Bool    // Run is about to end
	doorsMu  sync.Mutex     // held while the snapshots of the doors are written
	caughtUp atomic.Bool    // the view has applied everything that was in the log at start
	cleanups []func() error // of what New opened, in order
}

// New opens everything and reads what a start needs. A wrong configuration, a port in use and files of a newer version
// are seen before any file is touched. When it fails, it leaves nothing open.
func New(ctx context.Context, config Config) (_ *App, err error) {
	a := &App{config: withDefaults(config), pasts: newPasts(), metrics: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, open := range a.steps() {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// steps are what New does, in order.
func (a *App) steps() []func(context.Context) error {
	steps := []func(context.Context) error{a.check, a.openTraces, a.listen, a.refuseNewer, a.openLog, a.openRegistry}
	if a.config.Roles.Ingest {
		steps = append(steps, a.mend)
	}
	if a.config.Roles.Query {
		steps = append(steps, a.openHistory, a.openRoster)
	}
	steps = append(steps, a.openSides)
	if a.config.Roles.Query {
		steps = append(steps, a.bridge, a.openProof, a.openStorage)
	}
	steps = append(steps, a.openDirectory, a.openUnregistered)
	if a.config.Roles.Ingest {
		steps = append(steps, a.openDoors)
	}
	if !a.config.Roles.Query {
		return append(steps, a.openDoorsAPI)
	}
	return append(steps, a.openAPI)
}

func withDefaults(config Config) Config {
	if config.Listen == "" {
		config.Listen = "127.0.0.1:8080"
	}
	if config.CanaryInterval == 0 {
		config.CanaryInterval = 250 * time.Millisecond
	}
	if config.SnapshotEvery == 0 {
		config.SnapshotEvery = 5 * time.Minute
	}
	if config.Roles == (Roles{}) {
		config.Roles = Roles{Ingest: true, Query: true}
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return config
}

func (a *App) cleanup(closing func() error) { a.cleanups = append(a.cleanups, closing) }

// Close closes what New opened, the last first. It is for an App that is not run: Run closes it by itself.
func (a *App) Close() error {
	var errs []error
	for _, cleanup := range slices.Backward(a.cleanups) {
		errs = append(errs, cleanup())
	}
	a.cleanups = nil
	return errors.Join(errs...)
}

func (a *App) listen(ctx context.Context) error {
	var bind net.ListenConfig
	public, err := bind.Listen(ctx, "tcp", a.config.Listen)
	if err != nil {
		return fmt.Errorf("listening for vehicles and browsers: %w", err)
	}
	a.listener = newBoundedListener(public.(*net.TCPListener), maxConnections())
	a.cleanup(ignoreClosed(a.listener.Close))
	if err := a.listener.register(a.metrics); err != nil {
		return err
	}
	if a.config.Admin == "" {
		return nil
	}
	if a.admin, err = bind.Listen(ctx, "tcp", a.config.Admin); err != nil {
		return fmt.Errorf("listening for profiles: %w", err)
	}
	a.cleanup(ignoreClosed(a.admin.Close))
	if ip := a.admin.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		return fmt.Errorf("the address for profiles, %s, is open to others: use a loopback address", a.admin.Addr())
	}
	return nil
}

// ignoreClosed closes a listener that its server may have closed already.
func ignoreClosed(closing func() error) func() error {
	return func() error {
		if err := closing(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

func (a *App) openLog(ctx context.Context) (err error) {
	a.log, err = eventlog.Open(ctx, eventlog.Config{
		Dir: a.config.DataDir, Logger: a.config.Logger, Registerer: a.metrics, Reserve: a.config.Reserve, Shared: a.shared(),
	})
	if err != nil {
		return fmt.Errorf("opening the log in %s: %w", a.config.DataDir, err)
	}
	a.cleanup(a.log.Close)
	return nil
}

func (a *App) openRegistry(ctx context.Context) (err error) {
	a.registry, err = registry.Open(ctx, registry.Config{
		Path: a.registryPath(), URL: a.config.RegistryURL, Logger: a.config.Logger, Registerer: a.metrics,
		Now: a.now, // whose clock is there before anything is written that has names
	})
	if err != nil {
		return fmt.Errorf("opening the registry in %s: %w", a.config.DataDir, err)
	}
	a.cleanup(a.registry.Close)
	if err := a.markRegistry(); err != nil {
		return err
	}
	if a.config.DefaultPolicy != (event.Policy{}) {
		if _, err := a.registry.SetDefaultPolicy(ctx, a.config.DefaultPolicy); err != nil {
			return err
		}
	}
	return nil
}

// snapshots is where the snapshots of one part lie.
func (a *App) snapshots(name string) *projection.Snapshots {
	return &projection.Snapshots{Dir: snapshotDir(a.config.DataDir), Name: name, Logger: a.config.Logger}
}

// URL is the address at which the server answers on this machine.
func (a *App) URL() string {
	addr := a.listener.Addr().(*net.TCPAddr)
	if addr.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", addr.Port)
	}
	return "http://" + addr.String()
}

// Log is the server's log, for tests that look behind the doors.
func (a *App) Log() *eventlog.Log { return a.log }

var errDraining = errors.New("this node is about to stop")

// drain says for a while that this node is not ready, before anything is closed: whoever hands out requests looks elsewhere.
func (a *App) drain(ctx context.Context) error {
	<-ctx.Done()
	a.draining.Store(true)
	time.Sleep(a.config.Drain)
	return nil
}

// ready says what the server still waits for; nil when it can answer questions about the present.
func (a *App) ready() error {
	if a.draining.Load() {
		return errDraining
	}
	if a.config.Roles.Query && !a.caughtUp.Load() {
		return fmt.Errorf("reading the log and what the registry tells it: %d batches to go", a.runner.Lag())
	}
	return nil
}

func (a *App) openAPI(context.Context) error {
	handler, err := api.New(api.Config{
		View:         a.view,
		Registry:     a.registry,
		Unregistered: a.unregistered,
		WebOrigins:   a.config.WebOrigins,
		Doors:        a.doors,
		Applied:      a.applied,
		Reached:      a.runner.Wait,
		Heartbeats:   a.heartbeats,
		Transitions:  a.transitions,
		At:           a.at,
		Records:      a.records().api(),
		Backtest:     a.backtest,
		Storage:      a.storage.look,
		Erase:        a.erase,
		Appended:     a.log.Head,
		Proof:        a.proof,
		Ready:        a.ready,
		Now:          func() time.Time { return a.now().Std() },
		Version:      a.config.Version,
		Gatherer:     a.metrics,
		Registerer:   a.metrics,
		Logger:       a.config.Logger,
	})
	if err != nil {
		return err
	}
	a.handler = handler
	return nil
}

// Run serves until ctx ends, then stops in order: no door is closed before those who wait at it have their answer, and
// nothing that was acknowledged is lost. It may be called once, and closes what New opened.
func (a *App) Run(ctx context.Context) error {
	told := []any{"url", a.URL(), "data", a.config.DataDir, "epoch", a.log.Epoch(), "head", a.log.Head()}
	if a.config.Shared != nil {
		told = append(told, "node", a.config.Node, "roles", a.config.Roles.String())
	}
	if a.config.Roles.Query {
		told = append(told, "proof_key", a.proof.Key())
	}
	a.config.Logger.Info("listening", told...)
	err := runParts(ctx, a.config.Logger, a.parts())
	return errors.Join(err, a.Close())
}

// parts are what runs, in the order of its start.
func (a *App) parts() (parts []part) {
	add := func(wanted bool, some ...part) {
		if wanted {
			parts = append(parts, some...)
		}
	}
	roles := a.config.Roles
	add(roles.Query, part{"proof", a.proof.Run}) // before the committer: so it stops after it, and signs the end
	add(roles.Ingest,
		part{"committer", a.committer.Run},
		part{"relay of registry facts", func(ctx context.Context) error { return a.registry.Relay(ctx, a.storeFacts) }})
	add(true,
		part{"writes of other servers to the registry", a.registry.Follow},
		part{"directory", a.directory.run})
	add(roles.Query,
		part{"past of the registry", a.forgetPast},
		part{"fleet", a.runFleet},
		part{"history", a.runHistory},
		part{"roster", a.rosterRunner.Run},
		part{"retention of the log", a.dropOld})
	add(roles.Ingest, part{"snapshots of the doors", a.saveDoors})
	add(roles.Ingest && a.config.Shared != nil, part{"news of unregistered ids", a.tellUnregistered})
	add(true, part{"HTTP server", (&server{a.listener, a.traced(a.handler), a.config.Logger}).run})
	add(roles.Query, part{"live push", a.view.Run}) // before the HTTP server in the stop: it ends the streams, which never end by themselves
	add(roles.Ingest, part{"canary", a.canary.Run})
	add(a.admin != nil, part{"profiles", (&server{a.admin, adminHandler(), a.config.Logger}).run})
	add(true, part{"drain", a.drain})
	return parts
}

// storeFacts puts facts of the registry into the log. A stop does not end the wait, so that facts that were stored are
// noted as such: the committer stops later, and answers.
func (a *App) storeFacts(ctx context.Context, facts []event.Fact) (event.Position, error) {
	return a.committer.SubmitFacts(context.WithoutCancel(ctx), facts)
}

// runFleet keeps the view up to date. The server is ready once the view has everything that the log held at start and
// everything that the registry had to tell by then.
func (a *App) runFleet(ctx context.Context) error {
	head, revision := a.log.Head(), a.registry.Revision()
	waiting, cancel := context.WithCancel(ctx)
	var waiter sync.WaitGroup
	waiter.Go(func() {
		relayed, err := a.relayed(waiting, revision)
		if err != nil {
			return
		}
		if err := a.runner.Wait(waiting, max(head, relayed)); err == nil {
			a.caughtUp.Store(true)
		}
	})
	err := a.runner.Run(ctx)
	cancel()
	waiter.Wait()
	return err
}
