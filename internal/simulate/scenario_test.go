package simulate

import (
	"math"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// longPlan is a plan of 400 vehicles and what they send in eight hours, twice the time between two reboots.
func longPlan(t *testing.T, name string) (*Plan, [][]Message) {
	t.Helper()
	p := planOf(t, Config{Vehicles: 400, Seed: 3, Jitter: 2 * time.Second, Behaviour: scenario(t, name)})
	return p, byVehicle(p, minutes(p, 480))
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.25*want {
		t.Errorf("%s: %.3f, want about %.3f", what, got, want)
	}
}

// checkBuffered checks one vehicle's messages of a scenario in which nothing is lost and nothing is sent twice: numbers
// are dense, and buffered ones are older, come all at once and right before one that is not. It counts the silences.
func checkBuffered(t *testing.T, sent []Message, shortest, longest time.Duration) (silences int) {
	t.Helper()
	for i, m := range sent {
		if i > 0 && m.Sequence != sent[i-1].Sequence+1 {
			t.Fatalf("%+v follows %+v", m, sent[i-1])
		}
		if !m.Buffered {
			if m.SentAt != m.At {
				t.Fatalf("%+v is not buffered and not sent at once", m)
			}
			continue
		}
		if m.SentAt >= m.At {
			t.Fatalf("%+v is buffered and was not sent earlier", m)
		}
		if i+1 < len(sent) && sent[i+1].At != m.At {
			t.Fatalf("%+v leaves alone: next is %+v", m, sent[i+1])
		}
		if i > 0 && !sent[i-1].Buffered {
			silences++
			if quiet := m.At.Sub(sent[i-1].At); quiet < shortest || quiet > longest {
				t.Errorf("a silence of %s, want %s to %s", quiet, shortest, longest)
			}
		}
	}
	return silences
}

func TestTunnelsDelayHeartbeatsAndLoseNone(t *testing.T) {
	p, fleet := longPlan(t, "tunnels")
	silences := 0
	for _, sent := range fleet {
		silences += checkBuffered(t, sent, 2*time.Minute, 8*time.Minute)
	}
	near(t, "tunnels per vehicle and era", float64(silences)/400/(480.0/20), p.behaviour.Tunnels)
}

func TestCarrierFailsForAWholeCityAtOnce(t *testing.T) {
	p, fleet := longPlan(t, "carrier")
	quiet := map[int]int{} // vehicles in a city that are silent at the moment looked at
	total := map[int]int{}
	at := p.start.Add(3*time.Hour + 7*time.Minute)
	for vehicle, sent := range fleet {
		checkBuffered(t, sent, 3*time.Minute, 10*time.Minute)
		total[p.roster.city(vehicle)]++
		if p.uncovered(vehicle, at) {
			quiet[p.roster.city(vehicle)]++
		}
	}
	for city, n := range quiet {
		if n != total[city] {
			t.Errorf("in %s %d of %d vehicles have no carrier", cities[city].name, n, total[city])
		}
	}
	if len(quiet) == len(cities) {
		t.Error("the carrier fails in all cities")
	}
}

func TestRebootsLoseHeartbeatsAndHalfOfTheCounters(t *testing.T) {
	_, fleet := longPlan(t, "reboot")
	rebooted, restarted := 0, 0
	for vehicle, sent := range fleet {
		last := 0
		for i := 1; i < len(sent); i++ {
			m, before := sent[i], sent[i-1]
			lost := m.At.Sub(before.At) > 90*time.Second
			switch {
			case m.Buffered:
				t.Fatalf("vehicle %d has %+v from before a reboot", vehicle, m)
			case !lost && m.Sequence != before.Sequence+1, lost && m.Sequence == before.Sequence+1:
				t.Fatalf("vehicle %d: %+v follows %+v", vehicle, m, before)
			case m.Sequence < before.Sequence:
				if m.Sequence != 0 || i-last < 64 && last > 0 {
					t.Errorf("vehicle %d counts from %d, %d heartbeats after it last did", vehicle, m.Sequence, i-last)
				}
				last = i
			}
			if lost {
				if gap := m.At.Sub(before.At); gap < 2*time.Minute || gap > 6*time.Minute {
					t.Errorf("vehicle %d is away for %s", vehicle, gap)
				}
			}
		}
		if len(sent) < 479 {
			rebooted++
		}
		if last > 0 {
			restarted++
		}
	}
	near(t, "vehicles that reboot", float64(rebooted)/400, 0.5)
	near(t, "vehicles that count anew", float64(restarted)/400, 0.25)
}

func TestDuplicatesRepeatAHeartbeatOfJustNow(t *testing.T) {
	p, fleet := longPlan(t, "duplicates")
	all, repeats, atOnce := 0, 0, 0
	for _, sent := range fleet {
		known := map[int64]Message{}
		for _, m := range sent {
			first, repeat := known[m.Sequence]
			known[m.Sequence] = m
			all++
			if !repeat {
				continue
			}
			repeats++
			if m.SentAt != first.SentAt || m.At.Sub(first.At) > 62*time.Second {
				t.Fatalf("%+v repeats %+v", m, first)
			}
			if m.At == first.At {
				atOnce++
			}
		}
	}
	near(t, "share of duplicates", float64(repeats)/float64(all-repeats), p.behaviour.Duplicates)
	near(t, "share of those at once", float64(atOnce)/float64(repeats), 0.5)
}

func TestSkewedClocksAreOffByTheSameAllTheTime(t *testing.T) {
	p, fleet := longPlan(t, "skew")
	skewed, hours, dead := 0, 0, 0
	for vehicle, sent := range fleet {
		off := sent[0].At.Sub(sent[0].SentAt)
		for _, m := range sent {
			if m.At.Sub(m.SentAt) != off || m.SentAt <= 0 {
				t.Fatalf("vehicle %d was off by %s and sent %+v", vehicle, off, m)
			}
		}
		if off != 0 {
			skewed++
		}
		if off.Abs() >= time.Hour {
			hours++
		}
		if sent[0].SentAt.Std().Year() == 1970 {
			dead++
		}
	}
	near(t, "clocks that are wrong", float64(skewed)/400, p.behaviour.Skew)
	if dead == 0 || hours <= dead {
		t.Errorf("%d clocks are off by hours, %d stand in 1970", hours, dead)
	}
}

func TestSilentVehiclesFallSilentForGood(t *testing.T) {
	p, fleet := longPlan(t, "silent")
	silent, mute := 0, 0
	for vehicle, sent := range fleet {
		from := p.SilentFrom(vehicle)
		if from == 0 {
			if len(sent) < 479 {
				t.Errorf("vehicle %d is well and sent %d heartbeats", vehicle, len(sent))
			}
			continue
		}
		silent++
		if len(sent) == 0 {
			mute++
		} else if last := sent[len(sent)-1].At; last >= from || from.Sub(last) > 62*time.Second {
			t.Errorf("vehicle %d is silent from %s and last sent at %s", vehicle, from, last)
		}
		if from > p.start.Add(time.Hour) {
			t.Errorf("vehicle %d falls silent only at %s", vehicle, from)
		}
	}
	near(t, "vehicles that fall silent", float64(silent)/400, p.behaviour.Silent)
	if mute == 0 || mute > silent/2 {
		t.Errorf("%d of %d silent vehicles never say a word", mute, silent)
	}
}

func TestMixedHasABitOfEverything(t *testing.T) {
	p, fleet := longPlan(t, "mixed")
	var buffered, repeats, skewed, restarts, silent int
	for vehicle, sent := range fleet {
		known := map[int64]event.Time{}
		for i, m := range sent {
			if at, repeat := known[m.Sequence]; repeat && at == m.SentAt {
				repeats++
			} else if i > 0 && m.Sequence == 0 {
				restarts++
			}
			known[m.Sequence] = m.SentAt
			if m.Buffered {
				buffered++
			} else if m.At != m.SentAt {
				skewed++
			}
		}
		if p.SilentFrom(vehicle) != 0 {
			silent++
		}
	}
	if buffered == 0 || repeats == 0 || skewed == 0 || restarts == 0 || silent == 0 {
		t.Errorf("buffered %d, repeats %d, skewed %d, restarts %d, silent %d", buffered, repeats, skewed, restarts, silent)
	}
}

func TestScenariosCompose(t *testing.T) {
	got, err := ParseScenario("tunnels, skew")
	if want := (Behaviour{Tunnels: 0.5, Skew: 0.3}); err != nil || got != want {
		t.Errorf("tunnels and skew are %+v, %v", got, err)
	}
	for _, wrong := range []string{"", "tunnel", "calm,,skew"} {
		if _, err := ParseScenario(wrong); err == nil {
			t.Errorf("scenario %q is accepted", wrong)
		}
	}
}
