package app

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/overture-im/overture"
)

// masterKey gives the 32 bytes that seal provider credentials at rest: from the options, or from the key file, which is made at the
// first start. Nodes that share a database need the same key.
func masterKey(o Options) ([]byte, error) {
	if o.MasterKey != "" {
		return decodeKey(o.MasterKey.Reveal(), "the master key")
	}
	path := o.MasterKeyFile
	if path == "" {
		path = filepath.Join(o.DataDir, "master.key")
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(o, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	return decodeKey(string(raw), path)
}

func decodeKey(text, what string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, overture.ErrInvalid("master_key", what+" must be 32 bytes in base64, as from: openssl rand -base64 32")
	}
	return key, nil
}

func makeKey(o Options, path string) ([]byte, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of the master key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the master key: %w", err)
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write the master key: %w", err)
	}
	o.Log.Warn("made a master key: keep a copy of it apart from the database; without it provider credentials cannot be read", "path", path)
	return key, nil
}
