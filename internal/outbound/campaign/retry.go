package campaign

import (
	"context"
	"fmt"
	"time"

	"github.com/overture-im/overture"
)

// retryable are the reasons of failures that may go well another time: nothing about the person or the text was refused.
var retryable = []string{overture.ReasonAttemptsUsedUp, overture.ReasonSenderRefused}

// chunk is how many rows one transaction moves: the writer is never held longer than a few milliseconds.
const chunk = 500

// Retried is the outcome of a retry.
type Retried struct {
	Retried int // queued again
	TooLate int // still failed: no window opens before the validity ends
}

// RetryFailed queues failed messages again: those that may go well another time, or all of them. Each gets a new place inside its window;
// the attempts already made stay in its history. A completed campaign runs again. Nothing to retry changes nothing.
func (s *Service) RetryFailed(ctx context.Context, by overture.Actor, id overture.CampaignID, all bool) (Retried, error) {
	var out Retried
	c, err := s.store.Campaign(ctx, by.AccountID, id)
	if err != nil {
		return out, err
	}
	switch c.State {
	case overture.Completed, overture.Running, overture.Paused:
	default:
		return out, overture.ErrConflict("campaign_"+string(c.State), "the campaign is "+string(c.State)+"; only a running, paused or completed one can retry")
	}
	if !c.PeopleDeletedAt.IsZero() {
		return out, overture.ErrPeopleDeleted(overture.Conflict, c.PeopleDeletedAt)
	}
	reasons, audit := retryable, "failures that may go well another time"
	if all {
		reasons, audit = nil, "all failures"
	}
	var after overture.RecipientID
	for {
		failed, err := s.store.FailedMessages(ctx, id, reasons, after, chunk)
		if err != nil || len(failed) == 0 {
			return s.retried(id, out, err)
		}
		after = failed[len(failed)-1].RecipientID
		now := time.Now()
		var items []overture.Requeue
		for _, m := range failed {
			due, notAfter, expired, _ := s.windows.Next(now, m.Zones, c.WindowFor(m.Address), c.LaunchAt, c.ExpiresAt)
			if expired {
				out.TooLate++
				continue
			}
			items = append(items, overture.Requeue{MessageID: m.MessageID, Due: due, NotAfter: notAfter})
		}
		if len(items) == 0 {
			continue
		}
		n, err := s.store.RequeueFailed(ctx, by, id, items, audit, now)
		if err != nil {
			return s.retried(id, out, fmt.Errorf("retry: %w", err))
		}
		audit = "" // one entry per retry
		out.Retried += n
	}
}

func (s *Service) retried(id overture.CampaignID, out Retried, err error) (Retried, error) {
	if out.Retried > 0 {
		s.changed(id)
		s.wake("dispatch")
	}
	return out, err
}
