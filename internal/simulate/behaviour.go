package simulate

import (
	"fmt"
	"strings"
)

// Behaviour says how much goes wrong in a fleet. Each field is a share from 0 (never) to 1. Lengths are in intervals
// between heartbeats, so a fleet that reports every second lives through everything sixty times faster than one
// that reports every minute.
type Behaviour struct {
	// Tunnels is the chance that a vehicle drives through a tunnel in any 20 intervals: 2 to 6 intervals without
	// coverage, after which what it recorded meanwhile is delivered, marked as buffered.
	Tunnels float64
	// Carrier is the chance that a city's mobile network fails in any 40 intervals: 3 to 8 intervals in which none of
	// its vehicles gets through, after which they deliver like those from a tunnel.
	Carrier float64
	// Reboots is the share of vehicles whose device reboots once in every 240 intervals: 2 to 4 intervals for which
	// nothing is recorded. Half of them keep their sequence number in flash memory, half start again at 0.
	Reboots float64
	// Duplicates is the share of heartbeats that are sent twice with one sequence number: half at once, half along
	// with the next one, as after an answer that got lost.
	Duplicates float64
	// Skew is the share of vehicles whose clock is wrong: by seconds, minutes or hours, or back in 1970 because its
	// battery is dead.
	Skew float64
	// Silent is the share of vehicles that fall silent for good within the first 60 intervals, a quarter of them
	// before they ever said a word.
	Silent float64
}

// Scenario is a Behaviour with a name.
type Scenario struct {
	Name      string
	Help      string // one line for the command's help
	Behaviour Behaviour
}

// Scenarios lists all scenarios, in the order in which help shows them.
func Scenarios() []Scenario {
	return []Scenario{
		{"calm", "every vehicle reports on time, always", Behaviour{}},
		{"tunnels", "vehicles lose coverage for minutes and deliver what they buffered", Behaviour{Tunnels: 0.5}},
		{"carrier", "a city's mobile network fails for a while", Behaviour{Carrier: 0.25}},
		{"reboot", "devices reboot; half of them count from 0 again", Behaviour{Reboots: 0.5}},
		{"duplicates", "heartbeats are sent twice with the same sequence number", Behaviour{Duplicates: 0.1}},
		{"skew", "clocks are off by seconds to hours, or stand in 1970", Behaviour{Skew: 0.3}},
		{"silent", "vehicles fall silent for good", Behaviour{Silent: 0.1}},
		{"mixed", "a bit of everything", Behaviour{
			Tunnels: 0.08, Carrier: 0.04, Reboots: 0.1, Duplicates: 0.01, Skew: 0.05, Silent: 0.03,
		}},
	}
}

// ParseScenario is the behaviour of one scenario, or of several joined by commas: of each share the larger one holds.
func ParseScenario(text string) (Behaviour, error) {
	var sum Behaviour
	for name := range strings.SplitSeq(text, ",") {
		scenario, err := scenarioNamed(strings.TrimSpace(name))
		if err != nil {
			return Behaviour{}, err
		}
		sum = sum.with(scenario.Behaviour)
	}
	return sum, nil
}

func scenarioNamed(name string) (Scenario, error) {
	var names []string
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Scenario{}, fmt.Errorf("scenario %q is none of %s", name, strings.Join(names, ", "))
}

func (b Behaviour) with(o Behaviour) Behaviour {
	return Behaviour{
		Tunnels:    max(b.Tunnels, o.Tunnels),
		Carrier:    max(b.Carrier, o.Carrier),
		Reboots:    max(b.Reboots, o.Reboots),
		Duplicates: max(b.Duplicates, o.Duplicates),
		Skew:       max(b.Skew, o.Skew),
		Silent:     max(b.Silent, o.Silent),
	}
}
