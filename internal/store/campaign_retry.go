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

// FailedMessages pages through the failed messages of a campaign by recipient. reasons narrows them; none means all.
func (s *Store) FailedMessages(ctx context.Context, campaign overture.CampaignID, reasons []string, after overture.RecipientID, limit int) ([]overture.Ended, error) {
	condition, arg := sqldb.In(s.db, "m.reason", 5, reasons)
	args := []any{campaign, after, overture.Failed, limit}
	if len(reasons) > 0 {
		args = append(args, arg)
	} else {
		condition = "TRUE"
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT m.id, m.campaign_id, m.recipient_id, m.sender_id, m.state, m.reason, m.address, r.zones
		FROM message m JOIN recipient r ON r.id = m.recipient_id
		WHERE m.campaign_id = $1 AND m.campaign_id > 0 AND m.recipient_id > $2 AND m.state = $3 AND `+condition+`
		ORDER BY m.recipient_id LIMIT $4`, args...)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("failed messages of %s: %w", campaign, err))
	}
	defer rows.Close()
	var out []overture.Ended
	for rows.Next() {
		m, err := scanEnded(rows)
		if err != nil {
			return nil, fmt.Errorf("failed messages of %s: %w", campaign, err)
		}
		out = append(out, m)
	}
	return out, sqldb.Trouble(rows.Err())
}

func scanEnded(row scanner) (overture.Ended, error) {
	var m overture.Ended
	var zones string
	err := row.Scan(&m.MessageID, &m.CampaignID, &m.RecipientID, &m.SenderID, &m.State, &m.Reason, &m.Address, &zones)
	if zones != "" {
		m.Zones = strings.Split(zones, ",")
	}
	return m, err
}

// RequeueFailed puts failed messages of a campaign back into the queue, each at its new place, and lets a completed campaign run again.
// Messages that are no longer failed are left alone. audit is the detail of the audit entry; empty: the entry was written with an earlier
// chunk. Attempts already made stay counted and in the history. It returns how many were put back.
func (s *Store) RequeueFailed(ctx context.Context, by overture.Actor, campaign overture.CampaignID, items []overture.Requeue, audit string, now time.Time) (int, error) {
	var n int
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		c, err := s.campaignIn(ctx, tx, by.AccountID, campaign, s.db.ForUpdate())
		if err != nil {
			return err
		}
		if n, err = s.requeue(ctx, tx, c, overture.Failed, items, now); err != nil || audit == "" {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "campaign.retried", c.ID.String(), audit, now)
	})
	return n, err
}

// requeue moves messages from an ended state back to queued. c is locked and belongs to the caller's account.
func (s *Store) requeue(ctx context.Context, tx *sql.Tx, c overture.Campaign, from overture.State, items []overture.Requeue, now time.Time) (int, error) {
	switch c.State {
	case overture.Completed, overture.Running, overture.Paused:
	default:
		return 0, campaignConflict("campaign_"+string(c.State), "the campaign is "+string(c.State)+"; only a running, paused or completed one can send again")
	}
	if !c.PeopleDeletedAt.IsZero() {
		return 0, overture.ErrPeopleDeleted(overture.Conflict, c.PeopleDeletedAt)
	}
	places := make(map[overture.MessageID]overture.Requeue, len(items))
	ids := make([]overture.MessageID, len(items))
	for i, x := range items {
		ids[i], places[x.MessageID] = x.MessageID, x
	}
	before, err := s.sendings(ctx, tx, ids, from)
	if err != nil {
		return 0, err
	}
	condition, arg := sqldb.In(s.db, "id", 1, ids)
	var moved []overture.MessageID
	if err := each(ctx, plain(tx, `UPDATE message SET state = $2, reason = '', code = 0, updated_at = $3, rules_id = $6
		WHERE `+condition+` AND campaign_id = $4 AND state = $5 RETURNING id`),
		func(id overture.MessageID) { moved = append(moved, id) }, arg, overture.Queued, now.UnixMilli(), c.ID, from, rulesID(c.Rules)); err != nil {
		return 0, fmt.Errorf("queue messages of %s again: %w", c.ID, err)
	}
	if len(moved) == 0 {
		return 0, nil
	}
	var lane overture.LaneID
	if err := tx.QueryRowContext(ctx, `SELECT id FROM lane WHERE sender_id = $1 AND campaign_id = $2`, c.SenderID, c.ID).Scan(&lane); err != nil {
		return 0, fmt.Errorf("lane of %s: %w", c.ID, err)
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`)
	if err != nil {
		return 0, fmt.Errorf("queue messages of %s again: %w", c.ID, err)
	}
	defer insert.Close()
	for _, id := range moved {
		if _, err := insert.ExecContext(ctx, lane, places[id].Due.UnixMilli(), id, places[id].NotAfter.UnixMilli()); err != nil {
			return 0, fmt.Errorf("queue %s again: %w", id, err)
		}
	}
	if from == overture.Held {
		if err := unhold(ctx, tx, moved...); err != nil {
			return 0, err
		}
	}
	if c.State == overture.Completed {
		if _, err := tx.ExecContext(ctx, `UPDATE campaign SET state = 'running', completed_at = NULL, updated_at = $1 WHERE id = $2`,
			stamp(c.UpdatedAt, now).UnixMilli(), c.ID); err != nil {
			return 0, fmt.Errorf("run %s again: %w", c.ID, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE lane SET state = 'open' WHERE id = $1`, lane); err != nil {
			return 0, fmt.Errorf("open lane of %s: %w", c.ID, err)
		}
	}
	counts := newCountDeltas()
	counts.enter(c.ID, from, -len(moved))
	counts.enter(c.ID, overture.Queued, len(moved))
	for _, id := range moved {
		counts.send(before[id], -1)
	}
	return len(moved), s.writeCounts(ctx, tx, counts)
}
