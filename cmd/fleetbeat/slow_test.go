//go:build linux

package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// TestSlowSendersAreCutOff sends headers and bodies so slowly that they would never end.
func TestSlowSendersAreCutOff(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the server's read timeouts")
	}
	t.Parallel()
	s := serve(t, t.TempDir())
	if _, err := s.Import(t.Context(), strings.NewReader(smallFleet), client.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	var senders sync.WaitGroup
	for name, c := range map[string]struct {
		start, drop string
		within      time.Duration
	}{
		"nothing":      {"", "", 5 * time.Second},
		"slow line":    {"P", "O", 5 * time.Second},
		"slow headers": {"POST /heartbeat/" + theVIN + " HTTP/1.1\r\n", "X: y\r\n", 5 * time.Second},
		"slow body":    {"POST /v1/heartbeats HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 100000\r\n\r\n", " ", 15 * time.Second},
		"slow chunks":  {"POST " + theDoor + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 15 * time.Second},
		"ignored body": {"POST /heartbeat/" + theVIN + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", " ", 15 * time.Second},
	} {
		for range 20 {
			connection := dial(t, s)
			senders.Go(func() {
				began := time.Now()
				dribble(connection, c.start, c.drop)
				if took := time.Since(began); took > c.within+10*time.Second {
					t.Errorf("%s: cut off after %v only", name, took)
				}
			})
		}
	}
	heartbeatsPass(t, s, &senders)
}

// dribble sends a start, and then a drop every half a second until the connection is closed.
func dribble(connection net.Conn, start, drop string) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, connection)
	}()
	_, err := io.WriteString(connection, start)
	drops := time.NewTicker(500 * time.Millisecond)
	defer drops.Stop()
	for err == nil {
		select {
		case <-drops.C:
			_, err = io.WriteString(connection, drop)
		case <-closed:
			return
		}
	}
	<-closed
}

// heartbeatsPass sends heartbeats until others are done, and checks that the server kept listening all that time.
func heartbeatsPass(t *testing.T, s *server, others *sync.WaitGroup) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		others.Wait()
		close(done)
	}()
	for sent := 0; ; sent++ {
		if _, err := s.Heartbeat(t.Context(), theVIN, client.NewHeartbeat{}); err != nil {
			t.Fatalf("heartbeat %d: %v", sent, err)
		}
		select {
		case <-done:
			gaps, err := s.Gaps(t.Context())
			if err != nil || len(gaps.Items) > 0 {
				t.Errorf("the server did not listen: %+v, %v", gaps.Items, err)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestHeartbeatsPassBesideTenThousandIdleConnections holds connections open that have asked once and say no more.
func TestHeartbeatsPassBesideTenThousandIdleConnections(t *testing.T) {
	connections := 10_000
	if testing.Short() {
		connections = 1_000
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < uint64(connections)+500 { // Go has raised it as far as it may
		t.Skipf("a process may open %d files here, too few for %d connections", limit.Cur, connections)
	}
	t.Parallel()
	s := serve(t, t.TempDir())
	if _, err := s.Import(t.Context(), strings.NewReader(smallFleet), client.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	before := s.status(t, "VmRSS")
	var openers sync.WaitGroup
	idle := make(chan net.Conn, connections)
	for range 20 {
		openers.Go(func() {
			for range connections / 20 {
				connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
				if err != nil {
					t.Error(err)
					return
				}
				idle <- connection
				if err := ping(connection); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	defer func() {
		close(idle)
		for connection := range idle {
			connection.Close()
		}
	}()
	heartbeatsPass(t, s, &openers)
	var burst sync.WaitGroup
	burst.Go(func() {
		for range 100 {
			if err := post(t.Context(), s.url+"/heartbeat/"+theVIN, &client.Entity{}); err != nil {
				t.Error(err)
			}
		}
	})
	heartbeatsPass(t, s, &burst)
	t.Logf("%d idle connections: the server took %s and takes %s of memory", len(idle), before, s.status(t, "VmRSS"))
}

// ping makes one call on a connection and leaves it open.
func ping(connection net.Conn) error {
	if _, err := io.WriteString(connection, request("GET", "/heartbeat/ping", "", "")); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(connection, 512), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// status is a line of what the kernel says of a process.
func (p *process) status(t testing.TB, name string) string {
	t.Helper()
	text := readFile(t, fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("the kernel says nothing of %s", name)
	return ""
}
