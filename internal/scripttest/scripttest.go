// Package scripttest plays the stories of a package in its tests: scripts in testdata, whose commands have below them the
// output that they should have. A line that begins in the first column is a command, an indented line is expected output,
// and # begins a comment. What the commands are, each package says itself.
package scripttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Start is the moment 0:00:00.000 of every story.
const Start event.Time = 1767225600000 // 2026-01-01T00:00:00Z

// Run plays each story of testdata as a test of its own. begin makes what a story acts on; what it returns does one
// command, given without its comment, and writes what comes of it to out, indented. What comes out must be the story; with
// update it is written there instead.
func Run(t *testing.T, update bool, begin func(t *testing.T, out *strings.Builder) (do func(command string))) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			play(string(want), &out, begin(t, &out))
			if update {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil { //nolint:gosec // as git has it
					t.Fatal(err)
				}
				return
			}
			compare(t, file, string(want), out.String())
		})
	}
}

func play(text string, out *strings.Builder, do func(command string)) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") {
			continue
		}
		out.WriteString(line)
		if command, _, _ := strings.Cut(line, "#"); strings.TrimSpace(command) != "" {
			do(command)
		}
	}
}

func compare(t *testing.T, file, want, got string) {
	t.Helper()
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(wanted), len(gotten)) {
		if i >= len(wanted) || i >= len(gotten) || wanted[i] != gotten[i] {
			t.Fatalf("%s:%d differs, got:\n%s", file, i+1, got)
		}
	}
}

// Words reads the words of commands. A word that is wrong ends the test.
type Words struct{ T *testing.T }

// Number reads a whole number below 2^32.
func (w Words) Number(word string) uint32 {
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil {
		w.T.Fatal(err)
	}
	return uint32(n)
}

// Vehicle reads the number of a vehicle.
func (w Words) Vehicle(word string) event.VehicleID { return event.VehicleID(w.Number(word)) }

// Customer reads the number of a customer.
func (w Words) Customer(word string) event.CustomerID { return event.CustomerID(w.Number(word)) }

// Duration reads a length of time such as 90s.
func (w Words) Duration(word string) time.Duration {
	d, err := time.ParseDuration(word)
	if err != nil {
		w.T.Fatal(err)
	}
	return d
}

// Time reads a moment such as 0:04:30, from Start.
func (w Words) Time(word string) event.Time {
	var h, m, s int
	if _, err := fmt.Sscanf(word, "%d:%d:%d", &h, &m, &s); err != nil {
		w.T.Fatalf("time %q: %v", word, err)
	}
	return Start.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
}

// Clock writes a moment as hours, minutes and seconds from Start; none is "never".
func Clock(t event.Time) string {
	if t == 0 {
		return "never"
	}
	d := t.Sub(Start)
	return fmt.Sprintf("%d:%02d:%06.3f", d/time.Hour, d/time.Minute%60, (d % time.Minute).Seconds())
}
