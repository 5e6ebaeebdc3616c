package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
)

// PauseCampaign stops new attempts: the lane is paused in the same transaction, and every attempt's own transaction asks the lane (R9).
// reason is shown to people, after who did it.
func (s *Store) PauseCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, reason string, now time.Time) (overture.Campaign, error) {
	return s.moveCampaign(ctx, by, id, now, "campaign.paused", func(tx *sql.Tx, c *overture.Campaign) (overture.LaneState, error) {
		who, err := s.actorName(ctx, tx, by)
		c.State, c.Reason = overture.Paused, overture.Say("paused by %s", who).String()
		if reason != "" {
			c.Reason = overture.Say("paused by %s: %s", who, reason).String()
		}
		return overture.LanePaused, err
	}, overture.Paused)
}

// ResumeCampaign goes on where the pause interrupted: scheduled when its launch time is still ahead, running otherwise. A campaign that
// was running when it was paused has its launch time behind it, so the time alone remembers which of the two it was.
func (s *Store) ResumeCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, now time.Time) (overture.Campaign, error) {
	return s.moveCampaign(ctx, by, id, now, "campaign.resumed", func(tx *sql.Tx, c *overture.Campaign) (overture.LaneState, error) {
		if c.State != overture.Paused {
			return "", campaignConflict("campaign_not_paused", "the campaign is "+string(c.State)+", not paused: there is nothing to resume")
		}
		if c.State, c.Reason = overture.Running, ""; c.LaunchAt.After(now) {
			c.State = overture.Scheduled
		}
		return overture.LaneOpen, s.acknowledge(ctx, tx, c, now)
	}, overture.Running)
}

// CancelCampaign ends the campaign for good. The lane closes at once; the rows that were still to be sent are taken back by
// CancelRemainder, and what is in flight is settled by the dispatch engine.
func (s *Store) CancelCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, reason string, now time.Time) (overture.Campaign, error) {
	return s.moveCampaign(ctx, by, id, now, "campaign.canceled", func(tx *sql.Tx, c *overture.Campaign) (overture.LaneState, error) {
		who, err := s.actorName(ctx, tx, by)
		c.State, c.Reason = overture.CampaignCanceled, overture.Say("canceled by %s", who).String()
		if reason != "" {
			c.Reason = overture.Say("canceled by %s: %s", who, reason).String()
		}
		return overture.LaneCanceled, err
	}, overture.CampaignCanceled)
}

// moveCampaign changes campaign and lane together, when the campaign can become next, and writes the audit entry.
func (s *Store) moveCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, now time.Time, action string,
	change func(*sql.Tx, *overture.Campaign) (overture.LaneState, error), next overture.CampaignState,
) (overture.Campaign, error) {
	var c overture.Campaign
	now = now.Truncate(time.Millisecond).UTC()
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		if c, err = s.campaignIn(ctx, tx, by.AccountID, id, s.db.ForUpdate()); err != nil {
			return err
		}
		if !c.State.CanBecome(next) {
			return campaignConflict("campaign_"+string(c.State), "the campaign is "+string(c.State)+" and cannot become "+string(next))
		}
		lane, err := change(tx, &c)
		if err != nil {
			return err
		}
		c.UpdatedAt = stamp(c.UpdatedAt, now)
		if _, err := tx.ExecContext(ctx, `UPDATE campaign SET state = $1, reason = $2, updated_at = $3 WHERE id = $4`,
			c.State, c.Reason, c.UpdatedAt.UnixMilli(), c.ID); err != nil {
			return fmt.Errorf("%s %s: %w", action, c.ID, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE lane SET state = $1 WHERE sender_id = $2 AND campaign_id = $3`, lane, c.SenderID, c.ID); err != nil {
			return fmt.Errorf("lane of %s: %w", c.ID, err)
		}
		detail := ""
		if c.Watch.PausedBy != "" && c.State == overture.Paused {
			detail = c.Reason // made of figures by the guard, not of somebody's words
		}
		return writeAudit(ctx, tx, s.NewID(), by, action, c.ID.String(), detail, now)
	})
	return c, err
}

// actorName is the name colleagues know the actor by.
func (s *Store) actorName(ctx context.Context, tx *sql.Tx, by overture.Actor) (string, error) {
	var name string
	var err error
	switch {
	case by.KeyID != 0:
		err = tx.QueryRowContext(ctx, `SELECT name FROM api_key WHERE id = $1 AND account_id = $2`, by.KeyID, by.AccountID).Scan(&name)
		name = "the program " + name
	case by.UserID != 0:
		err = tx.QueryRowContext(ctx, `SELECT name FROM app_user WHERE id = $1 AND account_id = $2`, by.UserID, by.AccountID).Scan(&name)
	default:
		name = "the system"
	}
	if errors.Is(err, sql.ErrNoRows) {
		return "somebody", nil
	}
	if err != nil {
		return "", fmt.Errorf("name of %s: %w", by, err)
	}
	return name, nil
}

// ArchiveCampaign hides a campaign from the list, or shows it again. One that may still send cannot be hidden.
func (s *Store) ArchiveCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, archived bool, now time.Time) (overture.Campaign, error) {
	var c overture.Campaign
	now = now.Truncate(time.Millisecond).UTC()
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		if c, err = s.campaignIn(ctx, tx, by.AccountID, id, s.db.ForUpdate()); err != nil {
			return err
		}
		if archived == !c.ArchivedAt.IsZero() {
			return nil
		}
		action, at := "campaign.restored", sql.NullInt64{}
		c.ArchivedAt = time.Time{}
		if archived {
			if c.State == overture.Scheduled || c.State == overture.Running || c.State == overture.Paused {
				return campaignConflict("campaign_"+string(c.State), "the campaign is "+string(c.State)+"; wait for its end or cancel it before you archive it")
			}
			action, at, c.ArchivedAt = "campaign.archived", sql.NullInt64{Int64: now.UnixMilli(), Valid: true}, now
		}
		if _, err := tx.ExecContext(ctx, `UPDATE campaign SET archived_at = $1 WHERE id = $2`, at, c.ID); err != nil {
			return fmt.Errorf("archive %s: %w", c.ID, err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, action, c.ID.String(), "", now)
	})
	return c, err
}
