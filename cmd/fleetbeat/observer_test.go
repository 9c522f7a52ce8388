//go:build linux

package main_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
)

// The policy of a trial, in seconds, how often its vehicles report, and how long its fault lasts: longer than every
// deadline.
const (
	lateAfter     = 2
	offlineAfter  = 3.5
	reportEvery   = 500 * time.Millisecond
	faultDuration = 5 * time.Second
)

// gapMargin is how much wider than the fault its gap may be: a canary on each side, and what a busy machine adds.
const gapMargin = 1500 * time.Millisecond

// TestNoFalseOffline does to a server, one after the other, what has other systems call a whole fleet offline.
func TestNoFalseOffline(t *testing.T) {
	var faults sync.WaitGroup
	defer faults.Wait() // all at once, whatever -parallel says: they do little but wait
	for name, fault := range map[string]func(*testing.T) *trial{
		"stopped in order":     stoppedInOrder,
		"killed":               killed,
		"suspended":            suspended,
		"listener unreachable": listenerUnreachable,
		"network stalled":      networkStalled,
		"disk full":            diskFull,
	} {
		faults.Go(func() { t.Run(name, func(t *testing.T) { fault(t).run(t) }) })
	}
}

// trial is a server, and one thing that goes wrong with it and ends again.
type trial struct {
	server *server
	door   *client.Client // the way of the vehicles; nil: that of all others
	reason string         // of the gap
	begin  func()         // returns when the fault is there
	end    func()         // returns when it is over
}

func newTrial(t *testing.T, reason, data string, args ...string) *trial {
	t.Helper()
	policy := []string{"--late-after", fmt.Sprint(lateAfter, "s"), "--offline-after", fmt.Sprint(offlineAfter, "s")}
	return &trial{reason: reason, server: serve(t, data, append(policy, args...)...)}
}

func stoppedInOrder(t *testing.T) *trial {
	t.Helper()
	f := newTrial(t, "stopped", t.TempDir())
	f.begin = func() {
		if code := f.server.stop(t); code != 0 {
			t.Errorf("the server stopped with exit code %d", code)
		}
	}
	f.end = func() { f.server.start(t) }
	return f
}

// killed also takes the snapshots away, so that everything is read anew while heartbeats come.
func killed(t *testing.T) *trial {
	t.Helper()
	f := newTrial(t, "crashed", t.TempDir(), "--snapshot-every", "1s")
	f.begin = func() {
		f.server.kill()
		if err := os.RemoveAll(filepath.Join(f.server.data, "snapshots")); err != nil {
			t.Fatal(err)
		}
	}
	f.end = func() { f.server.start(t) }
	return f
}

func suspended(t *testing.T) *trial {
	t.Helper()
	f := newTrial(t, "silent", t.TempDir())
	f.begin = func() { f.server.suspend(t) }
	f.end = func() {
		f.server.resume(t)
		f.server.waitReady(t)
	}
	return f
}

// listenerUnreachable cuts what stands between the world and a server that runs on.
func listenerUnreachable(t *testing.T) *trial {
	t.Helper()
	f, p := behindProxy(t)
	f.begin, f.end = p.cut, p.restore
	return f
}

// networkStalled keeps everything under way, and delivers it late: the server hears of heartbeats that are long past.
func networkStalled(t *testing.T) *trial {
	t.Helper()
	f, p := behindProxy(t)
	f.begin, f.end = p.moving.Lock, p.moving.Unlock
	return f
}

func behindProxy(t *testing.T) (*trial, *proxy) {
	t.Helper()
	p := newProxy(t)
	f := newTrial(t, "silent", t.TempDir(), "--public-url", p.url())
	p.connect(strings.TrimPrefix(f.server.url, "http://"))
	f.door = newClient(t, p.url())
	return f, p
}

func diskFull(t *testing.T) *trial {
	t.Helper()
	data := smallDisk(t, 64<<20)
	f := newTrial(t, "silent", data, "--reserve", "1")
	ballast := filepath.Join(data, "ballast")
	f.begin = func() {
		fill(t, ballast)
		eventually(t, "heartbeats are refused", func() error { return f.heartbeatGives(t, http.StatusServiceUnavailable) })
	}
	f.end = func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		eventually(t, "heartbeats are taken again", func() error { return f.heartbeatGives(t, http.StatusOK) })
	}
	return f
}

// heartbeatGives is nil when a heartbeat of a vehicle that reports anyway gets a status.
func (f *trial) heartbeatGives(t *testing.T, status int) error {
	t.Helper()
	_, err := f.server.Heartbeat(t.Context(), fleettest.VIN(0), client.NewHeartbeat{})
	got := http.StatusOK
	if problem := (*client.Problem)(nil); errors.As(err, &problem) {
		got, err = problem.Status, nil
	}
	if err == nil && got != status {
		err = fmt.Errorf("it got %d", got)
	}
	return err
}

