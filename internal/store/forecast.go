package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// ListMark gives a text that changes whenever the campaign's list or what its recipients get changes, or when somebody opted out of a brand
// of the account; unless whole, also when the state of one of its messages changes. An opt-in does not show.
func (s *Store) ListMark(ctx context.Context, c overture.Campaign, whole bool) (string, error) {
	var mark strings.Builder
	line := func(query string, args ...any) error {
		rows, err := s.db.Read.QueryContext(ctx, query, args...)
		if err != nil {
			return sqldb.Trouble(fmt.Errorf("list of %s: %w", c.ID, err))
		}
		defer rows.Close()
		for rows.Next() {
			var a, b, d int64
			var text string
			if err := rows.Scan(&a, &b, &d, &text); err != nil {
				return fmt.Errorf("list of %s: %w", c.ID, err)
			}
			fmt.Fprintf(&mark, "%d %d %d %s;", a, b, d, text)
		}
		return sqldb.Trouble(rows.Err())
	}
	err := errors.Join(
		line(`SELECT id, valid, segments, state || list_hash || content_hash FROM list_import WHERE campaign_id = $1 ORDER BY id`, c.ID),
		line(`SELECT state, n, 0, '' FROM campaign_count WHERE campaign_id = $1 AND NOT $2 ORDER BY state`, c.ID, whole),
		line(`SELECT COALESCE(MAX(created_at), 0), 0, 0, '' FROM opt_out WHERE account_id = $1`, c.AccountID))
	return mark.String(), err
}

