package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// requests gives the requests of one connection, each valid until the next; n counts those of all connections.
type requests func(n int) []byte

// traffic makes the requests of a connection.
type traffic func() requests

// load is what a server is loaded with.
type load struct {
	address     string
	connections int
	traffic     traffic
	items       int           // heartbeats in a request
	rate        float64       // requests a second, whatever the answers take; 0: each connection sends as soon as it has its answer
	duration    time.Duration // 0: until its context ends, or so many requests are made
	requests    int
	sent        *atomic.Int64             // counts heartbeats that were answered as they should be; nil: nobody counts
	check       func(answer []byte) error // of an answer's body; nil: any will do
}

// outcome is what came of a load.
type outcome struct {
	requests int // answered as they should be
	items    int // heartbeats in a request
	refused  int // requests answered otherwise
	elapsed  time.Duration
	times    []time.Duration // to each answer, sorted; under a rate from when the request was due
}

// perSecond is the rate of heartbeats.
func (o outcome) perSecond() float64 { return float64(o.requests*o.items) / o.elapsed.Seconds() }

func (o outcome) quantile(q float64) float64 { return milliseconds(quantile(o.times, q)) }

// run loads the server. An answer that is not as it should be is an error in the end, with the outcome.
func (l load) run(ctx context.Context) (outcome, error) {
	conns := make([]*conn, 0, l.connections)
	defer func() {
		for _, c := range conns {
			c.close()
		}
	}()
	for range l.connections {
		c, err := dial(ctx, l.address)
		if err != nil {
			return outcome{}, err
		}
		conns = append(conns, c)
	}
	if l.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.duration)
		defer cancel()
	}
	expire := context.AfterFunc(ctx, func() {
		for _, c := range conns {
			c.expire()
		}
	})
	defer expire()
	defer giveWay()()
	senders := make([]sender, l.connections)
	var count atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for i := range senders {
		s := &senders[i]
		*s = sender{load: &l, conn: conns[i], next: l.traffic(), index: i, count: &count, began: began}
		all.Go(func() { s.send(ctx) })
	}
	all.Wait()
	o, err := sum(senders, time.Since(began))
	o.items = l.items
	if l.sent != nil {
		l.sent.Add(int64(o.requests * l.items))
	}
	return o, err
}

func sum(senders []sender, elapsed time.Duration) (outcome, error) {
	o := outcome{elapsed: elapsed}
	var errs []error
	for i := range senders {
		errs = append(errs, senders[i].err)
		o.refused += senders[i].refused
		o.times = append(o.times, senders[i].times...)
	}
	o.requests = len(o.times)
	slices.Sort(o.times)
	return o, firstOf(errs)
}

// firstOf is the first error that is one: of many connections, all say the same.
func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sender is one connection at work.
type sender struct {
	load  *load
	conn  *conn
	next  requests
	index int
	count *atomic.Int64 // requests of all senders
	began time.Time
	times []time.Duration

	refused int
	err     error // the first
}

// send makes requests until the load ends or the connection breaks.
func (s *sender) send(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for turn := 0; ctx.Err() == nil; turn++ {
		n, due := s.turn(turn)
		if s.load.requests > 0 && n >= s.load.requests {
			return
		}
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		if !s.request(n, due) {
			return
		}
	}
}

// turn is the number of the next request, and when it is due.
func (s *sender) turn(turn int) (n int, due time.Time) {
	if s.load.rate == 0 {
		return int(s.count.Add(1)) - 1, time.Now()
	}
	n = turn*s.load.connections + s.index
	return n, s.began.Add(time.Duration(float64(n) / s.load.rate * float64(time.Second)))
}

// request makes request n. It says whether the connection can be used further.
func (s *sender) request(n int, due time.Time) bool {
	body, err := s.conn.call(s.next(n))
	if err == nil && s.load.check != nil {
		err = s.load.check(body)
	}
	if err == nil {
		s.times = append(s.times, time.Since(due))
		return true
	}
	if s.err == nil {
		s.err = err
	}
	s.refused++
	return errors.Is(err, errRefused)
}

// background runs a load until what it returns is called, which gives its outcome.
func (l load) background(ctx context.Context) (stop func() (outcome, error)) {
	ctx, cancel := context.WithCancel(ctx)
	var o outcome
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		o, err = l.run(ctx)
	}()
	return func() (outcome, error) {
		cancel()
		<-done
		return o, err
	}
}
