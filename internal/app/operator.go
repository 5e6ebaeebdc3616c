package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/backupfile"
	"github.com/overture-im/overture/internal/store"
)

// operator does what the installation's operator asks of a running server.
type operator struct {
	db  *store.Store
	dir string
	log interface {
		InfoContext(ctx context.Context, msg string, args ...any)
		WarnContext(ctx context.Context, msg string, args ...any)
	}
}

// Quarantine tells what is left to do.
func (p operator) Quarantine(ctx context.Context) (overture.Quarantine, error) {
	return p.db.Quarantine(ctx)
}

// BeginQuarantine stops all sending.
func (p operator) BeginQuarantine(ctx context.Context, order overture.QuarantineOrder) error {
	if err := p.db.BeginQuarantine(ctx, order, time.Now()); err != nil {
		return err
	}
	p.log.WarnContext(ctx, "the operator began a quarantine", "since", order.Since)
	return nil
}

// ReleaseQuarantine lets sending go on.
func (p operator) ReleaseQuarantine(ctx context.Context, who string, holdRest bool) error {
	if err := p.db.ReleaseQuarantine(ctx, who, holdRest, time.Now()); err != nil {
		return err
	}
	p.log.WarnContext(ctx, "the operator released the quarantine", "hold_rest", holdRest)
	return nil
}

// Backup writes a checked copy of the database, with its quarantine inside, to w.
func (p operator) Backup(ctx context.Context, w io.Writer, ageRecipients []string) error {
	if err := writeBackup(ctx, p.db, p.dir, w, ageRecipients); err != nil {
		return err
	}
	p.log.InfoContext(ctx, "backup taken")
	return p.db.NoteBackup(ctx, time.Now())
}

// writeBackup makes the snapshot beside the database, because that is where there is room for it, and removes it.
func writeBackup(ctx context.Context, db *store.Store, dir string, w io.Writer, ageRecipients []string) (err error) {
	to, err := backupfile.Recipients(ageRecipients)
	if err != nil {
		return &overture.Error{Kind: overture.Invalid, Code: "age_recipient", Message: err.Error()}
	}
	if db.DB().Postgres() {
		return overture.ErrInvalid("not_sqlite", "overture backup is for SQLite; on PostgreSQL use a base backup and WAL archiving, see docs/OPERATIONS.md")
	}
	path := filepath.Join(dir, copyPrefix+rand.Text()[:8]+".tmp")
	defer func() { err = errors.Join(err, removeCopy(path)) }()
	schema, takenAt, err := db.Snapshot(ctx, path)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return backupfile.Write(w, backupfile.Header{TakenAt: takenAt, Schema: schema, Size: info.Size()}, file, to)
}

const copyPrefix = "backup-snapshot-"

// sweepCopies removes what a backup left that was killed: it is as large and as private as the database. Whoever calls it holds the directory alone.
func sweepCopies(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, copyPrefix+"*.tmp*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

func removeCopy(path string) error {
	var errs []error
	for _, end := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Door says where the operator's commands reach a running server of this machine.
type Door struct {
	URL   string          `json:"url"`
	Token overture.Secret `json:"-"`
}

type doorFile struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

const doorName = "operator.json"

// openDoor makes the operator's token, unless one was given, and leaves it with the address where the command line finds it.
func openDoor(o Options, url string) (token overture.Secret, closeDoor func(), err error) {
	token = o.OperatorToken
	if token == "" {
		token = overture.Secret(rand.Text())
	}
	if _, err := os.Stat(o.DataDir); err != nil {
		return token, func() {}, nil //nolint:nilerr // PostgreSQL without a data directory: the token must be given to be of use
	}
	raw, err := json.Marshal(doorFile{URL: url, Token: token.Reveal()})
	if err != nil {
		return "", nil, fmt.Errorf("operator's door: %w", err)
	}
	path := filepath.Join(o.DataDir, doorName)
	if err := os.WriteFile(path+".tmp", raw, 0o600); err != nil {
		return "", nil, fmt.Errorf("operator's door: %w", err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return "", nil, fmt.Errorf("operator's door: %w", err)
	}
	return token, func() { _ = os.Remove(path) }, nil
}

// FindDoor reads where a running server of this data directory is reached; ok is false when none left its address.
func FindDoor(dataDir string) (door Door, ok bool, err error) {
	raw, err := os.ReadFile(filepath.Join(dataDir, doorName))
	if errors.Is(err, os.ErrNotExist) {
		return door, false, nil
	}
	if err != nil {
		return door, false, fmt.Errorf("operator's door: %w", err)
	}
	var f doorFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return door, false, fmt.Errorf("operator's door: %w", err)
	}
	return Door{URL: f.URL, Token: overture.Secret(f.Token)}, true, nil
}
