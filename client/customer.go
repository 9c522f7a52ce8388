package client

// Customer is a customer as registered, and the presence of its vehicles now.
type Customer struct {
	ID        string     `json:"id" doc:"Identity, chosen by whoever adds the customer or else by the server" example:"kalles"`
	Name      string     `json:"name" example:"Kalles Grustransporter AB"`
	Address   string     `json:"address" example:"Cementvägen 8, 111 11 Södertälje"`
	OwnPolicy *OwnPolicy `json:"own_policy" doc:"The policy of this customer's vehicles; null when they follow the default"`
	Vehicles  int        `json:"vehicles" doc:"How many vehicles the customer has"`
	Presence  Counts     `json:"presence" doc:"The same by presence"`
}

// NewCustomer is what it takes to add a customer.
type NewCustomer struct {
	ID        string     `json:"id,omitempty" maxLength:"64" doc:"1 to 64 visible ASCII characters without a slash; chosen by the server when absent" example:"kalles"`
	Name      string     `json:"name" minLength:"1" maxLength:"200" example:"Kalles Grustransporter AB"`
	Address   string     `json:"address,omitempty" maxLength:"400" example:"Cementvägen 8, 111 11 Södertälje"`
	OwnPolicy *OwnPolicy `json:"own_policy,omitempty" doc:"A policy for this customer's vehicles"`
}

// CustomerPatch changes what it names and leaves the rest.
type CustomerPatch struct {
	Name      *string     `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Address   *string     `json:"address,omitempty" maxLength:"400"`
	OwnPolicy PolicyPatch `json:"own_policy,omitzero" doc:"A policy for this customer's vehicles; null takes it away"`
}

// CustomerPage is a page of customers, by name.
type CustomerPage struct {
	Items      []Customer `json:"items" nullable:"false"`
	Total      int        `json:"total" doc:"How many customers match in all"`
	NextCursor *string    `json:"next_cursor" doc:"Ask with this cursor for the next page; null on the last page"`
}

// ImportResult says what an import did, or would do on a dry run.
type ImportResult struct {
	DryRun    bool          `json:"dry_run" doc:"True when nothing was to be written"`
	Applied   bool          `json:"applied" doc:"Whether anything was written: false on a dry run, and when a line was wrong and partial was not asked for"`
	Lines     int           `json:"lines" doc:"How many lines with a vehicle were read"`
	Added     int           `json:"added" doc:"Vehicles that are new"`
	Changed   int           `json:"changed" doc:"Vehicles that were there and differ"`
	Unchanged int           `json:"unchanged" doc:"Vehicles that were there just so"`
	Customers int           `json:"customers" doc:"Customers that are new or differ"`
	Rejected  int           `json:"rejected" doc:"Lines that are wrong"`
	Errors    []ImportError `json:"errors" nullable:"false" doc:"What is wrong with them, by line; at most 1,000"`
	Position  uint64        `json:"position" doc:"The log position at which the import is effective; 0 when nothing was written"`
}

// ImportError says what is wrong with one line of an import.
type ImportError struct {
	Line   int    `json:"line" doc:"Line number in the file, from 1; the header is line 1"`
	Column string `json:"column,omitempty" doc:"The column's name, when one is at fault"`
	Error  string `json:"error"`
}

// Unregistered is a vehicle that was heard and is not registered.
type Unregistered struct {
	VIN         string `json:"vin" doc:"The identity it sent"`
	FirstSeenAt Time   `json:"first_seen_at" nullable:"false"`
	LastSeenAt  Time   `json:"last_seen_at" nullable:"false"`
	Count       int64  `json:"count" doc:"How many heartbeats were refused"`
}

// UnregisteredList holds the vehicles heard and not registered, newest first. The server's memory of them is bounded.
type UnregisteredList struct {
	Items []Unregistered `json:"items" nullable:"false"`
	Total int            `json:"total"`
}
