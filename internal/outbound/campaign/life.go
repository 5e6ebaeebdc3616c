package campaign

import (
	"context"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/overture-im/overture"
)

// MaxReason is the length of the words people give for a pause or a cancel.
const MaxReason = 200

// Pause stops new sends: from its commit on no attempt of the campaign begins (B4). What is in flight ends by itself.
func (s *Service) Pause(ctx context.Context, by overture.Actor, id overture.CampaignID, reason string) (overture.Campaign, error) {
	reason, err := cleanReason(reason)
	if err != nil {
		return overture.Campaign{}, err
	}
	c, err := s.store.PauseCampaign(ctx, by, id, reason, time.Now())
	return s.moved(ctx, c, err, "dispatch")
}

// Resume goes on where Pause stopped: scheduled or running.
func (s *Service) Resume(ctx context.Context, by overture.Actor, id overture.CampaignID) (overture.Campaign, error) {
	c, err := s.store.ResumeCampaign(ctx, by, id, time.Now())
	if err == nil {
		s.wake("plan")
	}
	return s.moved(ctx, c, err, "dispatch")
}

// Cancel ends a campaign for good. Messages that were not tried yet become canceled; the Canceler does it chunk by chunk, and the counters
// show how far it is.
func (s *Service) Cancel(ctx context.Context, by overture.Actor, id overture.CampaignID, reason string) (overture.Campaign, error) {
	reason, err := cleanReason(reason)
	if err != nil {
		return overture.Campaign{}, err
	}
	c, err := s.store.CancelCampaign(ctx, by, id, reason, time.Now())
	return s.moved(ctx, c, err, "dispatch")
}

// Undo takes a campaign back to draft while its undo window is open: nothing of it was sent, and content and list can be changed again.
func (s *Service) Undo(ctx context.Context, by overture.Actor, id overture.CampaignID) (overture.Campaign, error) {
	c, err := s.store.UndoLaunch(ctx, by, id, time.Now())
	return s.moved(ctx, c, err, "campaign")
}

// Archive hides a campaign that cannot send any more from the list; Archive with false shows it again.
func (s *Service) Archive(ctx context.Context, by overture.Actor, id overture.CampaignID, archived bool) (overture.Campaign, error) {
	c, err := s.store.ArchiveCampaign(ctx, by, id, archived, time.Now())
	return s.moved(ctx, c, err, "campaign")
}

func (s *Service) moved(ctx context.Context, c overture.Campaign, err error, topic string) (overture.Campaign, error) {
	if err != nil {
		return c, err
	}
	s.log.InfoContext(ctx, "campaign moved", slog.String("campaign_id", c.ID.String()), slog.String("state", string(c.State)))
	s.changed(c.ID)
	s.wake(topic)
	return c, nil
}

func cleanReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > MaxReason || !printable(reason, false) {
		return "", &overture.Error{
			Kind: overture.Invalid, Code: "bad_reason", Message: "say the reason in at most 200 characters on one line",
			Fields: []overture.Field{{Location: "body.reason", Message: "at most 200 characters on one line"}},
		}
	}
	return reason, nil
}
