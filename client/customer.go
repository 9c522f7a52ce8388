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
	ID        string     `json:"id,omitempty" maxLength:"64" doc:"1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen; chosen by the server when absent" example:"kalles"`
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

// ImportResult says what an import did, or would have done when it is not applied.
type ImportResult struct {
	Applied          bool        `json:"applied" doc:"Whether anything was to be written and was: false on a dry run, and when a line is wrong and partial was not asked for"`
	Lines            int         `json:"lines" doc:"Lines with a vehicle"`
	Created          int         `json:"created" doc:"Vehicles that are new"`
	Updated          int         `json:"updated" doc:"Vehicles that were there and differ"`
	Unchanged        int         `json:"unchanged" doc:"Vehicles that were there just so"`
	CustomersCreated int         `json:"customers_created" doc:"Customers that are new"`
	Rejected         int         `json:"rejected" doc:"Lines that are wrong"`
	Errors           []LineError `json:"errors" nullable:"false" doc:"What is wrong with them, by line; at most 1,000"`
	Warnings         []LineError `json:"warnings" nullable:"false" doc:"What looks wrong about vehicles that are new; at most 1,000"`
	Position         uint64      `json:"position" doc:"The log position at which the import is effective; 0 when it is not applied"`
}

// LineError says what is wrong with one line of a file.
type LineError struct {
	Line   int    `json:"line" doc:"Number of the line, from 1, which is the header"`
	Column string `json:"column,omitempty" doc:"The column's name; absent when the line as a whole is at fault"`
	Error  string `json:"error"`
}

// Unregistered is a vehicle that was heard and is not registered.
type Unregistered struct {
	VIN         string `json:"vin" doc:"The identity it sent"`
	FirstSeenAt Time   `json:"first_seen_at" nullable:"false"`
	LastSeenAt  Time   `json:"last_seen_at" nullable:"false"`
	Count       uint64 `json:"count" doc:"How often it was heard"`
}

// UnregisteredPage is a page of the vehicles heard and not registered, newest first. The server's memory of them is
// bounded.
type UnregisteredPage struct {
	Items      []Unregistered `json:"items" nullable:"false"`
	Total      int            `json:"total"`
	NextCursor *string        `json:"next_cursor" doc:"Ask with this cursor for the next page; null on the last page"`
}
