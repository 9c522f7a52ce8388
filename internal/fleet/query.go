package fleet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/fleet/text"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// Bounds of a query.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
	maxQueryText = 256  // bytes
	maxChoices   = 1000 // customers, or tags
	maxFacets    = 50   // of customers, or of tags
	maxVINs      = 200
	maxOffset    = 1_000_000
)

// Facets says which counts a page brings beside those per presence, which cost nothing.
type Facets uint8

// The facets. On a fleet of a million vehicles each costs up to about 2 ms when no text narrows the query.
const (
	FacetCustomers Facets = 1 << iota
	FacetTags
)

// Query asks for a page of vehicles. The zero Query asks for the first 50 of all, by VIN.
type Query struct {
	Text      string           // part of VIN, registration number, customer's name or address, whatever its case and diacritics
	Customers []string         // public ids: any of them; none means all
	Presences []event.Presence // any of them; none means all
	Tags      []string         // all of them
	VINs      []string         // these vehicles alone; none means all
	Sort      string           // vin, registration_number, customer, last_heartbeat_at or since; a leading - turns it round
	Limit     int              // vehicles on the page, up to MaxLimit; 0 means DefaultLimit
	Cursor    string           // NextCursor of the page before; empty for the first
	Offset    int              // vehicles left out before the first; not with a cursor
	Facets    Facets
}

// Page is what a query found.
type Page struct {
	Rows       []Row
	Total      int // on all pages
	Presences  [event.Presences]int
	Customers  []CustomerCount // with FacetCustomers: those with most vehicles, at most 50
	Tags       []TagCount      // with FacetTags: the most frequent, at most 50
	NextCursor string          // empty on the last page
	Position   event.Position  // in the log, that the page shows
}

// CustomerCount is how many vehicles of a customer the query finds, its choice of customers left aside.
type CustomerCount struct {
	Customer Customer
	Vehicles int
}

// TagCount is how many of the vehicles that the query finds have a tag too.
type TagCount struct {
	Tag      string
	Vehicles int
}

// Row is a vehicle as of the page's position.
type Row struct {
	Number             event.VehicleID
	VIN                string
	RegistrationNumber string
	Customer           Customer
	Tags               []string // ascending; shared, not to be changed
	Presence           event.Presence
	Since              event.Time // when the presence began
	LastHeartbeat      event.Time // the newest received-at, buffered ones left out; 0 when never heard
	LastSentAt         event.Time // by the vehicle's clock, in the last heartbeat but repeats and buffered ones; 0 when it said none
	LastSequence       int64      // of the last heartbeat that had one, or event.NoSequence; repeated and buffered ones left out
	Heartbeats         uint64     // how many are in the log, repeats not counted
	Policy             event.Policy
	PolicyScope        presence.Scope // whose policy it is
}

// Query finds a page of vehicles. The counts per presence are those of the query without its choice of presences: what
// stands beside the choices. Paging is stable: a vehicle whose place in the order does not change is on exactly one
// page, whatever happens to others. Errors are ErrInvalidQuery and ErrInvalidCursor, and those of a Past.
func (v *View) Query(q Query) (Page, error) {
	s, err := q.search()
	if err != nil {
		return Page{}, err
	}
	if s.sort == byLastHeartbeat {
		if err := v.hearAll(); err != nil {
			return Page{}, err
		}
	}
	page, err := v.answer(s, &q)
	if err != nil {
		return page, err
	}
	return page, v.hear(page.Rows)
}

