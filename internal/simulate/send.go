package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

const (
	// backoffFirst and backoffLast bound the random wait before a request is tried again, as does the interval. The wait's
	// upper end doubles with each try.
	backoffFirst = 500 * time.Millisecond
	backoffLast  = 60 * time.Second
	// backoffShare is what each connection adds to that bound: all together knock about twice a second, however many
	// vehicles they carry.
	backoffShare = time.Second
	// longestTurn is how long a heartbeat of a fleet in good order may wait for its turn, on a busy machine.
	longestTurn = time.Second
	// longestAdvice bounds how long a server's Retry-After is obeyed.
	longestAdvice = 5 * time.Minute
)

// send delivers batches from the backlog until there are no more; once ctx has ended it only counts them.
func (r *run) send(ctx context.Context) {
	batch := make([]Message, 0, r.cfg.BatchSize)
	items := make([]client.NewHeartbeat, 0, r.cfg.BatchSize)
	for {
		batch = r.backlog.take(batch)
		if len(batch) == 0 {
			return
		}
		if !r.deliver(ctx, batch, items) {
			r.tally.unsent(len(batch))
		}
	}
}

// deliver tries until the server has answered for the batch, and reports false when ctx ended before. Items is room for
// the batch as it goes over the wire.
func (r *run) deliver(ctx context.Context, batch []Message, items []client.NewHeartbeat) bool {
	for try := 0; ctx.Err() == nil; try++ {
		items = r.wire(batch, items[:0])
		err := r.request(ctx, batch, items)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		reason, advice, again := judge(err)
		if !again {
			r.tally.rejected(reason, len(batch))
			return true
		}
		r.tally.retried(reason)
		if !sleep(ctx, advice+r.backoff(try)) {
			return false
		}
	}
	return false
}

// wire appends the batch's messages to items as they go over the wire now. What has waited for longer than an interval,
// and not just for its turn, is no sign of life any more, and says that it was buffered.
func (r *run) wire(batch []Message, items []client.NewHeartbeat) []client.NewHeartbeat {
	stale := r.now().Add(-max(r.cfg.Interval, longestTurn))
	for i := range batch {
		m := &batch[i]
		m.Buffered = m.Buffered || m.At < stale
		item := client.NewHeartbeat{Vehicle: r.roster.VIN(m.Vehicle), Buffered: m.Buffered}
		if !r.cfg.NoSequence {
			item.Sequence = &m.Sequence
		}
		if !r.cfg.NoSentAt {
			item.SentAt = client.Time{Time: m.SentAt.Std()}
		}
		items = append(items, item)
	}
	return items
}

// request sends the items in one request and counts the answer.
func (r *run) request(ctx context.Context, batch []Message, items []client.NewHeartbeat) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	begin := time.Now()
	if r.cfg.BatchSize == 1 {
		answer, err := r.client.Heartbeat(ctx, items[0].Vehicle, items[0])
		r.tally.answered(time.Since(begin))
		if err != nil {
			return err
		}
		r.tally.accepted(1, answer.Repeat)
		r.acknowledge(&batch[0], answer.Position, answer.Repeat)
		return nil
	}
	answer, err := r.client.Heartbeats(ctx, client.Batch{Items: items, Format: r.cfg.Format})
	r.tally.answered(time.Since(begin))
	if err != nil {
		return err
	}
	r.countBatch(batch, answer)
	return nil
}

// countBatch counts what the server said of each heartbeat of a batch.
func (r *run) countBatch(batch []Message, answer client.BatchAccepted) {
	r.tally.accepted(len(batch)-len(answer.Rejected), false)
	for _, rejected := range answer.Rejected {
		r.tally.rejected(rejected.Error, 1)
	}
	if r.cfg.Acknowledged == nil {
		return
	}
	refused := make(map[int]bool, len(answer.Rejected))
	for _, rejected := range answer.Rejected {
		refused[rejected.Index] = true
	}
	for i := range batch {
		if !refused[i] {
			r.acknowledge(&batch[i], answer.Position, false)
		}
	}
}

func (r *run) acknowledge(m *Message, position uint64, repeat bool) {
	if r.cfg.Acknowledged == nil {
		return
	}
	receipt := Receipt{
		VIN: r.roster.VIN(m.Vehicle), Sequence: m.Sequence, SentAt: m.SentAt,
		Buffered: m.Buffered, Position: position, Repeat: repeat,
	}
	if r.cfg.NoSequence {
		receipt.Sequence = event.NoSequence
	}
	if r.cfg.NoSentAt {
		receipt.SentAt = 0
	}
	r.cfg.Acknowledged(receipt)
}

// judge says in a word why a request failed, how long the server asks to wait, and whether to try again.
func judge(err error) (reason string, advice time.Duration, again bool) {
	if problem, ok := errors.AsType[*client.Problem](err); ok {
		reason = fmt.Sprintf("%d %s", problem.Status, http.StatusText(problem.Status))
		switch problem.Status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests:
			again = true
		default:
			again = problem.Status >= 500
		}
		return reason, min(problem.RetryAfter, longestAdvice), again
	}
	if failure, ok := errors.AsType[*url.Error](err); !ok {
		return "unreadable answer", 0, true
	} else if failure.Timeout() {
		return "no answer in time", 0, true
	}
	return "no connection", 0, true
}

// backoff is the wait before the next try: full jitter, so that vehicles that failed together do not return together.
func (r *run) backoff(try int) time.Duration {
	end := min(backoffFirst<<min(try, 10), backoffLast, r.cfg.Interval, time.Duration(r.cfg.Connections)*backoffShare)
	return rand.N(end)
}

// sleep waits for d, and reports false when ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
