package bench

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Figure is one thing that was measured, once a round.
type Figure struct {
	Name   string    `json:"name"`
	What   string    `json:"what"`
	Unit   string    `json:"unit"`
	Goal   *Goal     `json:"goal,omitempty"` // nil: it is told for information
	Values []float64 `json:"values"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Met    *bool     `json:"met,omitempty"` // whether the median reaches the goal
	Busy   float64   `json:"busy"`          // the largest share of the processors that other programs took in a round
}

// Goal is the bound that a figure has to reach.
type Goal struct {
	AtLeast bool    `json:"at_least"` // else at most
	Bound   float64 `json:"bound"`
}

func atLeast(bound float64) *Goal { return &Goal{AtLeast: true, Bound: bound} }
func atMost(bound float64) *Goal  { return &Goal{Bound: bound} }

func (g *Goal) met(value float64) bool {
	if g.AtLeast {
		return value >= g.Bound
	}
	return value <= g.Bound
}

// noisy is the share of the processors beyond which other programs spoil a figure.
const noisy = 0.10

// add takes in what a round measured. The figure is new when its name is.
func (b *bench) add(name, what, unit string, goal *Goal, value, busy float64) {
	i := slices.IndexFunc(b.figures, func(f *Figure) bool { return f.Name == name })
	if i < 0 {
		i = len(b.figures)
		b.figures = append(b.figures, &Figure{Name: name, What: what, Unit: unit, Goal: goal})
	}
	f := b.figures[i]
	f.Values = append(f.Values, value)
	f.Busy = max(f.Busy, busy)
	f.Min, f.Median, f.Max = slices.Min(f.Values), median(f.Values), slices.Max(f.Values)
	if f.Goal != nil {
		met := f.Goal.met(f.Median)
		f.Met = &met
	}
	b.say("  %s: %s %s", what, number(value), unit)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[n/2]
}

// quantile is the smallest of the sorted values that a share q of them does not exceed; the zero value when there is none.
func quantile[T cmp.Ordered](sorted []T, q float64) (value T) {
	if len(sorted) == 0 {
		return value
	}
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
