package app

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/ingest"
)

const (
	unregisteredTopic = "unregistered"
	tellEvery         = time.Second
	toldAtOnce        = 1_000 // ids in a message: far below what the servers of a log take
)

// unregisteredNews is what a node tells the others of the ids that it heard and that are not registered.
type unregisteredNews struct {
	Node string        `json:"node"`
	Seen []ingest.Seen `json:"seen"`
}

// openUnregistered makes the list of those who sent heartbeats here, or to another node, and are not registered.
func (a *App) openUnregistered(context.Context) error {
	a.unregistered = ingest.NewUnregistered(ingest.UnregisteredConfig{Registerer: a.metrics})
	return a.log.Hear(unregisteredTopic, func(message []byte) {
		var told unregisteredNews
		if err := json.Unmarshal(message, &told); err != nil {
			a.config.Logger.Warn("what another node tells of unregistered ids is not understood", "error", err)
			return
		}
		if told.Node != a.config.Node {
			a.unregistered.Add(told.Seen)
		}
	})
}

// tellUnregistered tells the other nodes of those who sent heartbeats here and are not registered, until ctx ends.
func (a *App) tellUnregistered(ctx context.Context) error {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for seen := range slices.Chunk(a.unregistered.News(), toldAtOnce) {
			message, err := json.Marshal(unregisteredNews{a.config.Node, seen})
			if err == nil {
				err = a.log.Tell(unregisteredTopic, message)
			}
			if err != nil {
				a.config.Logger.Warn("the other nodes do not learn of unregistered ids", "error", err)
			}
		}
	}
}
