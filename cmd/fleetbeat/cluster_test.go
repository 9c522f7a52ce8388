//go:build linux

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/postgrestest"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// wholeClusterTest says that everything is to be tried, for some minutes: make test-cluster.
const wholeClusterTest = "TEST_CLUSTER"

// cluster is Fleetbeat as several nodes: three NATS servers, PostgreSQL, two ingest nodes, two query nodes, and a proxy where
// there is one.
type cluster struct {
	t         *testing.T
	nats      [3]*part
	postgres  *postgrestest.Server
	registry  string
	ingest    [2]*part
	query     [2]*part
	proxy     *part
	namespace *namespaces // nil: all on loopback
}

// part is one process of the cluster, which can be killed and started again.
type part struct {
	name  string
	url   string // of a node or the proxy
	data  string // of a node
	env   []string
	path  string
	args  []string
	ready func(context.Context) error
	*process
}

func (p *part) start(t testing.TB) {
	t.Helper()
	p.process = launchProgram(t, p.path, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, p.env, p.args...)
}

func (p *part) waitReady(t testing.TB) {
	t.Helper()
	eventually(t, p.name+" is ready", func() error {
		if !p.running() {
			t.Fatalf("%s ended with exit code %d", p.name, p.code())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return p.ready(ctx)
	})
}

// answers is nil when a GET succeeds.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
			return fmt.Errorf("%s: %s", response.Status, text)
		}
		return nil
	}
}

// startCluster starts everything, the servers of NATS in network namespaces of their own if asked.
func startCluster(t *testing.T, apart bool) *cluster {
	t.Helper()
	var shared postgrestest.Shared
	t.Cleanup(shared.Close)
	c := &cluster{t: t, postgres: shared.Server(t)}
	c.registry = c.postgres.Database(t)
	if apart {
		c.namespace = newNamespaces(t, len(c.nats))
	}
	natsURLs, monitors := c.startNATS()
	flags := []string{"--nats", strings.Join(natsURLs, ","), "--nats-replicas", "3", "--nats-monitor", strings.Join(monitors, ","), "--registry", c.registry,
		"--late-after", "15s", "--offline-after", "25s", "--snapshot-every", "5s", "--sign-every", "5s"}
	for i := range c.ingest {
		c.ingest[i] = c.node("ingest", i, append(flags, "--drain", "3s"))
	}
	for i := range c.query {
		c.query[i] = c.node("query", i, flags)
	}
	for _, p := range append(c.ingest[:], c.query[:]...) {
		p.waitReady(t)
	}
	c.startProxy()
	return c
}

// startNATS builds and starts the servers of the log.
func (c *cluster) startNATS() (urls, monitors []string) {
	t := c.t
	t.Helper()
	binary := filepath.Join(t.TempDir(), "nats-server")
	build := exec.Command("go", "build", "-o", binary, "github.com/nats-io/nats-server/v2")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building nats-server: %v\n%s", err, out)
	}
	var clients, routes []string
	for i := range c.nats {
		client, route := freeAddress(t), freeAddress(t)
		if c.namespace != nil {
			client, route = net.JoinHostPort(c.namespace.address(i), "4222"), net.JoinHostPort(c.namespace.address(i), "6222")
		}
		clients, routes = append(clients, client), append(routes, "nats://"+route)
	}
	for i := range c.nats {
		host, _, _ := net.SplitHostPort(clients[i])
		monitor := net.JoinHostPort(host, portOf(freeAddress(t)))
		config := fmt.Sprintf("listen: %s\nhttp: %s\nserver_name: nats-%d\nmax_payload: 8MB\nping_interval: \"1s\"\nping_max: 2\njetstream { store_dir: %q, sync_interval: always }\ncluster { name: test, listen: %s, ping_interval: \"1s\", ping_max: 2, routes: [%s] }\n",
			clients[i], monitor, i+1, t.TempDir(), strings.TrimPrefix(routes[i], "nats://"), strings.Join(routes, ", "))
		path := filepath.Join(t.TempDir(), "nats.conf")
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		p := &part{name: fmt.Sprintf("nats-%d", i+1), path: binary, args: []string{"--config", path}, ready: answers("http://" + monitor + "/healthz?js-server-only=true")}
		if c.namespace != nil {
			p.path, p.args = c.namespace.within(i, p.path, p.args)
		}
		p.start(t)
		c.nats[i] = p
		urls, monitors = append(urls, "nats://"+clients[i]), append(monitors, "http://"+monitor)
	}
	for _, p := range c.nats {
		p.waitReady(t)
	}
	return urls, monitors
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// node starts a node of one role.
func (c *cluster) node(role string, i int, flags []string) *part {
	address := freeAddress(c.t)
	p := &part{
		name: fmt.Sprintf("%s-%d", role, i+1), url: "http://" + address, data: c.t.TempDir(), path: program, ready: answers("http://" + address + "/readyz"),
	}
	p.args = append([]string{"serve", "--http", address, "--data", p.data, "--roles", role, "--node", p.name}, flags...)
	p.start(c.t)
	return p
}

