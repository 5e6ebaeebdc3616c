package store

import (
	"context"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/flake"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// PreviewRetention counts what would be deleted now under periods that need not be the account's. A legal hold on the account lets nothing go.
func (s *Store) PreviewRetention(ctx context.Context, r overture.Retention, now time.Time) ([]overture.RetentionPreview, error) {
	var out []overture.RetentionPreview
	for _, c := range overture.RetentionClasses() {
		p := overture.RetentionPreview{Class: c, Days: r.Days[c]}
		if before, ok := r.Cutoff(c, now); ok {
			if err := s.previewClass(ctx, r.AccountID, &p, before, now); err != nil {
				return nil, sqldb.Trouble(fmt.Errorf("what retention would delete of %s: %w", c, err))
			}
		}
		out = append(out, p)
	}
	return out, nil
}

const accountHeld = `EXISTS (SELECT 1 FROM legal_hold h WHERE h.account_id = $1 AND h.campaign_id = 0)`

func (s *Store) previewClass(ctx context.Context, account overture.AccountID, p *overture.RetentionPreview, before, now time.Time) error {
	count := func(into *int, query string, args ...any) error {
		var n int
		err := s.db.Read.QueryRowContext(ctx, query, args...).Scan(&n)
		*into += n
		return err
	}
	old, young := before.UnixMilli(), flake.Before(before)
	switch p.Class {
	case overture.RetainMessages:
		if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(c.recipient_count - COALESCE((SELECT d.people FROM deletion d WHERE d.account_id = c.account_id AND d.campaign_id = c.id), 0)), 0)
			FROM campaign c WHERE `+oldCampaign+` AND `+nothingOpen+` AND `+peopleLeft, account, old, now.UnixMilli()).Scan(&p.Campaigns, &p.Items); err != nil {
			return err
		}
		const over = `c.account_id = $1 AND c.state IN ('completed', 'canceled') AND c.completed_at <= $2 AND ` + peopleLeft
		for _, w := range []struct {
			into  *int
			query string
			args  []any
		}{
			{&p.Items, `SELECT COUNT(*) FROM message m WHERE ` + oldSingle + ` AND NOT ` + accountHeld, []any{account, old, young}},
			{&p.Waiting.OnHold, `SELECT COUNT(*) FROM campaign c WHERE ` + over + ` AND NOT (` + notOnHold + `)`, []any{account, old}},
			{&p.Waiting.Held, `SELECT COUNT(*) FROM campaign c WHERE ` + over + ` AND ` + notOnHold + ` AND NOT (` + noneHeld + `)`, []any{account, old}},
			{&p.Waiting.Lookback, `SELECT COUNT(*) FROM campaign c WHERE ` + over + ` AND ` + notOnHold + ` AND ` + noneHeld + ` AND c.completed_at + c.lookback > $3`, []any{account, old, now.UnixMilli()}},
		} {
			if err := count(w.into, w.query, w.args...); err != nil {
				return err
			}
		}
	case overture.RetainConversations:
		if err := count(&p.Items, `SELECT COUNT(*) FROM conversation c WHERE `+oldTalk, account, old, young); err != nil {
			return err
		}
		return count(&p.Items, `SELECT COUNT(*) FROM inbound i WHERE `+loneInbound+` AND NOT `+accountHeld, account, old, young)
	case overture.RetainUploads:
		return s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(c.recipient_count), 0) FROM campaign c WHERE `+oldDraft, account, old).Scan(&p.Campaigns, &p.Items)
	case overture.RetainAudit:
		held, err := s.subjectsOnHold(ctx, s.db.Read, account)
		if err != nil {
			return err
		}
		for subject := range held { // few
			kept := 0
			if err := count(&kept, `SELECT COUNT(*) FROM audit a WHERE `+oldAudit+` AND a.subject = $4 AND NOT `+accountHeld, account, old, young, subject); err != nil {
				return err
			}
			p.Items -= kept
		}
		return count(&p.Items, `SELECT COUNT(*) FROM audit a WHERE `+oldAudit+` AND NOT `+accountHeld, account, old, young)
	}
	return nil
}
