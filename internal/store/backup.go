package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// snapshotMargin covers what was on its way to the provider while the snapshot was taken.
const snapshotMargin = time.Minute

// Snapshot writes a checked copy of the database to a new file (SQLite). The copy has its quarantine inside: whoever starts a server on it,
// restored properly or copied by hand, sends nothing before what may have gone out since has been looked up (R11).
func (s *Store) Snapshot(ctx context.Context, to string) (schema int64, takenAt time.Time, err error) {
	takenAt = time.Now().UTC()
	if err := s.db.Snapshot(ctx, to); err != nil {
		return 0, takenAt, err
	}
	copied, err := sqldb.OpenCopy(ctx, to)
	if err != nil {
		return 0, takenAt, err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	// until = 0: it begins when the copy is opened, see WakeQuarantine.
	if _, err := copied.ExecContext(ctx, `INSERT INTO quarantine (id, since, until, first_id, reason, began_at, released_at, released_by)
		VALUES ($1, $2, 0, 0, $3, 0, NULL, '')`, s.NewID(), takenAt.Add(-snapshotMargin).UnixMilli(),
		"restored from the backup of "+takenAt.Format(time.RFC3339)); err != nil {
		return 0, takenAt, sqldb.Trouble(fmt.Errorf("put the copy into quarantine: %w", err))
	}
	schema, err = sqldb.CheckCopy(ctx, copied)
	return schema, takenAt, err
}

// CheckRestored looks at an unpacked backup before it is put in place: is it whole, does this program know its schema, is it in quarantine.
func CheckRestored(ctx context.Context, path string) (err error) {
	copied, err := sqldb.OpenCopy(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	if _, err := sqldb.CheckCopy(ctx, copied); err != nil {
		return err
	}
	var waiting int
	if err := copied.QueryRowContext(ctx, `SELECT COUNT(*) FROM quarantine WHERE released_at IS NULL`).Scan(&waiting); err != nil || waiting == 0 {
		return errors.Join(overture.ErrInvalid("no_quarantine", "the backup has no quarantine inside: it was not made by overture backup"), err)
	}
	return nil
}

// NoteBackup records when the last backup was finished, for the alarm about its age.
func (s *Store) NoteBackup(ctx context.Context, at time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO installation (name, value) VALUES ('last_backup', $1)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, strconv.FormatInt(at.UnixMilli(), 10))
		return err
	})
}

// LastBackup tells when the last backup was finished; the zero time means never.
func (s *Store) LastBackup(ctx context.Context) (time.Time, error) {
	var value string
	err := s.db.Read.QueryRowContext(ctx, `SELECT value FROM installation WHERE name = 'last_backup'`).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, sqldb.Trouble(fmt.Errorf("read the last backup: %w", err))
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	return time.UnixMilli(ms).UTC(), err
}
