package app

import (
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// reservedFiles is how many of the files that the process may have open are kept for the log, the registry and the
// snapshots: connections without bound would take the files away in which heartbeats are stored.
const reservedFiles = 128

// maxConnections is how many connections there may be at a time. Those that come on top wait in the system's queue.
func maxConnections() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return 1 << 10
	}
	return int(min(max(files.Cur, 2*reservedFiles)-reservedFiles, 1<<20))
}

// boundedListener hands out a bounded number of connections at a time.
type boundedListener struct {
	*net.TCPListener
	slots  chan struct{} // one in it for each open connection
	closed chan struct{}
	close  func()
}

func newBoundedListener(l *net.TCPListener, connections int) *boundedListener {
	b := &boundedListener{TCPListener: l, slots: make(chan struct{}, connections), closed: make(chan struct{})}
	b.close = sync.OnceFunc(func() { close(b.closed) })
	return b
}

// register adds the figures of the listener to the metrics.
func (b *boundedListener) register(r prometheus.Registerer) error {
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fleetbeat_http_connections",
		Help: "Connections that are open.",
	}, func() float64 { return float64(len(b.slots)) })
	limit := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fleetbeat_http_connections_limit",
		Help: "How many connections may be open; more wait.",
	}, func() float64 { return float64(cap(b.slots)) })
	if err := r.Register(open); err != nil {
		return err
	}
	return r.Register(limit)
}

// Accept waits for a connection, and before that for room.
func (b *boundedListener) Accept() (net.Conn, error) {
	select {
	case b.slots <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	release := sync.OnceFunc(func() { <-b.slots })
	conn, err := b.AcceptTCP()
	if err != nil {
		release()
		return nil, err
	}
	return &boundedConn{TCPConn: conn, release: release}, nil
}

// Close closes the listener; connections stay.
func (b *boundedListener) Close() error {
	b.close()
	return b.TCPListener.Close()
}

// boundedConn gives its place to another when it is closed. The rest of it is the TCP connection's own: the HTTP server
// asks for more than a net.Conn has.
type boundedConn struct {
	*net.TCPConn
	release func()
}

// Close closes the connection.
func (c *boundedConn) Close() error {
	defer c.release()
	return c.TCPConn.Close()
}
