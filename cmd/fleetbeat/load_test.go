//go:build linux

package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// load is a fleet that sends through every door at once, over many connections, and remembers what was acknowledged.
type load struct {
	senders []*sender
	running sync.WaitGroup
	ended   atomic.Int32 // senders that got no answer
}

// newCustomer owns the vehicles of a load.
const newCustomer = "kalles"

// sender is the vehicles that share a connection. What was not acknowledged it sends again, as a vehicle does.
type sender struct {
	*client.Client
	url   string
	send  func(context.Context, *sender) error
	vins  []string
	next  int64     // each vehicle's sequence numbers below are acknowledged
	ids   []receipt // of acknowledged heartbeats, where the door gives them
	tries int       // requests
}

// receipt says which event a vehicle's heartbeat became.
type receipt struct{ id, vin string }

// newLoad registers the fleet of a load at a server: 41 connections, by which 112 vehicles send, and more all the time.
func newLoad(t *testing.T, s *server) *load {
	t.Helper()
	l := &load{}
	for range 16 {
		l.add(t, s, 1, sendOriginal)
		l.add(t, s, 1, sendSingle)
	}
	for _, how := range []client.Compression{client.None, client.None, client.Gzip, client.Zstd} {
		l.add(t, s, 10, sendBatch(client.NDJSON, how))
		l.add(t, s, 10, sendBatch(client.Protobuf, how))
	}
	line := "," + newCustomer + ",Kalles Grustransporter AB\n"
	csv := "vin,customer_id,customer_name\n" + strings.Join(l.vins(), line) + line
	result, err := s.Import(t.Context(), strings.NewReader(csv), client.ImportOptions{})
	if err != nil || result.Created != len(l.vins()) {
		t.Fatalf("registering the fleet: %+v, %v", result, err)
	}
	l.add(t, s, 0, sendNew)
	return l
}

