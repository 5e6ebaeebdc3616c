package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/backupfile"
	"github.com/overture-im/overture/internal/store"
)

// Backup copies the database of a data directory on which no server runs.
func Backup(ctx context.Context, o Options, w io.Writer, ageRecipients []string) (err error) {
	o = o.withDefaults()
	if o.DatabaseURL != "" {
		return overture.ErrInvalid("not_sqlite", "overture backup is for SQLite; on PostgreSQL use a base backup and WAL archiving, see docs/OPERATIONS.md")
	}
	if _, err := os.Stat(filepath.Join(o.DataDir, "overture.db")); err != nil {
		return overture.ErrNotFound("database in " + o.DataDir)
	}
	db, err := store.Open(ctx, store.Options{DataDir: o.DataDir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return operator{db: db, dir: o.DataDir, log: o.Log}.Backup(ctx, w, ageRecipients)
}

// Restored says what Restore put in place.
type Restored struct {
	Header    backupfile.Header
	MasterKey bool // a master key is in the data directory
}

// Restore unpacks a backup into a data directory that has no database yet, checks it whole, and puts it in place. The server that starts on
// it is in quarantine. On an error nothing is left behind.
func Restore(ctx context.Context, dataDir string, backup io.Reader, identity io.Reader) (r Restored, err error) {
	final := filepath.Join(dataDir, "overture.db")
	for _, path := range []string{final, final + "-wal"} {
		if _, err := os.Stat(path); err == nil {
			return r, overture.ErrConflict("database_exists", path+" exists; a restore never overwrites: choose another --data-dir, or move the old one away")
		}
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return r, fmt.Errorf("restore: %w", err)
	}
	partial := filepath.Join(dataDir, "restoring.tmp")
	if err := removeCopy(partial); err != nil { // of an earlier try that was killed
		return r, fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeCopy(partial))
		}
	}()
	if r.Header, err = unpack(partial, backup, identity); err != nil {
		return r, err
	}
	if err := store.CheckRestored(ctx, partial); err != nil {
		return r, err
	}
	if err := syncFile(partial); err != nil {
		return r, fmt.Errorf("restore: %w", err)
	}
	if err := os.Rename(partial, final); err != nil {
		return r, fmt.Errorf("restore: %w", err)
	}
	_, keyErr := os.Stat(filepath.Join(dataDir, "master.key"))
	r.MasterKey = keyErr == nil
	return r, SyncDir(dataDir)
}

func unpack(path string, backup, identity io.Reader) (h backupfile.Header, err error) {
	broken := func(err error) error {
		return &overture.Error{Kind: overture.Invalid, Code: "bad_backup", Message: err.Error()}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return h, fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if identity != nil {
		keys, err := backupfile.Identities(identity)
		if err != nil {
			return h, broken(err)
		}
		if h, err = backupfile.Read(backup, file, keys); err != nil {
			return h, broken(err)
		}
		return h, nil
	}
	if h, err = backupfile.Read(backup, file, nil); err != nil {
		return h, broken(err)
	}
	return h, nil
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// SyncDir makes a rename in a folder durable.
func SyncDir(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}
