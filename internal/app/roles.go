package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/fleetbeat/fleetbeat/internal/api"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
)

// Roles are what a node does. A node alone does both.
type Roles struct {
	Ingest bool // takes heartbeats in, and tells the log what the registry has to tell
	Query  bool // keeps fleet, history and proof, and answers questions
}

// String names the roles, separated by commas.
func (r Roles) String() string {
	var names []string
	if r.Ingest {
		names = append(names, "ingest")
	}
	if r.Query {
		names = append(names, "query")
	}
	return strings.Join(names, ",")
}

// onlyDoor is the name of the door in a log that no other node writes.
const onlyDoor = "http"

// maxNodeName bounds the name of a node, in bytes: each of its canaries bears it.
const maxNodeName = 64

var errOneRole = errors.New("a node of one role alone needs a log and a registry that it shares with nodes of the other")

// checkShared refuses roles that cannot work, and gives the node its name.
func (a *App) checkShared() error {
	c := &a.config
	if len(c.Node) > maxNodeName || strings.ContainsFunc(c.Node, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		return fmt.Errorf("the node's name %q must be of at most %d visible characters", c.Node, maxNodeName)
	}
	if c.Shared == nil {
		if !c.Roles.Ingest || !c.Roles.Query {
			return errOneRole
		}
		return nil
	}
	if c.Node == "" {
		host, err := os.Hostname()
		if err != nil {
			return errors.Join(errors.New("the node needs a name"), err)
		}
		c.Node = host
	}
	return nil
}

// shared is where the shared log is, nil when there is none.
func (a *App) shared() *eventlog.Shared {
	if a.config.Shared == nil {
		return nil
	}
	shared := *a.config.Shared
	shared.Node = a.config.Node
	return &shared
}

// door is the name of this node's door in the log.
func (a *App) door() string {
	if a.config.Shared == nil {
		return onlyDoor
	}
	return a.config.Node
}

// now is the present moment by the clock that stamps the log; on a node that stamps nothing, by its own, but not before the
// log's end.
func (a *App) now() event.Time {
	if a.committer != nil {
		return a.committer.Now()
	}
	return max(event.At(time.Now()), a.log.LastTime())
}

// aloneFor is how many canary intervals a node watches a shared log for another one of its name, before it begins.
const aloneFor = 8

// awaitAlone refuses to begin beside a process of this node's name.
func (a *App) awaitAlone(ctx context.Context) error {
	if a.config.Shared == nil {
		return nil
	}
	return ingest.AwaitAlone(ctx, a.log, a.door(), aloneFor*a.config.CanaryInterval)
}

// openDoorsAPI builds what a node answers that takes heartbeats only.
func (a *App) openDoorsAPI(context.Context) error {
	a.handler = api.NewDoors(api.DoorsConfig{
		Doors: a.doors, Ready: a.ready, Gatherer: a.metrics, Registerer: a.metrics, Logger: a.config.Logger,
	})
	return nil
}
