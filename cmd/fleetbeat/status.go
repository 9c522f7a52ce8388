package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

type statusCommand struct {
	URL     []string      `name:"url" help:"Address of the server. Several are separated by commas." default:"http://127.0.0.1:8080"`
	Timeout time.Duration `help:"How long each server may take to answer." default:"10s"`
	JSON    bool          `name:"json" help:"Print what was found as JSON, one line for each server."`
}

// Help is shown below the flags.
func (statusCommand) Help() string {
	return `Says of each server whether it is ready, whether it listens and up to when that is proven, how far its log, its view and its signature
reach, what it stores and how much room is left. A node that only takes heartbeats says that it is ready; those that answer
show its door. The exit code is 1 when one does not answer, is not ready or does not listen.`
}

// errUnwell is what a server that needs a look ends status with.
var errUnwell = errors.New("not every server is well")

// serverStatus is what is known of one server.
type serverStatus struct {
	URL     string          `json:"url"`
	Problem string          `json:"problem,omitempty"` // why it is not well
	Asked   client.Time     `json:"asked_at"`
	Ingest  bool            `json:"ingest_only"` // it takes heartbeats and answers nothing else
	Summary *client.Summary `json:"summary,omitempty"`
	Storage *client.Storage `json:"storage,omitempty"`
	Signed  uint64          `json:"signed_position"` // 0: nothing, or it does not say
}

func (c *statusCommand) Run(ctx context.Context, t *terminal) error {
	found := make([]serverStatus, len(c.URL))
	well := true
	for i, url := range c.URL {
		api, err := client.New(client.Config{BaseURL: url})
		if err != nil {
			return usageError{err}
		}
		found[i] = askStatus(ctx, api, url, c.Timeout)
		well = well && found[i].Problem == ""
	}
	for i := range found {
		var err error
		if c.JSON {
			err = json.NewEncoder(t.out).Encode(&found[i])
		} else {
			err = found[i].print(t.out, i > 0)
		}
		if err != nil {
			return err
		}
	}
	if !well {
		return errUnwell
	}
	return nil
}

// askStatus asks a server everything; the first that goes wrong is its problem.
func askStatus(ctx context.Context, api *client.Client, url string, timeout time.Duration) serverStatus {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s := serverStatus{URL: url, Asked: client.At(time.Now())}
	note := func(err error) bool {
		if err != nil && s.Problem == "" {
			s.Problem = err.Error()
		}
		return err == nil
	}
	note(api.Ready(ctx))
	summary, err := api.Summary(ctx)
	if client.IsNotFound(err) {
		s.Ingest = true
		return s
	}
	if note(err) {
		s.Summary = &summary
		if !summary.Observer.Listening {
			note(errors.New("it does not listen: nobody is called late or offline until it does"))
		}
	}
	if storage, err := api.Storage(ctx); note(err) {
		s.Storage = &storage
	}
	checkpoint, err := api.Checkpoint(ctx)
	if problem, young := errors.AsType[*client.Problem](err); young && problem.Status == 503 && !strings.Contains(problem.Detail, "does not fit") {
		return s // nothing is signed yet
	}
	if note(err) {
		// A checkpoint's second line is how many batches it covers.
		if _, err := fmt.Sscanf(checkpoint, "%s\n%d\n", new(string), &s.Signed); err != nil {
			note(fmt.Errorf("reading its checkpoint: %w", err))
		}
	}
	return s
}

// print writes the status for a person.
func (s *serverStatus) print(out io.Writer, again bool) error {
	if again {
		fmt.Fprintln(out)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(what, format string, values ...any) { fmt.Fprintf(w, what+"\t"+format+"\n", values...) }
	state := "ready"
	if s.Ingest {
		state = "ready, takes heartbeats only: the nodes that answer say how far its door is proven"
	}
	if s.Problem != "" {
		state = "NOT WELL: " + s.Problem
	}
	line("server", "%s: %s", s.URL, state)
	if s.Summary != nil {
		s.printSummary(line)
	}
	if s.Storage != nil {
		s.printStorage(line)
	}
	return w.Flush()
}

func (s *serverStatus) printSummary(line func(what, format string, values ...any)) {
	o := &s.Summary.Observer
	switch {
	case o.ProvenUntil.IsZero():
		line("clock", "it has not heard itself yet")
	case o.Listening:
		line("clock", "listening since %s, proven until %s, %s ago", o.ListeningSince, o.ProvenUntil, age(s.Asked, o.ProvenUntil))
	default:
		line("clock", "proven until %s, %s ago", o.ProvenUntil, age(s.Asked, o.ProvenUntil))
	}
	if g := o.LastGap; g != nil {
		line("last gap", "%s to %s, %s", g.From, g.To, g.Reason)
	}
	var doors []string
	for _, d := range o.Doors {
		doors = append(doors, fmt.Sprintf("%s, proven until %s ago", d.Name, age(s.Asked, d.ProvenUntil)))
	}
	if len(doors) > 0 {
		line("doors", "%s", strings.Join(doors, "; "))
	}
	p := &s.Summary.Presence
	line("vehicles", "%d of %d customers: %d online, %d late, %d offline, %d unknown, %d paused",
		s.Summary.Vehicles, s.Summary.Customers, p.Online, p.Late, p.Offline, p.Unknown, p.Paused)
}

func (s *serverStatus) printStorage(line func(what, format string, values ...any)) {
	used := int64(0)
	for i := range s.Storage.Parts {
		part := &s.Storage.Parts[i]
		used += part.Bytes
		if part.Part != "log" {
			continue
		}
		lag := uint64(0)
		if s.Summary != nil && part.NewestPosition > s.Summary.Position {
			lag = part.NewestPosition - s.Summary.Position
		}
		line("log", "positions %d to %d, from %s on, %s; the view is %d behind", part.OldestPosition, part.NewestPosition, part.Oldest, mebibytes(part.Bytes), lag)
		signed := "nothing yet"
		if s.Signed > 0 {
			signed = fmt.Sprintf("up to position %d", s.Signed)
		}
		line("signed", "%s", signed)
	}
	line("disk", "%s used, %s free of %s", mebibytes(used), mebibytes(int64(s.Storage.DiskFree)), mebibytes(int64(s.Storage.DiskTotal)))
	if n := s.Storage.Verified.Damages; n > 0 {
		line("damage", "%d places of the log were damaged and repaired since the start", n)
	}
}

// age is how old a moment is, to a tenth of a second.
func age(now, then client.Time) time.Duration {
	return max(0, now.Sub(then.Time)).Round(100 * time.Millisecond)
}
