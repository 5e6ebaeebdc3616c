package app

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/sealed"
	"github.com/overture-im/overture/internal/store"
)

// sealer seals provider credentials at rest with the master key of the options, or with the one of the key file, which is made at the
// first start. Nodes that share a database need the same key.
func sealer(o Options) (store.Sealer, error) {
	key, err := masterKey(o)
	if err != nil {
		return nil, &overture.Error{Kind: overture.Invalid, Code: "master_key", Message: err.Error()}
	}
	keys, err := sealed.New(key)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return store.SealWith(keys), nil
}

func masterKey(o Options) ([]byte, error) {
	if o.MasterKey != "" {
		return sealed.ParseKey(o.MasterKey.Reveal())
	}
	path := o.MasterKeyFile
	if path == "" {
		path = filepath.Join(o.DataDir, "master.key")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of the master key: %w", err)
	}
	_, err := os.Stat(path)
	fresh := os.IsNotExist(err)
	key, err := sealed.LoadOrCreate(path)
	if err == nil && fresh {
		o.Log.Warn("made a master key: keep a copy of it apart from the database; without it provider credentials cannot be read", "path", path)
	}
	return key, err
}
