package simulate

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// BenchmarkPlan is the cost of one planned heartbeat of a million vehicles.
func BenchmarkPlan(b *testing.B) {
	for _, name := range []string{"calm", "mixed"} {
		b.Run(name, func(b *testing.B) {
			p := planOf(b, Config{Vehicles: 1_000_000, Jitter: 2 * time.Second, Behaviour: scenario(b, name)})
			b.ReportAllocs()
			var window []Message
			planned, at := 0, p.start.Add(time.Hour)
			for b.ResetTimer(); planned < b.N; planned += len(window) {
				window = p.Window(at, at.Add(planAhead), window[:0])
				at = at.Add(planAhead)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(planned), "ns/heartbeat")
		})
	}
}

// BenchmarkSend is the cost of one heartbeat from plan to request body, in batches of 1,000 to a server that takes no time.
func BenchmarkSend(b *testing.B) {
	s, err := New(Config{
		Vehicles: 1_000_000, Jitter: 2 * time.Second, Behaviour: scenario(b, "mixed"), BatchSize: 1000, Connections: 1, Start: start,
	})
	if err != nil {
		b.Fatal(err)
	}
	s.client, err = client.New(client.Config{HTTPClient: &http.Client{Transport: instant{}}})
	if err != nil {
		b.Fatal(err)
	}
	r := newRun(s)
	items := make([]client.NewHeartbeat, 0, s.cfg.BatchSize)
	b.ReportAllocs()
	at := s.plan.start.Add(time.Hour)
	for sent := 0; sent < b.N; {
		r.window = s.plan.Window(at, at.Add(planAhead), r.window[:0])
		at = at.Add(planAhead)
		for from := 0; from < len(r.window); from += s.cfg.BatchSize {
			batch := r.window[from:min(from+s.cfg.BatchSize, len(r.window))]
			if !r.deliver(b.Context(), batch, items) {
				b.Fatal("not delivered")
			}
		}
		sent += len(r.window)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(r.tally.result().Accepted), "ns/heartbeat")
}

// instant reads requests and answers them as a server would.
type instant struct{}

func (instant) RoundTrip(request *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, request.Body); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: request,
		Body: io.NopCloser(bytes.NewReader([]byte(`{"accepted":1000,"rejected":[],"position":1}`))),
	}, nil
}