func newClient(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// run has vehicles report through the fault, has some die before it, during it and after it, and holds what a witness
// was told all the time against what is true.
func (f *trial) run(t *testing.T) {
	t.Helper()
	if f.door == nil {
		f.door = f.server.Client
	}
	var vins []string
	for n := range 28 {
		vins = append(vins, fleettest.VIN(n))
	}
	alive, longBefore, justBefore, during, after := vins[:16], vins[16:19], vins[19:22], vins[22:25], vins[25:]
	policy := client.Policy{LateAfter: lateAfter, OfflineAfter: offlineAfter}
	fleettest.Register(t, f.server.Client, vins...)
	witness := fleettest.Watch(t, f.server.Client)
	vehicles := fleettest.Drive(t, f.door, reportEvery, vins...)
	f.waitOnline(t, len(vins))

	vehicles.Silence(longBefore...)
	f.silent(t, witness, longBefore)
	vehicles.Silence(justBefore...)
	begun := time.Now()
	f.begin()
	on := time.Now()
	time.Sleep(faultDuration / 2)
	vehicles.Silence(during...)
	time.Sleep(time.Until(on.Add(faultDuration)))
	off := time.Now()
	f.end()
	over := time.Now()
	f.waitOnline(t, len(alive)+len(after))
	f.waitProven(t, over.Add(policy.OfflineAfter.Duration()+time.Second))
	vehicles.Silence(after...)

	f.silent(t, witness, vins[len(alive):])
	fleettest.JustVerdicts(t, witness, vehicles, policy)
	f.checkGap(t, begun, on, off, over)
	f.checkReplay(t, witness)
}

func (f *trial) waitOnline(t *testing.T, n int) {
	t.Helper()
	eventually(t, "vehicles are online", func() error {
		summary, err := f.server.Summary(t.Context())
		if err == nil && summary.Presence.Online != n {
			err = fmt.Errorf("of %d, %+v", n, summary.Presence)
		}
		return err
	})
}

// waitProven waits until the server has proof that it was listening up to a moment.
func (f *trial) waitProven(t *testing.T, moment time.Time) {
	t.Helper()
	eventually(t, "the server listens", func() error {
		summary, err := f.server.Summary(t.Context())
		if proven := summary.Observer.ProvenUntil; err == nil && proven.Before(moment) {
			err = fmt.Errorf("it did until %s", proven)
		}
		return err
	})
}

// silent checks that vehicles that report no more are found offline, at their moments.
func (f *trial) silent(t *testing.T, w *fleettest.Witness, vins []string) {
	t.Helper()
	for _, vin := range vins {
		fleettest.Silent(t, f.server.Client, w, client.Policy{LateAfter: lateAfter, OfflineAfter: offlineAfter}, vin)
	}
}

// checkGap looks for the gap of a fault that was there from on to off at least, and from begun to over at most.
func (f *trial) checkGap(t *testing.T, begun, on, off, over time.Time) {
	t.Helper()
	var gaps client.GapList
	var found *client.Gap
	eventually(t, "the gap is recorded", func() (err error) {
		if gaps, err = f.server.Gaps(t.Context()); err != nil {
			return err
		}
		for i, gap := range gaps.Items {
			if gap.From.Before(on) && !gap.To.Before(off.Truncate(time.Millisecond)) { // which is as fine as the log tells times
				found = &gaps.Items[i]
				return nil
			}
		}
		return fmt.Errorf("the fault was from %v to %v, gaps are %+v", on, off, gaps.Items)
	})
	if found.Reason != f.reason || found.From.Before(begun.Add(-gapMargin)) || found.To.After(over.Add(gapMargin)) {
		t.Errorf("the fault began at %v and was over at %v: the gap is %+v", begun, over, *found)
	}
}

// checkReplay stops the server and compares what was told live, and what the server remembers, with what its log says.
func (f *trial) checkReplay(t *testing.T, w *fleettest.Witness) {
	t.Helper()
	w.CatchUp(t)
	w.Stop()
	told, remembered := w.Transitions(), fleettest.Transitions(t, f.server.Client)
	f.server.stop(t)
	replay := run(t, nil, "replay", "--data", f.server.data, "--transitions")
	if replay.code() != 0 {
		t.Errorf("replay ended with exit code %d:\n%s", replay.code(), replay.stderr)
	}
	var replayed []client.Transition
	for lines := bufio.NewScanner(strings.NewReader(replay.stdout.String())); lines.Scan(); {
		var transition client.Transition
		if err := json.Unmarshal(lines.Bytes(), &transition); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		replayed = append(replayed, transition)
	}
	for name, list := range map[string][]client.Transition{"told live": told, "remembered": remembered} {
		// A few more may have come to pass before the server was stopped.
		if diff := cmp.Diff(replayed[:min(len(list), len(replayed))], list); diff != "" {
			t.Errorf("replayed -, %s +\n%s", name, diff)
		}
	}
}

// smallDisk mounts a file system of its own, of a size in bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("a full disk is not tried, because no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file until its disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
