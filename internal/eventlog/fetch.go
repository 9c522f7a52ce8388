package eventlog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const (
	fetched      = 256      // batches asked for at once
	fetchedBytes = 16 << 20 // after how many the servers stop
)

// fetcher asks for batches by JetStream's direct reads, which any server answers that holds the stream, also while the servers look
// for a leader. A consumer would stop for as long.
type fetcher struct {
	conn    *nats.Conn
	subject string
	inbox   string
	replies *nats.Subscription
	asked   int // replies to earlier questions are passed over
}

func newFetcher(conn *nats.Conn, stream string) (*fetcher, error) {
	f := &fetcher{conn: conn, subject: "$JS.API.DIRECT.GET." + stream, inbox: conn.NewInbox()}
	var err error
	if f.replies, err = conn.SubscribeSync(f.inbox + ".*"); err != nil {
		return nil, fmt.Errorf("preparing to read the shared log: %w", err)
	}
	return f, f.replies.SetPendingLimits(2*fetched, 4*fetchedBytes)
}

func (f *fetcher) close() { _ = f.replies.Unsubscribe() } // with the connection it is gone anyway

// next hands the batches from a position on to take, as many as there are, up to a bound; n of them.
func (f *fetcher) next(ctx context.Context, from event.Position, take func(event.Position, []byte) error) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	f.asked++
	reply := f.inbox + "." + strconv.Itoa(f.asked)
	question := fmt.Sprintf(`{"seq":%d,"batch":%d,"max_bytes":%d}`, from, fetched, fetchedBytes)
	if err := f.conn.PublishRequest(f.subject, reply, []byte(question)); err != nil {
		return 0, err
	}
	for {
		message, err := f.replies.NextMsgWithContext(ctx)
		if err != nil {
			return n, err
		}
		if message.Subject != reply {
			continue
		}
		switch status := message.Header.Get("Status"); status {
		case "":
		case "204", "404": // the end, of some or of none
			return n, nil
		default:
			return n, fmt.Errorf("the servers answer %s %s", status, message.Header.Get("Description"))
		}
		position, err := strconv.ParseUint(message.Header.Get("Nats-Sequence"), 10, 64)
		if err != nil {
			return n, fmt.Errorf("the servers name no position: %w", err)
		}
		if err := take(event.Position(position), message.Data); err != nil {
			return n, err
		}
		n++
	}
}

// tail copies the shared log as it grows, until something fails.
func (l *Log) tail(ctx context.Context) error {
	f, err := newFetcher(l.shared.conn, l.shared.config.Stream)
	if err != nil {
		return err
	}
	defer f.close()
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		n, err := f.next(ctx, l.Head()+1, func(position event.Position, record []byte) error { return l.take(ctx, position, record) })
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		look.Reset(lookAgain)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		case <-l.shared.grown:
		}
	}
}

// hint lets the tail look at once: this node knows that there is more.
func (s *shared) hint() {
	select {
	case s.grown <- struct{}{}:
	default:
	}
}
