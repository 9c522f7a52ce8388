package record

import (
	"cmp"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// counter follows a vehicle's own count of its heartbeats, and keeps the numbers that did not come.
type counter struct {
	run     int          // how often the vehicle began anew
	began   []event.Time // when it did
	any     bool
	highest int64
	at      event.Time // when the highest number was received
	missing []missingRun
}

// missingRun belongs to one run of the counter.
type missingRun struct {
	Missing
	run int
}

func (c *counter) take(h *event.Heartbeat) {
	switch n := h.Sequence; {
	case n == event.NoSequence:
	case !c.any:
		c.highest, c.at, c.any = n, h.ReceivedAt, true
	case n > c.highest:
		if n > c.highest+1 {
			c.missing = append(c.missing, missingRun{Missing{c.highest + 1, n - 1, c.at, h.ReceivedAt}, c.run})
		}
		c.highest, c.at = n, h.ReceivedAt
	case h.Flags&event.Buffered == 0 && c.highest-n >= counterReach:
		c.run++
		c.began = append(c.began, h.ReceivedAt)
		c.highest, c.at = n, h.ReceivedAt
	default:
		c.fill(n)
	}
}

// fill takes a number that came after higher ones out of what is missing: of this run, or else of the one before it.
func (c *counter) fill(n int64) {
	for _, run := range []int{c.run, c.run - 1} {
		i := c.from(run, n)
		if i == len(c.missing) || c.missing[i].run != run || c.missing[i].First > n {
			continue
		}
		below, above := c.missing[i], c.missing[i]
		below.Last, above.First = n-1, n+1
		var rest []missingRun
		for _, m := range []missingRun{below, above} {
			if m.First <= m.Last {
				rest = append(rest, m)
			}
		}
		c.missing = slices.Replace(c.missing, i, i+1, rest...)
		return
	}
}

// from finds the first run of missing numbers, of one run of the counter, that does not end before n.
func (c *counter) from(run int, n int64) int {
	i, _ := slices.BinarySearchFunc(c.missing, n, func(m missingRun, n int64) int {
		return cmp.Or(cmp.Compare(m.run, run), cmp.Compare(m.Last, n))
	})
	return i
}

// lost is how many numbers of a run between two, both left out, never came.
func (c *counter) lost(run int, after, before int64) (lost uint64) {
	for i := c.from(run, after+1); i < len(c.missing); i++ {
		m := &c.missing[i]
		if m.run != run || m.First >= before {
			break
		}
		lost += uint64(min(m.Last, before-1)-max(m.First, after+1)) + 1
	}
	return lost
}
