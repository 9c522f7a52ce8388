package registry

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A connection whose other end is gone without a word is given up after about so long.
const goneAfter = 10 * time.Second

// dialer makes connections that notice when the other end is gone.
func dialer() *net.Dialer {
	probes := net.KeepAliveConfig{Enable: true, Idle: goneAfter / 2, Interval: goneAfter / 10, Count: 5}
	return &net.Dialer{KeepAliveConfig: probes, Control: giveUpUnheard}
}

// giveUpUnheard ends a connection on which what was sent is not acknowledged, for which TCP alone takes a quarter of an
// hour. A socket in the file system has no such option, and needs none.
func giveUpUnheard(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(goneAfter.Milliseconds()))
	})
}
