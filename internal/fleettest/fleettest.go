// Package fleettest starts the real Fleetbeat in a test: on a temporary folder, on a free port, with everything that
// belongs to it, and gives the test a client. Nothing in it is a stand-in.
package fleettest

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
)

// startTimeout bounds how long a start may take on a busy machine.
const startTimeout = 30 * time.Second

// Server is a running Fleetbeat.
type Server struct {
	*client.Client
	App    *app.App
	URL    string
	Config app.Config

	stop context.CancelFunc
	done chan error
}

// Start runs a server with the defaults of app, a temporary data folder and a free port, after edit has had its way
// with the configuration. It returns when the server is ready, and stops it when the test ends.
func Start(t testing.TB, edit ...func(*app.Config)) *Server {
	t.Helper()
	config := app.Config{
		Listen:  "127.0.0.1:0",
		DataDir: t.TempDir(),
		Logger:  slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, change := range edit {
		change(&config)
	}
	s := &Server{Config: config}
	s.start(t)
	t.Cleanup(func() { s.Stop(t) })
	return s
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	var err error
	if s.App, err = app.New(t.Context(), s.Config); err != nil {
		t.Fatal(err)
	}
	s.URL = s.App.URL()
	if s.Client, err = client.New(client.Config{BaseURL: s.URL}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // Stop ends it, in order
	s.stop, s.done = cancel, make(chan error, 1)
	go func() { s.done <- s.App.Run(ctx) }()
	Eventually(t, "the server is ready", func() error {
		select {
		case err := <-s.done:
			s.done <- err
			t.Fatalf("the server ended before it was ready: %v", err)
		default:
		}
		return s.Ready(t.Context())
	})
}

// Stop stops the server in order. Stopping it again does nothing.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	if err := <-s.done; err != nil {
		t.Errorf("stopping: %v", err)
	}
	s.Close()
}

// Restart stops the server and starts it on the same folder. The port changes when it was chosen freely.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.start(t)
}

// Eventually tries until attempt gives no error, and fails the test with its last error when that takes too long.
func Eventually(t testing.TB, what string, attempt func() error) {
	t.Helper()
	deadline := time.Now().Add(startTimeout)
	for {
		err := attempt()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || errors.Is(err, context.Canceled) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// testWriter hands log lines to the test.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(line []byte) (int, error) {
	w.t.Log(string(line[:max(0, len(line)-1)]))
	return len(line), nil
}
