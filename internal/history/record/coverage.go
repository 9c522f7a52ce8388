package record

import (
	"cmp"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// alive are the stretches in which buffered heartbeats show that the vehicle was alive: each stands for as long as a live
// one would keep it from being offline, but not beyond the moment at which it was delivered.
func alive(v *Vehicle, w *Window) []layer {
	holds := event.Time(v.Holds.Milliseconds())
	var shown []layer
	skew := event.Time(0)
	for i := range v.Heartbeats {
		h := &v.Heartbeats[i]
		if !w.knew(h.ReceivedAt) {
			break
		}
		if h.Flags&event.Buffered == 0 {
			skew = skewOf(h, skew)
			continue
		}
		if h.SentAt == 0 || h.Flags&event.Repeat != 0 {
			continue
		}
		from := h.SentAt + skew
		if to := min(from+holds, h.ReceivedAt); from < to && to > w.From && from < w.To {
			shown = append(shown, layer{from, to, OutOfCoverage, ByBuffered, h.ReceivedAt})
		}
	}
	slices.SortFunc(shown, func(a, b layer) int { return cmp.Compare(a.from, b.from) })
	return merged(shown)
}

// skewOf is how far a vehicle's clock was behind ours at its last live heartbeat, when that is more than what a network
// explains; when it said no time, as before.
func skewOf(h *event.Heartbeat, before event.Time) event.Time {
	if h.SentAt == 0 {
		return before
	}
	skew := h.ReceivedAt - h.SentAt
	if tolerance := event.Time(event.ClockTolerance.Milliseconds()); -tolerance <= skew && skew <= tolerance {
		return 0
	}
	return skew
}

// merged makes one of stretches that touch, which come in the order of their begin.
func merged(layers []layer) []layer {
	out := layers[:0]
	for _, l := range layers {
		if n := len(out); n > 0 && l.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, l.to)
			out[n-1].known = max(out[n-1].known, l.known)
			continue
		}
		out = append(out, l)
	}
	return out
}
