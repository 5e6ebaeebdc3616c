package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// openCampaignsWhere lists launched campaigns that are not settled. The two first conditions are those of the index campaign_unfinished.
func (s *Store) openCampaignsWhere(ctx context.Context, condition string) ([]overture.OpenCampaign, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT c.id, c.account_id, c.sender_id, l.id, c.state, c.planning
		FROM campaign c JOIN lane l ON l.sender_id = c.sender_id AND l.campaign_id = c.id
		WHERE c.launched_at IS NOT NULL AND c.completed_at IS NULL AND `+condition+` ORDER BY c.id`)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("open campaigns: %w", err))
	}
	defer rows.Close()
	var out []overture.OpenCampaign
	for rows.Next() {
		var c overture.OpenCampaign
		if err := rows.Scan(&c.ID, &c.AccountID, &c.SenderID, &c.LaneID, &c.State, &c.Planning); err != nil {
			return nil, fmt.Errorf("open campaigns: %w", err)
		}
		out = append(out, c)
	}
	return out, sqldb.Trouble(rows.Err())
}

// CampaignsToEmpty lists canceled campaigns that still have rows to take back: none in a quarantine. Rows in flight belong to the dispatch engine.
func (s *Store) CampaignsToEmpty(ctx context.Context) ([]overture.OpenCampaign, error) {
	return s.openCampaignsWhere(ctx, `c.state = 'canceled' AND `+noQuarantine+` AND EXISTS (SELECT 1 FROM dispatch d WHERE d.lane_id = l.id
		AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = d.message_id))`)
}

// CampaignsToFinish lists running campaigns that have nothing left to send, and canceled ones that are settled completely.
func (s *Store) CampaignsToFinish(ctx context.Context) ([]overture.OpenCampaign, error) {
	return s.openCampaignsWhere(ctx, `c.state IN ('running', 'canceled') AND c.planning = FALSE
		AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.lane_id = l.id)
		AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.sender_id = c.sender_id AND f.lane_id = l.id)`)
}

// RunningCampaigns lists the campaigns whose speed is worth measuring.
func (s *Store) RunningCampaigns(ctx context.Context) ([]overture.OpenCampaign, error) {
	return s.openCampaignsWhere(ctx, `c.state = 'running'`)
}

// AcceptedCounts tells how many messages of each campaign a provider certainly has.
func (s *Store) AcceptedCounts(ctx context.Context, ids []overture.CampaignID) (map[overture.CampaignID]int, error) {
	condition, arg := sqldb.In(s.db, "campaign_id", 1, ids)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT campaign_id, SUM(n) FROM campaign_count WHERE `+condition+` AND state >= $2 GROUP BY campaign_id`,
		arg, overture.Accepted)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("count accepted messages: %w", err))
	}
	defer rows.Close()
	out := map[overture.CampaignID]int{}
	for rows.Next() {
		var id overture.CampaignID
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("count accepted messages: %w", err)
		}
		out[id] = n
	}
	return out, sqldb.Trouble(rows.Err())
}

// FinishCampaign completes a running campaign, or notes that a canceled one is settled, if nothing came in between: a retry or a resend
// locks the campaign too. done tells whether this call did it, which is true on one node only.
func (s *Store) FinishCampaign(ctx context.Context, c overture.OpenCampaign, now time.Time) (done bool, err error) {
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		if s.db.Postgres() { // the lock first, so that the conditions below are read after it
			if _, err := tx.ExecContext(ctx, `SELECT 1 FROM campaign WHERE id = $1 FOR UPDATE`, c.ID); err != nil {
				return fmt.Errorf("lock %s: %w", c.ID, err)
			}
		}
		res, err := tx.ExecContext(ctx, `UPDATE campaign SET state = CASE state WHEN 'running' THEN 'completed' ELSE state END,
				completed_at = $1, updated_at = CASE WHEN updated_at < $1 THEN $1 ELSE updated_at + 1 END
			WHERE id = $2 AND completed_at IS NULL AND state IN ('running', 'canceled') AND planning = FALSE
			AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.lane_id = $3)
			AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.sender_id = $4 AND f.lane_id = $3)`, now.UnixMilli(), c.ID, c.LaneID, c.SenderID)
		if err != nil {
			return fmt.Errorf("finish %s: %w", c.ID, err)
		}
		n, err := res.RowsAffected()
		if done = n > 0; err != nil || !done {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE lane SET state = 'done' WHERE id = $1 AND state = 'open'`, c.LaneID)
		return err
	})
	return done && err == nil, err
}

// CancelRemainder takes back up to limit messages of a canceled campaign that were still to be sent: their dispatch rows go, the messages
// become canceled, the counters move, all in one transaction. Messages in flight are left to the dispatch engine, and in a quarantine all are:
// any of them may have been sent, and has to be looked up before it ends (R11). It returns how many.
func (s *Store) CancelRemainder(ctx context.Context, c overture.OpenCampaign, limit int, now time.Time) (int, error) {
	var n int
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var state overture.LaneState
		if err := tx.QueryRowContext(ctx, `SELECT state FROM lane WHERE id = $1`+s.db.ForUpdate(), c.LaneID).Scan(&state); err != nil {
			return fmt.Errorf("lane of %s: %w", c.ID, err)
		}
		if state != overture.LaneCanceled {
			return nil
		}
		if quarantined, err := inQuarantine(ctx, tx); err != nil || quarantined {
			return err
		}
		var due, message int64 // the end of the chunk in the lane's order
		var found int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MAX(due_at), 0) FROM (SELECT due_at FROM dispatch d WHERE d.lane_id = $1
			AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = d.message_id) ORDER BY due_at, message_id LIMIT $2) chunk`,
			c.LaneID, limit).Scan(&found, &due); err != nil || found == 0 {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT MAX(message_id) FROM (SELECT due_at, message_id FROM dispatch d WHERE d.lane_id = $1
			AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = d.message_id) ORDER BY due_at, message_id LIMIT $2) chunk WHERE due_at = $3`,
			c.LaneID, limit, due).Scan(&message); err != nil {
			return fmt.Errorf("remainder of %s: %w", c.ID, err)
		}
		var ids []overture.MessageID
		if err := each(ctx, plain(tx, `DELETE FROM dispatch WHERE lane_id = $1 AND (due_at, message_id) <= ($2, $3)
			AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = dispatch.message_id) RETURNING message_id`),
			func(id overture.MessageID) { ids = append(ids, id) }, c.LaneID, due, message); err != nil {
			return fmt.Errorf("take back the remainder of %s: %w", c.ID, err)
		}
		condition, arg := sqldb.In(s.db, "id", 1, ids)
		n = 0
		if err := each(ctx, plain(tx, `UPDATE message SET state = $2, reason = $3, updated_at = $4 WHERE `+condition+` AND state = $5 RETURNING id`),
			func(overture.MessageID) { n++ }, arg, overture.Canceled, overture.ReasonCampaignCancel, now.UnixMilli(), overture.Queued); err != nil {
			return fmt.Errorf("cancel the remainder of %s: %w", c.ID, err)
		}
		counts := newCountDeltas()
		counts.enter(c.ID, overture.Queued, -n)
		counts.enter(c.ID, overture.Canceled, n)
		return s.writeCounts(ctx, tx, counts)
	})
	return n, err
}
