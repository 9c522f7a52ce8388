package ingest

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// The media types of bodies.
const (
	typeJSON     = "application/json"
	typeNDJSON   = "application/x-ndjson"
	typeProtobuf = "application/x-protobuf"
)

// work is what serving one batch needs; it is used again.
type work struct {
	items    []item
	rows     []event.Heartbeat
	rejected []rejection
	answer   []byte
}

// rejection is an item that cannot be stored, by its index.
type rejection struct {
	index int
	fault string
}

// heartbeats serves POST /v1/heartbeats: many heartbeats, stored together. What is wrong with single ones is
// answered beside the number of good ones; a body that cannot be read is stored in no part.
func (d *Doors) heartbeats(w http.ResponseWriter, r *http.Request) {
	b := d.bodies.Get().(*body)
	defer d.release(b, &d.bodies)
	kind, err := d.receive(b, r)
	if err != nil {
		d.refuse(w, err)
		return
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-r.Context().Done():
		d.refuse(w, r.Context().Err())
		return
	}
	k := d.works.Get().(*work)
	defer d.recycle(k)
	receipt, err := d.accept(k, kind, b, r)
	if err != nil {
		d.refuse(w, err)
		return
	}
	k.answerWith(receipt)
	d.succeed(w, k.answer)
}

// receive reads the body of a batch, as it was sent. A request that cannot be served is refused before that.
func (d *Doors) receive(b *body, r *http.Request) (kind string, err error) {
	if err := d.committer.Refuses(); err != nil {
		return "", err
	}
	if kind, err = mediaType(r); err != nil {
		return "", err
	}
	return kind, d.readBody(b, r, MaxBody)
}

// accept decodes a batch and stores what is good of it.
func (d *Doors) accept(k *work, kind string, b *body, r *http.Request) (Receipt, error) {
	text, err := d.expand(b, r, MaxBody)
	if err != nil {
		return Receipt{}, err
	}
	switch kind {
	case typeNDJSON:
		k.items, err = decodeNDJSON(text, k.items[:0], MaxItems)
	case typeJSON:
		k.items, err = decodeJSON(text, k.items[:0], MaxItems)
	case typeProtobuf:
		k.items, err = decodeProtobuf(text, k.items[:0], MaxItems)
	}
	if err != nil {
		return Receipt{}, err
	}
	d.sort(k)
	return d.committer.Submit(waiting(r), k.rows)
}

// sort makes rows of the items whose vehicles are known and that have no fault, and rejections of the others.
func (d *Doors) sort(k *work) {
	k.rows, k.rejected = k.rows[:0], k.rejected[:0]
	d.vehicles.mu.RLock()
	for i := range k.items {
		it := &k.items[i]
		if it.fault == "" {
			if number := d.vehicles.find(it.vehicle); number != 0 && number != canaryNumber {
				k.rows = append(k.rows, it.row(number))
				continue
			}
			it.fault = faultUnknown
		}
		k.rejected = append(k.rejected, rejection{i, it.fault})
	}
	d.vehicles.mu.RUnlock()

	var unknown int
	now := d.committer.Now()
	for _, r := range k.rejected {
		if r.fault == faultUnknown {
			unknown++
			d.note(k.items[r.index].vehicle, now)
		}
	}
	d.metrics.rejected[reasonUnknownVehicle].Add(float64(unknown))
	d.metrics.rejected[reasonInvalidHeartbeat].Add(float64(len(k.rejected) - unknown))
}

// answerWith writes the answer to a batch.
func (k *work) answerWith(receipt Receipt) {
	a := append(k.answer[:0], `{"accepted":`...)
	a = strconv.AppendInt(a, int64(len(k.rows)), 10)
	a = append(a, `,"rejected":[`...)
	for i, r := range k.rejected {
		if i > 0 {
			a = append(a, ',')
		}
		a = append(a, `{"index":`...)
		a = strconv.AppendInt(a, int64(r.index), 10)
		if id := k.items[r.index].vehicle; len(id) > 0 {
			a = append(a, `,"vehicle":`...)
			a = appendJSONText(a, id[:min(len(id), MaxID)])
		}
		a = append(a, `,"error":`...)
		a = appendJSONText(a, r.fault)
		a = append(a, '}')
	}
	a = append(a, `],"position":`...)
	a = strconv.AppendUint(a, uint64(receipt.Position), 10)
	k.answer = append(a, '}')
}

// recycle keeps the memory of a work for the next, without what the body left in it.
func (d *Doors) recycle(k *work) {
	clear(k.items)
	clear(k.rejected)
	k.answer = kept(k.answer)
	d.works.Put(k)
}

// mediaType is the kind of a request's body, without parameters.
func mediaType(r *http.Request) (string, error) {
	said := r.Header.Get("Content-Type")
	kind := said
	switch said {
	case typeJSON, typeNDJSON, typeProtobuf:
	default:
		kind, _, _ = mime.ParseMediaType(said)
	}
	switch kind {
	case typeJSON, typeNDJSON, typeProtobuf:
		return kind, nil
	}
	return "", &refusal{reasonType, fmt.Sprintf("Content-Type must be %s, %s or %s", typeJSON, typeNDJSON, typeProtobuf)}
}
