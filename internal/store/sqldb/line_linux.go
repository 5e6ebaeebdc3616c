package sqldb

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// boundUnacknowledged has the kernel end a connection whose sent data nobody acknowledges (TCP_USER_TIMEOUT).
func boundUnacknowledged(network, _ string, raw syscall.RawConn) error {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil
	}
	var set error
	err := raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
	return errors.Join(err, set)
}
