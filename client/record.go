package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Period is a stretch of a vehicle's record in one state.
type Period struct {
	From     Time     `json:"from" nullable:"false" doc:"Begin"`
	To       Time     `json:"to" nullable:"false" doc:"End; the moment itself belongs to the next period"`
	State    string   `json:"state" enum:"unknown,online,late,offline,paused,out_of_coverage,unobserved,unwatched" doc:"unknown is never heard; out_of_coverage is an outage in which the vehicle was alive, as heartbeats show that it delivered later; unwatched is not registered"`
	Cause    string   `json:"cause" enum:"heartbeat,silence,never_heard,operator,buffered_heartbeats,not_registered,observer_silent,observer_stopped,observer_crashed,observer_damaged" doc:"What made it so"`
	Presence Presence `json:"presence" enum:"unknown,online,late,offline,paused" doc:"What the vehicle was called, also where the state says more"`
	Since    Time     `json:"since" doc:"When that presence began, which may be before the period; pieces of one outage have one. Null when it began before everything that is kept"`
	KnownAt  Time     `json:"known_at" doc:"When the log showed the state: silence is proven a moment after its deadline, and a repair comes later. Null when it began before everything that is kept"`
	Lasted   Seconds  `json:"lasted" doc:"From begin to end"`
}

// PeriodPage is a page of a vehicle's record.
type PeriodPage struct {
	Items        []Period `json:"items" nullable:"false" doc:"Newest first; they follow one another without holes"`
	NextCursor   *string  `json:"next_cursor" doc:"For the periods before; null on the last page"`
	From         Time     `json:"from" doc:"Begin of what is told: as asked for, and no earlier than what is kept"`
	To           Time     `json:"to" doc:"End of what is told: as asked for, and no later than what is proven"`
	CompleteFrom Time     `json:"complete_from" doc:"From here on everything is kept"`
	Position     uint64   `json:"position" doc:"The log position that the answer shows"`
}

// Uptime says how a stretch of time was spent. The four parts add up to the whole, to the millisecond.
type Uptime struct {
	From          Time     `json:"from" nullable:"false" doc:"Begin"`
	To            Time     `json:"to" nullable:"false" doc:"End"`
	Connected     Seconds  `json:"connected" doc:"Online or late"`
	Disconnected  Seconds  `json:"disconnected" doc:"Offline, or never heard yet"`
	Unobserved    Seconds  `json:"unobserved" doc:"The server cannot prove that it was listening, or the vehicle was not registered"`
	Paused        Seconds  `json:"paused" doc:"An operator did not want it watched"`
	OutOfCoverage *Seconds `json:"out_of_coverage" doc:"The part of disconnected in which the vehicle was alive, as it showed later; null for a customer"`
	Outages       int      `json:"outages" doc:"That began then"`
	Availability  *float64 `json:"availability" doc:"The connected share of connected and disconnected, 0 to 1; null when both are 0"`
}

// UptimeReport is the uptime of a vehicle or a customer.
type UptimeReport struct {
	Items        []Uptime `json:"items" nullable:"false" doc:"Oldest first"`
	Total        Uptime   `json:"total" doc:"All of them together"`
	Zone         string   `json:"zone" doc:"The time zone whose clocks cut the time"`
	Vehicles     int      `json:"vehicles" doc:"How many it is about: for a customer, those that were its own at some moment"`
	CompleteFrom Time     `json:"complete_from" doc:"From here on everything is kept"`
	Position     uint64   `json:"position" doc:"The log position that the answer shows"`
}

// Point is how many vehicles had each presence at a moment: what the summary showed then.
type Point struct {
	At         Time    `json:"at" nullable:"false" doc:"The moment"`
	Vehicles   int     `json:"vehicles" doc:"All of them"`
	Presence   Counts  `json:"presence"`
	Observed   bool    `json:"observed" doc:"False in a gap: the counts are the last that were proven"`
	Unobserved Seconds `json:"unobserved" doc:"Of the time up to the next point, that in which the server cannot prove that it was listening; 0 for the last point"`
}

// Series is how many vehicles had each presence over a time.
type Series struct {
	Items        []Point `json:"items" nullable:"false" doc:"Oldest first: the begin of what is told, each begin of a step, and the end"`
	Zone         string  `json:"zone" doc:"The time zone whose clocks cut the time"`
	CompleteFrom Time    `json:"complete_from" doc:"From here on everything is kept"`
	Position     uint64  `json:"position" doc:"The log position that the answer shows"`
}

// Silence is a time between two live heartbeats that was longer than late_after.
type Silence struct {
	From       Time    `json:"from" nullable:"false" doc:"When the heartbeat before was received"`
	To         Time    `json:"to" nullable:"false" doc:"When the heartbeat after was received, or the end of what is told"`
	Verdict    string  `json:"verdict" enum:"unnumbered,quiet,hole,repaired,restarted,unobserved,ongoing" doc:"quiet: the next number followed, the vehicle sent nothing. hole: it went on counting, and numbers never came. repaired: all of them came later. restarted: it began to count anew. unobserved: the server was not listening. unnumbered: its heartbeats have no numbers"`
	Lost       uint64  `json:"lost" doc:"Numbers in it that never came"`
	Later      uint64  `json:"later" doc:"Numbers in it that came later"`
	Unobserved Seconds `json:"unobserved" doc:"Of it, the time in which the server cannot prove that it was listening"`
}

