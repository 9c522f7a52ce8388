package bench

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"
)

// Report is everything that a Run measured.
type Report struct {
	Machine  Machine       `json:"machine"`
	Started  time.Time     `json:"started"`
	Elapsed  time.Duration `json:"elapsed_ns"`
	Vehicles int           `json:"vehicles"`
	Short    bool          `json:"short"`
	Figures  []*Figure     `json:"figures"`
}

// Figure is the figure with a name; nil when it was not taken.
func (r *Report) Figure(name string) *Figure {
	for _, f := range r.Figures {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Missed is how many figures do not reach their goal.
func (r *Report) Missed() (n int) {
	for _, f := range r.Figures {
		if f.Met != nil && !*f.Met {
			n++
		}
	}
	return n
}

// Write writes the report as a table for people.
func (r *Report) Write(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n%d vehicles, %s\n\n", r.Machine, r.Vehicles, r.Elapsed.Round(time.Second))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tgoal\tmeasured\t\tmin to max\tothers")
	for _, f := range r.Figures {
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\n", f.What, f.goal(), number(f.Median), f.Unit, f.verdict(), f.spread(), f.busy())
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	_, err := fmt.Fprintf(w, "\nothers: the most that other programs took of the processors in a round; ! marks more than %.0f%%\n", 100*noisy)
	return err
}

func (f *Figure) goal() string {
	switch {
	case f.Goal == nil:
		return ""
	case f.Goal.AtLeast:
		return "≥ " + number(f.Goal.Bound)
	default:
		return "≤ " + number(f.Goal.Bound)
	}
}

func (f *Figure) verdict() string {
	switch {
	case f.Met == nil:
		return ""
	case *f.Met:
		return "reached"
	default:
		return "MISSED"
	}
}

func (f *Figure) spread() string {
	if len(f.Values) < 2 {
		return ""
	}
	return number(f.Min) + " to " + number(f.Max)
}

func (f *Figure) busy() string {
	mark := ""
	if f.Busy > noisy {
		mark = " !"
	}
	return fmt.Sprintf("%.0f%%%s", 100*f.Busy, mark)
}

// number writes a value with three digits, and large ones with their digits in groups.
func number(value float64) string {
	if math.Abs(value) < 1000 {
		return strconv.FormatFloat(value, 'g', 3, 64)
	}
	digits := strconv.FormatFloat(value, 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
