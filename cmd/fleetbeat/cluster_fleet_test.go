//go:build linux

package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// fleetOnTheRoad is vehicles that send a heartbeat a second, numbered, each until it is acknowledged.
type fleetOnTheRoad struct {
	entrances    []string
	vins         []string
	acknowledged []atomic.Int64 // by vehicle: the last number that was answered with success
	lastAnswer   atomic.Int64   // Unix milliseconds
	longest      atomic.Int64   // the longest time in which no vehicle had an answer, since it was set to 0, in milliseconds
	failures     atomic.Int64   // attempts without success
	stop         context.CancelFunc
	running      sync.WaitGroup
}

func (c *cluster) drive(n int) *fleetOnTheRoad {
	t := c.t
	t.Helper()
	f := &fleetOnTheRoad{entrances: c.entrances(), acknowledged: make([]atomic.Int64, n)}
	cl := clientOf(t, c.query[0].url)
	if _, err := cl.CreateCustomer(t.Context(), client.NewCustomer{ID: "acme", Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		vin := fmt.Sprintf("CLUSTER-%03d", i)
		if _, err := cl.CreateVehicle(t.Context(), client.NewVehicle{VIN: vin, RegistrationNumber: fmt.Sprintf("AAA %03d", i), CustomerID: "acme"}); err != nil {
			t.Fatal(err)
		}
		f.vins = append(f.vins, vin)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	f.stop = cancel
	f.lastAnswer.Store(time.Now().UnixMilli())
	for i := range n {
		f.running.Go(func() { f.vehicle(ctx, i) })
	}
	t.Cleanup(f.end)
	return f
}

func (f *fleetOnTheRoad) end() {
	f.stop()
	f.running.Wait()
}

// vehicle sends from the first number on, and tries again soon after a failure.
func (f *fleetOnTheRoad) vehicle(ctx context.Context, i int) {
	http := &http.Client{Timeout: 8 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer http.CloseIdleConnections()
	for sequence, attempt := int64(1), i; ctx.Err() == nil; attempt++ {
		pause := time.Second
		if err := f.send(ctx, http, f.entrances[attempt%len(f.entrances)], f.vins[i], sequence); err != nil {
			f.failures.Add(1)
			pause = 200 * time.Millisecond
		} else {
			f.acknowledged[i].Store(sequence)
			sequence++
			now := time.Now().UnixMilli()
			if before := f.lastAnswer.Swap(now); now-before > f.longest.Load() {
				f.longest.Store(now - before)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (f *fleetOnTheRoad) send(ctx context.Context, c *http.Client, entrance, vin string, sequence int64) error {
	body := strings.NewReader(fmt.Sprintf(`{"sequence":%d}`, sequence))
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, entrance+"/v1/vehicles/"+vin+"/heartbeats", body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// interrupted runs a disturbance and says for how long no vehicle had an answer.
func (f *fleetOnTheRoad) interrupted(disturb func()) time.Duration {
	f.longest.Store(0)
	disturb()
	quiet := time.Now().UnixMilli() - f.lastAnswer.Load()
	return time.Duration(max(f.longest.Load(), quiet)) * time.Millisecond
}
