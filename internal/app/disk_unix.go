//go:build unix

package app

import (
	"math"
	"os"
	"syscall"
)

// freeSpace is what an ordinary process may still write on the disk of a folder, in bytes.
func freeSpace(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(min(uint64(s.Bavail)*uint64(s.Bsize), math.MaxInt64)), nil //nolint:unconvert // the types differ between systems
}

// openFilesLimit is how many files and sockets this process may have open.
func openFilesLimit() (uint64, bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return uint64(r.Cur), true //nolint:unconvert // the types differ between systems
}
