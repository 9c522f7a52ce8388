package simulate

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// start is the top of a minute.
var start = time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)

func planOf(tb testing.TB, cfg Config) *Plan {
	tb.Helper()
	if cfg.Start.IsZero() {
		cfg.Start = start
	}
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s.Plan()
}

func scenario(tb testing.TB, name string) Behaviour {
	tb.Helper()
	behaviour, err := ParseScenario(name)
	if err != nil {
		tb.Fatal(err)
	}
	return behaviour
}

// minutes is what a plan's vehicles send in its first n minutes.
func minutes(p *Plan, n int) []Message {
	return p.Window(p.start, p.start.Add(time.Duration(n)*time.Minute), nil)
}

// byVehicle sorts messages apart, keeping their order.
func byVehicle(p *Plan, messages []Message) [][]Message {
	sorted := make([][]Message, p.roster.Vehicles())
	for _, m := range messages {
		sorted[m.Vehicle] = append(sorted[m.Vehicle], m)
	}
	return sorted
}

func TestEachVehicleReportsOncePerIntervalWithinItsJitter(t *testing.T) {
	for name, cfg := range map[string]Config{
		"spread":          {Vehicles: 300},
		"jitter":          {Vehicles: 300, Jitter: 5 * time.Second},
		"aligned":         {Vehicles: 300, Jitter: 5 * time.Second, Aligned: true},
		"most jitter":     {Vehicles: 300, Jitter: 30 * time.Second},
		"short interval":  {Vehicles: 300, Interval: 10 * time.Millisecond, Jitter: 3 * time.Millisecond},
		"odd interval":    {Vehicles: 300, Interval: 7919 * time.Millisecond, Jitter: time.Second},
		"with the seven":  {Vehicles: 300, Original: true},
		"only the seven":  {Original: true, Interval: time.Second},
		"scenario calm":   {Vehicles: 300, Behaviour: scenario(t, "calm")},
		"longer than day": {Vehicles: 300, Interval: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(t, cfg)
			const slots = 5
			to := p.start + event.Time(slots*p.interval)
			for vehicle, sent := range byVehicle(p, p.Window(p.start, to, nil)) {
				if n := len(sent); n < slots-1 || n > slots+1 {
					t.Fatalf("vehicle %d sent %d heartbeats in %d intervals", vehicle, n, slots)
				}
				for i, m := range sent {
					late := int64(m.At) - m.Sequence*p.interval - p.phase(vehicle)
					if late < 0 || late >= max(p.jitter, 1) {
						t.Errorf("vehicle %d sent %d ms after its phase, with %d ms of jitter", vehicle, late, p.jitter)
					}
					if m.SentAt != m.At || m.Buffered || i > 0 && m.Sequence != sent[i-1].Sequence+1 {
						t.Errorf("vehicle %d sent %+v after %+v", vehicle, m, sent[i-1])
					}
				}
			}
		})
	}
}

func TestWindowsThatAdjoinGiveThePlanInOrder(t *testing.T) {
	p := planOf(t, Config{Vehicles: 200, Jitter: 3 * time.Second, Behaviour: scenario(t, "mixed")})
	whole := minutes(p, 60)
	if !slices.IsSortedFunc(whole, func(a, b Message) int { return int(a.At - b.At) }) {
		t.Error("messages are not in the order of leaving")
	}
	random := rand.New(rand.NewPCG(1, 2))
	var parts []Message
	end := p.start.Add(time.Hour)
	for from := p.start.Add(-time.Minute); from < end; {
		to := min(from+event.Time(random.IntN(20_000)), end)
		parts = p.Window(from, to, parts)
		from = to
	}
	if !slices.Equal(whole, parts) {
		t.Errorf("one window gives %d messages, its parts give others, %d", len(whole), len(parts))
	}
}

func TestEqualSeedsGiveEqualPlans(t *testing.T) {
	cfg := Config{Vehicles: 500, Seed: 7, Jitter: time.Second, Behaviour: scenario(t, "mixed")}
	first, second := minutes(planOf(t, cfg), 10), minutes(planOf(t, cfg), 10)
	if !slices.Equal(first, second) {
		t.Error("two plans of one seed differ")
	}
	cfg.Seed++
	if slices.Equal(first, minutes(planOf(t, cfg), 10)) {
		t.Error("plans of two seeds are equal")
	}
}

func TestShareOfTheFirstTenSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		cfg      Config
		min, max float64
	}{
		"aligned":             {Config{Aligned: true}, 1, 1},
		"aligned with jitter": {Config{Aligned: true, Jitter: 3 * time.Second}, 1, 1},
		"spread":              {Config{Jitter: 3 * time.Second}, 0.16, 0.175},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Vehicles = 20_000
			p := planOf(t, c.cfg)
			from := p.start.Add(time.Minute)
			share := float64(len(p.Window(from, from.Add(10*time.Second), nil))) / 20_000
			if share < c.min || share > c.max {
				t.Errorf("%.3f of the fleet reports in the first 10 s, want %.3f to %.3f", share, c.min, c.max)
			}
			busiest := 0
			for second := range 10 {
				at := from.Add(time.Duration(second) * time.Second)
				busiest = max(busiest, len(p.Window(at, at.Add(time.Second), nil)))
			}
			if mean := 20_000 / 60; c.cfg.Aligned && (busiest < 4*mean || busiest > 10*mean) {
				t.Errorf("the busiest second has %d heartbeats, %d times the mean", busiest, busiest/mean)
			}
		})
	}
}

func TestNothingIsSentBeforeTheStart(t *testing.T) {
	p := planOf(t, Config{Vehicles: 100, Behaviour: scenario(t, "tunnels,duplicates")})
	for _, m := range p.Window(p.start.Add(-time.Hour), p.start.Add(10*time.Minute), nil) {
		if m.At < p.start || m.SentAt < p.start {
			t.Fatalf("%+v is from before the start, %d", m, p.start)
		}
	}
}
