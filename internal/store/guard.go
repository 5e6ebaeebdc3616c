package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// laneStart is how a lane begins under its campaign's rails.
type laneStart struct {
	rate                     int
	allowance, budget, money sql.NullInt64
}

// guardAtLaunch begins undo window, canary, ramp and spend limit of a campaign.
func guardAtLaunch(c *overture.Campaign, now time.Time) laneStart {
	l := laneStart{rate: c.Rate}
	c.UndoUntil, c.Watch = time.Time{}, overture.Watch{}
	if c.UndoSeconds > 0 {
		c.UndoUntil = now.Add(time.Duration(c.UndoSeconds) * time.Second)
	}
	if len(c.Rails.Ramp.Percents) > 0 {
		c.Watch.Phase, l.rate = overture.PhaseRamp, c.Rails.Ramp.RateAt(0, c.Rate)
	}
	if n := c.Rails.Canary.Size(c.RecipientCount); n > 0 {
		c.Watch.Phase, c.Watch.CanarySize = overture.PhaseCanary, n
		l.allowance = sql.NullInt64{Int64: int64(n), Valid: true}
	}
	if c.Rails.Segments > 0 {
		l.budget = sql.NullInt64{Int64: c.Rails.Segments, Valid: true}
	}
	if c.Rails.Spend > 0 {
		l.money = sql.NullInt64{Int64: c.Rails.Spend, Valid: true}
	}
	return l
}

