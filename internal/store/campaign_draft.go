package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// CreateCampaign stores a new draft and gives it back with its id and times.
func (s *Store) CreateCampaign(ctx context.Context, by overture.Actor, c overture.Campaign, now time.Time) (overture.Campaign, error) {
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		if c, err = s.insertDraft(ctx, tx, by, c, now); err != nil {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "campaign.created", c.ID.String(), "", now)
	})
	return c, err
}

func (s *Store) insertDraft(ctx context.Context, tx *sql.Tx, by overture.Actor, c overture.Campaign, now time.Time) (overture.Campaign, error) {
	window, err := json.Marshal(c.Window)
	if err != nil {
		return c, fmt.Errorf("window: %w", err)
	}
	rails, err := pack(c.Rails)
	if err != nil {
		return c, fmt.Errorf("guard rails: %w", err)
	}
	now = now.Truncate(time.Millisecond).UTC()
	c.ID, c.AccountID, c.State = overture.CampaignID(s.NewID()), by.AccountID, overture.Draft
	c.CreatedBy, c.CreatedAt, c.UpdatedAt = by.UserID, now, now
	_, err = tx.ExecContext(ctx, `INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text,
			smart_encoding, state, launch_at, send_window, rate, lookback, expires_at, policy, open_conversation, reason, recipient_count,
			list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning, rails, undo_seconds)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, '', 0, '', '', $19, $20, $20, 0, FALSE, $21, $22)`,
		c.ID, c.AccountID, c.BrandID, c.Name, c.Channel, c.SenderID, c.SkillID, c.Content.Text, c.Content.OptOutText, c.Content.SmartEncoding,
		c.State, sqldb.Millis(c.LaunchAt), string(window), c.Rate, c.Lookback.Milliseconds(), sqldb.Millis(c.ExpiresAt), c.Policy,
		c.OpenConversation, c.CreatedBy, now.UnixMilli(), rails, c.UndoSeconds)
	if err != nil {
		return c, fmt.Errorf("insert campaign: %w", err)
	}
	return c, nil
}

// UpdateDraft stores the editable fields of a draft. c.UpdatedAt must be the version that was read: when somebody changed or launched
// the campaign meanwhile, nothing happens and the answer is Conflict.
func (s *Store) UpdateDraft(ctx context.Context, by overture.Actor, c overture.Campaign, fields string, now time.Time) (overture.Campaign, error) {
	window, err := json.Marshal(c.Window)
	if err != nil {
		return c, fmt.Errorf("window: %w", err)
	}
	rails, err := pack(c.Rails)
	if err != nil {
		return c, fmt.Errorf("guard rails: %w", err)
	}
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		current, err := s.draftForChange(ctx, tx, by.AccountID, c.ID, c.UpdatedAt)
		if err != nil {
			return err
		}
		c.UpdatedAt = stamp(current.UpdatedAt, now.Truncate(time.Millisecond).UTC())
		if _, err := tx.ExecContext(ctx, `UPDATE campaign SET brand_id = $1, name = $2, channel = $3, sender_id = $4, skill_id = $5, text = $6,
				opt_out_text = $7, smart_encoding = $8, launch_at = $9, send_window = $10, rate = $11, lookback = $12, expires_at = $13,
				policy = $14, open_conversation = $15, updated_at = $16, rails = $18, undo_seconds = $19 WHERE id = $17`,
			c.BrandID, c.Name, c.Channel, c.SenderID, c.SkillID, c.Content.Text, c.Content.OptOutText, c.Content.SmartEncoding,
			sqldb.Millis(c.LaunchAt), string(window), c.Rate, c.Lookback.Milliseconds(), sqldb.Millis(c.ExpiresAt), c.Policy,
			c.OpenConversation, c.UpdatedAt.UnixMilli(), c.ID, rails, c.UndoSeconds); err != nil {
			return fmt.Errorf("update campaign %s: %w", c.ID, err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "campaign.changed", c.ID.String(), fields, now)
	})
	return c, err
}

// draftForChange locks a draft. seen is the version the caller read; the zero time skips that check.
func (s *Store) draftForChange(ctx context.Context, tx *sql.Tx, account overture.AccountID, id overture.CampaignID, seen time.Time) (overture.Campaign, error) {
	c, err := s.campaignIn(ctx, tx, account, id, s.db.ForUpdate())
	switch {
	case err != nil:
		return c, err
	case c.State != overture.Draft:
		return c, campaignConflict("campaign_not_draft", "the campaign is "+string(c.State)+": content, schedule and list are frozen at launch; duplicate it to change them")
	case !seen.IsZero() && !c.UpdatedAt.Equal(seen):
		return c, campaignConflict("campaign_changed", "somebody changed the campaign meanwhile; load it again and repeat your change")
	}
	return c, nil
}

// DeleteDraft removes a draft whose list is empty already.
func (s *Store) DeleteDraft(ctx context.Context, by overture.Actor, id overture.CampaignID, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := s.draftForChange(ctx, tx, by.AccountID, id, time.Time{}); err != nil {
			return err
		}
		var listed bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM recipient WHERE campaign_id = $1)
			OR EXISTS (SELECT 1 FROM list_import WHERE campaign_id = $1)`, id).Scan(&listed); err != nil {
			return fmt.Errorf("look for the list of %s: %w", id, err)
		}
		if listed {
			return campaignConflict("campaign_has_list", "the campaign still has recipients; remove them first")
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM campaign WHERE id = $1 AND account_id = $2`, id, by.AccountID); err != nil {
			return fmt.Errorf("delete campaign %s: %w", id, err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "campaign.deleted", id.String(), "", now)
	})
}