// StoppedRecipients gives those of a campaign's list that would be skipped now, in the order of the list: they opted out of the brand, or
// are in an open conversation and the campaign skips those.
func (s *Store) StoppedRecipients(ctx context.Context, c overture.Campaign) ([]overture.StoppedRecipient, error) {
	talks := ``
	if c.OpenConversation == overture.OpenConversationSkip {
		talks = ` UNION ALL SELECT ra.recipient_id, '` + overture.ReasonOpenConversation + `' FROM conversation v
			JOIN recipient_address ra ON ra.address = v.address AND ra.campaign_id = $1
			WHERE v.brand_id = $2 AND v.state <> 'closed'
			AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.brand_id = $2 AND o.channel = $3 AND o.address = v.address)`
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT ra.recipient_id, '`+overture.ReasonOptedOut+`' FROM opt_out o
		JOIN recipient_address ra ON ra.address = o.address AND ra.campaign_id = $1
		WHERE o.brand_id = $2 AND o.channel = $3`+talks+` ORDER BY 1, 2`, c.ID, c.BrandID, c.Channel)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("who is skipped in %s: %w", c.ID, err))
	}
	defer rows.Close()
	var out []overture.StoppedRecipient
	for rows.Next() {
		var x overture.StoppedRecipient
		if err := rows.Scan(&x.RecipientID, &x.Reason); err != nil {
			return nil, fmt.Errorf("who is skipped in %s: %w", c.ID, err)
		}
		if n := len(out); n == 0 || out[n-1].RecipientID != x.RecipientID { // two conversations of one person
			out = append(out, x)
		}
	}
	return out, sqldb.Trouble(rows.Err())
}

// OtherLoads tells what waits in the open lanes of a campaign's sender, its own lane left out: counts by due time, and as due at once what
// the planner has not planned yet. It walks the lanes' key ranges: about a third of a second for a million messages.
func (s *Store) OtherLoads(ctx context.Context, c overture.Campaign, now time.Time) ([]overture.LaneLoad, error) {
	trouble := func(err error) error { return sqldb.Trouble(fmt.Errorf("other lanes of %s: %w", c.SenderID, err)) }
	rows, err := s.db.Read.QueryContext(ctx, `SELECT l.id, c.id, c.name, l.rate, l.weight, c.launch_at, c.planning, c.recipient_count,
			(SELECT COALESCE(SUM(n), 0) FROM campaign_count k WHERE k.campaign_id = c.id),
			(SELECT COALESCE(SUM(i.segments), 0) FROM list_import i WHERE i.campaign_id = c.id AND i.state = 'done'),
			(SELECT COALESCE(SUM(i.valid), 0) FROM list_import i WHERE i.campaign_id = c.id AND i.state = 'done')
		FROM lane l JOIN campaign c ON c.id = l.campaign_id
		WHERE l.sender_id = $1 AND l.campaign_id <> $2 AND l.state = 'open' AND c.account_id = $3 AND c.launched_at IS NOT NULL AND c.completed_at IS NULL
		ORDER BY l.campaign_id`, c.SenderID, c.ID, c.AccountID)
	if err != nil {
		return nil, trouble(err)
	}
	defer rows.Close()
	var out []overture.LaneLoad
	var lanes []overture.LaneID
	for rows.Next() {
		var l overture.LaneLoad
		var lane overture.LaneID
		var launchAt sql.NullInt64
		var planning bool
		var recipients, planned, segments, valid int
		if err := rows.Scan(&lane, &l.CampaignID, &l.Name, &l.Rate, &l.Weight, &launchAt, &planning, &recipients, &planned, &segments, &valid); err != nil {
			return nil, trouble(err)
		}
		l.MeanSegments = max(1, float64(segments)/float64(max(valid, 1)))
		if unplanned := recipients - planned; planning && unplanned > 0 {
			due := now
			if at := sqldb.Time(launchAt); at.After(due) {
				due = at
			}
			l.Groups = append(l.Groups, overture.DueGroup{Due: due, Messages: unplanned})
		}
		out, lanes = append(out, l), append(lanes, lane)
	}
	if err := rows.Err(); err != nil {
		return nil, trouble(err)
	}
	for i, lane := range lanes {
		groups, err := s.dueGroups(ctx, lane)
		if err != nil {
			return nil, trouble(err)
		}
		out[i].Groups = append(out[i].Groups, groups...)
	}
	return out, nil
}

// dueGroups counts what waits in a lane by due time, to the second: the planner writes a list in chunks a few milliseconds apart.
func (s *Store) dueGroups(ctx context.Context, lane overture.LaneID) ([]overture.DueGroup, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT MAX(due_at), MIN(not_after), COUNT(*) FROM dispatch WHERE lane_id = $1
		GROUP BY due_at / 1000 ORDER BY due_at / 1000`, lane)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []overture.DueGroup
	for rows.Next() {
		var due, notAfter int64
		var g overture.DueGroup
		if err := rows.Scan(&due, &notAfter, &g.Messages); err != nil {
			return nil, err
		}
		g.Due = time.UnixMilli(due).UTC()
		if notAfter > 0 {
			g.NotAfter = time.UnixMilli(notAfter).UTC()
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

// KeptForecast gives the forecast of a campaign's launch. NotFound: there is none, because the campaign is a draft or was launched by an
// older version of the program.
func (s *Store) KeptForecast(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.KeptForecast, error) {
	k := overture.KeptForecast{AccountID: account, CampaignID: campaign}
	var launched, made int64
	err := s.db.Read.QueryRowContext(ctx, `SELECT f.state, f.launched_at, f.forecast, f.actual, f.made_at FROM campaign_forecast f
		WHERE f.campaign_id = $1 AND f.account_id = $2`, campaign, account).Scan(&k.State, &launched, &k.Forecast, &k.Actual, &made)
	if errors.Is(err, sql.ErrNoRows) {
		return k, overture.ErrNotFound("forecast")
	}
	if err != nil {
		return k, sqldb.Trouble(fmt.Errorf("forecast of %s: %w", campaign, err))
	}
	k.LaunchedAt, k.MadeAt = time.UnixMilli(launched).UTC(), time.UnixMilli(made).UTC()
	return k, nil
}

// PendingForecasts lists launches whose forecast has not been made yet and that no other node is making, of all accounts, oldest first.
func (s *Store) PendingForecasts(ctx context.Context, owner string, limit int) ([]overture.KeptForecast, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT f.account_id, f.campaign_id, f.launched_at FROM campaign_forecast f
		JOIN campaign c ON c.id = f.campaign_id AND c.launched_at IS NOT NULL WHERE f.state = 'pending' AND `+s.forecastFree()+` ORDER BY f.campaign_id LIMIT $2`, owner, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("pending forecasts: %w", err))
	}
	defer rows.Close()
	var out []overture.KeptForecast
	for rows.Next() {
		k := overture.KeptForecast{State: overture.ForecastPending}
		var launched int64
		if err := rows.Scan(&k.AccountID, &k.CampaignID, &launched); err != nil {
			return nil, fmt.Errorf("pending forecasts: %w", err)
		}
		k.LaunchedAt = time.UnixMilli(launched).UTC()
		out = append(out, k)
	}
	return out, sqldb.Trouble(rows.Err())
}

// forecastFree is the condition on forecast f under which owner $1 may make it. As with leases, on SQLite another owner can only be an older
// process, which is gone.
func (s *Store) forecastFree() string {
	if s.db.Postgres() {
		return `(f.owner = $1 OR f.expires_at < ` + s.sweepClock() + `)`
	}
	return `$1 = $1`
}

// ClaimForecast takes or renews a pending forecast for owner until ttl from now, so that one node makes it; ok is false when it is made, another
// owner holds it, or the campaign was launched anew.
func (s *Store) ClaimForecast(ctx context.Context, k overture.KeptForecast, owner string, ttl time.Duration) (ok bool, err error) {
	return s.sweepChanged(s.db.Write.ExecContext(ctx, `UPDATE campaign_forecast AS f SET owner = $1, expires_at = `+s.sweepClock()+` + $2
		WHERE f.campaign_id = $3 AND f.account_id = $4 AND f.launched_at = $5 AND f.state = 'pending' AND `+s.forecastFree(),
		owner, ttl.Milliseconds(), k.CampaignID, k.AccountID, k.LaunchedAt.UnixMilli()))
}

// ReleaseForecasts lets other nodes make at once what owner has not finished.
func (s *Store) ReleaseForecasts(ctx context.Context, owner string) error {
	_, err := s.db.Write.ExecContext(ctx, `UPDATE campaign_forecast SET expires_at = 0 WHERE state = 'pending' AND owner = $1`, owner)
	return sqldb.Trouble(err)
}

// KeepForecast writes the forecast of a launch, once: one that is kept already, or that another owner is making by now, stays as it is.
func (s *Store) KeepForecast(ctx context.Context, k overture.KeptForecast, owner string) error {
	var finish int64
	if !k.FinishAt.IsZero() {
		finish = k.FinishAt.UnixMilli()
	}
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE campaign_forecast SET state = $1, forecast = $2, made_at = $3, finish_at = $4
			WHERE campaign_id = $5 AND account_id = $6 AND state = 'pending' AND owner = $7 AND launched_at = $8`,
			k.State, string(k.Forecast), k.MadeAt.UnixMilli(), finish, k.CampaignID, k.AccountID, owner, k.LaunchedAt.UnixMilli())
		if err != nil {
			return fmt.Errorf("keep forecast of %s: %w", k.CampaignID, err)
		}
		return nil
	})
}

