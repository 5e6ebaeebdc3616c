package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// SetAccountStopped stops everything an account sends, or lets it go on. What is so already stays as it is. Every attempt's own transaction asks,
// so it holds on all nodes for every mark that begins after the commit.
func (s *Store) SetAccountStopped(ctx context.Context, by overture.Actor, stopped bool, reason string, now time.Time) (overture.Account, error) {
	var a overture.Account
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		if a, err = accountFrom(ctx, tx, by.AccountID, s.db.ForUpdate()); err != nil || a.Stopped == stopped {
			return err
		}
		a.Stopped, a.StopReason, a.StoppedAt = stopped, "", time.Time{}
		action := "account.started"
		if stopped {
			action, a.StopReason, a.StoppedAt = "account.stopped", reason, now.Truncate(time.Millisecond).UTC()
		}
		if _, err := tx.ExecContext(ctx, `UPDATE account SET stopped = $1, stop_reason = $2, stopped_at = $3 WHERE id = $4`,
			a.Stopped, a.StopReason, sqldb.Millis(a.StoppedAt), a.ID); err != nil {
			return fmt.Errorf("stop or start account: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, action, a.ID.String(), "", now)
	})
	return a, err
}

// SetEverythingStopped stops all accounts of this installation, or lets them go on, and writes it into the audit log of each.
func (s *Store) SetEverythingStopped(ctx context.Context, stopped bool, reason string, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		action, query, args := "installation.started", `DELETE FROM emergency_stop`, []any(nil)
		if stopped {
			action, query = "installation.stopped", `INSERT INTO emergency_stop (id, reason, stopped_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING`
			args = []any{reason, now.UnixMilli()}
		}
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("stop or start everything: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		var accounts []overture.AccountID
		if err := each(ctx, plain(tx, `SELECT id FROM account ORDER BY id`), func(id overture.AccountID) { accounts = append(accounts, id) }); err != nil {
			return fmt.Errorf("accounts: %w", err)
		}
		for _, id := range accounts {
			if err := writeAudit(ctx, tx, s.NewID(), overture.Actor{AccountID: id}, action, id.String(), "", now); err != nil {
				return err
			}
		}
		return nil
	})
}
