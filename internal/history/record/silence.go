package record

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Silence is a time between two live heartbeats that was longer than usual, and what its numbers say of it.
type Silence struct {
	From, To   event.Time // received-at of the heartbeats around it, or the window's end
	Verdict    Verdict
	Lost       uint64        // numbers between them that never came
	Later      uint64        // numbers between them that came later
	Unobserved time.Duration // of it, in which we cannot prove that we were listening
}

// Verdict tells a coverage hole from a silent vehicle.
type Verdict uint8

// The verdicts.
const (
	Unnumbered Verdict = iota // the vehicle does not number its heartbeats: it cannot be told
	Quiet                     // the next number followed: the vehicle sent nothing
	Hole                      // it went on counting, and numbers never came: out of coverage
	Repaired                  // it went on counting, and every number came later: out of coverage, its record is whole
	Restarted                 // it began to count anew: it was off, or lost its memory
	Blind                     // we were not listening for so long that the rest of it is not unusual
	Ongoing                   // no live heartbeat has ended it
)

var verdictNames = [...]string{"unnumbered", "quiet", "hole", "repaired", "restarted", "unobserved", "ongoing"}

// String is the word used on the wire.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}

// wait is a silence with the numbers around it.
type wait struct {
	Silence
	before, after int64
	run           int  // of the counter, at its end
	restarted     bool // the counter began anew with its end
}

func (w *wait) judge(d *delivery, o *Observer) {
	first, _ := slices.BinarySearchFunc(o.Gaps, w.From, func(g event.Gap, from event.Time) int { return cmp.Compare(g.To, from) })
	for _, g := range o.Gaps[first:] {
		if g.From >= w.To || !d.window.knew(g.To) {
			break
		}
		w.Unobserved += min(g.To, w.To).Sub(max(g.From, w.From))
	}
	numbered := w.before != event.NoSequence && w.after != event.NoSequence && w.Verdict != Ongoing && !w.restarted
	if numbered {
		w.Lost = d.counter.lost(w.run, w.before, w.after)
		w.Later = uint64(max(0, w.after-w.before-1)) - w.Lost
	}
	switch {
	case w.Verdict == Ongoing:
	case w.To.Sub(w.From)-w.Unobserved <= d.longest:
		w.Verdict = Blind
	case w.restarted:
		w.Verdict = Restarted
	case !numbered:
		w.Verdict = Unnumbered
	case w.Lost > 0:
		w.Verdict = Hole
	case w.Later > 0:
		w.Verdict = Repaired
	default:
		w.Verdict = Quiet
	}
}