// answer finds a page, as far as the view knows it.
func (v *View) answer(s *search, q *Query) (Page, error) {
	unlockDir := v.readDirectory()
	defer unlockDir()
	v.look(s, q)
	if err := s.resume(q.Cursor); err != nil {
		return Page{}, err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.page(s), nil
}

// look finds in the directory what a search is about. The caller holds dirMu.
func (v *View) look(s *search, q *Query) {
	s.match = v.match(s.text, s.tags)
	if len(q.VINs) > 0 {
		s.match = v.dir.only(s.match, q.VINs)
	}
	s.owned = v.dir.ownedBy(q.Customers)
}

// search is a query made ready.
type search struct {
	text       string // folded
	tags       []string
	presences  [event.Presences]bool
	sort       sortKey
	descending bool
	limit      int
	offset     int
	facets     Facets
	digest     uint64 // of what a cursor belongs to
	after      *place // where the page before ended, nil on the first

	match            // of the text and the tags
	owned bitset.Set // vehicles of the customers; nil for all
}

func (q *Query) search() (*search, error) {
	s := &search{text: strings.TrimSpace(text.Fold(q.Text)), tags: canonicalTags(q.Tags), limit: q.Limit, offset: q.Offset, facets: q.Facets}
	if q.Limit == 0 {
		s.limit = DefaultLimit
	}
	name, descending := strings.CutPrefix(q.Sort, "-")
	key, ok := parseSort(name)
	s.sort, s.descending = key, descending
	switch {
	case len(q.Text) > maxQueryText:
		return nil, fmt.Errorf("%w: text of %d bytes, at most %d are allowed", ErrInvalidQuery, len(q.Text), maxQueryText)
	case len(q.Customers) > maxChoices, len(q.Tags) > maxChoices:
		return nil, fmt.Errorf("%w: more than %d customers or tags", ErrInvalidQuery, maxChoices)
	case len(q.VINs) > maxVINs:
		return nil, fmt.Errorf("%w: more than %d VINs", ErrInvalidQuery, maxVINs)
	case q.Offset < 0 || q.Offset > maxOffset:
		return nil, fmt.Errorf("%w: offset %d is not from 0 to %d", ErrInvalidQuery, q.Offset, maxOffset)
	case q.Offset > 0 && q.Cursor != "":
		return nil, fmt.Errorf("%w: offset and cursor do not go together", ErrInvalidQuery)
	case s.limit < 1 || s.limit > MaxLimit:
		return nil, fmt.Errorf("%w: limit %d is not from 1 to %d", ErrInvalidQuery, q.Limit, MaxLimit)
	case !ok:
		return nil, fmt.Errorf("%w: sort %q is none of %s, with or without a leading -", ErrInvalidQuery, q.Sort, strings.Join(sortNames[:], ", "))
	}
	for _, p := range q.Presences {
		if p >= event.Presences {
			return nil, fmt.Errorf("%w: %v", ErrInvalidQuery, p)
		}
		s.presences[p] = true
	}
	if len(q.Presences) == 0 {
		s.presences = [event.Presences]bool{true, true, true, true, true}
	}
	s.digest = digest(s, q.Customers, q.VINs)
	return s, nil
}

// sortKey is what rows are sorted by. Ties are broken by the vehicle's number.
type sortKey uint8

const (
	byVIN sortKey = iota
	byPlate
	byCustomer // its name, then the VIN
	byLastHeartbeat
	bySince
)

var sortNames = [...]string{"vin", "registration_number", "customer", "last_heartbeat_at", "since"}

func parseSort(name string) (sortKey, bool) {
	if name == "" {
		return byVIN, true
	}
	i := slices.Index(sortNames[:], name)
	return sortKey(max(i, 0)), i >= 0
}

func (k sortKey) byTime() bool { return k == byLastHeartbeat || k == bySince }

// row is a listed vehicle. The caller holds both locks.
func (v *View) row(id event.VehicleID) Row {
	policy, scope := v.rule.Policy(id)
	r := Row{
		Number:             id,
		VIN:                string(v.dir.vin(id)),
		RegistrationNumber: string(v.dir.plate(id)),
		Customer:           v.dir.customers[v.dir.owner[id]].Customer,
		Tags:               v.dir.tags.of(v.dir.tagSet[id]),
		Presence:           v.where[id].presence(),
		Since:              v.rule.Since(id),
		LastHeartbeat:      v.rule.LastHeartbeat(id),
		Policy:             policy,
		PolicyScope:        scope,
	}
	r.tell(&v.tallies.Of[id])
	return r
}

// tell takes in what is counted of the vehicle.
func (r *Row) tell(t *tally.Tally) {
	r.LastSentAt, r.LastSequence, r.Heartbeats = t.SentAt, int64(t.Sequence)-1, t.Heartbeats
}

// Vehicle is the listed vehicle with a VIN.
func (v *View) Vehicle(vin string) (Row, bool) {
	defer v.read()()
	id := v.dir.find(vin)
	if id == 0 || v.where[id] == unlisted {
		return Row{}, false
	}
	return v.row(id), true
}
