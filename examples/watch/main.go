// Command watch keeps a list of the vehicles that are offline true by the live stream, and prints what changes.
//
//	go run ./examples/watch
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/fleetbeat/fleetbeat/client"
)

func main() {
	url := flag.String("url", "http://127.0.0.1:8080", "address of the server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run follows the stream until ctx ends. Live connects again by itself and goes on where it was.
func run(ctx context.Context, url string) error {
	server, err := client.New(client.Config{BaseURL: url})
	if err != nil {
		return err
	}
	defer server.Close()
	list := offline{server: server}
	var broken error
	for event, err := range server.Live(ctx, client.LiveOptions{}) {
		broken = err
		switch {
		case err != nil:
			fmt.Fprintln(os.Stderr, "the stream broke:", err)
		case event.Hello != nil && !event.Hello.Resumed, event.Resync != nil:
			if err := list.fetch(ctx); err != nil {
				return err
			}
		case event.Transitions != nil:
			list.apply(event.Transitions)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return broken // the server understood and said no: trying again would be no use
}

// offline is the vehicles that are offline, as of a position in the log.
type offline struct {
	server   *client.Client
	position uint64
	vins     map[string]bool
}

// fetch takes the list anew. The stream is open already, so that nothing is missed between the two.
func (o *offline) fetch(ctx context.Context) error {
	o.vins = map[string]bool{}
	query := client.VehicleQuery{Presence: []client.Presence{client.Offline}, Limit: 1000, NoFacets: true}
	for first := true; ; first = false {
		page, err := o.server.Vehicles(ctx, query)
		if err != nil {
			return fmt.Errorf("fetching the vehicles that are offline: %w", err)
		}
		if first {
			o.position = page.Position // what came later is in the stream too, and does no harm twice
		}
		for _, v := range page.Items {
			o.vins[v.VIN] = true
		}
		if page.NextCursor == nil {
			fmt.Printf("%d vehicles are offline at position %d\n", len(o.vins), o.position)
			return nil
		}
		query.Cursor = *page.NextCursor
	}
}

// apply takes in transitions that are newer than the list.
func (o *offline) apply(transitions *client.LiveTransitions) {
	for _, t := range transitions.Items {
		if t.Position <= o.position {
			continue
		}
		if delete(o.vins, t.VIN); t.To == client.Offline {
			o.vins[t.VIN] = true
		}
		fmt.Printf("%s %s is %s now, was %s; %d are offline\n", t.At, t.VIN, t.To, t.From, len(o.vins))
	}
}
