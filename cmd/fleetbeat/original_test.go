//go:build linux

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// original is a folder that a server has left, and what is to be found in it.
type original struct {
	folder  string
	batches map[event.Position]event.Batch
	head    event.Position
	answers string
	files   []string // that can be damaged
}

// newOriginal makes a folder with some life in it, left in order or by a crash.
func newOriginal(t *testing.T, crashed bool) original {
	t.Helper()
	s := serve(t, t.TempDir(), "--snapshot-every", "100ms")
	liveThrough(t, s)
	if _, err := s.PauseVehicle(t.Context(), "tractor-1"); err != nil {
		t.Fatal(err)
	}
	if crashed {
		liveThrough(t, s) // repeats, for the log behind the snapshots
		s.kill()
	} else if code := s.stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	o := original{folder: s.data}
	o.batches, o.head = readBatches(t, o.folder)
	err := filepath.WalkDir(o.folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && len(readFile(t, path)) > 0 {
			o.files = append(o.files, strings.TrimPrefix(path, o.folder+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	outcome := start(t, copyOf(t, o.folder))
	if outcome.err != nil || outcome.position <= o.head {
		t.Fatalf("undamaged: %v, a heartbeat at %d after %d", outcome.err, outcome.position, o.head)
	}
	o.answers = outcome.answers
	return o
}

// readBatches reads the log of a folder.
func readBatches(t *testing.T, folder string) (map[event.Position]event.Batch, event.Position) {
	t.Helper()
	batches := map[event.Position]event.Batch{}
	report, err := eventlog.Read(folder, 1, func(stored event.Stored) error {
		batches[stored.Position] = stored.Batch
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return batches, report.Last
}

// outcome is what came of starting a server on a folder.
type outcome struct {
	err      error  // of the start
	answers  string // to everything that can be asked and does not change by a start alone
	repeat   bool   // whether a heartbeat sent before was known
	position event.Position
	log      string // lines that an operator is to see
}

// start starts the app on a folder, asks it, sends a heartbeat, and stops it.
func start(t *testing.T, folder string) (o outcome) {
	t.Helper()
	lines := &transcript{}
	defer func() { o.log = lines.String() }()
	a, err := app.New(t.Context(), app.Config{
		Listen: "127.0.0.1:0", DataDir: folder, Logger: slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return outcome{err: err}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		stop()
		o.err = errors.Join(o.err, <-ended)
	}()
	api, err := client.New(client.Config{BaseURL: a.URL()})
	if err != nil {
		return outcome{err: err}
	}
	defer api.Close()
	eventually(t, "the server is ready", func() error { return api.Ready(t.Context()) })
	if o.answers, err = ask(t.Context(), a.URL()); err != nil {
		return outcome{err: err}
	}
	last := int64(4) // of those that liveThrough sends
	accepted, err := api.Heartbeat(t.Context(), theVIN, client.NewHeartbeat{Sequence: &last})
	return outcome{answers: o.answers, repeat: accepted.Repeat, position: event.Position(accepted.Position), err: err}
}

// ask asks everything that does not change by a start alone.
func ask(ctx context.Context, url string) (answers string, err error) {
	var all strings.Builder
	indented := new(bytes.Buffer)
	for _, path := range []string{"/v1/vehicles?limit=1000", "/v1/customers", "/v1/transitions?limit=1000", "/v1/export", "/v1/policy"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
		if err != nil {
			return "", err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return "", err
		}
		var page struct {
			Items json.RawMessage `json:"items"`
		}
		if json.Unmarshal(text, &page) == nil && page.Items != nil {
			indented.Reset()
			if err := json.Indent(indented, page.Items, "", " "); err != nil { // the position beside them grows
				return "", err
			}
			text = indented.Bytes()
		}
		fmt.Fprintf(&all, "%s: %s\n%s\n", path, answer.Status, text)
	}
	return all.String(), nil
}