// startProxy starts the entrance of deploy/cluster. Without a proxy on this machine, vehicles try the ingest nodes in turn.
func (c *cluster) startProxy() {
	caddy, err := exec.LookPath("caddy")
	if err != nil {
		c.t.Log("there is no caddy on this machine: vehicles try the nodes in turn")
		return
	}
	address := freeAddress(c.t)
	hosts := func(parts []*part) string {
		return strings.TrimPrefix(parts[0].url, "http://") + " " + strings.TrimPrefix(parts[1].url, "http://")
	}
	home := c.t.TempDir()
	c.proxy = &part{
		name: "proxy", url: "http://" + address, path: caddy, args: []string{"run", "--config", "../../deploy/cluster/Caddyfile", "--adapter", "caddyfile"},
		env:   []string{"HOME=" + home, "PORT=" + portOf(address), "INGEST_NODES=" + hosts(c.ingest[:]), "QUERY_NODES=" + hosts(c.query[:])},
		ready: answers("http://" + address + "/readyz"),
	}
	c.proxy.start(c.t)
	c.proxy.waitReady(c.t)
}

// entrances are where vehicles may knock.
func (c *cluster) entrances() []string {
	if c.proxy != nil {
		return []string{c.proxy.url}
	}
	return []string{c.ingest[0].url, c.ingest[1].url}
}

