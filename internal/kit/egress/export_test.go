package egress

import (
	"context"
	"net"
)

// DialForTest dials past the URL check, as a name that resolves to address would.
func DialForTest(ctx context.Context, allowLoopback bool, network, address string) error {
	c, err := New(Options{AllowLoopback: allowLoopback}).transport.DialContext(ctx, network, address)
	if err == nil {
		_ = c.Close()
	}
	return err
}

// WriteAfterBarForTest bars a connection that carried nothing and then writes to it.
func WriteAfterBarForTest() (sent int, nothing bool, err error) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() { _, _ = theirs.Read(make([]byte, 1)) }()
	c := &conn{Conn: ours}
	nothing = c.bar(c.count())
	sent, err = c.Write([]byte("x"))
	return sent, nothing, err
}
