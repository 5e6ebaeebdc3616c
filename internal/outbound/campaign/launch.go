package campaign

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// Order is the launch of a campaign.
type Order struct {
	Consent  bool       // the person ticked: responsible for opt-in consent, TCPA, GDPR (F1)
	LaunchAt *time.Time // replaces the draft's launch time; the zero time launches now
}

// Launch freezes content and list and hands the campaign to the planner (F1, F2). Invalid: the consent is missing, or a check of the
// checklist is a problem; each stands in the fields. Conflict: launched already, or changed while it was being checked.
func (s *Service) Launch(ctx context.Context, by overture.Actor, id overture.CampaignID, o Order) (overture.Campaign, error) {
	now := time.Now()
	c, err := s.store.Campaign(ctx, by.AccountID, id)
	if err != nil {
		return c, err
	}
	if c.State != overture.Draft {
		return c, overture.ErrConflict("campaign_not_draft", "the campaign is "+string(c.State)+": it was launched already")
	}
	if !o.Consent {
		return c, &overture.Error{
			Kind: overture.Invalid, Code: "consent_missing",
			Message: "say that you are responsible for opt-in consent, TCPA and GDPR: tick the box, or send consent: true",
			Fields:  []overture.Field{{Location: "body.consent", Message: "must be true"}},
		}
	}
	if o.LaunchAt != nil && o.LaunchAt.After(now.Add(MaxAhead)) {
		return c, overture.ErrInvalid("launch_too_far", "the launch time is more than a year ahead; choose an earlier one")
	}
	b, err := s.briefing(ctx, c, o.LaunchAt)
	if err == nil && b.list.Stale { // the text was changed and the check of the list did not get to its end
		if err = s.recheck(ctx, by.AccountID, id); err == nil {
			if c, err = s.store.Campaign(ctx, by.AccountID, id); err == nil {
				b, err = s.briefing(ctx, c, o.LaunchAt)
			}
		}
	}
	if err != nil {
		return c, err
	}
	if err := refusal(b.checks(now)); err != nil {
		return c, err
	}
	c.LaunchAt = wholeMilliseconds(b.launchAt)
	if c, err = s.store.LaunchCampaign(ctx, by, c, now); err != nil {
		return c, err
	}
	s.log.InfoContext(ctx, "campaign launched", slog.String("campaign_id", c.ID.String()), slog.String("state", string(c.State)), slog.Int("recipients", c.RecipientCount))
	s.changed(c.ID)
	s.wake("plan") // a campaign with an undo window is planned at the planner's own tick
	return c, nil
}

// refusal gives Invalid with every problem of the checklist, or nil.
func refusal(checks []Check) error {
	var fields []overture.Field
	first := ""
	for _, c := range checks {
		if c.Verdict != Problem {
			continue
		}
		words := overture.Joined("; ", c.Words, c.Fix).String()
		if first == "" {
			first = words
		}
		fields = append(fields, overture.Field{Location: "checklist." + c.Name, Message: words})
	}
	if len(fields) == 0 {
		return nil
	}
	return &overture.Error{Kind: overture.Invalid, Code: "checklist", Message: fmt.Sprintf("the campaign was not launched: %s", first), Fields: fields}
}

// changed tells those who watch, and drops what was remembered about the campaign.
func (s *Service) changed(id overture.CampaignID) {
	s.mu.Lock()
	delete(s.recent, id)
	s.mu.Unlock()
	s.wake("campaign")
}
