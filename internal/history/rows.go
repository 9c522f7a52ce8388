package history

import "github.com/fleetbeat/fleetbeat/internal/event"

// The rows of the Parquet files. docs/history.md describes them; their names and types are a promise.

// heartbeatRow is a heartbeat, in the order of vehicle and time.
type heartbeatRow struct {
	Vehicle      uint32 `parquet:"vehicle,delta"`
	ReceivedAt   int64  `parquet:"received_at,delta,timestamp(millisecond)"`
	SentAt       int64  `parquet:"sent_at,delta,optional,timestamp(millisecond)"` // null for none
	NextSequence int64  `parquet:"next_sequence,delta,optional"`                  // the sequence and one; null for none
	Flags        uint32 `parquet:"flags,dict"`
	Nth          uint32 `parquet:"nth,dict"`
	Index        uint32 `parquet:"index,dict"`
}

// batchRow is a batch that holds heartbeats, in the order of the log.
type batchRow struct {
	ReceivedAt int64  `parquet:"received_at,delta,timestamp(millisecond)"` // of its first heartbeat
	Nth        uint32 `parquet:"nth,dict"`
	Position   int64  `parquet:"position,delta"`
}

// transitionRow is a transition, in the order of vehicle and time.
type transitionRow struct {
	Vehicle  uint32 `parquet:"vehicle,delta"`
	At       int64  `parquet:"at,delta,timestamp(millisecond)"`
	From     string `parquet:"from,dict,enum"`
	To       string `parquet:"to,dict,enum"`
	Customer uint32 `parquet:"customer,dict"`
	ShownAt  int64  `parquet:"shown_at,delta,timestamp(millisecond)"`
	Position int64  `parquet:"position,delta"`
}

// timelineRow is a transition, in the order of the log.
type timelineRow struct {
	ShownAt  int64  `parquet:"shown_at,delta,timestamp(millisecond)"`
	Vehicle  uint32 `parquet:"vehicle,delta"`
	At       int64  `parquet:"at,delta,timestamp(millisecond)"`
	From     string `parquet:"from,dict,enum"`
	To       string `parquet:"to,dict,enum"`
	Customer uint32 `parquet:"customer,dict"`
	Position int64  `parquet:"position,delta"`
}

// gapRow is a time that was not observed, in the order of the log.
type gapRow struct {
	From     int64  `parquet:"from,delta,timestamp(millisecond)"`
	To       int64  `parquet:"to,delta,timestamp(millisecond)"`
	Reason   string `parquet:"reason,dict,enum"`
	Position int64  `parquet:"position,delta"`
}

// factRow is what the log says that is not a heartbeat, in the order of the log.
type factRow struct {
	ReceivedAt   int64  `parquet:"received_at,delta,timestamp(millisecond)"`
	Fact         string `parquet:"fact,dict,enum"`
	Vehicle      uint32 `parquet:"vehicle,dict"`
	Customer     uint32 `parquet:"customer,dict"`
	LateAfter    int64  `parquet:"late_after_ms,dict"`
	OfflineAfter int64  `parquet:"offline_after_ms,dict"`
	Text         string `parquet:"text,dict"` // the door, or why something was lost
	Position     int64  `parquet:"position,delta"`
	After        uint32 `parquet:"after,dict"`
}

func (b *beat) row() heartbeatRow {
	return heartbeatRow{
		Vehicle: uint32(b.Vehicle), ReceivedAt: int64(b.ReceivedAt), SentAt: int64(b.SentAt), NextSequence: b.Sequence + 1,
		Flags: uint32(b.Flags), Nth: b.nth, Index: b.id.Index,
	}
}

// Transition is a change of presence, and what was known with it.
type Transition struct {
	event.Transition
	Customer event.CustomerID // of the vehicle then
	ShownAt  event.Time       // when the log showed it: a deadline passes before the canary that proves it
}

func (t *Transition) row() transitionRow {
	return transitionRow{
		Vehicle: uint32(t.Vehicle), At: int64(t.At), From: t.From.String(), To: t.To.String(), Customer: uint32(t.Customer),
		ShownAt: int64(t.ShownAt), Position: int64(t.Position),
	}
}

func (r *transitionRow) transition() (Transition, error) {
	from, err := event.ParsePresence(r.From)
	if err != nil {
		return Transition{}, err
	}
	to, err := event.ParsePresence(r.To)
	return Transition{
		Transition: event.Transition{
			Vehicle: event.VehicleID(r.Vehicle), From: from, To: to, At: event.Time(r.At), Position: event.Position(r.Position),
		},
		Customer: event.CustomerID(r.Customer), ShownAt: event.Time(r.ShownAt),
	}, err
}

func (t *Transition) timelineRow() timelineRow {
	r := t.row()
	return timelineRow{r.ShownAt, r.Vehicle, r.At, r.From, r.To, r.Customer, r.Position}
}

func (r *timelineRow) transition() (Transition, error) {
	row := transitionRow{r.Vehicle, r.At, r.From, r.To, r.Customer, r.ShownAt, r.Position}
	return row.transition()
}

func gapRowOf(g event.Gap) gapRow {
	return gapRow{From: int64(g.From), To: int64(g.To), Reason: g.Reason.String(), Position: int64(g.Position)}
}

func (r *gapRow) gap() (event.Gap, error) {
	reason, err := event.ParseGapReason(r.Reason)
	return event.Gap{From: event.Time(r.From), To: event.Time(r.To), Reason: reason, Position: event.Position(r.Position)}, err
}
