package presence

import "github.com/fleetbeat/fleetbeat/internal/event"

// The ring spans about four minutes, longer than the default policy, in steps of about one canary.
const (
	bucketShift = 8 // a bucket is 256 ms wide
	buckets     = 1 << 10
)

// ring is a lazy calendar of deadlines. Each vehicle that has a deadline is in the bucket of that moment or of an
// earlier one. A heartbeat, which moves the deadline later, does not touch the ring: when the bucket comes due, the
// vehicle is filed anew. A deadline beyond the span waits in the farthest bucket.
//
// A bucket is a circular, doubly linked list threaded through one slice: nodes 1 to buckets are the heads, then come
// the vehicles, 8 bytes each. Node 0 is unused, so a vehicle's zero link says that it is in no bucket.
type ring struct {
	now   int64 // the bucket up to which the ring was advanced; all vehicles lie in the next `buckets` from here
	nodes []link
}

type link struct{ prev, next uint32 }

func newRing() ring {
	g := ring{nodes: make([]link, buckets+1)}
	for head := range g.nodes {
		g.nodes[head] = link{uint32(head), uint32(head)}
	}
	return g
}

// grow makes room for vehicles with numbers below n.
func (g *ring) grow(n int) { g.nodes = grown(g.nodes, buckets+n) }

// bucketOf is the bucket of a moment.
func bucketOf(t event.Time) int64 { return int64(t) >> bucketShift }

func node(v event.VehicleID) uint32 { return buckets + uint32(v) }

func head(bucket int64) uint32 { return 1 + uint32(bucket&(buckets-1)) }

// file moves v to the bucket of a deadline.
func (g *ring) file(v event.VehicleID, deadline event.Time) {
	g.drop(v)
	bucket := min(max(bucketOf(deadline), g.now), g.now+buckets-1)
	n, h := node(v), head(bucket)
	first := g.nodes[h].next
	g.nodes[n] = link{prev: h, next: first}
	g.nodes[h].next = n
	g.nodes[first].prev = n
}

// drop takes v out of the ring, if it is in it.
func (g *ring) drop(v event.VehicleID) {
	n := node(v)
	l := g.nodes[n]
	if l == (link{}) {
		return
	}
	g.nodes[l.prev].next, g.nodes[l.next].prev = l.next, l.prev
	g.nodes[n] = link{}
}

// advance takes out every vehicle whose bucket begins at or before t and hands it to due, which may file it again. A
// vehicle may be handed over though its deadline is still to come, even twice.
func (g *ring) advance(t event.Time, due func(event.VehicleID)) {
	from := g.now
	g.now = bucketOf(t)
	for i := range min(g.now-from+1, buckets) {
		h := head(from + i)
		n := g.nodes[h].next
		g.nodes[h] = link{h, h} // emptied first: due may file into this very bucket
		for n != h {
			next := g.nodes[n].next
			g.nodes[n] = link{}
			due(event.VehicleID(n - buckets))
			n = next
		}
	}
}

// grown extends a column with zeros to length n.
func grown[T any](column []T, n int) []T {
	if n <= len(column) {
		return column
	}
	return append(column, make([]T, n-len(column))...)
}
