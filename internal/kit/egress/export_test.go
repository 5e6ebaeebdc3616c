package egress

import "context"

// DialForTest dials past the URL check, as a name that resolves to address would.
func DialForTest(ctx context.Context, allowLoopback bool, network, address string) error {
	c, err := New(Options{AllowLoopback: allowLoopback}).transport.DialContext(ctx, network, address)
	if err == nil {
		_ = c.Close()
	}
	return err
}
