package ingest

import (
	"net/http"
	"strconv"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// heartbeat serves POST /heartbeat/{vehicle_id}, the original contract: a body is of no interest and not read.
// It is also the door of canaries.
func (d *Doors) heartbeat(w http.ResponseWriter, r *http.Request) {
	number, err := d.vehicle(r.PathValue("vehicle_id"))
	if err != nil {
		d.refuse(w, err)
		return
	}
	var receipt Receipt
	if number == canaryNumber {
		receipt, err = d.committer.submit(waiting(r), nil, d.canaryFact)
	} else {
		row := [...]event.Heartbeat{{Vehicle: number, Sequence: event.NoSequence}}
		receipt, err = d.committer.submit(waiting(r), row[:], nil)
	}
	if err != nil {
		d.refuse(w, err)
		return
	}
	answer := make([]byte, 0, 64)
	answer = append(answer, `{"entity_id":"`...)
	answer = appendID(answer, receipt.ID())
	d.succeed(w, append(answer, `"}`...))
}

// vehicleHeartbeat serves POST /v1/vehicles/{vin}/heartbeats with its optional body.
func (d *Doors) vehicleHeartbeat(w http.ResponseWriter, r *http.Request) {
	receipt, err := d.acceptOne(r)
	if err != nil {
		d.refuse(w, err)
		return
	}
	answer := make([]byte, 0, 128)
	answer = append(answer, `{"id":"`...)
	answer = appendID(answer, receipt.ID())
	answer = append(answer, `","position":`...)
	answer = strconv.AppendUint(answer, uint64(receipt.Position), 10)
	answer = append(answer, `,"received_at":"`...)
	answer = append(answer, receipt.ReceivedAt.String()...)
	answer = append(answer, '"')
	if receipt.Repeats > 0 {
		answer = append(answer, `,"repeat":true`...)
	}
	d.succeed(w, append(answer, '}'))
}

// acceptOne stores the heartbeat of a call for one vehicle.
func (d *Doors) acceptOne(r *http.Request) (Receipt, error) {
	number, err := d.vehicle(r.PathValue("vin"))
	if err == nil && number == canaryNumber {
		err = refuse(reasonUnknownVehicle, "no vehicle is registered under this id")
	}
	if err != nil {
		return Receipt{}, err
	}
	it, err := d.singleItem(r)
	if err != nil {
		return Receipt{}, err
	}
	if it.fault != "" {
		return Receipt{}, refuse(reasonInvalidHeartbeat, "%s", it.fault)
	}
	row := [...]event.Heartbeat{it.row(number)}
	return d.committer.submit(waiting(r), row[:], nil)
}

// singleItem reads the body of a call for one vehicle; without a body, the heartbeat says nothing about itself.
func (d *Doors) singleItem(r *http.Request) (item, error) {
	none := item{sequence: event.NoSequence}
	if r.ContentLength == 0 {
		return none, nil
	}
	b := d.smalls.Get().(*body)
	defer d.release(b, &d.smalls)
	err := d.readBody(b, r, maxSingleBody)
	if err != nil || len(b.raw) == 0 {
		return none, err
	}
	if kind, err := mediaType(r); err != nil {
		return none, err
	} else if kind != typeJSON {
		return none, refuse(reasonType, "Content-Type must be %s", typeJSON)
	}
	text, err := d.expand(b, r, maxSingleBody)
	if err != nil {
		return none, err
	}
	return decodeOne(text)
}

// appendID appends an event's id as event.ID.String writes it.
func appendID(to []byte, id event.ID) []byte {
	to = strconv.AppendUint(to, uint64(id.Position), 10)
	to = append(to, '-')
	return strconv.AppendUint(to, uint64(id.Index), 10)
}
