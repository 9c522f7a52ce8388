//go:build linux

package main_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between the world and a server. It can be cut: then nothing connects, and what was connected is not.
type proxy struct {
	t       *testing.T
	address string
	target  string
	moving  sync.RWMutex // held for writing, it keeps back all that is under way

	running  sync.WaitGroup
	mu       sync.Mutex // guards the following
	listener net.Listener
	open     map[net.Conn]bool
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{t: t, address: freeAddress(t), open: map[net.Conn]bool{}}
	t.Cleanup(func() {
		p.cut()
		p.running.Wait()
	})
	return p
}

func (p *proxy) url() string { return "http://" + p.address }

// connect lets it pass on what comes to a server.
func (p *proxy) connect(target string) {
	p.target = target
	p.restore()
}

// restore makes the way free.
func (p *proxy) restore() {
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.pass(in) })
		}
	})
}

// cut closes the way.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.open {
		_ = c.Close()
	}
}

// pass carries bytes both ways until one side ends.
func (p *proxy) pass(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer out.Close()
	if !p.keep(in, out) {
		return
	}
	defer p.forget(in, out)
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		p.running.Go(func() {
			p.carry(way[0], way[1])
			ended <- struct{}{}
		})
	}
	<-ended
}

// carry takes bytes from one connection to another until one of them is closed.
func (p *proxy) carry(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.moving.RLock()
		_, err2 := to.Write(buffer[:n])
		p.moving.RUnlock()
		if err != nil || err2 != nil {
			return
		}
	}
}

// keep notes connections for cut; false when that was faster.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.open[c] = true
	}
	return p.listener != nil
}

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.open, c)
	}
}
