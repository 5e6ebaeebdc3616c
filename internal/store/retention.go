package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// Retention reads how long an account keeps its data, what is on hold, and what was deleted so far.
func (s *Store) Retention(ctx context.Context, account overture.AccountID) (overture.Retention, error) {
	r, err := retentionFrom(ctx, s.db.Read, account, "")
	if err != nil {
		return r, sqldb.Trouble(err)
	}
	err = eachRow(ctx, plain(s.db.Read, `SELECT class, deleted, last_at FROM retention_tally WHERE account_id = $1`), func(rows *sql.Rows) error {
		var class overture.RetentionClass
		var t overture.RetentionTally
		var last int64
		err := rows.Scan(&class, &t.Deleted, &last)
		t.LastAt = time.UnixMilli(last).UTC()
		r.Tally[class] = t
		return err
	}, account)
	if err != nil {
		return r, sqldb.Trouble(fmt.Errorf("what retention deleted: %w", err))
	}
	r.Holds, err = holdsOf(ctx, s.db.Read, account)
	return r, sqldb.Trouble(err)
}

// retentionFrom reads the periods. An account that never chose any has none, and version 0.
func retentionFrom(ctx context.Context, q sqldb.Querier, account overture.AccountID, lock string) (overture.Retention, error) {
	r := overture.Retention{AccountID: account, Days: map[overture.RetentionClass]int{}, Tally: map[overture.RetentionClass]overture.RetentionTally{}}
	var messages, conversations, uploads, audit int
	var changed int64
	var ran sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT version, messages_days, conversations_days, uploads_days, audit_days, changed_by, changed_at, ran_at
		FROM retention WHERE account_id = $1`+lock, account).Scan(&r.Version, &messages, &conversations, &uploads, &audit, &r.ChangedBy, &changed, &ran)
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("read retention: %w", err)
	}
	r.Days = map[overture.RetentionClass]int{
		overture.RetainMessages: messages, overture.RetainConversations: conversations, overture.RetainUploads: uploads, overture.RetainAudit: audit,
	}
	if r.RanAt = sqldb.Time(ran); r.Version > 0 {
		r.ChangedAt = time.UnixMilli(changed).UTC()
	}
	return r, nil
}

func holdsOf(ctx context.Context, q sqldb.Querier, account overture.AccountID) ([]overture.LegalHold, error) {
	var out []overture.LegalHold
	err := eachRow(ctx, plain(q, `SELECT h.campaign_id, COALESCE(c.name, ''), h.reason, h.held_by, h.held_at
		FROM legal_hold h LEFT JOIN campaign c ON c.id = h.campaign_id WHERE h.account_id = $1 ORDER BY h.campaign_id`), func(rows *sql.Rows) error {
		var h overture.LegalHold
		var at int64
		err := rows.Scan(&h.CampaignID, &h.CampaignName, &h.Reason, &h.By, &at)
		h.At = time.UnixMilli(at).UTC()
		out = append(out, h)
		return err
	}, account)
	if err != nil {
		return nil, fmt.Errorf("legal holds: %w", err)
	}
	return out, nil
}

// lockRetention reads an account's periods under the lock that every deletion takes first: whoever holds it knows that nothing is being
// deleted, and that nothing will be before it has committed.
func (s *Store) lockRetention(ctx context.Context, tx *sql.Tx, account overture.AccountID) (overture.Retention, error) {
	if _, err := tx.ExecContext(ctx, `INSERT INTO retention (account_id, version, messages_days, conversations_days, uploads_days, audit_days, changed_by, changed_at)
		VALUES ($1, 0, 0, 0, 0, 0, '', 0) ON CONFLICT DO NOTHING`, account); err != nil {
		return overture.Retention{}, fmt.Errorf("lock retention: %w", err)
	}
	return retentionFrom(ctx, tx, account, s.db.ForUpdate())
}

// SetRetention changes the periods. was is the version that the change replaces, -1 for whatever there is; Conflict when there is a newer one.
func (s *Store) SetRetention(ctx context.Context, by overture.Actor, days map[overture.RetentionClass]int, was int, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		r, err := s.lockRetention(ctx, tx, by.AccountID)
		if err != nil {
			return err
		}
		if was >= 0 && was != r.Version {
			return overture.ErrConflict("retention_changed", fmt.Sprintf("somebody has changed the periods meanwhile: version %d is the newest; look at it first", r.Version))
		}
		var changed []string
		for _, c := range overture.RetentionClasses() {
			if days[c] != r.Days[c] {
				changed = append(changed, fmt.Sprintf("%s: %s → %s", c, daysWords(r.Days[c]), daysWords(days[c])))
			}
		}
		if len(changed) == 0 {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE retention SET version = $2, messages_days = $3, conversations_days = $4, uploads_days = $5, audit_days = $6,
				changed_by = $7, changed_at = $8, ran_at = NULL WHERE account_id = $1`, by.AccountID, r.Version+1, days[overture.RetainMessages],
			days[overture.RetainConversations], days[overture.RetainUploads], days[overture.RetainAudit], by.String(), now.UnixMilli()); err != nil {
			return fmt.Errorf("change retention: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "retention.changed", by.AccountID.String(), strings.Join(changed, ", "), now)
	})
}

