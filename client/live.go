package client

// Transition is a change of a vehicle's presence, at its exact moment.
type Transition struct {
	VIN      string   `json:"vin"`
	From     Presence `json:"from" enum:"unknown,online,late,offline,paused"`
	To       Presence `json:"to" enum:"unknown,online,late,offline,paused"`
	At       Time     `json:"at" nullable:"false" doc:"The heartbeat's moment, the deadline, or the operator's act; not when it was noticed"`
	Position uint64   `json:"position" doc:"The log position that showed it"`
}

// TransitionPage holds transitions, newest first.
type TransitionPage struct {
	Items        []Transition `json:"items" nullable:"false"`
	NextCursor   *string      `json:"next_cursor" doc:"Ask with this cursor for older ones; null when there are none"`
	CompleteFrom Time         `json:"complete_from" doc:"From here on everything is kept; null when the answer is from memory alone"`
	Position     uint64       `json:"position" doc:"The log position that the page shows"`
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
	ListeningSince Time   `json:"listening_since" doc:"Start of the current unbroken listening; null when there was none yet"`
	ProvenUntil    Time   `json:"proven_until" doc:"The last canary: presence is true as of this moment"`
	Listening      bool   `json:"listening" doc:"False from an interruption until the next canary"`
	LastGap        *Gap   `json:"last_gap,omitempty" doc:"The last time that was not observed; absent when there was none"`
	Doors          []Door `json:"doors,omitempty" nullable:"false" doc:"Those in service, by name; not in the live stream"`
}

// Door is a public entrance for heartbeats, in service. Silence is proven as far as every one was listening.
type Door struct {
	Name        string `json:"name"`
	ProvenUntil Time   `json:"proven_until" doc:"Its last canary"`
}

// Summary is the fleet in one glance.
type Summary struct {
	Vehicles  int      `json:"vehicles"`
	Customers int      `json:"customers"`
	Presence  Counts   `json:"presence"`
	Observer  Observer `json:"observer"`
	Revision  int64    `json:"revision" doc:"Of the registry: another one says that vehicles or customers were added, changed or removed"`
	Position  uint64   `json:"position" doc:"The log position that the summary shows"`
}

// Hello is the first event of a live stream.
type Hello struct {
	Resumed  bool   `json:"resumed" doc:"True when nothing is missing since the event that the caller named; otherwise what is shown is to be fetched anew"`
	Position uint64 `json:"position" doc:"The stream tells of everything after this log position; 0 when resumed"`
	Epoch    uint64 `json:"epoch" doc:"Of the order of cells in the grid; 0 when resumed"`
}

// LiveTransitions are transitions as they happen, in the order of the log.
type LiveTransitions struct {
	Position uint64       `json:"position" doc:"The log position up to which the stream has told everything"`
	Items    []Transition `json:"items" nullable:"false"`
}

// GridUpdate changes cells of the grid.
type GridUpdate struct {
	Position uint64 `json:"position" doc:"The log position that the cells now show"`
	Epoch    uint64 `json:"epoch" doc:"Of the order of cells"`
	Cells    []byte `json:"cells" doc:"Base64 of one little-endian unsigned 32-bit number for each cell that changed: index << 4 | presence, 0 to 4 in the order unknown, online, late, offline, paused"`
}

// Resync says that what is shown is to be fetched anew, the grid too. The stream goes on.
type Resync struct {
	Position uint64 `json:"position" doc:"The log position up to which the stream has told everything, or skipped it"`
	Epoch    uint64 `json:"epoch" doc:"Of the order of cells from now on"`
	Reason   string `json:"reason" enum:"missed,directory" doc:"Transitions were left out, because there were too many or the reader was too slow; or vehicles were added, changed or removed"`
}

// GridGroups says which parts of the grid belong to which customers.
type GridGroups struct {
	Epoch uint64      `json:"epoch" doc:"Of the order of cells"`
	Items []GridGroup `json:"items" nullable:"false" doc:"The customers that have vehicles, in the order of the grid"`
}

// GridGroup is a customer's part of the grid.
type GridGroup struct {
	CustomerID   string `json:"customer_id"`
	CustomerName string `json:"customer_name"`
	Start        int    `json:"start" doc:"Index of its first cell"`
	Vehicles     int    `json:"vehicles" doc:"How many cells"`
}

// GridVehicles are the vehicles in some cells of the grid.
type GridVehicles struct {
	Epoch uint64    `json:"epoch" doc:"Of the order of cells"`
	From  int       `json:"from" doc:"Index of the first cell"`
	Items []Vehicle `json:"items" nullable:"false"`
}
