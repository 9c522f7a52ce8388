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
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// harm does something to a file.
func harm(t *testing.T, random *rand.Rand, path string) (what string, harmed []byte) {
	t.Helper()
	harmed = readFile(t, path)
	at := random.IntN(len(harmed))
	switch random.IntN(8) {
	case 0:
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return "deleted", nil
	case 1:
		what, harmed = fmt.Sprintf("cut to %d of %d bytes", at, len(harmed)), harmed[:at]
	case 2:
		what = fmt.Sprintf("page at %d zeroed", at/4096*4096)
		clear(harmed[at/4096*4096 : min(at/4096*4096+4096, len(harmed))])
	default:
		bit := random.IntN(8)
		what = fmt.Sprintf("bit %d of byte %d flipped", bit, at)
		harmed[at] ^= 1 << bit
	}
	writeFile(t, path, harmed)
	return what, harmed
}

// TestDamageIsSeen harms one file of a data folder at a time. The server then has everything, or says what it has not.
func TestDamageIsSeen(t *testing.T) {
	const seed = 20261124
	rounds := 150
	if testing.Short() {
		rounds = 40
	}
	t.Logf("seed %d, %d rounds each", seed, rounds)
	for name, crashed := range map[string]bool{"stopped": false, "crashed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			o := newOriginal(t, crashed)
			tally := map[string]int{}
			for range rounds {
				file := o.files[random.IntN(len(o.files))]
				folder := copyOf(t, o.folder)
				what, harmed := harm(t, random, filepath.Join(folder, file))
				verdict := o.judge(t, folder, file, what, harmed)
				tally[verdict]++
				if err := os.RemoveAll(folder); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%v", tally)
		})
	}
}

// TestWhatIsGoneIsSeen takes whole parts of a data folder away.
func TestWhatIsGoneIsSeen(t *testing.T) {
	o := newOriginal(t, false)
	const (
		same     = "everything as before"
		reported = "reported"
		refused  = "refused"
	)
	for _, c := range []struct{ gone, want string }{
		{"FORMAT", same},
		{"head", same},
		{"snapshots", same},
		{"snapshots head", same},
		{"registry.db-sums", same},
		{"log", reported},
		{"log snapshots", reported},
		{"log head FORMAT", reported},
		{"log head FORMAT snapshots", reported},
		{"registry.db", refused},
		{"registry.db snapshots", refused},
		{"registry.db registry.db-sums", refused},
		{"registry.db registry.db-sums snapshots", refused},
	} {
		t.Run(c.gone, func(t *testing.T) {
			folder := copyOf(t, o.folder)
			for _, name := range strings.Fields(c.gone) {
				if err := os.RemoveAll(filepath.Join(folder, name)); err != nil {
					t.Fatal(err)
				}
			}
			switch is := start(t, folder); {
			case is.err != nil:
				if said := is.err.Error(); c.want != refused || strings.Contains(said, "\n") || !strings.Contains(said, folder) {
					t.Errorf("want %s, got %v", c.want, is.err)
				}
			case c.want == same:
				if is.answers != o.answers || !is.repeat || is.position <= o.head {
					t.Errorf("repeat known %v, position %d after %d, the answers differ (-were +are):\n%s", is.repeat, is.position, o.head,
						cmp.Diff(strings.Split(o.answers, "\n"), strings.Split(is.answers, "\n")))
				}
			case c.want != reported || !strings.Contains(is.log, "the registry tells it everything again"):
				t.Errorf("want %s, the log says only: %s", c.want, is.log)
			}
		})
	}
}

// judge starts a server on a damaged folder and checks that it does right.
func (o original) judge(t *testing.T, folder, file, what string, harmed []byte) (verdict string) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s: %s", file, what, fmt.Sprintf(format, args...))
	}
	began := time.Now()
	is := start(t, folder)
	if took := time.Since(began); took > patience/2 {
		fail("it took %v", took)
	}
	if is.err != nil {
		if said := is.err.Error(); strings.Contains(said, "\n") || !strings.Contains(said, folder) {
			fail("the error is no clear line: %s", said)
		}
		if !strings.HasPrefix(file, "registry.db") {
			fail("the server does not start: %v", is.err)
		}
		if now, err := os.ReadFile(filepath.Join(folder, file)); !bytes.Equal(now, harmed) || (err == nil) != (harmed != nil) {
			fail("refused, and not left as it is")
		}
		return "refused"
	}
	if is.position <= o.head {
		fail("position %d was used again", is.position)
	}
	lost := o.lost(t, folder, fail)
	if is.answers == o.answers && lost == 0 && is.repeat {
		if is.log != "" {
			return "harmless, reported"
		}
		return "harmless"
	}
	if !strings.Contains(is.log, folder) {
		fail("%d batches are lost, a repeat is known: %v; the answers differ (-were +are):\n%s\nand the log says only: %s",
			lost, is.repeat, cmp.Diff(strings.Split(o.answers, "\n"), strings.Split(is.answers, "\n")), is.log)
	}
	if harmed != nil && !keeps(t, folder, harmed) {
		fail("the damaged file was not kept")
	}
	return "reported"
}

// lost counts the batches that the log does not hold any more. What it holds is what was written.
func (o original) lost(t *testing.T, folder string, fail func(string, ...any)) (lost int) {
	t.Helper()
	batches, _ := readBatches(t, folder)
	before := false
	for position := event.Position(1); position <= o.head; position++ {
		batch, ok := batches[position]
		isLost := false
		if len(batch.Entries) > 0 {
			_, isLost = batch.Entries[0].Fact.(event.Lost)
		}
		switch {
		case !ok:
			fail("position %d is missing", position)
		case isLost:
			lost++
		case !reflect.DeepEqual(batch, o.batches[position]):
			fail("position %d holds something else", position)
		}
		if isLost && !before && lost > 1 {
			fail("the batches lost are not side by side")
		}
		before = isLost
	}
	return lost
}

// keeps says whether a folder has a file of that content.
func keeps(t *testing.T, folder string, content []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found = found || bytes.Equal(readFile(t, path), content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