// acknowledge lets a paused campaign go on whatever paused it: the outcomes so far pause it no more, a spent budget begins anew, a canary that was
// judged is over, and a ramp's step begins again.
func (s *Store) acknowledge(ctx context.Context, tx *sql.Tx, c *overture.Campaign, now time.Time) error {
	counts, err := s.countsIn(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	stopped, err := s.optedOutIn(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	w := &c.Watch
	w.Known = overture.OutcomesOf(counts, stopped)
	hit := w.PausedBy
	if w.Phase == overture.PhaseVerdict && w.PausedBy != "" {
		afterCanary(c, now)
	}
	if w.Phase == overture.PhaseRamp {
		w.StepAt = now
	}
	w.PausedBy = ""
	return s.writeWatch(ctx, tx, *c, hit)
}

// afterCanary is what follows a canary: the ramp, or freedom.
func afterCanary(c *overture.Campaign, now time.Time) {
	c.Watch.Phase, c.Watch.VerdictAt = overture.PhaseFree, time.Time{}
	if len(c.Rails.Ramp.Percents) > 0 {
		c.Watch.Phase, c.Watch.Step, c.Watch.StepAt = overture.PhaseRamp, 0, now
	}
}

// writeWatch stores what the guard knows, and brings the lane in line with it. hit is the rail that a resume
// acknowledges, empty for none: a spend limit of the campaign begins anew. What a quarantine took beyond it stays taken: it comes back when the
// message turns out not to have been sent. What was ever granted grows by what is left more than before, so that granted less what is left is what
// its attempts took (verify).
func (s *Store) writeWatch(ctx context.Context, tx *sql.Tx, c overture.Campaign, hit string) error {
	watch, err := pack(c.Watch)
	if err != nil {
		return fmt.Errorf("guard of %s: %w", c.ID, err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE campaign SET watch = $1 WHERE id = $2`, watch, c.ID); err != nil {
		return fmt.Errorf("guard of %s: %w", c.ID, err)
	}
	rate := c.Rate
	if c.Watch.Phase == overture.PhaseRamp {
		rate = c.Rails.Ramp.RateAt(c.Watch.Step, c.Rate)
	}
	bounded := c.Watch.Phase == overture.PhaseCanary || c.Watch.Phase == overture.PhaseVerdict
	if _, err := tx.ExecContext(ctx, `UPDATE lane SET barrier = '', rate = CASE WHEN $1 THEN $2 ELSE rate END, allowance = CASE WHEN $3 THEN allowance ELSE NULL END,
			budget = CASE WHEN $4 THEN $5 + CASE WHEN budget < 0 THEN budget ELSE 0 END ELSE budget END,
			money = CASE WHEN $6 THEN $7 + CASE WHEN money < 0 THEN money ELSE 0 END ELSE money END,
			granted = granted + CASE WHEN $4 THEN $5 - CASE WHEN budget > 0 THEN budget ELSE 0 END ELSE 0 END,
			granted_money = granted_money + CASE WHEN $6 THEN $7 - CASE WHEN money > 0 THEN money ELSE 0 END ELSE 0 END WHERE sender_id = $8 AND campaign_id = $9`,
		!bounded && len(c.Rails.Ramp.Percents) > 0, rate, bounded, hit == overture.BarrierCampaignSpend, c.Rails.Segments,
		hit == overture.BarrierCampaignMoney, c.Rails.Spend, c.SenderID, c.ID); err != nil {
		return fmt.Errorf("lane of %s: %w", c.ID, err)
	}
	return nil
}

// countsIn reads the counters of one campaign inside a transaction, with what is in doubt by the provider's doing.
func (s *Store) countsIn(ctx context.Context, tx *sql.Tx, id overture.CampaignID) (overture.Counts, error) {
	counts := overture.Counts{}
	err := eachRow(ctx, plain(tx, `SELECT state, n FROM campaign_count WHERE campaign_id = $1
		UNION ALL SELECT 12, COUNT(*) FROM inflight f JOIN lane l ON l.id = f.lane_id WHERE l.campaign_id = $1 AND f.state = 'unknown' AND f.adopted = FALSE`), func(rows *sql.Rows) error {
		var state overture.State
		var n int
		err := rows.Scan(&state, &n)
		counts[state] += n
		return err
	}, id)
	if err != nil {
		return nil, fmt.Errorf("count messages of %s: %w", id, err)
	}
	return counts, nil
}

func (s *Store) optedOutIn(ctx context.Context, q sqldb.Querier, id overture.CampaignID) (n int, err error) {
	err = q.QueryRowContext(ctx, `SELECT (SELECT COUNT(stopped_at) FROM message WHERE campaign_id = $1 AND replied_at IS NOT NULL)
		+ COALESCE((SELECT stopped FROM deletion WHERE campaign_id = $1), 0)`, id).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("people of %s who stopped: %w", id, err)
	}
	return n, nil
}

// OptedOutCount tells how many people stopped the brand in answer to a campaign. It walks those who answered.
func (s *Store) OptedOutCount(ctx context.Context, id overture.CampaignID) (int, error) {
	n, err := s.optedOutIn(ctx, s.db.Read, id)
	return n, sqldb.Trouble(err)
}

// GuardedCampaigns lists the running campaigns with what the guard judges; none in a quarantine, which puts everything in doubt by itself. Its cost grows with their number, not with their lists.
func (s *Store) GuardedCampaigns(ctx context.Context) ([]overture.Guarded, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+campaignColumns+`, l.id, l.rate, l.barrier, l.allowance, a.settings, COALESCE((SELECT p.currency FROM price_table p WHERE p.account_id = c.account_id AND p.version = c.price_version), ''),
			(SELECT COUNT(*) FROM inflight f WHERE f.lane_id = l.id AND f.sender_id = c.sender_id AND f.state = 'attempting')
		FROM campaign c JOIN lane l ON l.sender_id = c.sender_id AND l.campaign_id = c.id JOIN account a ON a.id = c.account_id
		WHERE c.launched_at IS NOT NULL AND c.completed_at IS NULL AND c.state = 'running' AND `+noQuarantine+` ORDER BY c.id`)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("campaigns to guard: %w", err))
	}
	defer rows.Close()
	var out []overture.Guarded
	var ids []overture.CampaignID
	for rows.Next() {
		var g overture.Guarded
		var allowance sql.NullInt64
		var settings string
		if g.Campaign, err = scanCampaign(rows, &g.LaneID, &g.LaneRate, &g.Barrier, &allowance, &settings, &g.Currency, &g.Flying); err != nil {
			return nil, fmt.Errorf("campaigns to guard: %w", err)
		}
		if g.Limits, err = s.railsIn(settings); err != nil {
			return nil, fmt.Errorf("campaigns to guard: %w", err)
		}
		g.Allowance, g.Bounded = int(allowance.Int64), allowance.Valid
		out, ids = append(out, g), append(ids, g.ID)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return nil, sqldb.Trouble(err)
	}
	counts, adopted, err := s.campaignCounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].Counts = counts[out[i].ID]; out[i].Counts == nil {
			out[i].Counts = overture.Counts{}
		}
		out[i].Adopted = adopted[out[i].ID]
	}
	return out, nil
}

// PauseByItself pauses a running campaign because of a guard rail, with its reason and its audit entry. done is false when it is not running any
// more, or another node was first.
func (s *Store) PauseByItself(ctx context.Context, c overture.Campaign, rail, reason string, now time.Time) (done bool, err error) {
	by := overture.Actor{AccountID: c.AccountID}
	_, err = s.moveCampaign(ctx, by, c.ID, now, "campaign.paused_by_itself", func(tx *sql.Tx, now *overture.Campaign) (overture.LaneState, error) {
		if now.State != overture.Running || now.Watch.PausedBy != "" {
			return "", errNotRunning
		}
		now.State, now.Reason, now.Watch.PausedBy = overture.Paused, overture.Say("paused by itself: %s", reason).String(), rail
		watch, err := pack(now.Watch)
		if err != nil {
			return "", fmt.Errorf("guard of %s: %w", c.ID, err)
		}
		_, err = tx.ExecContext(ctx, `UPDATE campaign SET watch = $1 WHERE id = $2`, watch, c.ID)
		return overture.LanePaused, err
	}, overture.Paused)
	if errors.Is(err, overture.Conflict) {
		return false, nil
	}
	return err == nil, err
}

var errNotRunning = campaignConflict("campaign_not_running", "the campaign does not run")

// AdvanceWatch moves the guard's knowledge of a running campaign on, and its lane with it. done is false when something changed since it was read.
func (s *Store) AdvanceWatch(ctx context.Context, c overture.Campaign, next overture.Watch, audit string, now time.Time) (done bool, err error) {
	was, err := json.Marshal(c.Watch)
	if err != nil {
		return false, fmt.Errorf("guard of %s: %w", c.ID, err)
	}
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		done = false
		current, err := s.campaignIn(ctx, tx, c.AccountID, c.ID, s.db.ForUpdate())
		if err != nil {
			return err
		}
		is, err := json.Marshal(current.Watch)
		if err != nil || current.State != overture.Running || string(is) != string(was) {
			return err
		}
		done, current.Watch = true, next
		if err := s.writeWatch(ctx, tx, current, ""); err != nil || audit == "" {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), overture.Actor{AccountID: c.AccountID}, "campaign.guard", c.ID.String(), audit, now)
	})
	return done && err == nil, err
}

// PrefixAlerts tells of which accounts prefixes went over their limit in the hour of a moment, without the numbers.
func (s *Store) PrefixAlerts(ctx context.Context, now time.Time) ([]overture.PrefixAlert, error) {
	hour := now.UnixMilli() / hourMillis
	rows, err := s.db.Read.QueryContext(ctx, `SELECT account_id, prefix FROM prefix_touch WHERE hour = $1 AND address = ''`, hour)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("prefixes over their limit: %w", err))
	}
	defer rows.Close()
	var out []overture.PrefixAlert
	for rows.Next() {
		a := overture.PrefixAlert{Hour: hour}
		if err := rows.Scan(&a.AccountID, &a.Prefix); err != nil {
			return nil, fmt.Errorf("prefixes over their limit: %w", err)
		}
		out = append(out, a)
	}
	return out, sqldb.Trouble(rows.Err())
}

// touchesAtOnce is how many rows ForgetTouches removes in one transaction, forgetRounds how many it begins in one call: 200,000 rows a minute is more
// than a sender can write.
const (
	touchesAtOnce = 2000
	forgetRounds  = 100
)

// ForgetTouches removes what the prefix and day limits need no more, in short transactions, until nothing is left or its round is over.
func (s *Store) ForgetTouches(ctx context.Context, now time.Time) error {
	hour := now.UnixMilli()/hourMillis - 25
	for range forgetRounds {
		var n int64
		err := s.db.Transact(ctx, func(tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, `DELETE FROM prefix_touch WHERE (account_id, prefix, address, hour) IN
				(SELECT account_id, prefix, address, hour FROM prefix_touch WHERE hour < $1 LIMIT $2)`, hour, touchesAtOnce)
			if err == nil {
				n, err = res.RowsAffected()
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("forget old numbers: %w", err)
		}
		if n < touchesAtOnce {
			break
		}
	}
	return s.forgetSpendDays(ctx, now)
}
