package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// RefreshRules gives rules with this program's time-zone data to the running campaigns that were planned with older data, and marks them
// for planning again. An older node of a fleet never takes newer data back.
func (s *Store) RefreshRules(ctx context.Context, now time.Time) ([]overture.CampaignID, error) {
	const stale = unfinished + ` AND (rules_id = 0 OR EXISTS (SELECT 1 FROM rules r WHERE r.id = campaign.rules_id AND r.tzdata < $1))`
	// Looking first keeps the writer free: nearly always there is none.
	var any bool
	if err := s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM campaign WHERE `+stale+`)`, tz.Version()).Scan(&any); err != nil || !any {
		return nil, sqldb.Trouble(err)
	}
	var refreshed []overture.CampaignID
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var campaigns []overture.CampaignID
		if err := each(ctx, plain(tx, `SELECT id FROM campaign WHERE `+stale+` ORDER BY id`+s.db.ForUpdate()),
			func(id overture.CampaignID) { campaigns = append(campaigns, id) }, tz.Version()); err != nil {
			return err
		}
		for _, id := range campaigns {
			var account overture.AccountID
			var raw sql.NullString
			if err := tx.QueryRowContext(ctx, `SELECT c.account_id, r.policy FROM campaign c LEFT JOIN rules r ON r.id = c.rules_id WHERE c.id = $1`, id).
				Scan(&account, &raw); err != nil {
				return err
			}
			var row policyRow
			if raw.Valid {
				if err := json.Unmarshal([]byte(raw.String), &row); err != nil {
					return fmt.Errorf("policy of %s: %w", id, err)
				}
			}
			rules, err := s.freezeRules(ctx, tx, account, row.policy(), now)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE campaign SET rules_id = $1, replanning = TRUE WHERE id = $2`, rules, id); err != nil {
				return err
			}
			refreshed = append(refreshed, id)
		}
		return nil
	})
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("refresh rules: %w", err))
	}
	return refreshed, nil
}

// Replannings lists the campaigns whose queued messages are to be planned again under the campaign's rules.
func (s *Store) Replannings(ctx context.Context) ([]overture.Planning, error) {
	return s.plannings(ctx, `replanning = TRUE`)
}

