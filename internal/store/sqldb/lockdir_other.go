//go:build !unix

package sqldb

import (
	"fmt"
	"os"
	"path/filepath"
)

// lockDir relies on the exclusive open of systems without flock: a second process cannot remove or open the file for writing.
func lockDir(dir string) (func(), error) {
	name := filepath.Join(dir, "lock")
	_ = os.Remove(name)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory (is another overture process using it?): %w", err)
	}
	return func() { _ = f.Close(); _ = os.Remove(name) }, nil
}