func daysWords(days int) string {
	if days == 0 {
		return "for ever"
	}
	return fmt.Sprint(days, " days")
}

// HoldData puts the account, or one of its campaigns, on legal hold. When it returns nothing more is deleted, on any node. A second hold on the
// same replaces the reason.
func (s *Store) HoldData(ctx context.Context, by overture.Actor, campaign overture.CampaignID, reason string, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockRetention(ctx, tx, by.AccountID); err != nil {
			return err
		}
		subject, err := s.holdSubject(ctx, tx, by.AccountID, campaign)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO legal_hold (account_id, campaign_id, reason, held_by, held_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (account_id, campaign_id) DO UPDATE SET reason = excluded.reason, held_by = excluded.held_by, held_at = excluded.held_at`,
			by.AccountID, campaign, reason, by.String(), now.UnixMilli()); err != nil {
			return fmt.Errorf("put on hold: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "retention.held", subject, reason, now)
	})
}

// ReleaseData ends a legal hold. Conflict: there is none.
func (s *Store) ReleaseData(ctx context.Context, by overture.Actor, campaign overture.CampaignID, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockRetention(ctx, tx, by.AccountID); err != nil {
			return err
		}
		subject, err := s.holdSubject(ctx, tx, by.AccountID, campaign)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM legal_hold WHERE account_id = $1 AND campaign_id = $2`, by.AccountID, campaign)
		if err != nil {
			return fmt.Errorf("release: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return overture.ErrConflict("not_on_hold", "nothing is on hold here")
		}
		return writeAudit(ctx, tx, s.NewID(), by, "retention.released", subject, "", now)
	})
}

// holdSubject names what is held, and refuses a campaign of another account.
func (s *Store) holdSubject(ctx context.Context, tx *sql.Tx, account overture.AccountID, campaign overture.CampaignID) (string, error) {
	if campaign == 0 {
		return account.String(), nil
	}
	_, err := s.campaignIn(ctx, tx, account, campaign, "")
	return campaign.String(), err
}

// RetentionDue lists the accounts that keep something for a time and were not looked at since. None in a quarantine: the database may not know
// of the newest holds, and of what people decided to send again.
func (s *Store) RetentionDue(ctx context.Context, since time.Time) ([]overture.AccountID, error) {
	var out []overture.AccountID
	err := each(ctx, plain(s.db.Read, `SELECT r.account_id FROM retention r WHERE r.messages_days + r.conversations_days + r.uploads_days + r.audit_days > 0
			AND (r.ran_at IS NULL OR r.ran_at < $1) AND `+noQuarantine+`
			AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.account_id = r.account_id AND h.campaign_id = 0) ORDER BY r.account_id`),
		func(id overture.AccountID) { out = append(out, id) }, since.UnixMilli())
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("accounts with old data: %w", err))
	}
	return out, nil
}

// RetentionRan notes that an account was looked at under a version of its periods, and in the audit log what that deleted, if anything.
func (s *Store) RetentionRan(ctx context.Context, account overture.AccountID, version int, deleted string, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE retention SET ran_at = $3 WHERE account_id = $1 AND version = $2`, account, version, now.UnixMilli()); err != nil {
			return fmt.Errorf("note the run: %w", err)
		}
		if deleted == "" {
			return nil
		}
		return writeAudit(ctx, tx, s.NewID(), overture.Actor{AccountID: account}, "retention.deleted", account.String(), deleted, now)
	})
}

// retentionTurn is the one row of its table.
const retentionTurn = 1

// ClaimRetention takes or renews the turn to delete for owner until ttl from now; ok is false while another node has it. Two nodes that both
// think so do no harm, since each deletion decides under a lock; they would only take twice the time that retention may take.
func (s *Store) ClaimRetention(ctx context.Context, owner string, ttl time.Duration) (ok bool, err error) {
	now := s.sweepClock()
	free := ""
	if s.db.Postgres() { // on SQLite another owner can only be an older process, which is gone
		free = ` WHERE retention_turn.owner = excluded.owner OR retention_turn.expires_at < ` + now
	}
	return s.sweepChanged(s.db.Write.ExecContext(ctx, `INSERT INTO retention_turn (id, owner, expires_at) VALUES ($1, $2, `+now+` + $3)
		ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at`+free, retentionTurn, owner, ttl.Milliseconds()))
}

// ReleaseRetention lets the next node in at once.
func (s *Store) ReleaseRetention(ctx context.Context, owner string) error {
	_, err := s.db.Write.ExecContext(ctx, `DELETE FROM retention_turn WHERE id = $1 AND owner = $2`, retentionTurn, owner)
	return sqldb.Trouble(err)
}
