package backtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// scriptStart is the moment 0:00:00 of every script.
var scriptStart = event.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

// TestScripts plays the stories in testdata. A line that begins in the first column is a command, an indented line is
// expected output, and # begins a comment. The commands are described at (*script).do.
func TestScripts(t *testing.T) {
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
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			wanted, gotten := strings.Split(string(want), "\n"), strings.Split(got, "\n")
			for i := range max(len(wanted), len(gotten)) {
				if i >= len(wanted) || i >= len(gotten) || wanted[i] != gotten[i] {
					t.Fatalf("%s:%d differs, got:\n%s", file, i+1, got)
				}
			}
		})
	}
}

// play runs a script and returns it with the output it really has.
func play(t *testing.T, text string) string {
	t.Helper()
	s := &script{t: t, now: scriptStart, every: map[event.VehicleID]time.Duration{}, next: map[event.VehicleID]event.Time{}}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") {
			continue
		}
		s.out.WriteString(line)
		command, _, _ := strings.Cut(line, "#")
		if words := strings.Fields(command); len(words) > 0 {
			s.do(words)
		}
	}
	return s.out.String()
}

type script struct {
	t     *testing.T
	now   event.Time
	log   []event.Stored
	every map[event.VehicleID]time.Duration // vehicles that send by themselves
	next  map[event.VehicleID]event.Time
	out   strings.Builder
}

// do runs one command. Times are written as 0:04:30, from the script's start.
func (s *script) do(words []string) {
	arg := func(i int) string {
		if i >= len(words) {
			s.t.Fatalf("%q: a word is missing", words)
		}
		return words[i]
	}
	switch words[0] {
	case "vehicle": // vehicle 1 customer 2
		s.fact(event.VehicleAdded{Vehicle: s.vehicle(arg(1)), Customer: event.CustomerID(s.number(arg(3)))})
	case "remove":
		s.fact(event.VehicleRemoved{Vehicle: s.vehicle(arg(1))})
	case "pause":
		s.fact(event.VehiclePaused{Vehicle: s.vehicle(arg(1))})
	case "resume":
		s.fact(event.VehicleResumed{Vehicle: s.vehicle(arg(1))})
	case "policy": // policy vehicle 1 60s 90s, policy customer 2 60s 90s, policy default 0 60s 90s; 0s 0s takes it away
		f := event.PolicyChanged{Policy: event.Policy{LateAfter: s.duration(arg(3)), OfflineAfter: s.duration(arg(4))}}
		switch arg(1) {
		case "vehicle":
			f.Vehicle = s.vehicle(arg(2))
		case "customer":
			f.Customer = event.CustomerID(s.number(arg(2)))
		}
		s.fact(f)
	case "heartbeat":
		s.heartbeats(s.vehicle(arg(1)))
	case "sends": // sends 1 60s: from now on vehicle 1 sends by itself; sends 1 nothing
		delete(s.every, s.vehicle(arg(1)))
		if arg(2) != "nothing" {
			s.every[s.vehicle(arg(1))], s.next[s.vehicle(arg(1))] = s.duration(arg(2)), s.now
		}
	case "listen": // listen 40s: a canary every second, and the heartbeats of the vehicles that send by themselves
		s.listen(s.duration(arg(1)))
	case "wait": // wait 40s: time goes by, and nothing reaches the log
		s.now = s.now.Add(s.duration(arg(1)))
	case "stop":
		s.fact(event.ObserverStopped{Door: "http"})
	case "start":
		s.fact(event.ObserverStarted{Door: "http"})
	case "backtest": // backtest 30s 60s, then customer 1, from 0:00:00 or to 0:10:00, or several of them
		q := Query{Policy: event.Policy{LateAfter: s.duration(arg(1)), OfflineAfter: s.duration(arg(2))}, Examples: 3}
		for i := 3; i < len(words); i += 2 {
			switch words[i] {
			case "customer":
				q.Customer = event.CustomerID(s.number(arg(i + 1)))
			case "from":
				q.From = s.time(arg(i + 1))
			case "to":
				q.To = s.time(arg(i + 1))
			}
		}
		s.report(q)
	default:
		s.t.Fatalf("unknown command %q", words)
	}
}

func (s *script) report(q Query) {
	test := New(q)
	for _, batch := range s.log {
		if !test.Apply(batch) {
			break
		}
	}
	r := test.Report()
	fmt.Fprintf(&s.out, "    %s to %s, vehicles %d\n", clock(r.From), clock(r.To), r.Vehicles)
	for i, side := range []Side{r.Present, r.Tested} {
		fmt.Fprintf(&s.out, "    %s online %d, late %d, offline %d; outages %d of %s\n", [2]string{"present", "tested "}[i],
			side.Transitions[event.Online], side.Transitions[event.Late], side.Transitions[event.Offline], side.Outages, side.Offline)
	}
	for _, f := range []struct {
		name string
		Found
	}{{"same", r.Same}, {"later", r.Later}, {"earlier", r.Earlier}, {"missed", r.Missed}, {"new", r.New}} {
		if f.Outages == 0 {
			continue
		}
		fmt.Fprintf(&s.out, "    %s %d of %s, shift %s, at most %s\n", f.name, f.Outages, f.Offline, f.Shift, f.Longest)
		for _, o := range f.Examples {
			fmt.Fprintf(&s.out, "      vehicle %d from %s, tested %s, to %s\n", o.Vehicle, clock(o.From), clock(o.Tested), clock(o.To))
		}
	}
}

func (s *script) listen(d time.Duration) {
	for end := s.now.Add(d); s.now < end; {
		s.now = s.now.Add(time.Second)
		var due []event.VehicleID
		for v := range event.VehicleID(10) {
			if every := s.every[v]; every > 0 && s.next[v] < s.now {
				due = append(due, v)
				for s.next[v] < s.now {
					s.next[v] = s.next[v].Add(every)
				}
			}
		}
		s.heartbeats(due...)
		s.fact(event.Canary{Door: "http"})
	}
}

func (s *script) heartbeats(vehicles ...event.VehicleID) {
	var b event.Batch
	for _, v := range vehicles {
		b.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: s.now, Sequence: event.NoSequence})
	}
	s.store(b)
}

func (s *script) fact(f event.Fact) {
	s.store(event.Batch{Entries: []event.Entry{{ReceivedAt: s.now, Fact: f}}})
}

func (s *script) store(b event.Batch) {
	s.log = append(s.log, event.Stored{Position: event.Position(len(s.log) + 1), Epoch: 1, Batch: b})
}

// clock writes a moment as hours, minutes and seconds since the script's start.
func clock(t event.Time) string {
	if t == 0 {
		return "never"
	}
	d := t.Sub(scriptStart)
	return fmt.Sprintf("%d:%02d:%06.3f", d/time.Hour, d/time.Minute%60, (d % time.Minute).Seconds())
}

func (s *script) time(word string) event.Time {
	var h, m, sec int
	if _, err := fmt.Sscanf(word, "%d:%d:%d", &h, &m, &sec); err != nil {
		s.t.Fatalf("time %q: %v", word, err)
	}
	return scriptStart.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second)
}

func (s *script) vehicle(word string) event.VehicleID { return event.VehicleID(s.number(word)) }

func (s *script) number(word string) uint32 {
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil {
		s.t.Fatal(err)
	}
	return uint32(n)
}

func (s *script) duration(word string) time.Duration {
	d, err := time.ParseDuration(word)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}