func (l *load) add(t *testing.T, s *server, vehicles int, send func(context.Context, *sender) error) {
	t.Helper()
	api, err := client.New(client.Config{BaseURL: s.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	group := &sender{Client: api, url: s.url, send: send}
	for i := range vehicles {
		group.vins = append(group.vins, fmt.Sprintf("connection-%02d-vehicle-%d", len(l.senders), i))
	}
	l.senders = append(l.senders, group)
}

func (l *load) vins() (all []string) {
	for _, s := range l.senders {
		all = append(all, s.vins...)
	}
	return all
}

// requests is how many were sent so far. The senders must be at rest.
func (l *load) requests() (n int) {
	for _, s := range l.senders {
		n += s.tries
	}
	return n
}

// start lets all senders send until they get no answer.
func (l *load) start(t *testing.T) {
	l.ended.Store(0)
	for _, s := range l.senders {
		l.running.Go(func() {
			defer l.ended.Add(1)
			for {
				s.tries++
				err := s.send(t.Context(), s)
				problem, refused := errors.AsType[*client.Problem](err)
				switch {
				case refused && problem.Status == http.StatusServiceUnavailable: // nothing was stored: once more
				case refused:
					t.Errorf("a heartbeat was refused: %v", problem)
					return
				case err != nil:
					return
				}
			}
		})
	}
}

// sendOriginal makes the original contract's call, which knows no sequence numbers.
func sendOriginal(ctx context.Context, s *sender) error {
	var entity client.Entity
	if err := post(ctx, s.url+"/heartbeat/"+s.vins[0], &entity); err != nil {
		return err
	}
	s.ids = append(s.ids, receipt{entity.EntityID, s.vins[0]})
	return nil
}

// sendNew registers a vehicle and sends its first heartbeat.
func sendNew(ctx context.Context, s *sender) error {
	vin := fmt.Sprintf("new-%04d", len(s.ids))
	_, err := s.CreateVehicle(ctx, client.NewVehicle{VIN: vin, CustomerID: newCustomer})
	if problem, ok := errors.AsType[*client.Problem](err); ok && problem.Status == http.StatusConflict {
		err = nil // it was registered, and the answer was lost
	}
	if err != nil {
		return err
	}
	var entity client.Entity
	if err := post(ctx, s.url+"/heartbeat/"+vin, &entity); err != nil {
		return err
	}
	s.ids = append(s.ids, receipt{entity.EntityID, vin})
	return nil
}

func sendSingle(ctx context.Context, s *sender) error {
	accepted, err := s.Heartbeat(ctx, s.vins[0], client.NewHeartbeat{Sequence: &s.next})
	if err != nil {
		return err
	}
	s.next++
	if !accepted.Repeat {
		s.ids = append(s.ids, receipt{accepted.ID, s.vins[0]})
	}
	return nil
}

// sendBatch sends five heartbeats of each vehicle in one call.
func sendBatch(format client.Format, how client.Compression) func(context.Context, *sender) error {
	return func(ctx context.Context, s *sender) error {
		const each = 5
		batch := client.Batch{Format: format, Compress: how}
		for i := range int64(each) {
			sequence := s.next + i
			for _, vin := range s.vins {
				batch.Items = append(batch.Items, client.NewHeartbeat{Vehicle: vin, Sequence: &sequence})
			}
		}
		accepted, err := s.Heartbeats(ctx, batch)
		if err != nil {
			return err
		}
		if accepted.Accepted != len(batch.Items) || len(accepted.Rejected) > 0 {
			return fmt.Errorf("%d of %d heartbeats were accepted: %v", accepted.Accepted, len(batch.Items), accepted.Rejected)
		}
		s.next += each
		return nil
	}
}

// contents is what the log of a folder holds.
type contents struct {
	eventlog.Report
	heartbeats map[string]uint64 // by VIN, without repeats
	sequences  map[string]map[int64]int
	places     map[string]string // VIN by event id
}

// readContents reads the log of a folder whose server has ended, and the registry beside it, which knows the VINs.
func readContents(t *testing.T, data string) contents {
	t.Helper()
	vins := readNumbers(t, data)
	c := contents{heartbeats: map[string]uint64{}, sequences: map[string]map[int64]int{}, places: map[string]string{}}
	var err error
	c.Report, err = eventlog.Read(data, 1, func(batch event.Stored) error {
		for i := range batch.Heartbeats.Len() {
			h := batch.Heartbeats.At(i)
			vin := vins[h.Vehicle]
			c.places[event.ID{Position: batch.Position, Index: uint32(i)}.String()] = vin
			if h.Flags&event.Repeat != 0 {
				continue
			}
			c.heartbeats[vin]++
			if c.sequences[vin] == nil {
				c.sequences[vin] = map[int64]int{}
			}
			c.sequences[vin][h.Sequence]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readNumbers(t *testing.T, data string) map[event.VehicleID]string {
	t.Helper()
	r, err := registry.Open(t.Context(), registry.Config{Path: filepath.Join(data, "registry.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	vins := map[event.VehicleID]string{}
	err = r.Changes(t.Context(), 0, func(c registry.Changes) error {
		for _, v := range c.Vehicles {
			vins[v.Number] = v.VIN
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return vins
}

// compare finds every acknowledged heartbeat of a load in the log exactly once, and returns how many those are.
func (l *load) compare(t *testing.T, c contents) (acknowledged int) {
	t.Helper()
	for _, s := range l.senders {
		seen := map[string]bool{}
		for _, r := range s.ids {
			if seen[r.id] || c.places[r.id] != r.vin {
				t.Errorf("%s has the event id %s, which is that of %q", r.vin, r.id, c.places[r.id])
			}
			seen[r.id] = true
		}
		if s.next == 0 {
			acknowledged += len(s.ids)
			continue
		}
		for _, vin := range s.vins {
			for sequence := range s.next {
				if times := c.sequences[vin][sequence]; times != 1 {
					t.Errorf("heartbeat %d of %s was acknowledged and is in the log %d times", sequence, vin, times)
				}
			}
			for sequence, times := range c.sequences[vin] {
				if times != 1 {
					t.Errorf("heartbeat %d of %s is in the log %d times", sequence, vin, times)
				}
			}
			acknowledged += int(s.next)
		}
	}
	return acknowledged
}
