package record

import (
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Uptime says how a bucket of time was spent. The four parts add up to the whole, to the millisecond.
type Uptime struct {
	Bucket
	Connected    time.Duration // online or late
	Disconnected time.Duration // offline, out of coverage, or never heard yet
	Unobserved   time.Duration // we cannot prove that we were listening, or it was not watched
	Paused       time.Duration

	OutOfCoverage time.Duration // the part of Disconnected in which it was alive, as it turned out
	Outages       int           // that began in the bucket: times it became offline
}

// Whole is the sum of the four parts: the length of the bucket for one vehicle, and for a customer that of all its vehicles,
// each as long as it was the customer's.
func (u *Uptime) Whole() time.Duration {
	return u.Connected + u.Disconnected + u.Unobserved + u.Paused
}

// Availability is the connected share, from 0 to 1, of the time that says anything: what was unobserved or paused is left
// out. It is not ok when nothing is left.
func (u *Uptime) Availability() (share float64, ok bool) {
	judged := u.Connected + u.Disconnected
	if judged == 0 {
		return 0, false
	}
	return float64(u.Connected) / float64(judged), true
}

// Add sums up two, about one bucket: of two vehicles, or of two parts.
func (u *Uptime) Add(other *Uptime) {
	u.Connected += other.Connected
	u.Disconnected += other.Disconnected
	u.Unobserved += other.Unobserved
	u.Paused += other.Paused
	u.OutOfCoverage += other.OutOfCoverage
	u.Outages += other.Outages
}

// UptimeOf sums up a vehicle's periods, as Periods gives them, in each of some buckets, which are in order and apart. Time
// of a bucket for which there is no period counts as unobserved.
func UptimeOf(periods []Period, buckets []Bucket) []Uptime {
	out := Sums(buckets)
	for i := range out {
		out[i].Unobserved = out[i].To.Sub(out[i].From)
	}
	sum(periods, out, func(*Period) bool { return true }, func(u *Uptime, d time.Duration) { u.Unobserved -= d })
	return out
}

// Sums are the buckets with nothing in them yet, for AddMember.
func Sums(buckets []Bucket) []Uptime {
	out := make([]Uptime, len(buckets))
	for i, b := range buckets {
		out[i].Bucket = b
	}
	return out
}

// AddMember adds one vehicle's periods to the sums of a customer, as far as it was the customer's.
func AddMember(sums []Uptime, periods []Period, customer event.CustomerID) {
	sum(periods, sums, func(p *Period) bool { return p.Customer == customer && p.State != Unwatched }, nil)
}

// sum adds to each bucket what counts of the periods. Both come in order. A period that is told takes its time from
// elsewhere, if taken is given.
func sum(periods []Period, sums []Uptime, counts func(*Period) bool, taken func(*Uptime, time.Duration)) {
	first := 0
	for i := range periods {
		p := &periods[i]
		for first < len(sums) && sums[first].To <= p.From {
			first++
		}
		if !counts(p) {
			continue
		}
		for j := first; j < len(sums) && sums[j].From < p.To; j++ {
			u := &sums[j]
			d := min(p.To, u.To).Sub(max(p.From, u.From))
			if taken != nil {
				taken(u, d)
			}
			u.spend(p, d)
		}
	}
}

// spend counts a part of a period that lies in the bucket.
func (u *Uptime) spend(p *Period, d time.Duration) {
	switch p.State {
	case Online, Late:
		u.Connected += d
	case Offline, NeverHeard:
		u.Disconnected += d
	case OutOfCoverage:
		u.Disconnected += d
		u.OutOfCoverage += d
	case Paused:
		u.Paused += d
	default:
		u.Unobserved += d
	}
	// Repairs do not undo an outage; where a gap or the window hides its begin, it was counted elsewhere or not at all.
	if p.Presence == event.Offline && p.State != Unobserved && p.From == p.Since && u.From <= p.From && p.From < u.To {
		u.Outages++
	}
}
