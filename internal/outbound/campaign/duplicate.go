package campaign

import (
	"context"
	"unicode/utf8"

	"github.com/overture-im/overture"
)

// Duplicate makes a draft from any campaign: its content and settings, not its dates. name is empty for "… (copy)". withList copies the
// recipients too; those who opted out since then are skipped when it is sent, as in any list.
func (s *Service) Duplicate(ctx context.Context, by overture.Actor, id overture.CampaignID, name string, withList bool) (overture.Campaign, error) {
	old, err := s.store.Campaign(ctx, by.AccountID, id)
	if err != nil {
		return old, err
	}
	if withList && !old.PeopleDeletedAt.IsZero() {
		return old, overture.ErrPeopleDeleted(overture.Conflict, old.PeopleDeletedAt)
	}
	if name == "" {
		name = copyName(old.Name)
	}
	rate := old.Rate
	if sender, err := s.store.Sender(ctx, by.AccountID, old.SenderID); err == nil {
		rate = min(rate, max(sender.Rate, 1))
	}
	c, err := s.Create(ctx, by, Change{
		Name: &name, Channel: &old.Channel, SenderID: &old.SenderID, SkillID: &old.SkillID, Text: &old.Content.Text,
		OptOutText: &old.Content.OptOutText, SmartEncoding: &old.Content.SmartEncoding, Window: &old.Window, Rate: &rate,
		Lookback: &old.Lookback, Policy: &old.Policy, OpenConversation: &old.OpenConversation,
		UndoSeconds: &old.UndoSeconds, Rails: &old.Rails,
	})
	if err != nil || !withList {
		return c, err
	}
	if c.RecipientCount, err = s.store.CopyList(ctx, by.AccountID, id, c.ID); err != nil {
		return c, err
	}
	return s.store.Campaign(ctx, by.AccountID, c.ID)
}

func copyName(name string) string {
	const mark = " (copy)"
	for utf8.RuneCountInString(name)+len(mark) > MaxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name + mark
}
