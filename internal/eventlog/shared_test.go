package eventlog

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/natstest"
)

func openNode(t *testing.T, dir string, shared Shared) *Log {
	t.Helper()
	l, err := Open(t.Context(), Config{Dir: dir, Shared: &shared})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// appendAsNode appends a heartbeat of a vehicle as a node does: behind what the others wrote.
func appendAsNode(t testing.TB, l *Log, v event.VehicleID) event.Position {
	for {
		b := event.Batch{}
		head := l.Head()
		b.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: max(l.LastTime(), event.At(time.Now())), Sequence: event.NoSequence})
		position, err := l.AppendAfter(t.Context(), head, &b)
		if errors.Is(err, ErrBehind) {
			continue
		}
		if errors.Is(err, ErrBroken) {
			stored, err := l.Recover(t.Context())
			if err != nil {
				t.Error(err)
				return 0
			}
			if stored {
				return head + 1
			}
			continue
		}
		if err != nil {
			t.Error(err)
			return 0
		}
		return position
	}
}

// contents are the batches of a log up to a position, as they are stored.
func contents(t *testing.T, l *Log, upTo event.Position) (hashes []string, vehicles []event.VehicleID) {
	t.Helper()
	if err := l.Wait(t.Context(), upTo); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBytes(l.config.Dir, 1, func(b Bytes) error {
		if b.Position <= upTo {
			hashes = append(hashes, string(b.Hash[:]))
			s, err := Decode(b.Batch)
			vehicles = append(vehicles, s.Heartbeats.Vehicle...)
			return err
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return hashes, vehicles
}

// TestNodesShareOneLog lets three nodes append at once, through servers of which the leader is lost and comes back. What was
// acknowledged is in the log exactly once, and every node holds the same bytes, one that joins later included.
func TestNodesShareOneLog(t *testing.T) {
	cluster := natstest.Start(t, 3, "", "")
	shared := Shared{URLs: cluster.URLs(), Replicas: 3}
	var nodes []*Log
	for range 3 {
		nodes = append(nodes, openNode(t, t.TempDir(), shared))
	}
	const each = 200
	var writing sync.WaitGroup
	lost := make(chan struct{})
	for n, l := range nodes {
		writing.Go(func() {
			for i := 0; i < each && !t.Failed(); i++ {
				appendAsNode(t, l, event.VehicleID(1+n*each+i))
				if n == 0 && i == each/4 {
					close(lost)
				}
			}
		})
	}
	<-lost
	leader := cluster.Leader(defaultStream)
	if leader < 0 {
		t.Fatal("nobody leads the stream")
	}
	cluster.Stop(leader)
	writing.Wait()
	cluster.Restart(leader)
	late := openNode(t, t.TempDir(), shared)
	head := late.Head()
	want, vehicles := contents(t, late, head)
	slices.Sort(vehicles)
	if len(vehicles) != 3*each || len(slices.Compact(vehicles)) != 3*each {
		t.Errorf("%d heartbeats of %d vehicles are in the log, not each of %d once", len(vehicles), len(slices.Compact(vehicles)), 3*each)
	}
	for i, l := range nodes {
		if got, _ := contents(t, l, head); !slices.Equal(got, want) {
			t.Errorf("node %d holds other batches than the one that came later", i)
		}
	}
}

func TestNodeGoesOnWhereItsCopyEnds(t *testing.T) {
	cluster := natstest.Start(t, 1, "fleet", "secret")
	// One of the servers that monitoring asks is down, which is no reason to stay down too.
	shared := Shared{URLs: cluster.URLs(), Monitors: []string{cluster.Monitor(0), "http://127.0.0.1:1"}}
	dir := t.TempDir()
	l := openNode(t, dir, shared)
	other := openNode(t, t.TempDir(), shared)
	appendAsNode(t, l, 1)
	appendAsNode(t, other, 2)
	if err := l.Wait(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	appendAsNode(t, other, 3)
	again := openNode(t, dir, shared)
	if got := again.Head(); got != 3 {
		t.Fatalf("the head is %d", got)
	}
	appendAsNode(t, again, 4)
	want, _ := contents(t, other, 4)
	if got, _ := contents(t, again, 4); !slices.Equal(got, want) {
		t.Error("the copies differ")
	}
}

func TestDamagedCopyIsFetchedAnew(t *testing.T) {
	cluster := natstest.Start(t, 1, "", "")
	shared := Shared{URLs: cluster.URLs()}
	dir := t.TempDir()
	l := openNode(t, dir, shared)
	for v := range event.VehicleID(20) {
		appendAsNode(t, l, v+1)
	}
	want, _ := contents(t, l, 20)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	block := blockPath(msgsDir(storePath(dir)), 1)
	data, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(block, data, 0o640); err != nil {
		t.Fatal(err)
	}
	again := openNode(t, dir, shared)
	if got, _ := contents(t, again, 20); !slices.Equal(got, want) {
		t.Error("the copy is not what it was")
	}
	if len(again.Damages()) == 0 {
		t.Error("nothing is said of the damage")
	}
	if aside, err := filepath.Glob(filepath.Join(dir, asidePrefix+"*", storeName)); err != nil || len(aside) != 1 {
		t.Errorf("the damaged files were not kept: %v, %v", aside, err)
	}
}

// TestCopyBeginsWhereTheSharedLogDoes is about servers that dropped what is old.
func TestCopyBeginsWhereTheSharedLogDoes(t *testing.T) {
	cluster := natstest.Start(t, 1, "", "")
	shared := Shared{URLs: cluster.URLs()}
	dir := t.TempDir()
	old := openNode(t, dir, shared)
	appendAsNode(t, old, 1)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	l := openNode(t, t.TempDir(), shared)
	for v := range event.VehicleID(9) {
		appendAsNode(t, l, v+2)
	}
	stream := streamOf(t, cluster)
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(6)); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a new node": t.TempDir(), "one that was away": dir} {
		late := openNode(t, dir, shared)
		if first, head := late.First(), late.Head(); first != 6 || head != 10 {
			t.Errorf("%s: the copy holds %d to %d", name, first, head)
		}
		if err := late.Close(); err != nil {
			t.Fatal(err)
		}
		late = openNode(t, dir, shared)
		var vehicles []event.VehicleID
		if _, err := Read(dir, 1, func(s event.Stored) error {
			vehicles = append(vehicles, s.Heartbeats.Vehicle...)
			return nil
		}); err != nil || !slices.Equal(vehicles, []event.VehicleID{6, 7, 8, 9, 10}) {
			t.Errorf("%s: %v, %v", name, vehicles, err)
		}
		if err := late.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func streamOf(t *testing.T, cluster *natstest.Cluster) jetstream.Stream {
	t.Helper()
	conn, err := nats.Connect(strings.Join(cluster.URLs(), ","))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), defaultStream)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestWhatCannotBeOurSharedLogIsRefused(t *testing.T) {
	cluster := natstest.Start(t, 1, "", "")
	conn, err := nats.Connect(cluster.URLs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for name, subject := range map[string]string{"foreign": "foreign.log", "fleetbeat": "fleetbeat.log"} {
		config := jetstream.StreamConfig{Name: name, Subjects: []string{subject}, AllowDirect: true}
		if name == defaultStream {
			config.Metadata = map[string]string{fleetKey: "ID"}
		}
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	own := t.TempDir()
	l, err := Open(t.Context(), Config{Dir: own})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	unsynced := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"config":{"sync_interval":120000000000}}`)
	}))
	defer unsynced.Close()
	for name, c := range map[string]struct {
		dir    string
		shared *Shared
		want   string
	}{
		"no server there":            {"", &Shared{URLs: []string{"nats://127.0.0.1:1"}}, "no servers available"},
		"a stream of somebody else":  {"", &Shared{URLs: cluster.URLs(), Stream: "foreign"}, "was not made by Fleetbeat"},
		"a server that syncs late":   {"", &Shared{URLs: cluster.URLs(), Monitors: []string{unsynced.URL}}, "acknowledges before it syncs"},
		"other replicas":             {"", &Shared{URLs: cluster.URLs(), Replicas: 3}, "has 1 replicas, not 3"},
		"more replicas than servers": {"", &Shared{URLs: cluster.URLs(), Stream: "new", Replicas: 3}, "replicas > 1 not supported in non-clustered mode"},
		"a folder with its own log":  {own, &Shared{URLs: cluster.URLs()}, "holds a log of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.dir == "" {
				c.dir = t.TempDir()
			}
			l, err := Open(t.Context(), Config{Dir: c.dir, Shared: c.shared})
			if err == nil {
				_ = l.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: not %q", err, c.want)
			}
		})
	}
	copied := t.TempDir()
	if err := openNode(t, copied, Shared{URLs: cluster.URLs()}).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Dir: copied}); !errors.Is(err, ErrForeign) {
		t.Errorf("a copy opened as a log of its own: %v", err)
	}
}

// TestForeignBatchEndsTheLog lets somebody else publish to the stream: nothing of it reaches a reader.
func TestForeignBatchEndsTheLog(t *testing.T) {
	cluster := natstest.Start(t, 1, "", "")
	l := openNode(t, t.TempDir(), Shared{URLs: cluster.URLs()})
	appendAsNode(t, l, 1)
	conn, err := nats.Connect(cluster.URLs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Request(defaultStream+".log", []byte("hello"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := l.Wait(ctx, 2); !errors.Is(err, ErrForeign) {
		t.Errorf("waiting for batch 2: %v", err)
	}
	if _, err := l.Append(t.Context(), &event.Batch{Entries: []event.Entry{{ReceivedAt: event.At(time.Now()), Fact: event.Canary{}}}}); !errors.Is(err, ErrForeign) {
		t.Errorf("appending: %v", err)
	}
}
