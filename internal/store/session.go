package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// CreateSession keeps a session under the hash of its token and writes the sign-in into the audit log.
func (s *Store) CreateSession(ctx context.Context, by overture.Actor, session overture.Session, tokenHash string) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO session
				(token_hash, id, user_id, account_id, session_version, created_at, expires_at, last_seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			tokenHash, session.ID, session.User.ID, session.User.AccountID, session.SessionVersion,
			session.CreatedAt.UnixMilli(), session.ExpiresAt.UnixMilli(), session.LastSeenAt.UnixMilli()); err != nil {
			return fmt.Errorf("create session: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "user.signed_in", session.User.ID.String(), session.Through, session.CreatedAt)
	})
}

// SessionByToken gives the session with the user as it is now. NotFound: there is none; whether it still lives is for the caller.
func (s *Store) SessionByToken(ctx context.Context, tokenHash string) (overture.Session, error) {
	var out overture.Session
	var created, expires, seen int64
	err := scanUser(s.db.Read.QueryRowContext(ctx, `SELECT `+userColumns+`, a.enabled, x.id, x.session_version, x.created_at, x.expires_at, x.last_seen_at
		FROM session x JOIN app_user u ON u.id = x.user_id JOIN account a ON a.id = u.account_id WHERE x.token_hash = $1`, tokenHash).Scan,
		&out.User, &out.AccountEnabled, &out.ID, &out.SessionVersion, &created, &expires, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return out, overture.ErrNotFound("session")
	}
	if err != nil {
		return out, sqldb.Trouble(fmt.Errorf("read session: %w", err))
	}
	out.CreatedAt, out.ExpiresAt, out.LastSeenAt = time.UnixMilli(created).UTC(), time.UnixMilli(expires).UTC(), time.UnixMilli(seen).UTC()
	return out, nil
}

// TouchSession notes that the session was used.
func (s *Store) TouchSession(ctx context.Context, tokenHash string, now time.Time) error {
	if _, err := s.db.Write.ExecContext(ctx, `UPDATE session SET last_seen_at = $1 WHERE token_hash = $2`, now.UnixMilli(), tokenHash); err != nil {
		return sqldb.Trouble(fmt.Errorf("touch session: %w", err))
	}
	return nil
}

// DeleteSession signs one browser out. A session that is gone already is no error.
func (s *Store) DeleteSession(ctx context.Context, account overture.AccountID, id overture.SessionID) error {
	if _, err := s.db.Write.ExecContext(ctx, `DELETE FROM session WHERE account_id = $1 AND id = $2`, account, id); err != nil {
		return sqldb.Trouble(fmt.Errorf("delete session: %w", err))
	}
	return nil
}

// DeleteOldSessions removes sessions that are over: past their end, or not seen since idleSince.
func (s *Store) DeleteOldSessions(ctx context.Context, now, idleSince time.Time) error {
	if _, err := s.db.Write.ExecContext(ctx, `DELETE FROM session WHERE expires_at <= $1 OR last_seen_at <= $2`,
		now.UnixMilli(), idleSince.UnixMilli()); err != nil {
		return sqldb.Trouble(fmt.Errorf("delete old sessions: %w", err))
	}
	return nil
}

func endSessions(ctx context.Context, tx *sql.Tx, user overture.UserID) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM session WHERE user_id = $1`, user); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}
