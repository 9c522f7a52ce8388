package fleet_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/scripttest"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestScripts plays the stories in testdata. Their commands are described at (*script).do.
func TestScripts(t *testing.T) {
	scripttest.Run(t, *update, func(t *testing.T, out *strings.Builder) func(string) {
		s := &script{Words: scripttest.Words{T: t}, out: out, view: fleet.New(fleet.Config{}), log: traffic{now: scripttest.Start}}
		return func(command string) {
			words := split(command)
			s.do(words[0], words[1:])
		}
	})
}

// split splits a line into words; spaces between quotes do not end one.
func split(line string) []string {
	quoted := false
	words := strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && unicode.IsSpace(r)
	})
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], `"`, "")
	}
	return words
}

type script struct {
	scripttest.Words
	view *fleet.View
	log  traffic
	sub  *fleet.Subscription
	out  *strings.Builder
}

func (s *script) print(format string, args ...any) { fmt.Fprintf(s.out, "    "+format+"\n", args...) }

// do runs one command.
func (s *script) do(command string, args []string) {
	switch command {
	case "customer": // customer 1 kalle "Kalles Grus AB" "Södertälje": number, id, name, address
		s.tell(fleet.Update{Customers: []fleet.Customer{{Number: s.Customer(args[0]), ID: args[1], Name: args[2], Address: args[3]}}})
	case "vehicle": // vehicle 1 YS2R4X2 ABC123 1 reefer: number, VIN, registration number, customer, tags
		s.tell(fleet.Update{Vehicles: []fleet.Vehicle{{
			Number: s.Vehicle(args[0]), VIN: args[1], RegistrationNumber: args[2], Customer: s.Customer(args[3]), Tags: args[4:],
		}}})
	case "erase": // erase vehicle 1: from the directory
		if args[0] == "vehicle" {
			s.tell(fleet.Update{RemovedVehicles: []event.VehicleID{s.Vehicle(args[1])}})
		} else {
			s.tell(fleet.Update{RemovedCustomers: []event.CustomerID{s.Customer(args[1])}})
		}
	case "added", "removed", "paused", "resumed", "canary", "started": // added 1 2: one batch with a fact about each
		s.facts(command, args)
	case "heartbeat": // heartbeat 1 sequence 7 buffered: or repeat
		s.heartbeat(args)
	case "listen": // listen 100s: a canary every second
		for end := s.log.now.Add(s.Duration(args[0])); s.log.now < end; {
			s.log.now += 1000
			s.facts("canary", nil)
		}
	case "wait": // wait 40s: time goes by, and nothing reaches the log
		s.log.now = s.log.now.Add(s.Duration(args[0]))
	case "query": // query text=x customer=id presence=offline tag=x sort=-since limit=2
		s.query(args)
	case "transitions": // transitions vin=x customer=id to=offline since=3
		s.transitions(args)
	case "show": // show kalle: the fleet in one glance, and what customers have
		s.show(args)
	case "grid":
		g := s.view.Grid()
		s.print("position %d: %s", g.Position, hex.EncodeToString(g.Presences))
		_, groups := s.view.GridGroups()
		for _, group := range groups {
			s.print("%s from %d: %d", group.Customer.Name, group.Start, group.Vehicles)
		}
	case "subscribe", "frames": // frames: lets the hub make one, and shows what there is to read
		s.frames(command == "subscribe")
	case "reload": // save the view and go on with what is loaded
		s.view = loaded(s.T, saved(s.T, s.view))
	default:
		s.T.Fatalf("unknown command %q", command)
	}
}

func (s *script) tell(u fleet.Update) {
	u.Revision = s.view.Revision() + 1
	must(s.view.Update(u))
}

func (s *script) facts(command string, vehicles []string) {
	var b event.Batch
	add := func(f event.Fact) { b.Entries = append(b.Entries, event.Entry{ReceivedAt: s.log.now, Fact: f}) }
	for _, word := range vehicles {
		id := s.Vehicle(word)
		switch command {
		case "added":
			add(event.VehicleAdded{Vehicle: id, Customer: 1})
		case "removed":
			add(event.VehicleRemoved{Vehicle: id})
		case "paused":
			add(event.VehiclePaused{Vehicle: id})
		case "resumed":
			add(event.VehicleResumed{Vehicle: id})
		}
	}
	switch command {
	case "canary":
		add(event.Canary{Door: "http"})
	case "started":
		add(event.ObserverStarted{Door: "http"})
	}
	must(s.view.Apply(s.log.stored(b)))
}

