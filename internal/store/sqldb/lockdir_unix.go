//go:build unix

package sqldb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/overture-im/overture"
)

// lockDir makes sure that one process at a time owns a data directory; the kernel drops the lock when the process dies.
func lockDir(dir string) (func(), error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, overture.ErrConflict("data_dir_in_use", "another overture process uses "+dir+"; stop it or choose another --data-dir")
		}
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	return func() {
		// A child that is being started holds a copy of the file until it runs, and the lock with it.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close()
	}, nil
}
