package client

// Transition is a change of a vehicle's presence, at its exact moment.
type Transition struct {
	VIN      string   `json:"vin"`
	From     Presence `json:"from" enum:"unknown,online,late,offline,paused"`
	To       Presence `json:"to" enum:"unknown,online,late,offline,paused"`
	At       Time     `json:"at" doc:"The heartbeat's moment, the deadline, or the operator's act; not when it was noticed"`
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
	From     Time   `json:"from" doc:"The last proof before"`
	To       Time   `json:"to" doc:"The first proof after"`
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
