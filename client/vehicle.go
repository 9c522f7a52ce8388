package client

import (
	"encoding/json"
	"fmt"
)

// Presence says whether a vehicle is connected.
type Presence string

// The presences, in the order in which they are shown.
const (
	Unknown Presence = "unknown" // never heard
	Online  Presence = "online"  // heard within its policy
	Late    Presence = "late"    // silent longer than its policy's late_after
	Offline Presence = "offline" // silent longer than its policy's offline_after, while the server was listening
	Paused  Presence = "paused"  // an operator stopped watching it
)

// Vehicle is a vehicle as registered, and what is known of it now.
type Vehicle struct {
	VIN                string     `json:"vin" doc:"Identity: a VIN, or any device id of 1 to 64 visible ASCII characters without a slash" example:"YS2R4X20005399401"`
	RegistrationNumber string     `json:"registration_number" doc:"The plate" example:"ABC123"`
	CustomerID         string     `json:"customer_id" doc:"The owner" example:"kalles"`
	CustomerName       string     `json:"customer_name" doc:"The owner's name" example:"Kalles Grustransporter AB"`
	Tags               []string   `json:"tags" nullable:"false" doc:"Free words to filter by"`
	Presence           Presence   `json:"presence" enum:"unknown,online,late,offline,paused" doc:"Whether the vehicle is connected"`
	Since              Time       `json:"since" doc:"The exact moment of the last change of presence"`
	LastHeartbeatAt    Time       `json:"last_heartbeat_at" doc:"When the last heartbeat was received, by the server's clock; null when none ever was"`
	LastSentAt         Time       `json:"last_sent_at" doc:"The same by the vehicle's clock; null when it did not say, or was never heard"`
	LastSequence       *int64     `json:"last_sequence" doc:"The sequence number of the last heartbeat that had one; null when none had"`
	Heartbeats         uint64     `json:"heartbeats" doc:"How many heartbeats are stored for it, exactly"`
	Policy             Policy     `json:"policy" doc:"The policy in force"`
	OwnPolicy          *OwnPolicy `json:"own_policy" doc:"The policy of this vehicle alone; null when it follows its customer's or the default"`
	Paused             bool       `json:"paused" doc:"True while an operator does not want it watched"`
	Warnings           []string   `json:"warnings,omitempty" nullable:"false" doc:"What looks wrong about the vehicle's data, for instance a check digit that does not fit"`
}

// NewVehicle is what it takes to add a vehicle.
type NewVehicle struct {
	VIN                string     `json:"vin" minLength:"1" maxLength:"64" doc:"A VIN, or any device id of 1 to 64 visible ASCII characters without a slash" example:"YS2R4X20005399401"`
	RegistrationNumber string     `json:"registration_number,omitempty" maxLength:"64" doc:"The plate" example:"ABC123"`
	CustomerID         string     `json:"customer_id" minLength:"1" maxLength:"64" doc:"The owner" example:"kalles"`
	Tags               []string   `json:"tags,omitempty" nullable:"false" doc:"Free words to filter by"`
	OwnPolicy          *OwnPolicy `json:"own_policy,omitempty" doc:"A policy for this vehicle alone"`
	Paused             bool       `json:"paused,omitempty" doc:"Do not watch the vehicle yet"`
}

// VehiclePatch changes what it names and leaves the rest: nil fields, and an OwnPolicy that is not Given, stay.
type VehiclePatch struct {
	RegistrationNumber *string     `json:"registration_number,omitempty" maxLength:"64" doc:"The plate"`
	CustomerID         *string     `json:"customer_id,omitempty" minLength:"1" maxLength:"64" doc:"The owner"`
	Tags               *[]string   `json:"tags,omitempty" nullable:"false" doc:"All tags, replacing those there are"`
	OwnPolicy          PolicyPatch `json:"own_policy,omitzero" doc:"A policy for this vehicle alone; null takes it away"`
	Paused             *bool       `json:"paused,omitempty" doc:"Stop watching the vehicle, or watch it again"`
}

// Policy says after how much listening time without a heartbeat a vehicle is late, and then offline.
type Policy struct {
	LateAfter    Seconds `json:"late_after" minimum:"2" doc:"Seconds of listening time without a heartbeat after which a vehicle is late" example:"90"`
	OfflineAfter Seconds `json:"offline_after" minimum:"2" doc:"Seconds of listening time without a heartbeat after which a vehicle is offline; at least late_after" example:"150"`
}

// OwnPolicy is a Policy that overrides one of a wider scope, or null when nothing is overridden.
type OwnPolicy struct {
	_ struct{} `nullable:"true"`
	Policy
}

// PolicyPatch changes an own policy: not Given leaves it, the zero Policy takes it away, any other sets it.
type PolicyPatch struct {
	Given  bool
	Policy Policy
}

// IsZero reports whether the patch leaves the policy alone.
func (p PolicyPatch) IsZero() bool { return !p.Given }

// MarshalJSON writes the policy, or null to take it away.
func (p PolicyPatch) MarshalJSON() ([]byte, error) {
	if p.Policy == (Policy{}) {
		return []byte("null"), nil
	}
	return json.Marshal(p.Policy)
}

// UnmarshalJSON reads a policy, or null to take it away. It takes exact names only, as the server must.
func (p *PolicyPatch) UnmarshalJSON(data []byte) error {
	p.Given, p.Policy = true, Policy{}
	var said map[string]Seconds // encoding/json passes over the case of a struct's names, but not of a map's
	if err := json.Unmarshal(data, &said); err != nil {
		return err
	}
	for name, value := range said {
		switch name {
		case "late_after":
			p.Policy.LateAfter = value
		case "offline_after":
			p.Policy.OfflineAfter = value
		default:
			return fmt.Errorf("reading a policy: unexpected property %q", name)
		}
	}
	return nil
}

// VehiclePage is a page of vehicles that match a query.
type VehiclePage struct {
	Items      []Vehicle `json:"items" nullable:"false" doc:"The vehicles, in the order asked for"`
	Total      int       `json:"total" doc:"How many vehicles match in all"`
	Facets     Facets    `json:"facets" doc:"How many would match with another choice of presence, customer or tag"`
	NextCursor *string   `json:"next_cursor" doc:"Ask with this cursor for the next page; null on the last page"`
	Position   uint64    `json:"position" doc:"The log position that the page shows"`
}

// Facets counts the matching vehicles by each thing one can filter by.
type Facets struct {
	Presence  Counts          `json:"presence" doc:"By presence, whatever presences the query asks for"`
	Customers []CustomerFacet `json:"customers" nullable:"false" doc:"By customer, the largest first; at most 50"`
	Tags      []TagFacet      `json:"tags" nullable:"false" doc:"By tag, the most frequent first; at most 50"`
}

// CustomerFacet counts the matching vehicles of one customer.
type CustomerFacet struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// TagFacet counts the matching vehicles that carry one tag.
type TagFacet struct {
	Tag   string `json:"tag"`
	Count int    `json:"count"`
}

// Counts is a number of vehicles for each presence.
type Counts struct {
	Unknown int `json:"unknown"`
	Online  int `json:"online"`
	Late    int `json:"late"`
	Offline int `json:"offline"`
	Paused  int `json:"paused"`
}

// Total is the number of vehicles of all presences.
func (c Counts) Total() int { return c.Unknown + c.Online + c.Late + c.Offline + c.Paused }
