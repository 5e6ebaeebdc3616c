package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// UndoLaunch takes a campaign back to draft inside its undo window. Until the window is over the planner writes nothing for it, so no message exists
// and nothing can be marked. The planner moves its cursor in the row that is locked here: either it finds no launch any more, or its messages are
// found here and the undo is refused.
func (s *Store) UndoLaunch(ctx context.Context, by overture.Actor, id overture.CampaignID, now time.Time) (overture.Campaign, error) {
	var c overture.Campaign
	now = now.Truncate(time.Millisecond).UTC()
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		if c, err = s.campaignIn(ctx, tx, by.AccountID, id, s.db.ForUpdate()); err != nil {
			return err
		}
		if !c.State.CanBecome(overture.Draft) {
			return campaignConflict("campaign_"+string(c.State), "the campaign is "+string(c.State)+": there is no launch to undo")
		}
		var planned bool
		if err := tx.QueryRowContext(ctx, `SELECT planned_through > 0 OR EXISTS (SELECT 1 FROM message m WHERE m.campaign_id = $1 AND m.campaign_id > 0)
			FROM campaign WHERE id = $1`, id).Scan(&planned); err != nil {
			return fmt.Errorf("plan of %s: %w", id, err)
		}
		if planned || !now.Before(c.UndoUntil) {
			return campaignConflict("undo_over", "the time to undo the launch is over; pause or cancel the campaign instead")
		}
		if !c.LaunchAt.After(c.LaunchedAt) { // it was launched at once, so the draft had no time of its own
			c.LaunchAt = time.Time{}
		}
		c.State, c.Reason, c.ListHash, c.ContentHash, c.ConsentBy = overture.Draft, "", "", "", 0
		c.ConsentAt, c.LaunchedAt, c.UndoUntil, c.Watch, c.Rules = time.Time{}, time.Time{}, time.Time{}, overture.Watch{}, nil
		c.UpdatedAt = stamp(c.UpdatedAt, now)
		if _, err := tx.ExecContext(ctx, `DELETE FROM lane WHERE sender_id = $1 AND campaign_id = $2`, c.SenderID, c.ID); err != nil {
			return fmt.Errorf("lane of %s: %w", id, err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM campaign_forecast WHERE campaign_id = $1`, c.ID); err != nil {
			return fmt.Errorf("forecast of %s: %w", id, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE campaign SET state = $1, reason = '', launch_at = $2, list_hash = '', content_hash = '', consent_by = NULL,
				consent_at = NULL, launched_at = NULL, planning = FALSE, undo_until = NULL, watch = '', rules_id = 0, price_version = 0, updated_at = $3 WHERE id = $4`,
			c.State, sqldb.Millis(c.LaunchAt), c.UpdatedAt.UnixMilli(), id); err != nil {
			return fmt.Errorf("undo the launch of %s: %w", id, err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "campaign.launch_undone", id.String(), "", now)
	})
	return c, err
}
