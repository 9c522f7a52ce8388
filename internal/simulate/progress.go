package simulate

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// report writes a line of progress a second until the run has finished, and then one for the second that has begun,
// unless that is too short to tell a rate.
func (r *run) report(finished <-chan struct{}) {
	if r.cfg.Progress == nil {
		<-finished
		return
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	line := progressLine{w: r.cfg.Progress, terminal: isTerminal(r.cfg.Progress)}
	for {
		select {
		case <-second.C:
			line.write(r.tally.snapshot())
		case <-finished:
			if now, answers := r.tally.snapshot(); now.Elapsed-line.last.Elapsed > time.Second/2 {
				line.write(now, answers)
			}
			line.end()
			return
		}
	}
}

// progressLine writes lines that say what changed since the one before.
type progressLine struct {
	w        io.Writer
	terminal bool
	last     Result
	answers  histogram
}

func (l *progressLine) write(now Result, answers histogram) {
	recent := answers.since(l.answers)
	text := fmt.Sprintf("%s  %s/s (mean %s)  p50 %s p99 %s  %s",
		now.Elapsed.Round(time.Second), rate(now.Accepted-l.last.Accepted, now.Elapsed-l.last.Elapsed),
		rate(now.Accepted, now.Elapsed), short(recent.quantile(0.5)), short(recent.quantile(0.99)), now.counts())
	l.last, l.answers = now, answers
	if l.terminal {
		fmt.Fprintf(l.w, "\x1b[?7l\r%s\x1b[K\x1b[?7h", text) // cut, not wrapped, at the edge; the rest of the line cleared
		return
	}
	fmt.Fprintln(l.w, text)
}

func (l *progressLine) end() {
	if l.terminal {
		fmt.Fprintln(l.w)
	}
}

// isTerminal reports whether w is one that a person watches, where a line can be written over.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// String is the result for a person, in a few lines.
func (r Result) String() string {
	return fmt.Sprintf("%s heartbeats sent in %s (%s/s accepted)\n%s\n%s requests, answered in p50 %s, p99 %s, max %s",
		grouped(r.Sent), r.Elapsed.Round(time.Millisecond), rate(r.Accepted, r.Elapsed), r.counts(),
		grouped(r.Requests), short(r.P50), short(r.P99), short(r.Max))
}

// counts says what became of the heartbeats, leaving out what did not happen.
func (r Result) counts() string {
	var text strings.Builder
	fmt.Fprintf(&text, "accepted %s", grouped(r.Accepted))
	add := func(name string, n int64, by map[string]int64) {
		if n == 0 {
			return
		}
		fmt.Fprintf(&text, "  %s %s", name, grouped(n))
		if len(by) > 0 {
			text.WriteString(" (" + reasons(by) + ")")
		}
	}
	var retries int64
	for _, n := range r.Retries {
		retries += n
	}
	add("repeats", r.Repeats, nil)
	add("rejected", r.Rejected, r.Reasons)
	add("retries", retries, r.Retries)
	add("dropped", r.Dropped, nil)
	add("unsent", r.Unsent, nil)
	add("waiting", r.Sent-r.Accepted-r.Rejected-r.Dropped-r.Unsent, nil)
	return text.String()
}

func reasons(by map[string]int64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s: %s", reason, grouped(by[reason])))
	}
	return strings.Join(parts, ", ")
}

func rate(n int64, in time.Duration) string {
	if in <= 0 {
		return "0"
	}
	return grouped(int64(float64(n)/in.Seconds() + 0.5))
}

// grouped is n with its digits in groups of three: 1,234,567. It is not negative.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// short is d with as many digits as a person wants.
func short(d time.Duration) time.Duration {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond)
	case d < time.Second:
		return d.Round(100 * time.Microsecond)
	default:
		return d.Round(10 * time.Millisecond)
	}
}
