package presence

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

const canaryEvery = 250 * time.Millisecond

// TestScripts plays the stories in testdata. Their commands are described at (*script).do.
func TestScripts(t *testing.T) {
	scripttest.Run(t, *update, func(t *testing.T, out *strings.Builder) func(string) {
		s := &script{Words: scripttest.Words{T: t}, out: out, rule: New(), now: scripttest.Start, beats: map[event.VehicleID]*beat{}}
		return func(command string) { s.do(strings.Fields(command)) }
	})
}

type script struct {
	scripttest.Words
	rule     *Rule
	now      event.Time
	position event.Position
	beats    map[event.VehicleID]*beat
	out      *strings.Builder
}

// beat is a vehicle that sends by itself, at even distances.
type beat struct {
	every time.Duration
	next  event.Time
}

// do runs one command. What happens within one command but at different moments goes into different batches.
func (s *script) do(words []string) {
	switch arg := func(i int) string {
		if i >= len(words) {
			s.T.Fatalf("%q: a word is missing", words)
		}
		return words[i]
	}; words[0] {
	case "vehicle": // vehicle 1 customer 2
		s.fact(event.VehicleAdded{Vehicle: s.Vehicle(arg(1)), Customer: s.Customer(arg(3))})
	case "remove":
		s.fact(event.VehicleRemoved{Vehicle: s.Vehicle(arg(1))})
	case "pause":
		s.fact(event.VehiclePaused{Vehicle: s.Vehicle(arg(1))})
	case "resume":
		s.fact(event.VehicleResumed{Vehicle: s.Vehicle(arg(1))})
	case "policy": // policy default 90s 150s, policy customer 2 60s 90s, policy vehicle 1 none
		s.policy(words[1:])
	case "heartbeat": // heartbeat 1 2 3
		for _, word := range words[1:] {
			s.heartbeat(s.Vehicle(word), 0)
		}
	case "buffered": // a heartbeat recorded earlier and delivered late
		s.heartbeat(s.Vehicle(arg(1)), event.Buffered)
	case "repeat": // a heartbeat whose sequence number the vehicle sent before
		s.heartbeat(s.Vehicle(arg(1)), event.Repeat)
	case "sends": // sends 1 60s: from now on vehicle 1 sends by itself; sends 1 nothing
		delete(s.beats, s.Vehicle(arg(1)))
		if arg(2) != "nothing" {
			s.beats[s.Vehicle(arg(1))] = &beat{every: s.Duration(arg(2)), next: s.now}
		}
	case "canary": // canary, canary west: doors have names where there are several
		s.fact(event.Canary{Door: doorsOf(words[1:])[0]})
	case "listen": // listen 40s, listen 40s east west: a canary every 250 ms, and the heartbeats of the vehicles that send by themselves
		s.listen(s.Duration(arg(1)), doorsOf(words[2:]))
	case "wait": // wait 40s: time goes by, and nothing reaches the log
		s.now = s.now.Add(s.Duration(arg(1)))
	case "stop":
		s.fact(event.ObserverStopped{Door: doorsOf(words[1:])[0]})
	case "start":
		s.fact(event.ObserverStarted{Door: doorsOf(words[1:])[0]})
	case "lost":
		s.fact(event.Lost{Reason: "damaged"})
	case "reload": // save the rule and go on with what is loaded
		s.rule = reload(s.T, s.rule)
	case "show":
		s.show()
	default:
		s.T.Fatalf("unknown command %q", words)
	}
}

func (s *script) policy(words []string) {
	var f event.PolicyChanged
	switch words[0] {
	case "vehicle":
		f.Vehicle, words = s.Vehicle(words[1]), words[1:]
	case "customer":
		f.Customer, words = s.Customer(words[1]), words[1:]
	}
	if words[1] != "none" {
		f.Policy = event.Policy{LateAfter: s.Duration(words[1]), OfflineAfter: s.Duration(words[2])}
	}
	s.fact(f)
}

// doorsOf are the doors named in a command, or the only one of a small server.
func doorsOf(words []string) []string {
	if len(words) == 0 {
		return []string{"http"}
	}
	return words
}

func (s *script) listen(d time.Duration, doors []string) {
	for end := s.now.Add(d); s.now < end; {
		s.now = s.now.Add(canaryEvery)
		var b event.Batch
		for v := range event.VehicleID(100) {
			if beat := s.beats[v]; beat != nil && beat.next < s.now {
				b.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: s.now, Sequence: event.NoSequence})
				for beat.next < s.now {
					beat.next = beat.next.Add(beat.every)
				}
			}
		}
		for _, door := range doors {
			b.Entries = append(b.Entries, event.Entry{After: b.Heartbeats.Len(), ReceivedAt: s.now, Fact: event.Canary{Door: door}})
		}
		s.apply(b)
	}
}

func (s *script) fact(f event.Fact) {
	s.apply(event.Batch{Entries: []event.Entry{{ReceivedAt: s.now, Fact: f}}})
}

func (s *script) heartbeat(v event.VehicleID, flags event.Flags) {
	var b event.Batch
	b.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: s.now, Sequence: event.NoSequence, Flags: flags})
	s.apply(b)
}

func (s *script) apply(b event.Batch) {
	var out Changes
	s.position++
	s.rule.Apply(event.Stored{Position: s.position, Epoch: 1, Batch: b}, &out)
	for _, g := range out.Gaps {
		fmt.Fprintf(s.out, "    gap %s to %s: %s\n", scripttest.Clock(g.From), scripttest.Clock(g.To), g.Reason)
	}
	for _, tr := range out.Transitions {
		fmt.Fprintf(s.out, "    %s vehicle %d %s -> %s\n", scripttest.Clock(tr.At), tr.Vehicle, tr.From, tr.To)
	}
}

func (s *script) show() {
	l := s.rule.Listening()
	fmt.Fprintf(s.out, "    %s listening since %s, proof %s, max gap %s", scripttest.Clock(s.now), scripttest.Clock(l.Since), scripttest.Clock(l.Proof), l.MaxGap)
	if l.Broken {
		s.out.WriteString(", broken")
	}
	for _, door := range s.rule.Doors() {
		if len(s.rule.Doors()) > 1 || door.Name != "http" {
			fmt.Fprintf(s.out, ", %s proven until %s", door.Name, scripttest.Clock(door.Proof))
		}
	}
	s.out.WriteString("\n")
	for v := range event.VehicleID(s.rule.Cap()) {
		if !s.rule.Known(v) {
			continue
		}
		policy, scope := s.rule.Policy(v)
		fmt.Fprintf(s.out, "    vehicle %d %s since %s, heard %s, %s policy %s %s\n", v, s.rule.Presence(v),
			scripttest.Clock(s.rule.Since(v)), scripttest.Clock(s.rule.LastHeartbeat(v)), scope, policy.LateAfter, policy.OfflineAfter)
	}
	if n := s.rule.Ignored(); n > 0 {
		fmt.Fprintf(s.out, "    ignored %d\n", n)
	}
}

// reload is Load of Save.
func reload(t interface{ Fatal(...any) }, r *Rule) *Rule {
	loaded, err := Load(bytes.NewReader(saved(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func saved(t interface{ Fatal(...any) }, r *Rule) []byte {
	var b bytes.Buffer
	if err := r.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
