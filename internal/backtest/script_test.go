package backtest

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestScripts plays the stories in testdata. Their commands are described at (*script).do.
func TestScripts(t *testing.T) {
	scripttest.Run(t, *update, func(t *testing.T, out *strings.Builder) func(string) {
		s := &script{
			Words: scripttest.Words{T: t}, out: out, now: scripttest.Start,
			every: map[event.VehicleID]time.Duration{}, next: map[event.VehicleID]event.Time{},
		}
		return func(command string) { s.do(strings.Fields(command)) }
	})
}

type script struct {
	scripttest.Words
	now   event.Time
	log   []event.Stored
	every map[event.VehicleID]time.Duration // vehicles that send by themselves
	next  map[event.VehicleID]event.Time
	out   *strings.Builder
}

// do runs one command. Times are written as 0:04:30, from the script's start.
func (s *script) do(words []string) {
	arg := func(i int) string {
		if i >= len(words) {
			s.T.Fatalf("%q: a word is missing", words)
		}
		return words[i]
	}
	switch words[0] {
	case "vehicle": // vehicle 1 customer 2
		s.fact(event.VehicleAdded{Vehicle: s.Vehicle(arg(1)), Customer: s.Customer(arg(3))})
	case "remove":
		s.fact(event.VehicleRemoved{Vehicle: s.Vehicle(arg(1))})
	case "pause":
		s.fact(event.VehiclePaused{Vehicle: s.Vehicle(arg(1))})
	case "resume":
		s.fact(event.VehicleResumed{Vehicle: s.Vehicle(arg(1))})
	case "policy": // policy vehicle 1 60s 90s, policy customer 2 60s 90s, policy default 0 60s 90s; 0s 0s takes it away
		f := event.PolicyChanged{Policy: event.Policy{LateAfter: s.Duration(arg(3)), OfflineAfter: s.Duration(arg(4))}}
		switch arg(1) {
		case "vehicle":
			f.Vehicle = s.Vehicle(arg(2))
		case "customer":
			f.Customer = s.Customer(arg(2))
		}
		s.fact(f)
	case "heartbeat":
		s.heartbeats(s.Vehicle(arg(1)))
	case "sends": // sends 1 60s: from now on vehicle 1 sends by itself; sends 1 nothing
		delete(s.every, s.Vehicle(arg(1)))
		if arg(2) != "nothing" {
			s.every[s.Vehicle(arg(1))], s.next[s.Vehicle(arg(1))] = s.Duration(arg(2)), s.now
		}
	case "listen": // listen 40s: a canary every second, and the heartbeats of the vehicles that send by themselves
		s.listen(s.Duration(arg(1)))
	case "wait": // wait 40s: time goes by, and nothing reaches the log
		s.now = s.now.Add(s.Duration(arg(1)))
	case "stop":
		s.fact(event.ObserverStopped{Door: "http"})
	case "start":
		s.fact(event.ObserverStarted{Door: "http"})
	case "backtest": // backtest 30s 60s, then customer 1, from 0:00:00 or to 0:10:00, or several of them
		q := Query{Policy: event.Policy{LateAfter: s.Duration(arg(1)), OfflineAfter: s.Duration(arg(2))}, Examples: 3}
		for i := 3; i < len(words); i += 2 {
			switch words[i] {
			case "customer":
				q.Customer = s.Customer(arg(i + 1))
			case "from":
				q.From = s.Time(arg(i + 1))
			case "to":
				q.To = s.Time(arg(i + 1))
			}
		}
		s.report(q)
	default:
		s.T.Fatalf("unknown command %q", words)
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
	fmt.Fprintf(s.out, "    %s to %s, vehicles %d\n", scripttest.Clock(r.From), scripttest.Clock(r.To), r.Vehicles)
	for i, side := range []Side{r.Present, r.Tested} {
		fmt.Fprintf(s.out, "    %s online %d, late %d, offline %d; outages %d of %s\n", [2]string{"present", "tested "}[i],
			side.Transitions[event.Online], side.Transitions[event.Late], side.Transitions[event.Offline], side.Outages, side.Offline)
	}
	for _, f := range []struct {
		name string
		Found
	}{{"same", r.Same}, {"later", r.Later}, {"earlier", r.Earlier}, {"missed", r.Missed}, {"new", r.New}} {
		if f.Outages == 0 {
			continue
		}
		fmt.Fprintf(s.out, "    %s %d of %s, shift %s, at most %s\n", f.name, f.Outages, f.Offline, f.Shift, f.Longest)
		for _, o := range f.Examples {
			fmt.Fprintf(s.out, "      vehicle %d from %s, tested %s, to %s\n", o.Vehicle, scripttest.Clock(o.From), scripttest.Clock(o.Tested), scripttest.Clock(o.To))
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
