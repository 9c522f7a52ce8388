package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

const (
	// again is how often a text is searched for after its first use.
	again = 5
	// betweenSearches lets the log go on: who searches is not the only one at work.
	betweenSearches = 2 * time.Millisecond
)

// measureSearch looks for parts of customers' names, each once and then some more times, while the fleet reports: first
// with a view of this process, which tells the time in the server alone, and then with the server.
func (b *bench) measureSearch(ctx context.Context) error {
	err := b.withReading(ctx, func(r *reading) error {
		writing, stop := context.WithCancel(ctx)
		wrote := make(chan error, 1)
		go func() { wrote <- r.writer.live(writing, 2*time.Millisecond, time.Hour) }()
		err := b.searches(ctx, r.roster, goals{first: atMost(3), later: atMost(0.5)}, "search", "search in the server", func(text string) (int, error) {
			page, err := r.view.Query(fleet.Query{Text: text, Presences: []event.Presence{event.Online}, Facets: fleet.FacetCustomers | fleet.FacetTags})
			return page.Total, err
		})
		stop()
		if wrote := <-wrote; !errors.Is(wrote, context.Canceled) {
			return errors.Join(err, wrote)
		}
		return err
	})
	if err != nil {
		return err
	}
	f, err := b.needServer(ctx)
	if err != nil {
		return err
	}
	stop := f.steady().background(ctx)
	err = b.searches(ctx, f.roster, goals{}, "search-http", "search over HTTP, until the client has read it", func(text string) (int, error) {
		page, err := f.client.Vehicles(ctx, client.VehicleQuery{Text: text, Presence: []client.Presence{client.Online}})
		return page.Total, err
	})
	_, stopped := stop()
	return errors.Join(err, stopped)
}

// goals are the bounds of the 99th percentiles; nil for none.
type goals struct{ first, later *Goal }

func (b *bench) searches(ctx context.Context, roster *simulate.Roster, goals goals, name, what string, search func(string) (int, error)) error {
	texts := searchTexts(roster, b.texts*b.rounds)
	for n := range b.rounds {
		w := b.watch()
		first, later, err := times(ctx, texts[n*len(texts)/b.rounds:(n+1)*len(texts)/b.rounds], search)
		if err != nil {
			return err
		}
		busy := w.busy()
		b.add(name+"-first-p50", what+", first use of a text, p50", "ms", nil, milliseconds(quantile(first, 0.5)), busy)
		b.add(name+"-first-p99", "  p99", "ms", goals.first, milliseconds(quantile(first, 0.99)), busy)
		b.add(name+"-later-p50", what+", text used before, p50", "ms", nil, milliseconds(quantile(later, 0.5)), busy)
		b.add(name+"-later-p99", "  p99", "ms", goals.later, milliseconds(quantile(later, 0.99)), busy)
	}
	return nil
}

// times searches for each text, and gives how long the first and the later searches took, sorted.
func times(ctx context.Context, texts []string, search func(string) (int, error)) (first, later []time.Duration, err error) {
	for _, text := range texts {
		for i := range 1 + again {
			if err := pause(ctx, betweenSearches); err != nil {
				return nil, nil, err
			}
			began := time.Now()
			found, err := search(text)
			took := time.Since(began)
			switch {
			case err != nil:
				return nil, nil, fmt.Errorf("searching for %q: %w", text, err)
			case found == 0:
				return nil, nil, fmt.Errorf("searching for %q found nothing", text)
			case i == 0:
				first = append(first, took)
			default:
				later = append(later, took)
			}
		}
	}
	slices.Sort(first)
	slices.Sort(later)
	return first, later, nil
}

// searchTexts are different parts of the names of customers that have vehicles, 3 to 8 characters long.
func searchTexts(roster *simulate.Roster, n int) []string {
	random := rand.New(rand.NewPCG(1, 1))
	var texts []string
	for range 100 * n {
		name := []rune(roster.Vehicle(random.IntN(roster.Vehicles())).Customer.Name)
		length := min(3+random.IntN(6), len(name))
		from := random.IntN(len(name) - length + 1)
		if text := string(name[from : from+length]); len(texts) < n && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}
