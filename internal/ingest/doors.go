package ingest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Limits of one request.
const (
	MaxItems      = 10_000  // heartbeats in one batch
	MaxBody       = 4 << 20 // bytes of a batch, as sent and expanded, each
	maxSingleBody = 16 << 10
)

const (
	defaultBodyBytes = 128 << 20
	// decoders is how many batches are expanded, decoded and stored at a time: it bounds the memory for their items
	// to about 1 MiB each. Others wait with their body in hand, which Config.BodyBytes bounds.
	decoders = 64
)

// canaryPrefix begins the ids of canaries, those of other processes too: none is remembered as unregistered, because
// it is a secret.
const canaryPrefix = "canary-"

// DoorsConfig says what Doors need.
type DoorsConfig struct {
	Committer    *Committer
	Vehicles     *Set
	Unregistered *Unregistered // where ids of vehicles are noted that are not in Vehicles
	Name         string        // of these doors in canaries and observer facts; default "http"

	BodyBytes  int64                 // bytes of request bodies held at a time; more get 503. Default 128 MiB
	Registerer prometheus.Registerer // default none
}

// Doors take heartbeats over HTTP. Each success they answer is durable.
//
// They rely on the server's own read timeouts against slow senders, and on limits of their own against large ones.
type Doors struct {
	committer    *Committer
	vehicles     *Set
	unregistered *Unregistered
	name         string
	canary       string // the secret id of this process's canary
	canaryFact   []event.Fact

	memory   budget
	slots    chan struct{} // one per decoder at work
	bodies   sync.Pool     // *body of batches
	smalls   sync.Pool     // *body of single heartbeats
	works    sync.Pool     // *work
	expander *expander
	jsonType []string
	metrics  *doorMetrics
}

// NewDoors makes the doors of one public address.
func NewDoors(config DoorsConfig) (*Doors, error) {
	if config.Committer == nil || config.Vehicles == nil || config.Unregistered == nil {
		return nil, errors.New("doors need a committer, the set of vehicles and the list of unregistered ones")
	}
	if config.Name == "" {
		config.Name = "http"
	}
	if config.BodyBytes == 0 {
		config.BodyBytes = defaultBodyBytes
	}
	expander, err := newExpander()
	if err != nil {
		return nil, err
	}
	d := &Doors{
		committer:    config.Committer,
		vehicles:     config.Vehicles,
		unregistered: config.Unregistered,
		name:         config.Name,
		canary:       canaryPrefix + rand.Text(),
		canaryFact:   []event.Fact{event.Canary{Door: config.Name}},
		memory:       budget{limit: config.BodyBytes},
		slots:        make(chan struct{}, decoders),
		bodies:       sync.Pool{New: func() any { return new(body) }},
		smalls:       sync.Pool{New: func() any { return new(body) }},
		works:        sync.Pool{New: func() any { return new(work) }},
		expander:     expander,
		jsonType:     []string{"application/json"},
	}
	d.vehicles.putCanary(d.canary)
	d.metrics = newDoorMetrics(config.Registerer, d)
	return d, nil
}

// Register adds the doors to a mux.
func (d *Doors) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /heartbeat/{vehicle_id}", d.heartbeat)
	mux.HandleFunc("GET /heartbeat/ping", d.ping)
	mux.HandleFunc("POST /v1/vehicles/{vin}/heartbeats", d.vehicleHeartbeat)
	mux.HandleFunc("POST /v1/heartbeats", d.heartbeats)
	// Without these, a less specific pattern of the mux could serve what no method above matches.
	mux.HandleFunc("/heartbeat/{vehicle_id}", d.otherMethod)
	mux.HandleFunc("/v1/vehicles/{vin}/heartbeats", d.otherMethod)
	mux.HandleFunc("/v1/heartbeats", d.otherMethod)
}

func (d *Doors) ping(w http.ResponseWriter, _ *http.Request) {
	d.succeed(w, []byte(`{"message":"pong"}`))
}

func (d *Doors) otherMethod(w http.ResponseWriter, r *http.Request) {
	allow := "POST"
	if r.URL.Path == "/heartbeat/ping" {
		allow = "GET, HEAD, POST"
	}
	w.Header().Set("Allow", allow)
	d.refuse(w, refuse(reasonMethod, "here the method must be one of: %s", allow))
}

// succeed answers 200 with JSON.
func (d *Doors) succeed(w http.ResponseWriter, body []byte) {
	w.Header()["Content-Type"] = d.jsonType
	w.Write(body) // a sender that has gone needs no answer
}

// vehicle is the number of the vehicle with this id, or a refusal. Unknown ones are noted.
func (d *Doors) vehicle(id string) (event.VehicleID, error) {
	if !ValidID(id) {
		return 0, refuse(reasonInvalidID, "a vehicle id is 1 to %d visible ASCII characters without '/'", MaxID)
	}
	d.vehicles.mu.RLock()
	number := d.vehicles.find([]byte(id))
	d.vehicles.mu.RUnlock()
	if number == 0 {
		d.note([]byte(id), d.committer.Now())
		return 0, refuse(reasonUnknownVehicle, "no vehicle is registered as %s", id)
	}
	return number, nil
}

// note remembers an id that is not registered.
func (d *Doors) note(id []byte, at event.Time) {
	if !bytes.HasPrefix(id, []byte(canaryPrefix)) {
		d.unregistered.note(id, at)
	}
}