// Missing is a run of sequence numbers that never came.
type Missing struct {
	First  int64 `json:"first" doc:"The first of them"`
	Last   int64 `json:"last" doc:"The last of them"`
	After  Time  `json:"after" nullable:"false" doc:"When the one before was received"`
	Before Time  `json:"before" nullable:"false" doc:"When the one behind was received"`
}

// Delays sums up received_at less sent_at, as far as the vehicle said when it sent; both clocks are in it.
type Delays struct {
	Count   int     `json:"count" doc:"Heartbeats that said"`
	Least   Seconds `json:"least" doc:"The shortest"`
	Median  Seconds `json:"median" doc:"Half of them took no longer"`
	P95     Seconds `json:"p95" doc:"19 of 20 took no longer"`
	Longest Seconds `json:"longest" doc:"The longest"`
}

// Delivery is what a vehicle's heartbeats tell about their own delivery.
type Delivery struct {
	From         Time      `json:"from" doc:"Begin of what is told"`
	To           Time      `json:"to" doc:"End of what is told"`
	Heartbeats   int       `json:"heartbeats" doc:"Received, repeats left out"`
	Buffered     int       `json:"buffered" doc:"Of them, recorded earlier and delivered late"`
	Repeats      int       `json:"repeats" doc:"Sent again, beside them"`
	ClockOff     int       `json:"clock_off" doc:"Live ones whose vehicle's clock was more than 5 minutes off"`
	Restarts     int       `json:"restarts" doc:"Times the vehicle began to count anew"`
	Lost         uint64    `json:"lost" doc:"Numbers that never came"`
	Missing      []Missing `json:"missing" nullable:"false" doc:"The runs of them, oldest first, the newest 1,000"`
	Silences     []Silence `json:"silences" nullable:"false" doc:"Oldest first, the newest 1,000"`
	Live         Delays    `json:"live_delays" doc:"Of live heartbeats"`
	Late         Delays    `json:"buffered_delays" doc:"Of buffered ones"`
	CompleteFrom Time      `json:"complete_from" doc:"From here on everything is kept"`
	Position     uint64    `json:"position" doc:"The log position that the answer shows"`
}

// SeriesQuery asks for counts over a time. The zero query asks for the last day by the hour, of the whole fleet.
type SeriesQuery struct {
	From, To  time.Time
	Step      string   // hour, day, week, month or a length that divides a day, as 5m; empty for hour
	Zone      string   // a name of the IANA data base; empty for UTC
	Customers []string // ids; only vehicles that were of any of them at that moment; none means all
}

// PastQuery asks about a stretch of the past. The zero query asks for the time up to now, as long as the call says.
type PastQuery struct {
	From, To time.Time
	KnownAt  time.Time // what the log showed later is ignored; zero for now
	Step     string    // of uptime: hour, day, week, month or a length that divides a day, as 15m; empty for all in one
	Zone     string    // of uptime: a name of the IANA data base; empty for UTC
	Limit    int       // of periods on a page
	Cursor   string    // of periods: NextCursor of the page before
}

func (q PastQuery) values() url.Values {
	v := url.Values{}
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To, "known_at": q.KnownAt} {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	set(v, "step", q.Step)
	set(v, "zone", q.Zone)
	set(v, "cursor", q.Cursor)
	setNumber(v, "limit", uint64(q.Limit))
	return v
}

// Connections are the periods of a vehicle, newest first.
func (c *Client) Connections(ctx context.Context, vin string, q PastQuery) (page PeriodPage, err error) {
	err = c.call(ctx, http.MethodGet, vehiclePath(vin)+"/connections", q.values(), nil, &page)
	return page, err
}

// Uptime is that of a vehicle.
func (c *Client) Uptime(ctx context.Context, vin string, q PastQuery) (report UptimeReport, err error) {
	err = c.call(ctx, http.MethodGet, vehiclePath(vin)+"/uptime", q.values(), nil, &report)
	return report, err
}

// CustomerUptime is that of a customer's vehicles, each as long as it was the customer's.
func (c *Client) CustomerUptime(ctx context.Context, id string, q PastQuery) (report UptimeReport, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/customers/"+url.PathEscape(id)+"/uptime", q.values(), nil, &report)
	return report, err
}

// Delivery is what a vehicle's heartbeats tell about their own delivery.
func (c *Client) Delivery(ctx context.Context, vin string, q PastQuery) (delivery Delivery, err error) {
	err = c.call(ctx, http.MethodGet, vehiclePath(vin)+"/gaps", q.values(), nil, &delivery)
	return delivery, err
}

// Series is how many vehicles had each presence over a time.
func (c *Client) Series(ctx context.Context, q SeriesQuery) (series Series, err error) {
	v := PastQuery{From: q.From, To: q.To, Step: q.Step, Zone: q.Zone}.values()
	for _, id := range q.Customers {
		v.Add("customer", id)
	}
	err = c.call(ctx, http.MethodGet, "/v1/summary/series", v, nil, &series)
	return series, err
}