// KeepActual writes what happened to an ended campaign beside its forecast.
func (s *Store) KeepActual(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, actual []byte) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE campaign_forecast SET actual = $1 WHERE campaign_id = $2 AND account_id = $3`,
			string(actual), campaign, account); err != nil {
			return fmt.Errorf("keep what happened to %s: %w", campaign, err)
		}
		return nil
	})
}

// CampaignCounts gives a campaign's messages by state; NotFound when it is not the account's.
func (s *Store) CampaignCounts(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Counts, error) {
	c, err := s.Campaign(ctx, account, id)
	if err != nil {
		return nil, err
	}
	counts, _, err := s.campaignCounts(ctx, []overture.CampaignID{id})
	if err != nil {
		return nil, err
	}
	return complete(c, counts[id]), nil
}

// Pauses tells when a campaign was paused, by a person or by a guard rail, and resumed, from the audit log, in which ids are in the order of time.
func (s *Store) Pauses(ctx context.Context, account overture.AccountID, id overture.CampaignID) ([]overture.Pause, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT action, at FROM audit WHERE account_id = $1 AND id > $2 AND subject = $3
		AND action IN ('campaign.paused', 'campaign.paused_by_itself', 'campaign.resumed', 'campaign.canceled') ORDER BY id`, account, id, id.String())
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("pauses of %s: %w", id, err))
	}
	defer rows.Close()
	var out []overture.Pause
	for rows.Next() {
		var action string
		var ms int64
		if err := rows.Scan(&action, &ms); err != nil {
			return nil, fmt.Errorf("pauses of %s: %w", id, err)
		}
		at, open := time.UnixMilli(ms).UTC(), len(out) > 0 && out[len(out)-1].To.IsZero()
		switch pauses := strings.HasPrefix(action, "campaign.paused"); {
		case pauses && !open:
			out = append(out, overture.Pause{From: at})
		case !pauses && open:
			out[len(out)-1].To = at
		}
	}
	return out, sqldb.Trouble(rows.Err())
}
