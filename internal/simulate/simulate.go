// Package simulate is a fleet of simulated vehicles that report to a Fleetbeat server through its public HTTP doors.
//
// A Roster says who the vehicles are, a Plan which of them sends what and when; both are pure functions of a seed. A
// Simulation registers the roster's vehicles, sends what the plan says as time goes by, and behaves towards the server
// like a well-made device: it takes its time after a refusal, keeps what it could not deliver, and gives up the oldest
// of it when it cannot keep more. It knows the server by its client alone.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Config says which fleet to simulate, and how it sends.
type Config struct {
	BaseURL  string // of the server; default http://127.0.0.1:8080
	Vehicles int    // how many generated vehicles, up to 10,000,000
	Original bool   // with the seven vehicles of the original three customers before them
	Seed     uint64 // equal seeds give equal fleets and, at equal times, equal behaviour

	Interval  time.Duration // between two heartbeats of a vehicle, 10 ms to 1 h; default 60 s
	Jitter    time.Duration // how much later than its phase a heartbeat may be, up to half an Interval; default 0
	Aligned   bool          // all report in the first sixth of each interval, as real fleets do; otherwise spread over it
	Behaviour Behaviour     // what goes wrong; the zero Behaviour is calm
	Start     time.Time     // before it nothing is sent, and from it the silent vehicles' time runs; default now

	Duration    time.Duration // how long Run sends; default: until its context ends
	BatchSize   int           // heartbeats in a request, up to 10,000; default 1, a call of its own for each
	Format      client.Format // of batches; default client.Protobuf, which costs the least
	Connections int           // requests in flight at most; default 64 for single heartbeats, 4 for batches
	MaxWaiting  int           // heartbeats kept while the server does not take them; default 2 a vehicle, 1,000 to 1,000,000
	NoSequence  bool          // vehicles send no sequence number
	NoSentAt    bool          // vehicles do not send their own time

	// Progress, unless nil, gets a line a second: on a terminal one that is written over, elsewhere one after the other.
	Progress io.Writer
	// Acknowledged, unless nil, is told of each heartbeat that the server acknowledged, from several goroutines at once.
	Acknowledged func(Receipt)
}

// Receipt is a heartbeat that the server acknowledged.
type Receipt struct {
	VIN      string
	Sequence int64      // event.NoSequence when it was sent without
	SentAt   event.Time // 0 when it was sent without
	Buffered bool
	Position uint64 // the log position at which it is stored
	Repeat   bool   // the server knew its number; batches do not say
}

const (
	maxVehicles  = 10_000_000
	maxBatchSize = 10_000
	// answerTimeout is how long a device waits for an answer before it tries again.
	answerTimeout = 30 * time.Second
)

// Simulation is a fleet ready to run.
type Simulation struct {
	cfg    Config
	roster *Roster
	plan   *Plan
	client *client.Client
}

// New checks the config and generates the fleet. It does not call the server.
func New(cfg Config) (*Simulation, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	api, err := client.New(client.Config{BaseURL: cfg.BaseURL, HTTPClient: &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxConnsPerHost:     cfg.Connections,
			MaxIdleConnsPerHost: cfg.Connections,
			IdleConnTimeout:     90 * time.Second,
		},
	}})
	if err != nil {
		return nil, err
	}
	roster := NewRoster(cfg.Seed, cfg.Vehicles, cfg.Original)
	return &Simulation{cfg: cfg, roster: roster, plan: newPlan(cfg, roster), client: api}, nil
}

// Roster says who the vehicles are.
func (s *Simulation) Roster() *Roster { return s.roster }

// Plan says what they do.
func (s *Simulation) Plan() *Plan { return s.plan }

func (cfg Config) withDefaults() Config {
	if cfg.Interval == 0 {
		cfg.Interval = time.Minute
	}
	if cfg.Start.IsZero() {
		cfg.Start = time.Now()
	}
	if cfg.BatchSize == 0 {
		cfg.BatchSize = 1
	}
	if cfg.Format == "" {
		cfg.Format = client.Protobuf
	}
	if cfg.Connections == 0 {
		cfg.Connections = 4
		if cfg.BatchSize == 1 {
			cfg.Connections = 64
		}
	}
	if cfg.MaxWaiting == 0 {
		cfg.MaxWaiting = min(max(2*cfg.Vehicles, 1000), 1_000_000)
	}
	return cfg
}

// Check says what is wrong with the configuration, apart from the address; New does so too.
func (cfg Config) Check() error {
	cfg = cfg.withDefaults()
	switch {
	case cfg.Vehicles < 0 || cfg.Vehicles > maxVehicles:
		return fmt.Errorf("the number of vehicles is %d, and may be 0 to %d", cfg.Vehicles, maxVehicles)
	case cfg.Vehicles == 0 && !cfg.Original:
		return errors.New("there is no vehicle to simulate")
	case cfg.Interval < 10*time.Millisecond || cfg.Interval > time.Hour:
		return fmt.Errorf("the interval is %s, and may be 10ms to 1h", cfg.Interval)
	case cfg.Jitter < 0 || cfg.Jitter > cfg.Interval/2:
		return fmt.Errorf("the jitter is %s, and may be up to half the interval of %s", cfg.Jitter, cfg.Interval)
	case cfg.BatchSize < 1 || cfg.BatchSize > maxBatchSize:
		return fmt.Errorf("the batch size is %d, and may be 1 to %d", cfg.BatchSize, maxBatchSize)
	case cfg.Connections < 1:
		return fmt.Errorf("the number of connections is %d, and must be positive", cfg.Connections)
	case cfg.MaxWaiting < 1:
		return fmt.Errorf("the number of waiting heartbeats is %d, and must be positive", cfg.MaxWaiting)
	case cfg.Duration < 0:
		return fmt.Errorf("the duration is %s, and must not be negative", cfg.Duration)
	}
	return nil
}

// Run sends until ctx ends or the duration has passed, and says what became of it all. After the duration it still
// delivers what waits, for up to 10 s; when ctx ends it stops at once. Neither is an error.
func (s *Simulation) Run(ctx context.Context) (Result, error) {
	r := newRun(s)
	r.do(ctx)
	s.client.Close()
	return r.tally.result(), nil
}
