package client

// Transition is a change of a vehicle's presence, at its exact moment.
type Transition struct {
	VIN      string   `json:"vin"`
	From     Presence `json:"from" enum:"unknown,online,late,offline,paused"`
	To       Presence `json:"to" enum:"unknown,online,late,offline,paused"`
	At       Time     `json:"at" nullable:"false" doc:"The heartbeat's moment, the deadline, or the operator's act; not when it was noticed"`
	Position uint64   `json:"position" doc:"The log position that showed it"`
}

// TransitionPage holds recent transitions, newest first.
type TransitionPage struct {
	Items      []Transition `json:"items" nullable:"false"`
	NextCursor *string      `json:"next_cursor" doc:"Ask with this cursor for older ones; null when memory holds none"`
	Position   uint64       `json:"position" doc:"The log position that the page shows"`
}

// Gap is a time in which the server cannot prove that it was listening: unobserved.
type Gap struct {
	From     Time   `json:"from" nullable:"false" doc:"The last proof before"`
	To       Time   `json:"to" nullable:"false" doc:"The first proof after"`
	Reason   string `json:"reason" enum:"silent,stopped,crashed,damaged"`
	Position uint64 `json:"position" doc:"The log position that ended it"`
}

// GapList holds recent gaps, newest first.
type GapList struct {
	Items []Gap `json:"items" nullable:"false"`
}

// Observer says since when, and until when, the server can prove that it listens.
type Observer struct {
	ListeningSince Time `json:"listening_since" doc:"Start of the current unbroken listening; null when there was none yet"`
	ProvenUntil    Time `json:"proven_until" doc:"The last canary: presence is true as of this moment"`
	Listening      bool `json:"listening" doc:"False from an interruption until the next canary"`
}

// Summary is the fleet in one glance.
type Summary struct {
	Vehicles  int      `json:"vehicles"`
	Customers int      `json:"customers"`
	Presence  Counts   `json:"presence"`
	Observer  Observer `json:"observer"`
	Position  uint64   `json:"position" doc:"The log position that the summary shows"`
}

// Hello is the first event of a live stream.
type Hello struct {
	Position uint64 `json:"position" doc:"The stream tells of everything after this log position"`
	Resumed  bool   `json:"resumed" doc:"True when the stream goes on from the event that the caller named"`
}

// LiveTransitions are transitions as they happen, in the order of the log.
type LiveTransitions struct {
	Position uint64       `json:"position" doc:"The last log position they come from"`
	Items    []Transition `json:"items" nullable:"false"`
}

// GridUpdate changes cells of the grid.
type GridUpdate struct {
	Epoch    uint64 `json:"epoch" doc:"Of the order of cells; with another one, fetch the grid anew"`
	Position uint64 `json:"position" doc:"The log position that the cells now show"`
	Cells    []byte `json:"cells" doc:"Base64 of one little-endian unsigned 32-bit number for each changed cell: index << 4 | presence, 0 to 4 in the order unknown, online, late, offline, paused"`
}

// Resync says that events were left out: fetch what is shown anew. The stream goes on.
type Resync struct {
	Position uint64 `json:"position" doc:"The stream tells of everything after this log position"`
	Reason   string `json:"reason" enum:"behind,unknown_event,directory" doc:"The reader was too slow; the event it wanted to go on from is no longer held; vehicles were added, changed or removed"`
}
