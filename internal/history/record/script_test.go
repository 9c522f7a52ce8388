package record_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/history/record"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestScripts plays the stories in testdata. Their commands are described at (*script).do.
func TestScripts(t *testing.T) {
	scripttest.Run(t, *update, func(t *testing.T, out *strings.Builder) func(string) {
		s := &script{
			ledger: newLedger(), Words: scripttest.Words{T: t}, out: out,
			sends: map[event.VehicleID]time.Duration{}, next: map[event.VehicleID]event.Time{}, numbers: map[event.VehicleID]int64{},
		}
		return func(command string) { s.do(strings.Fields(command)) }
	})
}

type script struct {
	*ledger
	scripttest.Words
	sends   map[event.VehicleID]time.Duration
	next    map[event.VehicleID]event.Time
	numbers map[event.VehicleID]int64
	out     *strings.Builder
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
	case "sends": // sends 1 60s: from now on vehicle 1 sends and numbers its heartbeats; sends 1 nothing
		delete(s.sends, s.Vehicle(arg(1)))
		if arg(2) != "nothing" {
			s.sends[s.Vehicle(arg(1))], s.next[s.Vehicle(arg(1))] = s.Duration(arg(2)), s.now
		}
	case "counts": // counts 1 from 0: its next number
		s.numbers[s.Vehicle(arg(1))] = int64(s.Number(arg(3)))
	case "loses": // loses 1 5: it sends so many heartbeats that never come
		s.numbers[s.Vehicle(arg(1))] += int64(s.Number(arg(2)))
	case "heartbeat": // heartbeat 1, or heartbeat 1 number 7: one that was sent out of turn
		s.send(s.Vehicle(arg(1)), words[2:], 0, s.now)
	case "repeat": // repeat 1 number 7
		s.send(s.Vehicle(arg(1)), words[2:], event.Repeat, s.now)
	case "buffered": // buffered 1 at 0:04:30, recorded then and delivered now; buffered 1 at 0:04:30 number 7
		s.send(s.Vehicle(arg(1)), words[4:], event.Buffered, s.Time(arg(3)))
	case "clock": // clock 1 said 0:04:30: a live heartbeat of a vehicle whose clock is wrong
		s.send(s.Vehicle(arg(1)), nil, 0, s.Time(arg(3)))
	case "listen": // listen 40s: canaries, and the heartbeats of the vehicles that send by themselves
		s.listen(s.Duration(arg(1)), 250*time.Millisecond, s.beat)
	case "wait": // wait 40s: time goes by, and nothing reaches the log
		s.now = s.now.Add(s.Duration(arg(1)))
	case "stop":
		s.fact(event.ObserverStopped{Door: "http"})
	case "start":
		s.fact(event.ObserverStarted{Door: "http"})
	case "periods": // periods 1 0:00:00 0:10:00, or with known 0:05:00
		s.periods(s.Vehicle(arg(1)), s.window(words[2:]))
	case "uptime": // uptime 1 0:00:00 1:00:00 by 15m, and with known 0:05:00
		s.uptime(s.Vehicle(arg(1)), s.window(words[2:]), arg(5))
	case "customer": // customer 2 0:00:00 1:00:00 by 15m
		s.customer(s.Customer(arg(1)), s.window(words[2:]), arg(5))
	case "delivery": // delivery 1 0:00:00 1:00:00, or with known 0:05:00
		s.delivery(s.Vehicle(arg(1)), s.window(words[2:]))
	default:
		s.T.Fatalf("unknown command %q", words)
	}
}

// beat sends what is due of the vehicles that send by themselves.
func (s *script) beat() {
	for v := range event.VehicleID(10) {
		if every := s.sends[v]; every > 0 && s.next[v] < s.now {
			s.send(v, nil, 0, s.now)
			for s.next[v] < s.now {
				s.next[v] = s.next[v].Add(every)
			}
		}
	}
}

