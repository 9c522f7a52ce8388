package client

// NewHeartbeat is what a vehicle may say with a heartbeat. All of it is optional, except the vehicle in a batch.
type NewHeartbeat struct {
	Vehicle  string `json:"vehicle,omitempty" doc:"The VIN; in a batch only, and required there" example:"YS2R4X20005399401"`
	SentAt   Time   `json:"sent_at,omitzero" nullable:"false" doc:"When the vehicle sent it, by its own clock"`
	Sequence *int64 `json:"sequence,omitempty" minimum:"0" maximum:"9007199254740991" doc:"The vehicle's own count; a number sent before is stored once"`
	Buffered bool   `json:"buffered,omitempty" doc:"Recorded earlier and delivered late: kept for history, never moves presence"`
}

// Accepted acknowledges one heartbeat: it is durable.
type Accepted struct {
	ID         string `json:"id" doc:"The event's id: position-index" example:"1204-17"`
	Position   uint64 `json:"position" doc:"Where it is in the log"`
	ReceivedAt Time   `json:"received_at" nullable:"false" doc:"When it was received, by the server's clock"`
	Repeat     bool   `json:"repeat,omitempty" doc:"True when its sequence number was stored before"`
}

// BatchAccepted acknowledges a batch: everything that is not rejected is durable.
type BatchAccepted struct {
	Accepted int        `json:"accepted" doc:"How many heartbeats were accepted"`
	Rejected []Rejected `json:"rejected" nullable:"false" doc:"Those that were not"`
	Position uint64     `json:"position" doc:"The log position at which all accepted ones are stored"`
}

// Rejected is one heartbeat of a batch that was not accepted.
type Rejected struct {
	Index   int    `json:"index" doc:"Its place in the batch, from 0"`
	Vehicle string `json:"vehicle,omitempty" doc:"The vehicle it named"`
	Error   string `json:"error"`
}

// Entity is the original contract's answer to a heartbeat.
type Entity struct {
	EntityID string `json:"entity_id" doc:"The event's id: position-index" example:"1204-17"`
}

// Message is the original contract's answer to a ping.
type Message struct {
	Message string `json:"message" example:"pong"`
}

// SearchVehicle is a vehicle in the original contract.
type SearchVehicle struct {
	ID          string         `json:"id" doc:"The VIN" example:"YS2R4X20005399401"`
	RegNo       string         `json:"reg_no" example:"ABC123"`
	HeartbeatTS Time           `json:"heartbeat_ts" doc:"When the last heartbeat was received; null when none ever was"`
	Online      bool           `json:"online" doc:"Whether that is less than 60 seconds ago"`
	Customer    SearchCustomer `json:"customer"`
}

// SearchCustomer is a customer in the original contract.
type SearchCustomer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Address string `json:"address"`
}
