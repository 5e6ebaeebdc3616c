package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// EnqueueDirect queues one message outside every campaign, an agent's answer or a test send, on its sender's reply lane. It gives the
// message back with its id and lane. Whether the person has opted out is checked in the attempt's transaction; callers that want to say
// so at once check before.
func (s *Store) EnqueueDirect(ctx context.Context, m overture.Message, due, notAfter time.Time) (overture.Message, error) {
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		m, err = s.enqueueDirect(ctx, tx, m, due, notAfter)
		return err
	})
	return m, err
}

// enqueueDirect is EnqueueDirect inside a transaction of the caller.
func (s *Store) enqueueDirect(ctx context.Context, tx *sql.Tx, m overture.Message, due, notAfter time.Time) (overture.Message, error) {
	lane, err := s.replyLane(ctx, tx, m.AccountID, m.SenderID)
	if err != nil {
		return m, err
	}
	if m.ID == 0 {
		m.ID = overture.MessageID(s.NewID())
	}
	m.LaneID, m.CampaignID, m.RecipientID, m.State, m.UpdatedAt = lane, 0, 0, overture.Queued, due
	if _, err := tx.ExecContext(ctx, `INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address,
			body, state, attempts, segments, provider_id, code, reason, updated_at)
		VALUES ($1, $2, 0, 0, $3, $4, $5, 0, $6, $7, $8, 0, $9, '', 0, '', $10)`,
		m.ID, m.AccountID, m.EntryID, m.SenderID, m.LaneID, m.Address, m.Body, m.State, m.Segments, m.UpdatedAt.UnixMilli()); err != nil {
		if sqldb.IsUnique(err) {
			return m, &overture.Error{Kind: overture.Conflict, Code: "message_exists", Message: "this message is queued already", Err: err}
		}
		return m, fmt.Errorf("insert direct message: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`,
		m.LaneID, due.UnixMilli(), m.ID, notAfter.UnixMilli()); err != nil {
		return m, fmt.Errorf("queue direct message: %w", err)
	}
	return m, nil
}

// replyLane gives the lane of a sender that belongs to no campaign, and makes it the first time.
func (s *Store) replyLane(ctx context.Context, tx *sql.Tx, account overture.AccountID, sender overture.SenderID) (overture.LaneID, error) {
	if _, err := tx.ExecContext(ctx, `INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight)
		VALUES ($1, $2, $3, 0, 'reply', 'open', 0, 1) ON CONFLICT DO NOTHING`, s.NewID(), account, sender); err != nil {
		return 0, fmt.Errorf("open reply lane: %w", err)
	}
	var id overture.LaneID
	if err := tx.QueryRowContext(ctx, `SELECT id FROM lane WHERE sender_id = $1 AND campaign_id = 0 AND account_id = $2`, sender, account).Scan(&id); err != nil {
		return 0, fmt.Errorf("reply lane of %s: %w", sender, err)
	}
	return id, nil
}
