// Package api answers everything that is asked over HTTP: reads, the registry, live push, and the documents of itself.
//
// What enters: requests from browsers, programs and strangers. What leaves: JSON in the shapes of package client, or
// problem details (RFC 9457) with the place of each fault. What it promises:
//
//   - A write is answered when reads on this server show it, and its answer carries the log position.
//   - What is registered with the router and what the OpenAPI document says are the same.
//   - Reading is strict, each body is bounded, and no error of our own tells a caller more than that there was one.
//   - A live stream that its reader does not empty is cut or told to start again; it never holds anything up.
//
// The doors of heartbeats are package ingest's: they register with the same router, and are described here.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/backtest"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
	"github.com/fleetbeat/fleetbeat/internal/proof"
	"github.com/fleetbeat/fleetbeat/internal/registry"
	"github.com/fleetbeat/fleetbeat/web"
)

// Config says what the API answers from.
type Config struct {
	View         *fleet.View
	Registry     *registry.Registry
	Unregistered *ingest.Unregistered
	Doors        *ingest.Doors // of heartbeats; nil when this process has none
	Page         *web.Handler  // the dashboard; default the one that the build embedded
	WebOrigins   []string      // other origins whose pages may use the API, as CheckOrigin wants them

	// Applied waits until doors and view show a revision of the registry, and gives the log position at which it holds.
	Applied func(ctx context.Context, revision int64) (event.Position, error)
	// Reached waits until the view shows a position.
	Reached func(ctx context.Context, position event.Position) error
	// Heartbeats finds heartbeats of a vehicle, newest first.
	Heartbeats func(ctx context.Context, q history.HeartbeatQuery) (history.HeartbeatPage, error)
	// Transitions finds transitions of any time, newest first.
	Transitions func(ctx context.Context, q history.TransitionQuery) (history.TransitionPage, error)
	// At is the fleet as it was at a moment.
	At func(ctx context.Context, at event.Time) (*fleet.View, error)
	// Records tell the past of vehicles.
	Records Records
	// Backtest replays the log under another policy.
	Backtest func(ctx context.Context, q backtest.Query) (backtest.Report, error)
	// Erase takes what is left of a removed vehicle's VIN out of all files.
	Erase func(ctx context.Context, vin string) error
	// Storage is what is kept on the disk.
	Storage func(ctx context.Context) (Storage, error)
	Proof   *proof.Tree // of the log; nil: this process makes no proofs
	// Appended is the position of this process's own last append, which its next search must show.
	Appended func() event.Position
	// Ready is nil when the server is ready; the error says what it waits for.
	Ready func() error

	LiveStall time.Duration // that the reader of a live stream may take for one write before it is cut; default 15 s

	Now        func() time.Time      // of received-at, for the original contract's rule; default time.Now
	Version    string                // of the program, for the documents; default "dev"
	Gatherer   prometheus.Gatherer   // what /metrics shows; default none
	Registerer prometheus.Registerer // for the API's own figures; default none
	Logger     *slog.Logger          // default none
}

