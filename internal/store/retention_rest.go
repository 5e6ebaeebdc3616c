package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/flake"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// oldDraft is the condition on a draft c that it has a list, nobody touched it since the period's beginning, and no legal hold keeps it.
// $1 account, $2 period's beginning.
const oldDraft = `c.account_id = $1 AND c.state = 'draft' AND c.updated_at <= $2 AND EXISTS (SELECT 1 FROM list_import i WHERE i.campaign_id = c.id AND i.state <> 'removing')
	AND NOT EXISTS (SELECT 1 FROM list_import i WHERE i.campaign_id = c.id AND (i.state = 'loading' OR i.created_at > $2)) AND ` + notOnHold

// OldDrafts lists the drafts of an account whose lists may be deleted.
func (s *Store) OldDrafts(ctx context.Context, r overture.Retention, now time.Time) ([]overture.CampaignID, error) {
	before, ok := r.Cutoff(overture.RetainUploads, now)
	if !ok {
		return nil, nil
	}
	var out []overture.CampaignID
	err := each(ctx, plain(s.db.Read, `SELECT c.id FROM campaign c WHERE `+oldDraft+` ORDER BY c.id`), func(id overture.CampaignID) { out = append(out, id) },
		r.AccountID, before.UnixMilli())
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("old drafts: %w", err))
	}
	return out, nil
}

// DeleteUpload takes an old draft's list away as a person would: at once for everybody who looks, and then row by row; a list that is half
// there could be launched. A crash leaves the rest to the cleanup of lists. n is how many people were on it.
func (s *Store) DeleteUpload(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, now time.Time) (n int, err error) {
	err = s.clearList(ctx, account, campaign, now, "the list was "+overture.DeletedByRetention(now), func(tx *sql.Tx) (bool, error) {
		d, before, ok, err := s.beginDeleting(ctx, tx, account, overture.RetainUploads, now)
		if err != nil || !ok {
			return false, err
		}
		if _, err := s.lockList(ctx, tx, account, campaign); err != nil { // the conditions are read after it
			return false, err
		}
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM campaign c WHERE `+oldDraft+` AND c.id = $3)`, account, before.UnixMilli(), campaign).Scan(&ok); err != nil || !ok {
			return false, err
		}
		if err := tx.QueryRowContext(ctx, `SELECT recipient_count FROM campaign WHERE id = $1`, campaign).Scan(&n); err != nil {
			return false, err
		}
		if err := d.tally(overture.RetainUploads, n); err != nil {
			return false, err
		}
		return true, writeAudit(ctx, tx, s.NewID(), overture.Actor{AccountID: account}, "retention.upload_deleted", campaign.String(), fmt.Sprintf("%d people", n), now)
	})
	if err != nil {
		return 0, fmt.Errorf("delete the list of %s: %w", campaign, err)
	}
	return n, nil
}

// oldAudit is the condition on entries of the audit log that they are old. What retention itself did is never deleted. $1 account, $2 period's
// beginning, $3 an id that younger ones are above of.
const oldAudit = `a.account_id = $1 AND a.id <= $3 AND a.at <= $2 AND a.action NOT LIKE 'retention.%'`

// DeleteAudit deletes the next entries of an account's audit log that are old enough and not about a campaign on hold. after is the last one that
// was looked at, zero to begin. It can be interrupted and repeated at any moment.
func (s *Store) DeleteAudit(ctx context.Context, account overture.AccountID, after overture.AuditID, now time.Time) (n int, last overture.AuditID, more bool, err error) {
	err = s.db.TransactByKey(ctx, func(tx *sql.Tx) error {
		n, last, more = 0, after, false
		d, before, ok, err := s.beginDeleting(ctx, tx, account, overture.RetainAudit, now)
		if err != nil || !ok {
			return err
		}
		held, err := s.subjectsOnHold(ctx, tx, account)
		if err != nil {
			return err
		}
		var ids []overture.AuditID
		err = eachRow(ctx, plain(tx, `SELECT a.id, a.subject FROM audit a WHERE a.id > $4 AND `+oldAudit+` ORDER BY a.id LIMIT $5`), func(rows *sql.Rows) error {
			var subject string
			err := rows.Scan(&last, &subject)
			if more = true; !held[subject] {
				ids = append(ids, last)
			}
			return err
		}, account, before.UnixMilli(), flake.Before(before), after, deleteAtOnce)
		if err != nil || len(ids) == 0 {
			return err
		}
		n = len(ids)
		condition, arg := sqldb.In(s.db, "id", 1, ids)
		if err := d.exec(`DELETE FROM audit WHERE `+condition, arg); err != nil {
			return fmt.Errorf("delete audit entries: %w", err)
		}
		return d.tally(overture.RetainAudit, n)
	})
	return n, last, more, err
}

// subjectsOnHold are the campaigns on legal hold as the audit log names them.
func (s *Store) subjectsOnHold(ctx context.Context, q sqldb.Querier, account overture.AccountID) (map[string]bool, error) {
	out := map[string]bool{}
	err := each(ctx, plain(q, `SELECT campaign_id FROM legal_hold WHERE account_id = $1 AND campaign_id > 0`),
		func(id overture.CampaignID) { out[id.String()] = true }, account)
	if err != nil {
		return nil, fmt.Errorf("campaigns on hold: %w", err)
	}
	return out, nil
}
