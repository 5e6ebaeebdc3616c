package campaign

import (
	"context"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Change is what a person sets on a draft. Nil fields stay as they are; for a new campaign they get the account's defaults.
type Change struct {
	Name             *string
	Channel          *overture.Channel
	SenderID         *overture.SenderID
	SkillID          *overture.SkillID
	Text             *string
	OptOutText       *string // empty: the account's
	SmartEncoding    *bool
	LaunchAt         *time.Time // zero: as soon as launched
	Window           *overture.Window
	Rate             *int // segments per second
	Lookback         *time.Duration
	ExpiresAt        *time.Time // zero: never
	Policy           *overture.SendPolicy
	OpenConversation *overture.OpenConversationPolicy
	UndoSeconds      *int
	Rails            *overture.CampaignRails // replaces all

	ListLater bool // leave the list unchecked against a changed text: whoever types is not done yet
}

// Create stores a new draft. What the change leaves open comes from the account's settings. Invalid names every wrong field.
func (s *Service) Create(ctx context.Context, by overture.Actor, ch Change) (overture.Campaign, error) {
	now := time.Now()
	c := overture.Campaign{AccountID: by.AccountID, Channel: overture.SMS, Policy: overture.Safe}
	around, err := s.around(ctx, c.AccountID, ch, &c)
	if err != nil {
		return c, err
	}
	c.Content.OptOutText, c.Window, c.Lookback = around.settings.OptOutText, around.settings.Window, around.settings.Lookback
	c.OpenConversation = around.settings.OpenConversation
	c.UndoSeconds = around.settings.Rails.WithDefaults().UndoSeconds
	c.Rate = min(around.settings.SendRate, max(around.sender.Rate, 1))
	ch.apply(&c, around.settings)
	if err := around.check(c, ch, now); err != nil {
		return c, err
	}
	c.BrandID = around.sender.BrandID
	return s.store.CreateCampaign(ctx, by, c, now)
}

// Campaign gives one campaign of the account.
func (s *Service) Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error) {
	return s.store.Campaign(ctx, account, id)
}

// Campaigns lists campaigns of everybody in the account, newest first (A2, B1).
func (s *Service) Campaigns(ctx context.Context, f overture.CampaignFilter) ([]overture.CampaignLine, error) {
	return s.store.Campaigns(ctx, f)
}

// Edit changes a draft. seen is the version the person looked at; the zero time takes the present one. Conflict: the campaign is launched
// already, or somebody else changed it. The list is checked against a changed text, also one of an earlier change that left it for later; an
// empty change does nothing else.
func (s *Service) Edit(ctx context.Context, by overture.Actor, id overture.CampaignID, ch Change, seen time.Time) (overture.Campaign, error) {
	now := time.Now()
	c, err := s.store.Campaign(ctx, by.AccountID, id)
	if err != nil {
		return c, err
	}
	if c.State != overture.Draft {
		return c, overture.ErrConflict("campaign_not_draft", "the campaign is "+string(c.State)+": content, schedule and list are frozen at launch; duplicate it to change them")
	}
	if !seen.IsZero() && !seen.Equal(c.UpdatedAt) {
		return c, overture.ErrConflict("campaign_changed", "somebody changed the campaign meanwhile; load it again and repeat your change")
	}
	around, err := s.around(ctx, c.AccountID, ch, &c)
	if err != nil {
		return c, err
	}
	ch.apply(&c, around.settings)
	if ch.Rate == nil && around.sender.Rate > 0 {
		c.Rate = min(c.Rate, around.sender.Rate) // a slower sender was chosen
	}
	if err := around.check(c, ch, now); err != nil {
		return c, err
	}
	c.BrandID = around.sender.BrandID
	if fields := ch.fields(); fields != "" {
		if c, err = s.store.UpdateDraft(ctx, by, c, fields, now); err != nil {
			return c, err
		}
	}
	if list, err := s.lists.Summary(ctx, c.AccountID, c.ID); err != nil || ch.ListLater || !list.Stale {
		return c, err
	}
	if err := s.recheck(ctx, c.AccountID, c.ID); err != nil {
		return c, err
	}
	return s.store.Campaign(ctx, c.AccountID, c.ID)
}

// Delete removes a draft with its list.
func (s *Service) Delete(ctx context.Context, by overture.Actor, id overture.CampaignID) error {
	c, err := s.store.Campaign(ctx, by.AccountID, id)
	if err != nil {
		return err
	}
	if c.State != overture.Draft {
		return overture.ErrConflict("campaign_not_draft", "the campaign is "+string(c.State)+"; only a draft can be deleted, archive it instead")
	}
	if err := s.lists.Clear(ctx, by.AccountID, id); err != nil {
		return err
	}
	return s.store.DeleteDraft(ctx, by, id, time.Now())
}

func (ch Change) apply(c *overture.Campaign, settings overture.Settings) {
	set(&c.Channel, ch.Channel)
	set(&c.SenderID, ch.SenderID)
	set(&c.SkillID, ch.SkillID)
	set(&c.Content.SmartEncoding, ch.SmartEncoding)
	set(&c.LaunchAt, ch.LaunchAt)
	set(&c.Window, ch.Window)
	set(&c.Rate, ch.Rate)
	set(&c.Lookback, ch.Lookback)
	set(&c.ExpiresAt, ch.ExpiresAt)
	set(&c.Policy, ch.Policy)
	set(&c.OpenConversation, ch.OpenConversation)
	set(&c.UndoSeconds, ch.UndoSeconds)
	set(&c.Rails, ch.Rails)
	if ch.Name != nil {
		c.Name = strings.TrimSpace(*ch.Name)
	}
	if ch.Text != nil {
		c.Content.Text = strings.ReplaceAll(*ch.Text, "\r\n", "\n")
	}
	if ch.OptOutText != nil {
		if c.Content.OptOutText = strings.TrimSpace(*ch.OptOutText); c.Content.OptOutText == "" {
			c.Content.OptOutText = settings.OptOutText
		}
	}
	c.LaunchAt, c.ExpiresAt = wholeMilliseconds(c.LaunchAt), wholeMilliseconds(c.ExpiresAt)
}

func wholeMilliseconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// fields names what the change sets, for the audit log.
func (ch Change) fields() string {
	var names []string
	add := func(set bool, name string) {
		if set {
			names = append(names, name)
		}
	}
	add(ch.Name != nil, "name")
	add(ch.Channel != nil, "channel")
	add(ch.SenderID != nil, "sender")
	add(ch.SkillID != nil, "skill")
	add(ch.Text != nil, "text")
	add(ch.OptOutText != nil, "opt_out_text")
	add(ch.SmartEncoding != nil, "smart_encoding")
	add(ch.LaunchAt != nil, "launch_at")
	add(ch.Window != nil, "window")
	add(ch.Rate != nil, "rate")
	add(ch.Lookback != nil, "lookback")
	add(ch.ExpiresAt != nil, "expires_at")
	add(ch.Policy != nil, "policy")
	add(ch.OpenConversation != nil, "open_conversation")
	add(ch.UndoSeconds != nil, "undo_seconds")
	add(ch.Rails != nil, "rails")
	return strings.Join(names, ", ")
}
