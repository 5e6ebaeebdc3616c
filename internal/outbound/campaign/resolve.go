package campaign

import (
	"context"
	"time"

	"github.com/overture-im/overture"
)

// answerValidity is how long an agent's answer that is sent again may wait.
const answerValidity = 24 * time.Hour

// Resolve settles a held message by a person's word: the provider's record could not tell whether it has it. Conflict: it is not held.
func (s *Service) Resolve(ctx context.Context, by overture.Actor, id overture.MessageID, how overture.Resolution) (overture.State, error) {
	if err := knownResolution(how); err != nil {
		return 0, err
	}
	now := time.Now()
	held, err := s.store.HeldMessage(ctx, by.AccountID, id)
	if err != nil {
		return 0, err
	}
	place := overture.Requeue{MessageID: id, Due: now, NotAfter: now.Add(answerValidity)}
	if how == overture.Resend && held.CampaignID != 0 {
		if place, err = s.placeOf(ctx, by.AccountID, held, now); err != nil {
			return 0, err
		}
	}
	state, err := s.store.ResolveMessage(ctx, by, held, how, place, now)
	if err != nil {
		return 0, err
	}
	s.changed(held.CampaignID)
	if how == overture.Resend {
		s.wake("dispatch")
	}
	return state, nil
}

func (s *Service) placeOf(ctx context.Context, account overture.AccountID, held overture.Ended, now time.Time) (overture.Requeue, error) {
	place := overture.Requeue{MessageID: held.MessageID}
	c, err := s.store.Campaign(ctx, account, held.CampaignID)
	if err != nil {
		return place, err
	}
	var expired bool
	var why string
	if place.Due, place.NotAfter, expired, why = s.windows.Next(now, held.Zones, c.WindowFor(held.Address), c.LaunchAt, c.ExpiresAt); expired {
		return place, overture.ErrConflict("too_late", "it cannot be sent again: "+why)
	}
	return place, nil
}

func knownResolution(how overture.Resolution) error {
	switch how {
	case overture.TreatAsSent, overture.Resend, overture.GiveUp:
		return nil
	}
	return &overture.Error{
		Kind: overture.Invalid, Code: "unknown_action", Message: "the action is treat_as_sent, resend or give_up",
		Fields: []overture.Field{{Location: "body.action", Message: "treat_as_sent, resend or give_up"}},
	}
}
