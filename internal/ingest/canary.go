package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const (
	defaultInterval = 250 * time.Millisecond
	canaryTimeout   = 2 * time.Second
	stopTimeout     = 5 * time.Second
	// reconnectAfter is how long one connection is used. A door that serves old connections and takes no new ones,
	// or whose certificate has expired, is closed to vehicles.
	reconnectAfter = time.Second
)

// CanaryConfig says what a Canary needs.
type CanaryConfig struct {
	Doors    *Doors
	URL      string        // the public address of the doors, for instance "https://beat.example.com"
	Interval time.Duration // between canaries; default 250 ms
	TLS      *tls.Config   // default: the system's certificate authorities

	Logger     *slog.Logger          // default none
	Registerer prometheus.Registerer // default none
}

// Canary is the observer's own vehicle: it sends heartbeats to the public address of its doors. Those that arrive
// pass the same limits and the same commit as all others and become event.Canary facts in the log, the proof that the
// doors were listening. Its id is drawn anew in each process and known to nobody else.
type Canary struct {
	config    CanaryConfig
	target    string // with the secret id: not to be logged
	client    *http.Client
	logger    *slog.Logger
	failures  prometheus.Counter
	failing   time.Time // since when; zero while all is well
	connected time.Time // when the connection in use was made, at the latest
}

// NewCanary makes the canary of some doors.
func NewCanary(config CanaryConfig) (*Canary, error) {
	address, err := url.Parse(config.URL)
	if err != nil || config.Doors == nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, fmt.Errorf("a canary needs doors and their public http or https URL, not %q", config.URL)
	}
	if config.Interval == 0 {
		config.Interval = defaultInterval
	}
	c := &Canary{
		config: config,
		target: strings.TrimSuffix(config.URL, "/") + "/heartbeat/" + config.Doors.canary,
		client: &http.Client{
			Timeout:       canaryTimeout,
			Transport:     &http.Transport{TLSClientConfig: config.TLS, MaxIdleConns: 1, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		logger:   config.Logger,
		failures: newCounter("canary_failures_total", "Canaries that did not come through the public address."),
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	register(config.Registerer, c.failures)
	return c, nil
}

// Run notes in the log that the observer started, sends canaries until ctx ends, and notes that it stopped. It returns
// nil. The doors' Committer must run all that time.
func (c *Canary) Run(ctx context.Context) error {
	defer c.client.CloseIdleConnections()
	ticks := time.NewTicker(c.config.Interval)
	defer ticks.Stop()
	started := false
	for {
		// A canary before that fact would claim that we listened since the last one of the process before.
		if !started {
			_, err := c.config.Doors.committer.SubmitFacts(ctx, []event.Fact{event.ObserverStarted{Door: c.config.Doors.name}})
			started = err == nil
			c.report(ctx, err)
		}
		if started {
			// One that is on its way is waited for: behind the fact of the stop it would say that we listen again.
			c.report(ctx, c.send(context.WithoutCancel(ctx)))
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			if started {
				c.stopped(ctx)
			}
			return nil
		}
	}
}

// send sends one canary.
func (c *Canary) send(ctx context.Context) error {
	if time.Since(c.connected) > reconnectAfter {
		c.client.CloseIdleConnections()
		c.connected = time.Now()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.target, nil)
	if err != nil {
		return fmt.Errorf("making the request: %w", errors.Unwrap(err))
	}
	response, err := c.client.Do(request)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the URL and the secret in it
		}
		return fmt.Errorf("posting: %w", err)
	}
	defer response.Body.Close()
	if _, err := io.CopyN(io.Discard, response.Body, 4<<10); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer was %s", response.Status)
	}
	return nil
}

// report counts failures, and logs when they begin and end.
func (c *Canary) report(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil: // we are stopping, whatever came of it
	case err != nil:
		c.failures.Inc()
		if c.failing.IsZero() {
			c.failing = time.Now()
			c.logger.Warn("the canary does not come through: from now on nobody is called offline",
				"door", c.config.Doors.name, "url", c.config.URL, "error", err)
		}
	case !c.failing.IsZero():
		c.logger.Info("the canary comes through again", "door", c.config.Doors.name, "after", time.Since(c.failing))
		c.failing = time.Time{}
	}
}

// stopped notes in the log that the observer stopped.
func (c *Canary) stopped(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	_, err := c.config.Doors.committer.SubmitFacts(ctx, []event.Fact{event.ObserverStopped{Door: c.config.Doors.name}})
	if err != nil {
		c.logger.Warn("noting that the observer stopped", "door", c.config.Doors.name, "error", err)
	}
}
