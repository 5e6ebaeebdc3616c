package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// history is the line of time that a PostgreSQL server writes: its system identifier and timeline. A standby that takes over and a backup
// that is brought back begin another one, and may not know of commits that we were promised.
type history struct {
	mu          sync.Mutex
	known       string
	synchronous bool
}

// historyMargin is how long before the last heartbeat that a changed server knows its knowledge surely was complete: clocks of nodes differ.
const historyMargin = time.Minute

// GuardHistory looks at every new connection to PostgreSQL: a server in recovery is refused, and one whose history is not the recorded one
// has a quarantine begun before anything runs on it. synchronous says that the standbys are, so a promotion loses nothing and is only
// recorded. The pool's present connections are replaced. On SQLite there is nothing to guard.
func (s *Store) GuardHistory(ctx context.Context, synchronous bool) error {
	if !s.db.Postgres() {
		return nil
	}
	s.server.synchronous = synchronous
	s.db.Guard(s.lookAtHistory)
	s.db.Pool.Reset()
	if err := s.db.Pool.Ping(ctx); err != nil {
		return sqldb.Trouble(fmt.Errorf("look at the history of the database server: %w", err))
	}
	return nil
}

func (s *Store) lookAtHistory(ctx context.Context, conn *pgx.Conn) error {
	var recovering bool
	var line string
	err := conn.QueryRow(ctx, `SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN ''
		ELSE (SELECT system_identifier FROM pg_control_system()) || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END`).Scan(&recovering, &line)
	if err != nil {
		return fmt.Errorf("read the history of the database server: %w", err)
	}
	if recovering {
		return &overture.Error{Kind: overture.Unavailable, Code: "database_standby", Message: "the database server is a standby that takes no writes; it is used when it has been promoted"}
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.known == line {
		return nil
	}
	if err := s.enterHistory(ctx, line); err != nil {
		return err
	}
	s.server.known = line
	return nil
}

// enterHistory records the server's history over a connection of its own, and begins the quarantine when the recorded one was another.
func (s *Store) enterHistory(ctx context.Context, line string) (err error) {
	side := stdlib.OpenDB(*s.db.Side())
	defer func() { err = errors.Join(err, side.Close()) }()
	tx, err := side.BeginTx(ctx, nil)
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("begin: %w", err))
	}
	if err := s.recordHistory(ctx, tx, line, time.Now()); err != nil {
		_ = tx.Rollback() // the first error is the one that matters
		return sqldb.Trouble(err)
	}
	return sqldb.Trouble(tx.Commit())
}

func (s *Store) recordHistory(ctx context.Context, tx *sql.Tx, line string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO installation (name, value) VALUES ('history', $1) ON CONFLICT DO NOTHING`, line); err != nil {
		return fmt.Errorf("record the history of the database server: %w", err)
	}
	var before string
	if err := tx.QueryRowContext(ctx, `SELECT value FROM installation WHERE name = 'history' FOR UPDATE`).Scan(&before); err != nil || before == line {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE installation SET value = $1 WHERE name = 'history'`, line); err != nil {
		return fmt.Errorf("record the history of the database server: %w", err)
	}
	if s.server.synchronous {
		return nil
	}
	var seen sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT MAX(seen_at) FROM node`).Scan(&seen); err != nil {
		return fmt.Errorf("read the last heartbeat: %w", err)
	}
	since := now.Add(-24 * time.Hour)
	if seen.Valid {
		since = time.UnixMilli(min(seen.Int64, now.UnixMilli())).Add(-historyMargin)
	}
	return s.beginQuarantine(ctx, tx, overture.QuarantineOrder{
		Since:  since,
		Reason: "the database server's history changed from " + before + " to " + line + ": a standby took over, or a backup was brought back",
	}, now)
}
