package simulate

import "sync"

// backlog is the queue between the plan and the senders. It holds at most max messages and gives up the oldest for
// newer ones, as a device does that cannot deliver.
type backlog struct {
	max  int
	more *sync.Cond // on mu: there is more to take, or there never will be

	mu       sync.Mutex // guards all below
	messages []Message  // those from head are waiting, oldest first
	head     int
	closed   bool
}

func newBacklog(limit int) *backlog {
	b := &backlog{max: limit}
	b.more = sync.NewCond(&b.mu)
	return b
}

// put adds messages at the end, and says how many old ones it gave up for them.
func (b *backlog) put(messages []Message) (dropped int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.head > len(b.messages)/2 {
		b.messages = append(b.messages[:0], b.messages[b.head:]...)
		b.head = 0
	}
	b.messages = append(b.messages, messages...)
	dropped = max(len(b.messages)-b.head-b.max, 0)
	b.head += dropped
	for range messages { // not all: most would find nothing
		b.more.Signal()
	}
	return dropped
}

// take moves the oldest waiting messages, as many as into has room for, to into. It waits until there is one, and
// returns none when there never will be.
func (b *backlog) take(into []Message) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.head == len(b.messages) && !b.closed {
		b.more.Wait()
	}
	into = append(into[:0], b.messages[b.head:min(b.head+cap(into), len(b.messages))]...)
	b.head += len(into)
	return into
}

// close says that no more will be put.
func (b *backlog) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.more.Broadcast()
}
