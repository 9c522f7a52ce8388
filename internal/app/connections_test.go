package app

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestConnectionsBeyondTheBoundWait serves one connection at a time.
func TestConnectionsBeyondTheBoundWait(t *testing.T) {
	var bind net.ListenConfig
	l, err := bind.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bounded := newBoundedListener(l.(*net.TCPListener), 1)
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") }),
		ReadHeaderTimeout: time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(bounded) }()

	first := dialAndAsk(t, l.Addr())
	if answer := make([]byte, 12); !reads(t, first, answer, time.Minute) || string(answer) != "HTTP/1.1 200" {
		t.Fatalf("the first connection gets %q", answer)
	}
	second := dialAndAsk(t, l.Addr())
	if answer := make([]byte, 1); reads(t, second, answer, 50*time.Millisecond) {
		t.Error("the second connection is served beside the first")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if answer := make([]byte, 12); !reads(t, second, answer, time.Minute) || string(answer) != "HTTP/1.1 200" {
		t.Errorf("the second connection gets %q after the first", answer)
	}
	if len(bounded.slots) != 1 { // the second is open
		t.Errorf("%d connections are counted", len(bounded.slots))
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serving ends with %v", err)
	}
	if _, err := bounded.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener accepts, or says %v", err)
	}
}

func dialAndAsk(t *testing.T, address net.Addr) net.Conn {
	t.Helper()
	var dialer net.Dialer
	connection, err := dialer.DialContext(t.Context(), "tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return connection
}

// reads says whether an answer comes in time.
func reads(t *testing.T, connection net.Conn, answer []byte, within time.Duration) bool {
	t.Helper()
	if err := connection.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadFull(connection, answer)
	return err == nil
}
