package client

import (
	"context"
	"net/http"
)

// NewBacktest asks what another policy would have meant.
type NewBacktest struct {
	Policy
	CustomerID string `json:"customer_id,omitempty" maxLength:"64" doc:"Only this customer's vehicles; without it, all" example:"kalles"`
	From       Time   `json:"from,omitzero" doc:"Count what began at this moment or later; without it, from the log's begin"`
	To         Time   `json:"to,omitzero" doc:"Count what began before this moment; without it, up to now"`
	Examples   *int   `json:"examples,omitempty" minimum:"0" maximum:"100" default:"10" doc:"How many outages of each kind to name"`
}

// Backtest says what was, and what would have been under another policy.
type Backtest struct {
	Policy     Policy  `json:"policy" doc:"The policy that was tested"`
	CustomerID *string `json:"customer_id" doc:"Whose vehicles were asked about; null for all"`
	From       Time    `json:"from" doc:"Begin of the window, no earlier than the log's; null when the log is empty"`
	To         Time    `json:"to" doc:"End of the window, no later than the log's; null when the log is empty"`
	Position   uint64  `json:"position" doc:"The last log position that was read"`
	Vehicles   int     `json:"vehicles" doc:"How many were watched in the window and are asked about"`

	Present BacktestSide `json:"present" doc:"Under the policies that were in force"`
	Tested  BacktestSide `json:"tested" doc:"Under the policy that was tested"`

	Same    BacktestOutages `json:"same" doc:"Outages that were found, and would have been at the same moment"`
	Later   BacktestOutages `json:"later" doc:"Outages that would have been found later"`
	Earlier BacktestOutages `json:"earlier" doc:"Outages that would have been found earlier"`
	Missed  BacktestOutages `json:"missed" doc:"Outages that would not have been found"`
	New     BacktestOutages `json:"new" doc:"Outages that were not found, and would have been"`
}

// BacktestSide is one of the two replays.
type BacktestSide struct {
	Transitions Counts  `json:"transitions" doc:"Changes to each presence"`
	Outages     uint64  `json:"outages" doc:"Times a vehicle became offline"`
	Offline     Seconds `json:"offline" doc:"How long these lasted, up to the window's end, all together"`
}

// BacktestOutages sums up outages of one kind.
type BacktestOutages struct {
	Outages  uint64           `json:"outages" doc:"How many"`
	Offline  Seconds          `json:"offline" doc:"How long they lasted, up to the window's end, all together; new ones as they would have"`
	Mean     Seconds          `json:"mean_shift" doc:"By how much later or earlier they would have been found, on average"`
	Longest  Seconds          `json:"longest_shift" doc:"The same at most"`
	Examples []BacktestOutage `json:"examples" nullable:"false" doc:"Those that lasted longest, the longest first"`
}

// BacktestOutage is one outage.
type BacktestOutage struct {
	VIN      string  `json:"vin" doc:"The vehicle; empty when it is not registered any more"`
	FoundAt  Time    `json:"found_at" doc:"When it was found; null for a new one"`
	TestedAt Time    `json:"tested_at" doc:"When it would have been found; null for one that is missed"`
	EndedAt  Time    `json:"ended_at" doc:"When it ended; null when it lasts beyond the window"`
	Lasted   Seconds `json:"lasted" doc:"How long it lasted, up to the window's end"`
}

// Backtest replays the server's log under another policy. It takes a while, and the server runs one at a time.
func (c *Client) Backtest(ctx context.Context, q NewBacktest) (answer Backtest, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/backtest", nil, q, &answer)
	return answer, err
}