func clientOf(t testing.TB, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// checkStatus asks every node how it is.
func (c *cluster) checkStatus() {
	t := c.t
	t.Helper()
	var urls []string
	for _, p := range slices.Concat(c.ingest[:], c.query[:]) {
		urls = append(urls, p.url)
	}
	eventually(t, "status shows all nodes and doors", func() error {
		p := run(t, nil, "status", "--url", strings.Join(urls, ","))
		said := p.stdout.String()
		if p.code() != 0 || strings.Count(said, "takes heartbeats only") != 2 || strings.Count(said, "ingest-1, proven until") != 2 || strings.Count(said, "ingest-2, proven until") != 2 {
			return errors.New(said)
		}
		return nil
	})
}

// check ends the fleet and holds what the nodes say against what the vehicles were told.
func (c *cluster) check(f *fleetOnTheRoad) {
	t := c.t
	t.Helper()
	f.end()
	head := c.agree()
	for _, p := range c.query {
		p.signal(t, syscall.SIGTERM)
		if code := p.wait(t); code != 0 {
			t.Errorf("%s ended with exit code %d", p.name, code)
		}
	}
	var first, second []string
	for _, said := range []struct {
		hashes *[]string
		data   string
	}{{&first, c.query[0].data}, {&second, c.query[1].data}} {
		if _, err := eventlog.ReadBytes(said.data, 1, func(b eventlog.Bytes) error {
			if b.Position <= head {
				*said.hashes = append(*said.hashes, string(b.Hash[:]))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(first) != int(head) || !slices.Equal(first, second) {
		t.Errorf("up to position %d, the query nodes hold %d and %d batches, or others", head, len(first), len(second))
	}
	c.compare(f)
}

// agree waits until both query nodes have everything and holds their transitions and counts against each other. It gives the
// position that both have reached.
func (c *cluster) agree() event.Position {
	t := c.t
	t.Helper()
	var head uint64
	for _, p := range c.query {
		summary, err := clientOf(t, p.url).Summary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		head = max(head, summary.Position)
	}
	var answers [2][]byte
	for i, p := range c.query {
		answers[i] = c.transitions(p, head)
	}
	if string(answers[0]) != string(answers[1]) {
		t.Errorf("the query nodes tell of different transitions:\n%s\n%s", answers[0], answers[1])
	}
	var told struct{ Items []client.Transition }
	if err := json.Unmarshal(answers[0], &told); err != nil {
		t.Fatal(err)
	}
	for _, tr := range told.Items {
		if tr.To != "online" {
			t.Errorf("%s, which kept sending, became %s at %s", tr.VIN, tr.To, tr.At)
		}
	}
	return event.Position(head)
}

// transitions are those that a node tells of, when it has come to a position.
func (c *cluster) transitions(p *part, position uint64) (answer []byte) {
	t := c.t
	t.Helper()
	eventually(t, p.name+" has come to the end", func() error {
		response, err := http.Get(fmt.Sprintf("%s/v1/transitions?limit=1000&min_position=%d", p.url, position))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		answer, err = io.ReadAll(response.Body)
		return err
	})
	return answer
}

// compare holds the log against what the vehicles were told: each acknowledged heartbeat is in it exactly once.
func (c *cluster) compare(f *fleetOnTheRoad) {
	t := c.t
	t.Helper()
	r, err := registry.Open(t.Context(), registry.Config{URL: c.registry, Path: filepath.Join(t.TempDir(), "registry.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	numbers := map[string]event.VehicleID{}
	if err := r.Changes(t.Context(), 0, func(changes registry.Changes) error {
		for _, v := range changes.Vehicles {
			numbers[v.VIN] = v.Number
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	stored := map[event.VehicleID]map[int64]int{}
	if _, err := eventlog.Read(c.query[0].data, 1, func(s event.Stored) error {
		for i := range s.Heartbeats.Len() {
			hb := s.Heartbeats.At(i)
			if hb.Flags&event.Repeat != 0 {
				continue
			}
			if stored[hb.Vehicle] == nil {
				stored[hb.Vehicle] = map[int64]int{}
			}
			stored[hb.Vehicle][hb.Sequence]++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for i, vin := range f.vins {
		last := f.acknowledged[i].Load()
		total += last
		want := map[int64]int{}
		for sequence := range last {
			want[sequence+1] = 1
		}
		got := stored[numbers[vin]]
		delete(got, last+1) // it may have been on its way when the vehicles were stopped
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d heartbeats were acknowledged; the log holds %v", vin, last, got)
		}
	}
	t.Logf("%d heartbeats were acknowledged; %d attempts failed", total, f.failures.Load())
	if total < int64(10*len(f.vins)) {
		t.Errorf("only %d heartbeats were acknowledged", total)
	}
}

// choiceWithin bounds the silence after a process was killed. NATS servers choose a new leader of the log 4 to 9 s after they heard
// the last one.
const choiceWithin = 14 * time.Second

// TestClusterLosesNothingAndBlamesNobody runs a cluster under load while its processes die and come back. Everywhere else it is
// tried whether the parts bear it; here, whether the whole does.
func TestClusterLosesNothingAndBlamesNobody(t *testing.T) {
	whole := os.Getenv(wholeClusterTest) != ""
	if testing.Short() && !whole {
		t.Skip("it takes a minute")
	}
	c := startCluster(t, whole)
	c.checkStatus()
	f := c.drive(40)
	victims := []*part{c.nats[0], c.ingest[0], c.query[0]}
	if whole {
		victims = slices.Concat(c.nats[:], c.ingest[:], c.query[:])
		if c.proxy != nil {
			victims = append(victims, c.proxy)
		}
	}
	for _, victim := range victims {
		quiet := f.interrupted(func() {
			victim.kill()
			time.Sleep(3 * time.Second)
			victim.start(t)
			victim.waitReady(t)
			time.Sleep(2 * time.Second)
		})
		t.Logf("%s killed: no answer for %v", victim.name, quiet)
		if quiet > choiceWithin {
			t.Errorf("%s was killed, and for %v no heartbeat was acknowledged", victim.name, quiet)
		}
	}
	if whole {
		c.disturbWhole(f)
	}
	c.check(f)
}

// disturbWhole is what takes minutes: a partition, PostgreSQL away for a minute, and a rolling restart of everything.
func (c *cluster) disturbWhole(f *fleetOnTheRoad) {
	t := c.t
	t.Helper()
	for i := range c.nats { // each in turn, so that the leader is among them
		quiet := f.interrupted(func() {
			c.namespace.cut(i)
			time.Sleep(15 * time.Second)
			c.namespace.mend(i)
			time.Sleep(5 * time.Second)
		})
		t.Logf("%s cut off: no answer for %v", c.nats[i].name, quiet)
	}
	before := f.failures.Load()
	quiet := f.interrupted(func() {
		c.postgres.Stop(t)
		time.Sleep(time.Minute)
		c.postgres.Start(t)
	})
	t.Logf("PostgreSQL away: no answer for %v, %d failures", quiet, f.failures.Load()-before)
	if failures := f.failures.Load() - before; failures > 0 {
		t.Errorf("%d heartbeats failed while PostgreSQL was away", failures)
	}
	before = f.failures.Load()
	for _, p := range slices.Concat(c.ingest[:], c.query[:]) {
		if code := p.process.stop(t); code != 0 {
			t.Errorf("%s ended with exit code %d", p.name, code)
		}
		p.start(t)
		p.waitReady(t)
	}
	for _, p := range c.nats {
		p.process.stop(t)
		p.start(t)
		p.waitReady(t)
		time.Sleep(5 * time.Second)
	}
	t.Logf("everything restarted in turn: %d attempts failed", f.failures.Load()-before)
}
