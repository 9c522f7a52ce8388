// Package natstest starts NATS JetStream servers for tests: real ones, in this process, on loopback ports. Each can be killed
// and started again.
package natstest

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Cluster is some servers, one or three of them.
type Cluster struct {
	t       testing.TB
	dir     string
	servers []*server.Server
	ports   []int // for clients
	routes  []int // between servers
	account []string
}

// Start starts n servers, which end with the test. user and password may be empty.
func Start(t testing.TB, n int, user, password string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir(), servers: make([]*server.Server, n), ports: freePorts(t, n), routes: freePorts(t, n), account: []string{user, password}}
	t.Cleanup(func() {
		for i := range c.servers {
			c.Stop(i)
		}
	})
	for i := range c.servers {
		c.Restart(i)
	}
	return c
}

// URLs are where clients find the servers.
func (c *Cluster) URLs() []string {
	urls := make([]string, len(c.ports))
	for i, port := range c.ports {
		urls[i] = fmt.Sprintf("nats://127.0.0.1:%d", port)
		if c.account[0] != "" {
			urls[i] = fmt.Sprintf("nats://%s:%s@127.0.0.1:%d", c.account[0], c.account[1], port)
		}
	}
	return urls
}

// Stop ends a server.
func (c *Cluster) Stop(i int) {
	if s := c.servers[i]; s != nil {
		s.Shutdown()
		s.WaitForShutdown()
		c.servers[i] = nil
	}
}

// Restart starts a server that is stopped, with what it holds.
func (c *Cluster) Restart(i int) {
	c.t.Helper()
	options := &server.Options{
		ServerName: fmt.Sprintf("n%d", i),
		Host:       "127.0.0.1",
		Port:       c.ports[i],
		JetStream:  true,
		StoreDir:   filepath.Join(c.dir, fmt.Sprint(i)),
		SyncAlways: true,
		MaxPayload: 8 << 20,
		HTTPHost:   "127.0.0.1",
		HTTPPort:   -1,
		NoSigs:     true,
		Username:   c.account[0],
		Password:   c.account[1],
	}
	if len(c.servers) > 1 {
		options.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: c.routes[i]}
		for _, port := range c.routes {
			options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
		}
	}
	s, err := server.NewServer(options)
	if err != nil {
		c.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		c.t.Fatal("a NATS server did not start")
	}
	c.servers[i] = s
}

// Leader is the server that leads the stream, -1 when none does.
func (c *Cluster) Leader(stream string) int {
	for i, s := range c.servers {
		if s != nil && s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return i
		}
	}
	return -1
}

// Monitor is the monitoring address of a server.
func (c *Cluster) Monitor(i int) string { return "http://" + c.servers[i].MonitorAddr().String() }

// Server is one of the servers, nil while it is stopped.
func (c *Cluster) Server(i int) *server.Server { return c.servers[i] }

// freePorts are ports of loopback that nobody listens at. They are held until all are found, so that they differ.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	var held []net.Listener
	for i := range ports {
		var bind net.ListenConfig
		l, err := bind.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, l)
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	for _, l := range held {
		_ = l.Close() // it was only to hold the port
	}
	return ports
}
