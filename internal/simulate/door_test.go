package simulate

import (
	"encoding/csv"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// door is a small server that speaks the contract of the public doors and remembers what it accepted.
type door struct {
	t       *testing.T
	address string
	server  *http.Server

	mu       sync.Mutex                             // guards all below
	accepted map[string][]client.NewHeartbeat       // by VIN, in the order of arrival
	refuse   func(vin string) (status int)          // 0 accepts; called with mu held
	imported map[string][]string                    // rows by VIN
	calls    []time.Time                            // when requests came
	inject   func(http.ResponseWriter) (taken bool) // answers in the door's stead; called with mu held
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{
		t: t, accepted: map[string][]client.NewHeartbeat{}, imported: map[string][]string{},
		refuse: func(string) int { return 0 }, inject: func(http.ResponseWriter) bool { return false },
	}
	d.open("127.0.0.1:0")
	t.Cleanup(d.close)
	return d
}

func (d *door) open(address string) {
	d.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		d.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/vehicles/{vin}/heartbeats", d.single)
	mux.HandleFunc("POST /v1/heartbeats", d.batch)
	mux.HandleFunc("POST /v1/import", d.imports)
	d.address, d.server = listener.Addr().String(), &http.Server{Handler: mux}
	go d.server.Serve(listener)
}

func (d *door) close() { d.server.Close() }

func (d *door) url() string { return "http://" + d.address }

// enter takes the lock for one call, and reports whether the call was answered by inject.
func (d *door) enter(w http.ResponseWriter) (taken bool) {
	d.mu.Lock()
	d.calls = append(d.calls, time.Now())
	return d.inject(w)
}

func (d *door) single(w http.ResponseWriter, r *http.Request) {
	defer d.mu.Unlock()
	if d.enter(w) {
		return
	}
	var h client.NewHeartbeat
	if err := json.NewDecoder(r.Body).Decode(&h); err != nil || h.Vehicle != "" {
		problem(w, http.StatusBadRequest)
		return
	}
	h.Vehicle = r.PathValue("vin")
	if status := d.refuse(h.Vehicle); status != 0 {
		problem(w, status)
		return
	}
	answer(w, client.Accepted{ID: "1-0", Position: 1, Repeat: d.store(h)})
}

func (d *door) batch(w http.ResponseWriter, r *http.Request) {
	defer d.mu.Unlock()
	if d.enter(w) {
		return
	}
	result := client.BatchAccepted{Rejected: []client.Rejected{}, Position: 1}
	lines := json.NewDecoder(r.Body)
	for i := 0; lines.More(); i++ {
		var h client.NewHeartbeat
		if err := lines.Decode(&h); err != nil {
			problem(w, http.StatusBadRequest)
			return
		}
		if d.refuse(h.Vehicle) != 0 {
			result.Rejected = append(result.Rejected, client.Rejected{Index: i, Vehicle: h.Vehicle, Error: "unknown vehicle"})
			continue
		}
		d.store(h)
		result.Accepted++
	}
	answer(w, result)
}

// store keeps a heartbeat, and reports whether its number was there already.
func (d *door) store(h client.NewHeartbeat) (repeat bool) {
	for _, known := range d.accepted[h.Vehicle] {
		if h.Sequence != nil && known.Sequence != nil && *known.Sequence == *h.Sequence {
			return true
		}
	}
	d.accepted[h.Vehicle] = append(d.accepted[h.Vehicle], h)
	return false
}

func (d *door) imports(w http.ResponseWriter, r *http.Request) {
	rows, err := csv.NewReader(r.Body).ReadAll()
	if err != nil || strings.Join(rows[0], ",") != "vin,registration_number,customer_id,customer_name,customer_address,tags,late_after,offline_after,paused" {
		problem(w, http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, row := range rows[1:] {
		d.imported[row[0]] = row
	}
	answer(w, client.ImportResult{Applied: true, Lines: len(rows) - 1})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the other end went away: it will ask again
}

func problem(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(client.Problem{Title: http.StatusText(status), Status: status})
}

// stored is how many heartbeats the door accepted, repeats left out.
func (d *door) stored() (n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, heartbeats := range d.accepted {
		n += int64(len(heartbeats))
	}
	return n
}
