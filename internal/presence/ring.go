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
// A bucket is a circular, doubly linked list threaded through one slice, 8 bytes a node. Node 0 is unused, so a zero
// link says that a vehicle is in no list. The heads of the buckets follow, then the head of the list of those that are
// due, in the place of vehicle 0, which does not exist, and then the vehicles.
type ring struct {
	now   int64 // the bucket up to which the ring was advanced; all vehicles lie in the `buckets` from here
	nodes []link
}

type link struct{ prev, next uint32 }

const due = buckets + 1

func newRing() ring {
	g := ring{nodes: make([]link, due+1)}
	for h := range g.nodes {
		g.nodes[h] = link{uint32(h), uint32(h)}
	}
	return g
}

// grow makes room for vehicles with numbers below n.
func (g *ring) grow(n int) { g.nodes = grown(g.nodes, due+n) }

// bucketOf is the bucket of a moment.
func bucketOf(t event.Time) int64 { return int64(t) >> bucketShift }

func head(bucket int64) uint32 { return 1 + uint32(bucket&(buckets-1)) }

func node(v event.VehicleID) uint32 { return due + uint32(v) }

// file moves v to the bucket of a deadline, or to one up to a quarter of the way earlier: after a gap a whole fleet has
// one deadline, and is better not looked at all at one canary.
func (g *ring) file(v event.VehicleID, deadline event.Time) {
	g.drop(v)
	away := min(max(bucketOf(deadline)-g.now, 0), buckets-1)
	h := head(g.now + away - away*int64(v%256)/1024)
	n, first := node(v), g.nodes[h].next
	g.nodes[n] = link{prev: h, next: first}
	g.nodes[h].next, g.nodes[first].prev = n, n
}

// drop takes v out of its list, if it is in one.
func (g *ring) drop(v event.VehicleID) {
	n := node(v)
	l := g.nodes[n]
	if l == (link{}) {
		return
	}
	g.nodes[l.prev].next, g.nodes[l.next].prev = l.next, l.prev
	g.nodes[n] = link{}
}

// advance takes out every vehicle whose bucket begins at or before t and hands it to visit, which may file it again. Not
// all of them have a deadline before t.
func (g *ring) advance(t event.Time, visit func(event.VehicleID)) {
	from := g.now
	g.now = bucketOf(t)
	for i := range min(g.now-from+1, buckets) {
		g.empty(head(from + i))
	}
	for n := g.nodes[due].next; n != due; n = g.nodes[due].next {
		v := event.VehicleID(n - due)
		g.drop(v)
		visit(v)
	}
}

// empty moves what is in a bucket to the list of those that are due.
func (g *ring) empty(h uint32) {
	l := g.nodes[h]
	if l.next == h {
		return
	}
	first := g.nodes[due].next
	g.nodes[l.next].prev, g.nodes[due].next = due, l.next
	g.nodes[l.prev].next, g.nodes[first].prev = first, l.prev
	g.nodes[h] = link{h, h}
}

// grown extends a column with zeros to length n.
func grown[T any](column []T, n int) []T {
	if n <= len(column) {
		return column
	}
	return append(column, make([]T, n-len(column))...)
}