// QueuedToReplan reads queued messages of a campaign after a place, soonest due first. last is the place to read on from, more tells
// whether there may be rows after it.
func (s *Store) QueuedToReplan(ctx context.Context, p overture.Planning, after overture.Place, limit int) (out []overture.QueuedMessage, last overture.Place, more bool, err error) {
	afterMS := int64(-1)
	if !after.Due.IsZero() {
		afterMS = after.Due.UnixMilli()
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT q.lane_id, q.due_at, q.message_id, q.not_after, m.address, m.attempts, m.rules_id = $4, COALESCE(r.zones, ''),
			f.message_id IS NOT NULL
		FROM (SELECT lane_id, message_id, due_at, not_after FROM dispatch
			WHERE lane_id = (SELECT id FROM lane WHERE sender_id = $5 AND campaign_id = $6) AND (due_at, message_id) > ($1, $2)
			ORDER BY due_at, message_id LIMIT $3) q
		JOIN message m ON m.id = q.message_id
		LEFT JOIN recipient r ON r.id = m.recipient_id
		LEFT JOIN inflight f ON f.message_id = q.message_id
		ORDER BY q.due_at, q.message_id`, afterMS, after.MessageID, limit, rulesID(p.Rules), p.SenderID, p.CampaignID)
	if err != nil {
		return nil, last, false, sqldb.Trouble(fmt.Errorf("queued messages of %s: %w", p.CampaignID, err))
	}
	defer rows.Close()
	for rows.Next() {
		var m overture.QueuedMessage
		var due, notAfter int64
		var zones string
		if err := rows.Scan(&m.LaneID, &due, &m.MessageID, &notAfter, &m.Address, &m.Attempts, &m.Current, &zones, &m.Busy); err != nil {
			return nil, last, false, fmt.Errorf("queued messages of %s: %w", p.CampaignID, err)
		}
		if zones != "" {
			m.Zones = strings.Split(zones, ",")
		}
		m.Due, m.NotAfter = time.UnixMilli(due).UTC(), time.UnixMilli(notAfter).UTC()
		out, last = append(out, m), m.Place
	}
	return out, last, len(out) == limit, sqldb.Trouble(rows.Err())
}

// WriteReplan gives queued messages their new slots, as far as they are still queued at the place that was read and have no marker. The
// lane is locked as a pause locks it: whoever marks messages of it has committed by then, so that no row is taken away from under a marker.
// ok is false, and nothing changed, when the campaign has other rules by now. Give at most 500.
func (s *Store) WriteReplan(ctx context.Context, p overture.Planning, slots []overture.Replan) (ok bool, err error) {
	if len(slots) == 0 {
		return true, nil
	}
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		var lane overture.LaneID
		if err := tx.QueryRowContext(ctx, `SELECT id FROM lane WHERE sender_id = $1 AND campaign_id = $2`+s.db.ForUpdate(), p.SenderID, p.CampaignID).Scan(&lane); err != nil {
			return fmt.Errorf("lane: %w", err)
		}
		var rules overture.RulesID
		if err := tx.QueryRowContext(ctx, `SELECT rules_id FROM campaign WHERE id = $1`, p.CampaignID).Scan(&rules); err != nil {
			return fmt.Errorf("rules: %w", err)
		}
		if rules != rulesID(p.Rules) {
			return nil
		}
		ok = true
		for _, x := range slots {
			if err := replanOne(ctx, tx, x, rules); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, sqldb.Trouble(fmt.Errorf("plan %s again: %w", p.CampaignID, err))
	}
	return ok, nil
}

func replanOne(ctx context.Context, tx *sql.Tx, x overture.Replan, rules overture.RulesID) error {
	const idle = ` WHERE lane_id = $1 AND due_at = $2 AND message_id = $3 AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = $3)`
	notAfter := int64(0)
	if !x.NotAfter.IsZero() {
		notAfter = x.NotAfter.UnixMilli()
	}
	place := []any{x.LaneID, x.Due.UnixMilli(), x.MessageID}
	query := `DELETE FROM dispatch` + idle
	moved := !x.NewDue.Equal(x.Due)
	if !moved {
		query, place = `UPDATE dispatch SET not_after = $4`+idle, append(place, notAfter)
	}
	res, err := tx.ExecContext(ctx, query, place...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if moved {
		if _, err := tx.ExecContext(ctx, `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`,
			x.LaneID, x.NewDue.UnixMilli(), x.MessageID, notAfter); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE message SET rules_id = $1 WHERE id = $2`, rules, x.MessageID)
	return err
}

// FinishReplan ends the planning again of a campaign when no queued message was planned under other rules. left tells how many of those
// are on their way to the provider, and come back into the queue or do not; done is false while there is anything left.
func (s *Store) FinishReplan(ctx context.Context, p overture.Planning) (done bool, left int, err error) {
	const lane = `(SELECT id FROM lane WHERE sender_id = $1 AND campaign_id = $2)`
	err = s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM inflight f JOIN message m ON m.id = f.message_id WHERE f.lane_id = `+lane+` AND m.rules_id <> $3`,
		p.SenderID, p.CampaignID, rulesID(p.Rules)).Scan(&left)
	if err != nil || left > 0 {
		return false, left, sqldb.Trouble(err)
	}
	var stale bool
	err = s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM dispatch q JOIN message m ON m.id = q.message_id WHERE q.lane_id = `+lane+` AND m.rules_id <> $3)`,
		p.SenderID, p.CampaignID, rulesID(p.Rules)).Scan(&stale)
	if err != nil || stale {
		return false, 0, sqldb.Trouble(err)
	}
	res, err := s.db.Write.ExecContext(ctx, `UPDATE campaign SET replanning = FALSE WHERE id = $1 AND rules_id = $2`, p.CampaignID, rulesID(p.Rules))
	if err != nil {
		return false, 0, sqldb.Trouble(fmt.Errorf("finish planning %s again: %w", p.CampaignID, err))
	}
	n, err := res.RowsAffected()
	return n == 1, 0, err
}