// complete fills in the defaults.
func (cfg *Config) complete() error {
	if cfg.View == nil || cfg.Registry == nil || cfg.Unregistered == nil {
		return errors.New("building the API: Config lacks the view, the registry or the list of unregistered vehicles")
	}
	if cfg.Applied == nil || cfg.Reached == nil || cfg.Heartbeats == nil || cfg.Transitions == nil || cfg.At == nil || cfg.Backtest == nil || cfg.Storage == nil || cfg.Erase == nil || cfg.Appended == nil || cfg.Ready == nil {
		return errors.New("building the API: Config lacks one of Applied, Reached, Heartbeats, Transitions, At, Backtest, Storage, Erase, Appended, Ready")
	}
	if cfg.Records.Of == nil || cfg.Records.OfCustomer == nil || cfg.Records.Received == nil || cfg.Records.Series == nil {
		return errors.New("building the API: Config lacks one of the Records")
	}
	if cfg.Page == nil {
		page, err := web.New(web.Built())
		if err != nil {
			return fmt.Errorf("building the API: %w", err)
		}
		cfg.Page = page
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	for _, origin := range cfg.WebOrigins {
		if err := CheckOrigin(origin); err != nil {
			return err
		}
	}
	if cfg.LiveStall == 0 {
		cfg.LiveStall = 15 * time.Second
	}
	if cfg.Version == "" {
		cfg.Version = "dev"
	}
	if cfg.Gatherer == nil {
		cfg.Gatherer = prometheus.NewRegistry()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// server holds what the handlers need.
type server struct {
	cfg     Config
	logger  *slog.Logger
	metrics *metrics
	router  *router
	huma    huma.API
	frames  liveFrames

	heartbeatTurns turns // of the calls that read heartbeats
	recordTurns    turns // of the calls that read records
}

// New builds the handler of the whole public server.
func New(cfg Config) (http.Handler, error) {
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	return s.handler(), nil
}

// DoorsConfig says what a server of heartbeats alone needs.
type DoorsConfig struct {
	Doors      *ingest.Doors
	Ready      func() error          // as in Config
	Gatherer   prometheus.Gatherer   // what /metrics shows
	Registerer prometheus.Registerer // for the API's own figures; default none
	Logger     *slog.Logger
}

// NewDoors builds the handler of a server that takes heartbeats and answers nothing else but what machines ask: whether it is
// well, and its figures.
func NewDoors(cfg DoorsConfig) http.Handler {
	s := prepare(Config{Doors: cfg.Doors, Ready: cfg.Ready, Gatherer: cfg.Gatherer, Registerer: cfg.Registerer, Logger: cfg.Logger})
	s.describeHealth()
	s.router.ServeMux.HandleFunc("/", s.elsewhere)
	return s.handler()
}

// elsewhere answers what nodes of the other role answer.
func (s *server) elsewhere(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, http.StatusNotFound, fmt.Sprintf("this node only takes heartbeats; ask one of the role query for %s", r.URL.Path))
}

func newServer(cfg Config) (*server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := build(cfg)
	documents := s.describeDocuments()
	s.router.ServeMux.HandleFunc("/", s.fallback)
	return s, documents.make(s.huma.OpenAPI())
}

// Document is the OpenAPI document of the whole API, without a server. It does not tell the program's version.
func Document() ([]byte, error) {
	s := build(Config{Version: "v1", Logger: slog.New(slog.DiscardHandler)})
	s.describeDoors()
	s.describeDocuments()
	return documentJSON(s.huma.OpenAPI())
}

// prepare makes a server that has doors at most.
func prepare(cfg Config) *server {
	s := &server{
		cfg: cfg, logger: cfg.Logger, metrics: newMetrics(cfg.Registerer),
		heartbeatTurns: newTurns(heartbeatScans, errHistoryBusy), recordTurns: newTurns(recordScans, errHistoryBusy),
	}
	s.router = &router{ServeMux: http.NewServeMux(), metrics: s.metrics, logger: cfg.Logger}
	s.huma = humago.New(s.router, huma.Config{
		OpenAPI:                      openAPI(cfg.Version),
		Formats:                      formats(),
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{withoutLongValues},
	})
	s.huma.UseMiddleware(readBody)
	if cfg.Doors != nil {
		cfg.Doors.Register(s.router.ServeMux)
		s.describeDoors()
	}
	return s
}

// build registers all calls. None is made while it does, so that what they need may be missing.
func build(cfg Config) *server {
	s := prepare(cfg)
	s.describeVehicles()
	s.describeHeartbeats()
	s.describeFiles()
	s.describeUnregistered()
	s.describeCustomers()
	s.describePolicy()
	s.describeFleet()
	s.describeLive()
	s.describeGrid()
	s.describeBacktest()
	s.describeConnections()
	s.describeUptime()
	s.describeSeries()
	s.describeVehicleGaps()
	s.describeSearch()
	s.describeProof()
	s.describeHealth()
	s.describeStorage()
	s.describePage()
	return s
}

func (s *server) handler() http.Handler {
	return share(s.cfg.WebOrigins, guard(s.router, s.cfg.WebOrigins))
}
