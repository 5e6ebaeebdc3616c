package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// holdSQL notes a message that becomes held, before its marker goes: the marker knows the attempt and what the provider said. A marker that is
// no longer ours is not there, and nothing is noted.
const holdSQL = `INSERT INTO held (message_id, account_id, campaign_id, sender_id, attempt, attempted_at, held_at, lookups, http_status, code)
	SELECT m.id, m.account_id, m.campaign_id, m.sender_id, f.attempt, f.started_at, $1, $2, f.http_status, f.code
	FROM inflight f JOIN message m ON m.id = f.message_id WHERE f.message_id = $3 AND f.epoch = $4 AND f.token = $5 ON CONFLICT (message_id) DO NOTHING`

// unholdSQL forgets a held message that was settled.
const unholdSQL = `DELETE FROM held WHERE message_id = $1`

// hold notes the settlements of w that leave their message to a person. They are rare.
func (c *commitTx) hold(w *overture.SenderWork, xs []overture.Settlement) error {
	for _, x := range xs {
		if x.State != overture.Held {
			continue
		}
		if _, err := c.tx.ExecContext(c.ctx, holdSQL, c.now, x.Lookups, x.MessageID, w.Lease.Epoch, x.Token); err != nil {
			return fmt.Errorf("note %s as held: %w", x.MessageID, err)
		}
	}
	return nil
}

// heldWhere is the condition on held h for a filter, with its arguments from $1 on.
func (s *Store) heldWhere(f overture.HeldFilter) (string, []any) {
	where, args := `h.account_id = $1 AND h.message_id > $2`, []any{f.AccountID, f.After}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where += fmt.Sprintf(" AND "+condition, len(args))
	}
	if f.CampaignID != 0 {
		add("h.campaign_id = $%d", f.CampaignID)
	}
	if f.SenderID != 0 {
		add("h.sender_id = $%d", f.SenderID)
	}
	if !f.AttemptedBefore.IsZero() {
		add("h.attempted_at < $%d", f.AttemptedBefore.UnixMilli())
	}
	if !f.HeldBefore.IsZero() {
		add("h.held_at <= $%d", f.HeldBefore.UnixMilli())
	}
	if len(f.Messages) > 0 {
		condition, arg := sqldb.In(s.db, "h.message_id", len(args)+1, f.Messages)
		where, args = where+" AND "+condition, append(args, arg)
	}
	return where, args
}

// HeldMessages pages through the held messages of an account in the order of their ids.
func (s *Store) HeldMessages(ctx context.Context, f overture.HeldFilter) ([]overture.HeldMessage, error) {
	where, args := s.heldWhere(f)
	args = append(args, f.Limit)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT m.id, m.campaign_id, m.recipient_id, m.sender_id, m.state, m.reason, COALESCE(r.zones, ''),
			COALESCE(c.name, ''), m.address, h.attempt, h.attempted_at, h.held_at, h.lookups, h.http_status, h.code
		FROM held h JOIN message m ON m.id = h.message_id LEFT JOIN recipient r ON r.id = m.recipient_id LEFT JOIN campaign c ON c.id = m.campaign_id
		WHERE `+where+fmt.Sprintf(` ORDER BY h.message_id LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("held messages: %w", err))
	}
	defer rows.Close()
	var out []overture.HeldMessage
	for rows.Next() {
		var m overture.HeldMessage
		var zones string
		var attempted, held int64
		if err := rows.Scan(&m.MessageID, &m.CampaignID, &m.RecipientID, &m.SenderID, &m.State, &m.Reason, &zones,
			&m.CampaignName, &m.Address, &m.Attempt, &attempted, &held, &m.Lookups, &m.HTTPStatus, &m.Code); err != nil {
			return nil, fmt.Errorf("held messages: %w", err)
		}
		if zones != "" {
			m.Zones = strings.Split(zones, ",")
		}
		m.AttemptedAt, m.HeldAt = time.UnixMilli(attempted).UTC(), time.UnixMilli(held).UTC()
		out = append(out, m)
	}
	return out, sqldb.Trouble(rows.Err())
}

// CountHeld tells how many held messages a filter selects.
func (s *Store) CountHeld(ctx context.Context, f overture.HeldFilter) (n int, err error) {
	where, args := s.heldWhere(f)
	err = s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM held h WHERE `+where, args...).Scan(&n)
	return n, sqldb.Trouble(err)
}

// unhold forgets settled messages in the transaction that settles them.
func unhold(ctx context.Context, tx *sql.Tx, ids ...overture.MessageID) error {
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, unholdSQL, id); err != nil {
			return fmt.Errorf("%s is not held any more: %w", id, err)
		}
	}
	return nil
}
