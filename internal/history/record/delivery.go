package record

import (
	"slices"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// counterReach is how far below its highest number a vehicle's live heartbeat may lie and still belong to the same count:
// a number further below means that the vehicle began to count anew, as it does for whoever looks for repeats.
const counterReach = 64

// Delivery is what the heartbeats of a vehicle tell about their own delivery in a window.
type Delivery struct {
	Heartbeats int // received in the window, repeats left out
	Buffered   int // of them recorded earlier and delivered late
	Repeats    int // sent again, beside them
	ClockOff   int // live ones whose vehicle's clock was more than event.ClockTolerance off
	Restarts   int // times the vehicle began to count anew

	Lost     uint64    // numbers that never came
	Missing  []Missing // the runs of them, in the order in which they were missed
	Silences []Silence // in order

	Live Delays // received-at less sent-at of live heartbeats; both clocks are in it
	Late Delays // of buffered ones
}

// Missing is a run of sequence numbers that never came, and when those around it were received.
type Missing struct {
	First, Last   int64
	After, Before event.Time
}

// Count is how many numbers are missing.
func (m *Missing) Count() uint64 { return uint64(m.Last-m.First) + 1 }

// Delays sums up how long heartbeats took, as far as they said when they were sent.
type Delays struct {
	Count                       int
	Least, Median, P95, Longest time.Duration // 0 when Count is
}

// DeliveryOf looks through a vehicle's heartbeats, in the order of the log. Those from before the window are not counted, but
// tell which numbers came before; of those from after it, the first live one tells how the last silence ended, and the
// buffered ones which numbers came later. Live heartbeats more than longest apart are a silence.
func DeliveryOf(heartbeats []event.Heartbeat, o *Observer, w Window, longest time.Duration) Delivery {
	d := delivery{window: o.Clip(w), longest: longest}
	for i := range heartbeats {
		if h := &heartbeats[i]; d.window.knew(h.ReceivedAt) {
			d.take(h)
		}
	}
	d.end(o)
	return d.found
}

// delivery follows the heartbeats of a vehicle.
type delivery struct {
	window  Window
	longest time.Duration
	found   Delivery

	counter counter
	live    event.Time // when the newest live heartbeat was received, 0 for none
	number  int64      // the highest number by then, or event.NoSequence when it had none
	run     int        // of the counter, by then
	waits   []wait

	delays, late []time.Duration
}

func (d *delivery) take(h *event.Heartbeat) {
	inside := d.window.From <= h.ReceivedAt && h.ReceivedAt < d.window.To
	switch {
	case h.Flags&event.Repeat == 0:
		if inside {
			d.count(h)
		}
		d.counter.take(h)
	case inside:
		d.found.Repeats++
	}
	if h.Flags&event.Buffered == 0 {
		d.hear(h)
	}
}

func (d *delivery) count(h *event.Heartbeat) {
	d.found.Heartbeats++
	delays := &d.delays
	if h.Flags&event.Buffered != 0 {
		d.found.Buffered++
		delays = &d.late
	} else if h.Flags&(event.ClockAhead|event.ClockBehind) != 0 {
		d.found.ClockOff++
	}
	if h.SentAt != 0 {
		*delays = append(*delays, h.ReceivedAt.Sub(h.SentAt))
	}
}

// hear ends the silence that may have begun with the live heartbeat before.
func (d *delivery) hear(h *event.Heartbeat) {
	number := event.NoSequence
	if h.Sequence != event.NoSequence {
		number = d.counter.highest
	}
	if d.live != 0 && h.ReceivedAt.Sub(d.live) > d.longest {
		d.waits = append(d.waits, wait{
			Silence: Silence{From: d.live, To: h.ReceivedAt},
			before:  d.number, after: number, run: d.counter.run, restarted: d.counter.run != d.run,
		})
	}
	d.live, d.number, d.run = h.ReceivedAt, number, d.counter.run
}

func (d *delivery) end(o *Observer) {
	if d.live != 0 && d.window.To.Sub(d.live) > d.longest {
		d.waits = append(d.waits, wait{Silence: Silence{From: d.live, To: d.window.To, Verdict: Ongoing}})
	}
	for i := range d.counter.missing {
		if m := &d.counter.missing[i]; m.After < d.window.To && m.Before > d.window.From {
			d.found.Missing = append(d.found.Missing, m.Missing)
			d.found.Lost += m.Count()
		}
	}
	for i := range d.waits {
		if w := &d.waits[i]; w.From < d.window.To && w.To > d.window.From {
			w.judge(d, o)
			d.found.Silences = append(d.found.Silences, w.Silence)
		}
	}
	for _, at := range d.counter.began {
		if d.window.From <= at && at < d.window.To {
			d.found.Restarts++
		}
	}
	d.found.Live, d.found.Late = delaysOf(d.delays), delaysOf(d.late)
}

func delaysOf(all []time.Duration) Delays {
	n := len(all)
	if n == 0 {
		return Delays{}
	}
	slices.Sort(all)
	return Delays{Count: n, Least: all[0], Median: all[(n-1)/2], P95: all[(n-1)*95/100], Longest: all[n-1]}
}
