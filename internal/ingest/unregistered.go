package ingest

import (
	"container/list"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const defaultUnregistered = 10_000

// UnregisteredConfig says what an Unregistered needs.
type UnregisteredConfig struct {
	Limit      int                   // ids remembered; the one not heard for longest is forgotten. Default 10,000
	Registerer prometheus.Registerer // default none
}

// Unregistered remembers which ids sent heartbeats without being registered, so that an operator can add them. It is
// kept in memory only, and safe for concurrent use.
type Unregistered struct {
	limit int

	mu    sync.Mutex // guards all below
	byID  map[string]*list.Element
	order *list.List // of *Seen, the last heard first
	notes uint64
}

// Seen is an id that is not registered and was heard.
type Seen struct {
	ID          string
	First, Last event.Time // received-at
	Count       uint64     // how often

	note uint64 // its place in the order of hearing
}

// NewUnregistered makes an empty list.
func NewUnregistered(config UnregisteredConfig) *Unregistered {
	if config.Limit == 0 {
		config.Limit = defaultUnregistered
	}
	u := &Unregistered{limit: config.Limit, byID: make(map[string]*list.Element), order: list.New()}
	register(config.Registerer,
		newGaugeFunc("unregistered", "Ids that sent heartbeats and are not registered.", func() float64 { return float64(u.Len()) }),
		newGaugeFunc("unregistered_limit", "How many of them are remembered.", func() float64 { return float64(u.limit) }),
	)
	return u
}

// Len is how many ids are remembered.
func (u *Unregistered) Len() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.order.Len()
}

// Page gives up to limit ids, the last heard first, and the cursor of the next page, 0 when there is none. The first
// page has cursor 0. An id that is heard between two pages moves to the front and may be missed by the second.
func (u *Unregistered) Page(cursor uint64, limit int) (page []Seen, next uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for e := u.order.Front(); e != nil; e = e.Next() {
		seen := e.Value.(*Seen)
		if cursor != 0 && seen.note >= cursor {
			continue
		}
		if len(page) == limit {
			return page, page[limit-1].note
		}
		page = append(page, *seen)
	}
	return page, 0
}

// Forget drops an id, because it is registered now.
func (u *Unregistered) Forget(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if e, ok := u.byID[id]; ok {
		u.drop(e)
	}
}

// note remembers that an id was heard.
func (u *Unregistered) note(id []byte, at event.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.notes++
	if e, ok := u.byID[string(id)]; ok {
		seen := e.Value.(*Seen)
		seen.Last, seen.note = at, u.notes
		seen.Count++
		u.order.MoveToFront(e)
		return
	}
	if u.order.Len() == u.limit {
		u.drop(u.order.Back())
	}
	seen := &Seen{ID: string(id), First: at, Last: at, Count: 1, note: u.notes}
	u.byID[seen.ID] = u.order.PushFront(seen)
}

func (u *Unregistered) drop(e *list.Element) {
	delete(u.byID, e.Value.(*Seen).ID)
	u.order.Remove(e)
}
