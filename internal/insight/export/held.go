package export

import (
	"context"
	"io"
	"time"

	"github.com/overture-im/overture"
)

// heldHeader names the columns of the list of held messages. New columns go to the end.
var heldHeader = []string{
	"message", "campaign", "campaign_name", "recipient", "sender", "number", "attempt", "attempted_at", "held_at", "lookups", "http_status", "code", "doubt",
}

// Held writes the held messages that a filter selects, by message.
func (r *Reports) Held(ctx context.Context, by overture.Actor, f overture.HeldFilter, w io.Writer) error {
	subject := by.AccountID.String()
	if f.CampaignID != 0 {
		if _, err := r.source.Campaign(ctx, by.AccountID, f.CampaignID); err != nil {
			return err
		}
		subject = f.CampaignID.String()
	}
	if err := r.source.NoteExport(ctx, by, "held", subject, time.Now()); err != nil {
		return err
	}
	out := newTable(w)
	out.row(heldHeader...)
	f.Limit = pageOfRecipients
	for {
		page, err := r.source.HeldMessages(ctx, f)
		if err != nil {
			return err
		}
		for _, m := range page {
			campaign, recipient := "", ""
			if m.CampaignID != 0 {
				campaign, recipient = m.CampaignID.String(), m.RecipientID.String()
			}
			out.row(m.MessageID.String(), campaign, m.CampaignName, recipient, m.SenderID.String(), digits(m.Address), number(m.Attempt),
				moment(m.AttemptedAt), moment(m.HeldAt), number(m.Lookups), orNothing(m.HTTPStatus), orNothing(m.Code), m.Doubt().String())
			f.After = m.MessageID
		}
		if err := out.flush(); err != nil || len(page) < pageOfRecipients {
			return err
		}
	}
}

func orNothing(n int) string {
	if n == 0 {
		return ""
	}
	return number(n)
}
