package app

import (
	"context"
	"net"
	"os"
	"strconv"
)

// firstPassed is the number of the first socket that systemd hands over.
const firstPassed = 3

// listen opens the address, or takes the socket that systemd has opened already (socket activation): then connections wait while one server
// stops and the next one starts, instead of being refused.
func listen(ctx context.Context, address string) (net.Listener, error) {
	if pid, err := strconv.Atoi(os.Getenv("LISTEN_PID")); err == nil && pid == os.Getpid() && os.Getenv("LISTEN_FDS") == "1" {
		passed := os.NewFile(firstPassed, "socket of systemd")
		defer passed.Close() // the listener has a copy
		return net.FileListener(passed)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}
