package eventlog

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog/logpb"
)

func encodeEntry(base event.Time, e *event.Entry) (*logpb.Entry, error) {
	pb := &logpb.Entry{After: uint32(e.After), Received: uint64(e.ReceivedAt - base)}
	switch f := e.Fact.(type) {
	case event.Canary:
		pb.Fact = &logpb.Entry_Canary{Canary: &logpb.Canary{Door: f.Door}}
	case event.ObserverStarted:
		pb.Fact = &logpb.Entry_ObserverStarted{ObserverStarted: &logpb.ObserverStarted{Door: f.Door}}
	case event.ObserverStopped:
		pb.Fact = &logpb.Entry_ObserverStopped{ObserverStopped: &logpb.ObserverStopped{Door: f.Door}}
	case event.VehicleAdded:
		pb.Fact = &logpb.Entry_VehicleAdded{VehicleAdded: &logpb.VehicleAdded{
			Vehicle: uint32(f.Vehicle), Customer: uint32(f.Customer)}}
	case event.VehiclePaused:
		pb.Fact = &logpb.Entry_VehiclePaused{VehiclePaused: &logpb.VehiclePaused{Vehicle: uint32(f.Vehicle)}}
	case event.VehicleResumed:
		pb.Fact = &logpb.Entry_VehicleResumed{VehicleResumed: &logpb.VehicleResumed{Vehicle: uint32(f.Vehicle)}}
	case event.VehicleRemoved:
		pb.Fact = &logpb.Entry_VehicleRemoved{VehicleRemoved: &logpb.VehicleRemoved{Vehicle: uint32(f.Vehicle)}}
	case event.PolicyChanged:
		late, err := milliseconds(f.Policy.LateAfter)
		offline, err2 := milliseconds(f.Policy.OfflineAfter)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		pb.Fact = &logpb.Entry_PolicyChanged{PolicyChanged: &logpb.PolicyChanged{
			Vehicle: uint32(f.Vehicle), Customer: uint32(f.Customer), LateAfterMs: late, OfflineAfterMs: offline}}
	case event.Lost:
		pb.Fact = &logpb.Entry_Lost{Lost: &logpb.Lost{Reason: f.Reason}}
	default:
		return nil, fmt.Errorf("fact of type %T cannot be stored", e.Fact)
	}
	return pb, nil
}

func decodeEntry(base event.Time, pb *logpb.Entry, e *event.Entry) error {
	if pb.Received > uint64(maxTime) {
		return errors.New("received at is out of bounds")
	}
	e.After, e.ReceivedAt = int(pb.After), base+event.Time(pb.Received)
	switch f := pb.Fact.(type) {
	case *logpb.Entry_Canary:
		e.Fact = event.Canary{Door: f.Canary.GetDoor()}
	case *logpb.Entry_ObserverStarted:
		e.Fact = event.ObserverStarted{Door: f.ObserverStarted.GetDoor()}
	case *logpb.Entry_ObserverStopped:
		e.Fact = event.ObserverStopped{Door: f.ObserverStopped.GetDoor()}
	case *logpb.Entry_VehicleAdded:
		e.Fact = event.VehicleAdded{
			Vehicle:  event.VehicleID(f.VehicleAdded.GetVehicle()),
			Customer: event.CustomerID(f.VehicleAdded.GetCustomer())}
	case *logpb.Entry_VehiclePaused:
		e.Fact = event.VehiclePaused{Vehicle: event.VehicleID(f.VehiclePaused.GetVehicle())}
	case *logpb.Entry_VehicleResumed:
		e.Fact = event.VehicleResumed{Vehicle: event.VehicleID(f.VehicleResumed.GetVehicle())}
	case *logpb.Entry_VehicleRemoved:
		e.Fact = event.VehicleRemoved{Vehicle: event.VehicleID(f.VehicleRemoved.GetVehicle())}
	case *logpb.Entry_PolicyChanged:
		late, err := duration(f.PolicyChanged.GetLateAfterMs())
		offline, err2 := duration(f.PolicyChanged.GetOfflineAfterMs())
		e.Fact = event.PolicyChanged{
			Vehicle:  event.VehicleID(f.PolicyChanged.GetVehicle()),
			Customer: event.CustomerID(f.PolicyChanged.GetCustomer()),
			Policy:   event.Policy{LateAfter: late, OfflineAfter: offline}}
		return errors.Join(err, err2)
	case *logpb.Entry_Lost:
		e.Fact = event.Lost{Reason: f.Lost.GetReason()}
	default:
		return fmt.Errorf("%w: it holds a fact that this program does not know", ErrNewerFormat)
	}
	return nil
}

func milliseconds(d time.Duration) (uint64, error) {
	if d < 0 || d%time.Millisecond != 0 {
		return 0, fmt.Errorf("duration %v of a policy is negative or not of whole milliseconds", d)
	}
	return uint64(d / time.Millisecond), nil
}

func duration(ms uint64) (time.Duration, error) {
	if ms > uint64(math.MaxInt64/time.Millisecond) {
		return 0, fmt.Errorf("duration of %d ms is out of bounds", ms)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// validate checks what every batch of the log promises: columns of one length, values within their bounds, entries in
// the order of their places, and times that never go back.
func validate(b *event.Batch) error {
	h := &b.Heartbeats
	n := h.Len()
	if n > maxEvents || len(b.Entries) > maxEvents {
		return fmt.Errorf("%w: more than %d events", ErrInvalid, maxEvents)
	}
	if len(h.ReceivedAt) != n || h.SentAt != nil && len(h.SentAt) != n ||
		h.Sequence != nil && len(h.Sequence) != n || h.Flags != nil && len(h.Flags) != n {
		return fmt.Errorf("%w: columns of different lengths", ErrInvalid)
	}
	for i := range n {
		if h.Vehicle[i] == 0 {
			return fmt.Errorf("%w: heartbeat %d is of vehicle 0", ErrInvalid, i)
		}
	}
	for i, at := range h.SentAt {
		if at < -maxTime || at > maxTime {
			return fmt.Errorf("%w: heartbeat %d: sent at is out of bounds", ErrInvalid, i)
		}
	}
	for i, sequence := range h.Sequence {
		if sequence < event.NoSequence || sequence > event.MaxSequence {
			return fmt.Errorf("%w: heartbeat %d: sequence is out of bounds", ErrInvalid, i)
		}
	}
	return validateOrder(b)
}

func validateOrder(b *event.Batch) error {
	at, after := event.Time(0), 0
	for i := range b.Entries {
		if b.Entries[i].After < after || b.Entries[i].After > b.Heartbeats.Len() || b.Entries[i].Fact == nil {
			return fmt.Errorf("%w: entry %d is out of place", ErrInvalid, i)
		}
		after = b.Entries[i].After
	}
	for run := range b.Runs {
		for i := run.From; i < run.To; i++ {
			if b.Heartbeats.ReceivedAt[i] < at {
				return fmt.Errorf("%w: heartbeat %d: received at goes back", ErrInvalid, i)
			}
			at = b.Heartbeats.ReceivedAt[i]
		}
		if run.Entry != nil {
			if run.Entry.ReceivedAt < at {
				return fmt.Errorf("%w: received at goes back at an entry", ErrInvalid)
			}
			at = run.Entry.ReceivedAt
		}
	}
	if at > maxTime {
		return fmt.Errorf("%w: received at is out of bounds", ErrInvalid)
	}
	return nil
}