func (s *script) send(v event.VehicleID, words []string, flags event.Flags, sent event.Time) {
	number := s.numbers[v]
	if len(words) == 2 {
		number = int64(s.Number(words[1]))
	} else {
		s.numbers[v]++
	}
	if flags&event.Buffered == 0 && s.now.Sub(sent) > event.ClockTolerance {
		flags |= event.ClockBehind
	}
	s.heartbeat(event.Heartbeat{Vehicle: v, SentAt: sent, Sequence: number, Flags: flags})
}

func (s *script) periods(v event.VehicleID, w record.Window) {
	for _, p := range record.Periods(s.vehicle(v), &s.observer, w) {
		fmt.Fprintf(s.out, "    %s to %s %s by %s", scripttest.Clock(p.From), scripttest.Clock(p.To), p.State, p.Cause)
		if p.Since != p.From && p.State != record.Unwatched {
			fmt.Fprintf(s.out, ", since %s", scripttest.Clock(p.Since))
		}
		if p.Known != p.From && p.Known != 0 {
			fmt.Fprintf(s.out, ", known at %s", scripttest.Clock(p.Known))
		}
		s.out.WriteString("\n")
	}
}

func (s *script) buckets(w record.Window, step string) []record.Bucket {
	parsed, err := record.ParseStep(step)
	if err != nil {
		s.T.Fatal(err)
	}
	w = s.observer.Clip(w)
	buckets, err := record.Buckets(w.From, w.To, parsed, time.UTC)
	if err != nil {
		s.T.Fatal(err)
	}
	return buckets
}

func (s *script) uptime(v event.VehicleID, w record.Window, step string) {
	s.show(record.UptimeOf(record.Periods(s.vehicle(v), &s.observer, w), s.buckets(w, step)))
}

func (s *script) customer(c event.CustomerID, w record.Window, step string) {
	sums := record.Sums(s.buckets(w, step))
	for v := range event.VehicleID(10) {
		record.AddMember(sums, record.Periods(s.vehicle(v), &s.observer, w), c)
	}
	s.show(sums)
}

func (s *script) show(uptimes []record.Uptime) {
	for _, u := range uptimes {
		share := "no availability"
		if a, ok := u.Availability(); ok {
			share = fmt.Sprintf("availability %.2f%%", 100*a)
		}
		fmt.Fprintf(s.out, "    %s to %s connected %s, disconnected %s (out of coverage %s, outages %d), unobserved %s, paused %s: %s, %s\n",
			scripttest.Clock(u.From), scripttest.Clock(u.To), u.Connected, u.Disconnected, u.OutOfCoverage, u.Outages, u.Unobserved, u.Paused, u.Whole(), share)
	}
}

func (s *script) delivery(v event.VehicleID, w record.Window) {
	d := record.DeliveryOf(s.vehicle(v).Heartbeats, &s.observer, w, event.DefaultPolicy.LateAfter)
	fmt.Fprintf(s.out, "    heartbeats %d, buffered %d, repeats %d, clock off %d, restarts %d, lost %d\n",
		d.Heartbeats, d.Buffered, d.Repeats, d.ClockOff, d.Restarts, d.Lost)
	for _, m := range d.Missing {
		fmt.Fprintf(s.out, "    missing %d to %d, after %s, before %s\n", m.First, m.Last, scripttest.Clock(m.After), scripttest.Clock(m.Before))
	}
	for _, q := range d.Silences {
		fmt.Fprintf(s.out, "    silence %s to %s %s, lost %d, later %d, unobserved %s\n", scripttest.Clock(q.From), scripttest.Clock(q.To), q.Verdict, q.Lost, q.Later, q.Unobserved)
	}
	if d.Late.Count > 0 {
		fmt.Fprintf(s.out, "    late %+v\n", d.Late)
	}
}

func (s *script) window(words []string) record.Window {
	w := record.Window{From: s.Time(words[0]), To: s.Time(words[1])}
	if n := len(words); n >= 4 && words[n-2] == "known" {
		w.KnownAt = s.Time(words[n-1])
	}
	return w
}
