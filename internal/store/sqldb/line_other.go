//go:build !linux

package sqldb

import "syscall"

// boundUnacknowledged has no equivalent here; keepalive and the limit of silence remain.
func boundUnacknowledged(_, _ string, _ syscall.RawConn) error { return nil }