func (s *script) heartbeat(args []string) {
	h := event.Heartbeat{Vehicle: s.Vehicle(args[0]), ReceivedAt: s.log.now, Sequence: event.NoSequence}
	for i, word := range args {
		switch word {
		case "sequence":
			h.Sequence = int64(s.Number(args[i+1]))
		case "buffered":
			h.Flags = event.Buffered
		case "repeat":
			h.Flags = event.Repeat
		}
	}
	var b event.Batch
	b.Heartbeats.Append(h)
	must(s.view.Apply(s.log.stored(b)))
}

// options reads name=value words.
func (s *script) options(args []string, set func(name, value string)) {
	for _, word := range args {
		name, value, _ := strings.Cut(word, "=")
		set(name, value)
	}
}

func (s *script) presence(word string) event.Presence {
	p, err := event.ParsePresence(word)
	must(err)
	return p
}

func (s *script) query(args []string) {
	q := fleet.Query{Facets: fleet.FacetCustomers | fleet.FacetTags}
	s.options(args, func(name, value string) {
		switch name {
		case "text":
			q.Text = value
		case "customer":
			q.Customers = append(q.Customers, value)
		case "presence":
			q.Presences = append(q.Presences, s.presence(value))
		case "tag":
			q.Tags = append(q.Tags, value)
		case "sort":
			q.Sort = value
		case "limit":
			q.Limit = int(s.Number(value))
		}
	})
	for more := true; more; more = q.Cursor != "" {
		page := query(s.T, s.view, q)
		if q.Cursor == "" {
			s.counts(page)
		} else {
			s.print("---")
		}
		for _, r := range page.Rows {
			s.row(r)
		}
		q.Cursor = page.NextCursor
	}
}

func (s *script) counts(page fleet.Page) {
	s.print("%d found; %s", page.Total, presences(page.Presences))
	for _, c := range page.Customers {
		s.print("%s: %d", c.Customer.Name, c.Vehicles)
	}
	for _, tag := range page.Tags {
		s.print("#%s: %d", tag.Tag, tag.Vehicles)
	}
}

func (s *script) row(r fleet.Row) {
	s.print("%s %q of %s %v: %v since %s, heard %s, %d heartbeats, sequence %d", r.VIN, r.RegistrationNumber, r.Customer.Name, r.Tags,
		r.Presence, clock(r.Since), clock(r.LastHeartbeat), r.Heartbeats, r.LastSequence)
}

// presences writes the counts that are not 0.
func presences(counts [event.Presences]int) string {
	var parts []string
	for p, n := range counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %v", n, event.Presence(p)))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func clock(t event.Time) string {
	if t == 0 {
		return "never"
	}
	return t.Std().Format("15:04:05.000")
}

func (s *script) transitions(args []string) {
	var q fleet.TransitionQuery
	s.options(args, func(name, value string) {
		switch name {
		case "vin":
			q.VIN = value
		case "customer":
			q.Customers = append(q.Customers, value)
		case "to":
			q.To = append(q.To, s.presence(value))
		case "since":
			q.Since = event.Position(s.Number(value))
		}
	})
	page, err := s.view.Transitions(q)
	must(err)
	for _, t := range page.Items {
		s.transition(t)
	}
}

func (s *script) transition(t fleet.Transition) {
	s.print("%s %s of %s %v -> %v, position %d", clock(t.At), t.VIN, t.CustomerID, t.From, t.To, t.Position)
}

func (s *script) show(customers []string) {
	sum := s.view.Summary()
	s.print("position %d, revision %d: %d vehicles of %d customers; %s", sum.Position, sum.Revision, sum.Vehicles, sum.Customers, presences(sum.Presences))
	s.print("listening since %s, proven until %s, broken %t", clock(sum.Listening.Since), clock(sum.Listening.Proof), sum.Listening.Broken)
	for _, g := range s.view.Gaps() {
		s.print("gap %s to %s, %v, position %d", clock(g.From), clock(g.To), g.Reason, g.Position)
	}
	for _, id := range customers {
		counts, known := s.view.CustomerCounts(id)
		s.print("%s known %t; %s", id, known, presences(counts))
	}
}

func (s *script) frames(subscribe bool) {
	if subscribe {
		sub, err := s.view.Subscribe("")
		must(err)
		s.sub = sub
	}
	s.view.Tick(s.log.now.Std())
	for _, f := range pending(s.T, s.sub) {
		s.print("frame %d to %d, resync %t, regrid %t; %s", f.From, f.To, f.Resync, f.Regrid, presences(f.Summary.Presences))
		for _, t := range f.Transitions {
			s.transition(t)
		}
		for _, c := range f.Changes {
			s.print("place %d %v", c>>4, event.Presence(c&15))
		}
	}
}
