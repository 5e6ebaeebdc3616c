package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// LaunchCampaign freezes content and list, records who consented, opens the lane and hands the campaign to the planner, all in one
// transaction (F1, F2). c is the campaign as it was checked: c.UpdatedAt must still be its version. c.LaunchAt decides between scheduled
// and running. Launching twice, or launching what somebody edited meanwhile, is Conflict.
func (s *Store) LaunchCampaign(ctx context.Context, by overture.Actor, c overture.Campaign, now time.Time) (overture.Campaign, error) {
	now = now.Truncate(time.Millisecond).UTC()
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		current, err := s.draftForChange(ctx, tx, by.AccountID, c.ID, c.UpdatedAt)
		if err != nil {
			return err
		}
		launchAt := c.LaunchAt
		if c = current; launchAt.After(now) {
			c.LaunchAt, c.State = launchAt.Truncate(time.Millisecond).UTC(), overture.Scheduled
		} else {
			c.LaunchAt, c.State = now, overture.Running
		}
		if c.ListHash, c.RecipientCount, err = s.frozenList(ctx, tx, c.AccountID, c.ID); err != nil {
			return err
		}
		if c.RecipientCount == 0 {
			return overture.ErrInvalid("no_recipients", "the campaign has no valid recipients; add some before the launch")
		}
		if c.ConsentBy, err = consenting(ctx, tx, by); err != nil {
			return err
		}
		account, err := accountFrom(ctx, tx, c.AccountID, "")
		if err != nil {
			return err
		}
		rules, err := s.freezeRules(ctx, tx, c.AccountID, account.Settings.Policy, now)
		if err != nil {
			return err
		}
		c.ContentHash, c.ConsentAt = c.Content.Hash(), now
		c.LaunchedAt, c.UpdatedAt = now, stamp(current.UpdatedAt, now)
		lane := guardAtLaunch(&c, now)
		watch, err := pack(c.Watch)
		if err != nil {
			return fmt.Errorf("guard of %s: %w", c.ID, err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight, allowance, budget, money, granted, granted_money)
			VALUES ($1, $2, $3, $4, 'campaign', 'open', $5, 1, $6, $7, $8, $9, $10)`, s.NewID(), c.AccountID, c.SenderID, c.ID, lane.rate, lane.allowance, lane.budget, lane.money, lane.budget.Int64, lane.money.Int64); err != nil {
			return fmt.Errorf("open lane of %s: %w", c.ID, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE campaign SET state = $1, launch_at = $2, list_hash = $3, recipient_count = $4, content_hash = $5,
				consent_by = $6, consent_at = $7, launched_at = $7, updated_at = $8, planned_through = 0, planning = TRUE, rules_id = $11,
				undo_until = $12, watch = $13,
				price_version = (SELECT COALESCE(MAX(p.version), 0) FROM price_table p WHERE p.account_id = $10) WHERE id = $9`,
			c.State, sqldb.Millis(c.LaunchAt), c.ListHash, c.RecipientCount, c.ContentHash, c.ConsentBy, now.UnixMilli(),
			c.UpdatedAt.UnixMilli(), c.ID, c.AccountID, rules, sqldb.Millis(c.UndoUntil), watch); err != nil {
			return fmt.Errorf("launch %s: %w", c.ID, err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO campaign_forecast (campaign_id, account_id, state, launched_at, forecast, actual, finish_at, made_at)
			VALUES ($1, $2, 'pending', $3, '', '', 0, 0)
			ON CONFLICT (campaign_id) DO UPDATE SET state = 'pending', launched_at = $3, forecast = '', actual = '', finish_at = 0, made_at = 0, owner = '', expires_at = 0`, c.ID, c.AccountID, now.UnixMilli()); err != nil {
			return fmt.Errorf("ask for the forecast of %s: %w", c.ID, err)
		}
		detail := fmt.Sprintf("consent given; %d recipients; content %.12s; list %.12s", c.RecipientCount, c.ContentHash, c.ListHash)
		crashpoint.Pass("CP13a")
		return writeAudit(ctx, tx, s.NewID(), by, "campaign.launched", c.ID.String(), detail, now)
	})
	crashpoint.Pass("CP13b")
	return c, err
}

// consenting is the person who answers for the consent: the user, or whoever made the API key; the audit entry names the key.
func consenting(ctx context.Context, tx *sql.Tx, by overture.Actor) (overture.UserID, error) {
	if by.KeyID == 0 {
		return by.UserID, nil
	}
	var user overture.UserID
	err := tx.QueryRowContext(ctx, `SELECT created_by FROM api_key WHERE id = $1 AND account_id = $2`, by.KeyID, by.AccountID).Scan(&user)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("who made %s: %w", by.KeyID, err)
	}
	return user, nil
}
