//go:build linux

package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// TestNothingAcknowledgedIsLost kills the server at random moments under load, again and again on the same folder,
// sometimes while it is starting or stopping. In the end the log, the view and the replay agree on every heartbeat.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	const seed = 20261124
	rounds := 24
	if testing.Short() {
		rounds = 6
	}
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d, %d rounds", seed, rounds)

	s := serve(t, t.TempDir(), "--snapshot-every", "200ms")
	l := newLoad(t, s)
	for round := range rounds {
		l.start(t)
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		if n := l.ended.Load(); n > 0 {
			t.Fatalf("round %d: %d connections got no answer before the server was killed", round, n)
		}
		if round%4 == 1 { // while it stops in order
			s.signal(t, syscall.SIGTERM)
			time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
		}
		s.kill()
		l.running.Wait()
		if round%4 == 3 { // while it starts
			s.process = launch(t, nil, s.args...)
			time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
			s.kill()
		}
		s.start(t)
	}
	counted := countedHeartbeats(t, s)
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	c := readContents(t, s.data)
	acknowledged := l.compare(t, c)
	for vin, n := range c.heartbeats {
		if counted[vin] != n {
			t.Errorf("%s: the view counts %d heartbeats, the log holds %d", vin, counted[vin], n)
		}
	}
	if c.First != 1 || c.Batches != uint64(c.Last) {
		t.Errorf("%d batches at positions %d to %d", c.Batches, c.First, c.Last)
	}
	if acknowledged < rounds*100 {
		t.Errorf("only %d heartbeats were acknowledged", acknowledged)
	}
	replayEquals(t, s.data, uint64(c.Last))
	t.Logf("%d requests, %d heartbeats acknowledged, %d stored with repeats", l.requests(), acknowledged, c.Heartbeats)
}

// TestGracefulStopAnswersEveryoneItStores stops the server under load: what it stored it has answered, what it has
// answered is stored, and the next start takes up the snapshots of the last moment.
func TestGracefulStopAnswersEveryoneItStores(t *testing.T) {
	s := serve(t, t.TempDir())
	l := newLoad(t, s)
	for round := range 4 {
		l.start(t)
		time.Sleep(time.Duration(50+100*round) * time.Millisecond)
		began := time.Now()
		if code := s.stop(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		stopped := time.Since(began)
		l.running.Wait()
		c := readContents(t, s.data)
		acknowledged := l.compare(t, c)
		stored := 0
		for _, n := range c.heartbeats {
			stored += int(n)
		}
		if acknowledged != stored {
			t.Errorf("%d heartbeats were acknowledged and %d stored", acknowledged, stored)
		}
		replayEquals(t, s.data, uint64(c.Last))
		began = time.Now()
		s.start(t)
		t.Logf("%d heartbeats acknowledged; stopped in %v, started in %v", acknowledged, stopped, time.Since(began))
	}
}

// TestGracefulStopWaitsForABodyThatIsComing stops the server while it reads a request: the request is answered.
func TestGracefulStopWaitsForABodyThatIsComing(t *testing.T) {
	s := serve(t, t.TempDir())
	newLoad(t, s)
	line := `{"vehicle":"connection-00-vehicle-0"}` + "\n"
	connection, answers := beginBody(t, s, len(line))
	s.signal(t, syscall.SIGTERM)
	waitRefused(t, s)
	if _, err := io.WriteString(connection, line); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var accepted client.BatchAccepted
	if err := json.NewDecoder(answer.Body).Decode(&accepted); err != nil || accepted.Accepted != 1 {
		t.Errorf("the answer is %s, %+v, %v", answer.Status, accepted, err)
	}
	if code := s.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if c := readContents(t, s.data); c.Heartbeats != 1 {
		t.Errorf("the log holds %d heartbeats", c.Heartbeats)
	}
}

// TestSecondSignalEndsAStopThatHangs asks twice: who does that wants no more waiting.
func TestSecondSignalEndsAStopThatHangs(t *testing.T) {
	s := serve(t, t.TempDir())
	beginBody(t, s, 1)
	s.signal(t, syscall.SIGTERM)
	waitRefused(t, s)
	if !s.running() {
		t.Fatal("the server did not wait for a request in flight")
	}
	s.signal(t, syscall.SIGTERM)
	if code := s.wait(t); code != -1 {
		t.Errorf("exit code %d, want the signal's death", code)
	}
}

// beginBody begins a batch of some length, and returns when the server has begun to read its body.
func beginBody(t *testing.T, s *server, length int) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection := dial(t, s)
	_, err := fmt.Fprintf(connection, "POST /v1/heartbeats HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", length)
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(connection)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := answers.ReadString('\n'); line != want {
			t.Fatalf("the server answers %q, %v", line, err)
		}
	}
	return connection, answers
}

// dial opens a connection to a server, for what no HTTP client would send.
func dial(t *testing.T, s *server) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return connection
}

// waitRefused returns when a server takes no new connections any more.
func waitRefused(t *testing.T, s *server) {
	t.Helper()
	eventually(t, "the server takes no new connections", func() error {
		connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			return errors.Join(errors.New("it takes them"), connection.Close())
		}
		return nil
	})
}

// countedHeartbeats is how many heartbeats the view says each vehicle has.
func countedHeartbeats(t *testing.T, s *server) map[string]uint64 {
	t.Helper()
	counted := map[string]uint64{}
	for cursor := ""; ; {
		page, err := s.Vehicles(t.Context(), client.VehicleQuery{Limit: 1000, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Items {
			counted[v.VIN] = v.Heartbeats
		}
		if page.NextCursor == nil {
			return counted
		}
		cursor = *page.NextCursor
	}
}

// replayEquals lets the program replay a folder whose server has stopped in order: its snapshots cover the whole log
// and equal what the log says.
func replayEquals(t *testing.T, data string, last uint64) {
	t.Helper()
	p := run(t, nil, "replay", "--data", data)
	said := p.stderr.String()
	equal := regexp.MustCompile(`(?m)^(\w+) rebuilt up to position (\d+) equals its snapshot$`).FindAllStringSubmatch(said, -1)
	if p.code() != 0 || len(equal) != 2 || strings.Contains(said, "DIFFERS") {
		t.Errorf("replay ends with exit code %d and says:\n%s", p.code(), said)
	}
	for _, line := range equal {
		if line[2] != strconv.FormatUint(last, 10) {
			t.Errorf("the snapshot of %s covers up to %s, the log goes to %d", line[1], line[2], last)
		}
	}
}

// post makes a call without a body.
func post(ctx context.Context, url string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &client.Problem{Status: response.StatusCode, Title: response.Status}
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
