package event

import "time"

// Fact is everything the log says that is not a heartbeat of a vehicle. The set is closed.
type Fact interface{ fact() }

// Canary is the observer's own heartbeat: sent through the public address of a door, it proves that the door was
// listening and that everything stamped before it stands before it in the log.
type Canary struct {
	Door string
}

// ObserverStarted says that a process began to listen at a door.
type ObserverStarted struct {
	Door string
}

// ObserverStopped says that a process stopped listening at a door, in order. A crash writes none.
type ObserverStopped struct {
	Door string
}

// VehicleAdded says that a vehicle is watched from now on, and for which customer. For a vehicle that is watched
// already, it says that the vehicle now belongs to that customer.
type VehicleAdded struct {
	Vehicle  VehicleID
	Customer CustomerID
}

// VehiclePaused says that an operator stopped watching a vehicle for a while.
type VehiclePaused struct {
	Vehicle VehicleID
}

// VehicleResumed ends a pause.
type VehicleResumed struct {
	Vehicle VehicleID
}

// VehicleRemoved says that a vehicle is no longer watched. Its number is never used again.
type VehicleRemoved struct {
	Vehicle VehicleID
}

// PolicyChanged sets the policy of one vehicle, of one customer's vehicles, or, when both numbers are 0, the default
// for all. A zero policy takes an override away; for the default it brings back DefaultPolicy.
type PolicyChanged struct {
	Vehicle  VehicleID
	Customer CustomerID
	Policy   Policy
}

// Lost stands at a position whose batch was damaged on disk and could not be read back. What was there is unknown;
// the listening clock treats it as a gap.
type Lost struct {
	Reason string
}

func (Canary) fact()          {}
func (ObserverStarted) fact() {}
func (ObserverStopped) fact() {}
func (VehicleAdded) fact()    {}
func (VehiclePaused) fact()   {}
func (VehicleResumed) fact()  {}
func (VehicleRemoved) fact()  {}
func (PolicyChanged) fact()   {}
func (Lost) fact()            {}

// Policy says after how much listening time without a heartbeat a vehicle is late, and then offline. Both are whole
// milliseconds, and LateAfter is at most OfflineAfter. The zero Policy is "none of its own".
type Policy struct {
	LateAfter    time.Duration
	OfflineAfter time.Duration
}

// DefaultPolicy holds until the log says otherwise: for a heartbeat a minute, late after one missed, offline after two.
var DefaultPolicy = Policy{LateAfter: 90 * time.Second, OfflineAfter: 150 * time.Second}
