package ingest

import (
	"container/list"
	"slices"
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
	told  uint64 // the newest note that News gave
}

// Seen is an id that is not registered and was heard.
type Seen struct {
	ID          string
	First, Last event.Time // received-at
	Count       uint64     // how often

	note   uint64 // its place in the order of hearing
	untold uint64 // how often it was heard here since News gave it
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

// News gives what was heard here since it was asked for before, the last heard first, for the lists of other nodes.
func (u *Unregistered) News() (news []Seen) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for e := u.order.Front(); e != nil; e = e.Next() {
		seen := e.Value.(*Seen)
		if seen.note <= u.told {
			break
		}
		if seen.untold > 0 {
			news = append(news, Seen{ID: seen.ID, First: seen.First, Last: seen.Last, Count: seen.untold})
			seen.untold = 0
		}
	}
	u.told = u.notes
	return news
}

// Add remembers what another node heard, as its News tells.
func (u *Unregistered) Add(news []Seen) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, n := range slices.Backward(news) {
		seen := u.heard(n.ID, n.First)
		seen.First, seen.Last = min(seen.First, n.First), max(seen.Last, n.Last)
		seen.Count += n.Count
	}
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
	seen := u.heard(string(id), at)
	seen.Last = at
	seen.Count++
	seen.untold++
}

// heard gives an id the first place. One that was not there has a Count of 0, and was first heard at a time. The caller holds mu.
func (u *Unregistered) heard(id string, at event.Time) *Seen {
	u.notes++
	e, ok := u.byID[id]
	if ok {
		u.order.MoveToFront(e)
	} else {
		if u.order.Len() == u.limit {
			u.drop(u.order.Back())
		}
		e = u.order.PushFront(&Seen{ID: id, First: at})
		u.byID[id] = e
	}
	seen := e.Value.(*Seen)
	seen.note = u.notes
	return seen
}

func (u *Unregistered) drop(e *list.Element) {
	delete(u.byID, e.Value.(*Seen).ID)
	u.order.Remove(e)
}
