package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/simulate"
)

// batchSize is how many heartbeats a batch holds.
const batchSize = 1000

// stride is a prime by which one goes through the vehicles, so that neighbours in time are not neighbours in memory.
const stride = 7_919

// vehicleOf is the vehicle of request n: each once before any again.
func vehicleOf(n, vehicles int) int { return int(uint64(n) * stride % uint64(vehicles)) }

func post(request []byte, path string) []byte {
	return append(append(append(request, "POST "...), path...), " HTTP/1.1\r\nHost: bench\r\n"...)
}

// singles are calls of the original contract: a path with the vehicle, and no body.
func singles(path string, roster *simulate.Roster) traffic {
	return func() requests {
		var request []byte
		return func(n int) []byte {
			request = post(request[:0], path+roster.VIN(vehicleOf(n, roster.Vehicles())))
			request = append(request, "Content-Length: 0\r\n\r\n"...)
			return request
		}
	}
}

// numberedSingles are calls that say the vehicle's time and its sequence number.
func numberedSingles(roster *simulate.Roster, from int64) traffic {
	return func() requests {
		var request, body []byte
		return func(n int) []byte {
			body = append(body[:0], `{"sent_at":"`...)
			body = append(body, client.At(time.Now()).String()...)
			body = append(body, `","sequence":`...)
			body = append(strconv.AppendInt(body, from+int64(n/roster.Vehicles()), 10), '}')
			request = post(request[:0], "/v1/vehicles/"+roster.VIN(vehicleOf(n, roster.Vehicles()))+"/heartbeats")
			request = append(request, "Content-Type: application/json\r\nContent-Length: "...)
			request = append(strconv.AppendInt(request, int64(len(body)), 10), "\r\n\r\n"...)
			return append(request, body...)
		}
	}
}

// batchForm is how the heartbeats of a batch are written.
type batchForm struct {
	format   client.Format
	numbered bool // with sent_at and sequence
}

// templates are the requests of a fleet that reports in batches: each vehicle is in one of them. Each item of a request
// has its sequence number at the same place and of the same length, so that a request is made anew by writing over those.
type templates []template

func newTemplates(form batchForm, roster *simulate.Roster) templates {
	made := make(templates, roster.Vehicles()/batchSize)
	for i := range made {
		made[i] = newTemplate(form, roster, i*batchSize)
	}
	return made
}

// from is the traffic in which the vehicles count from a sequence number on.
func (made templates) from(sequence int64) traffic {
	return func() requests {
		var request []byte
		return func(n int) []byte {
			t := &made[n%len(made)]
			request = append(request[:0], t.request...)
			if t.place > 0 {
				t.number(request, sequence+int64(n/len(made)))
			}
			return request
		}
	}
}

// template is a request whose sequence numbers are still to be written.
type template struct {
	format  client.Format
	request []byte
	items   int // where the first item begins
	size    int // of an item
	place   int // of the sequence number in an item; 0: items have none
}

func newTemplate(form batchForm, roster *simulate.Roster, first int) template {
	t := template{format: form.format}
	var body []byte
	for i := range batchSize {
		var item []byte
		vin := roster.VIN(vehicleOf(first+i, roster.Vehicles()))
		if form.format == client.Protobuf {
			item, t.place = protobufItem(vin, form.numbered)
		} else {
			item, t.place = lineItem(vin, form.numbered)
		}
		t.size = len(item)
		body = append(body, item...)
	}
	head := post(nil, "/v1/heartbeats")
	head = fmt.Appendf(head, "Content-Type: %s\r\nContent-Length: %d\r\n\r\n", form.format, len(body))
	t.items = len(head)
	t.request = append(head, body...)
	return t
}

// A fleet that reports once a minute counts to a million in two years: 7 digits in a line, 3 bytes in protobuf.
const (
	firstSequence  = 1_000_000
	sequenceDigits = "0000000"
	sequenceBytes  = 3
)

func lineItem(vin string, numbered bool) (item []byte, place int) {
	if !numbered {
		return fmt.Appendf(nil, "{\"vehicle\":%q}\n", vin), 0
	}
	item = fmt.Appendf(nil, `{"vehicle":%q,"sent_at":%q,"sequence":`, vin, client.At(time.Now()))
	place = len(item)
	return append(append(item, sequenceDigits...), "}\n"...), place
}

// protobufItem is a field 1 of HeartbeatBatch in heartbeats.proto, which lies beside the server's door.
func protobufItem(vin string, numbered bool) (item []byte, place int) {
	var heartbeat []byte
	heartbeat = protowire.AppendTag(heartbeat, 1, protowire.BytesType)
	heartbeat = protowire.AppendString(heartbeat, vin)
	if numbered {
		heartbeat = protowire.AppendTag(heartbeat, 2, protowire.VarintType)
		heartbeat = protowire.AppendVarint(heartbeat, uint64(time.Now().UnixMilli()))
		heartbeat = protowire.AppendTag(heartbeat, 3, protowire.VarintType)
		heartbeat = append(heartbeat, make([]byte, sequenceBytes)...)
	}
	item = protowire.AppendTag(item, 1, protowire.BytesType)
	item = protowire.AppendBytes(item, heartbeat)
	if !numbered {
		return item, 0
	}
	return item, len(item) - sequenceBytes
}

// number writes a sequence number of the right length into each item of a copy of the request.
func (t *template) number(request []byte, sequence int64) {
	var room [len(sequenceDigits)]byte
	said := strconv.AppendInt(room[:0], sequence, 10)
	if t.format == client.Protobuf {
		said = protowire.AppendVarint(room[:0], uint64(sequence))
	}
	for at := t.items + t.place; at < len(request); at += t.size {
		copy(request[at:], said)
	}
}

// allAccepted checks the answer to a batch.
func allAccepted(answer []byte) error {
	if want := fmt.Appendf(nil, `{"accepted":%d,"rejected":[],`, batchSize); !bytes.HasPrefix(answer, want) {
		return fmt.Errorf("%w %.200q", errRefused, answer)
	}
	return nil
}
