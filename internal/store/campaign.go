package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// campaignColumns in the order of scanCampaign; the table must be called c.
const campaignColumns = `c.id, c.account_id, c.brand_id, c.name, c.channel, c.sender_id, c.skill_id, c.text, c.opt_out_text, c.smart_encoding,
	c.state, c.launch_at, c.send_window, c.rate, c.lookback, c.expires_at, c.policy, c.open_conversation, c.reason, c.recipient_count,
	c.list_hash, c.content_hash, c.consent_by, c.consent_at, c.created_by, c.created_at, c.updated_at, c.launched_at, c.completed_at, c.archived_at, c.rules_id,
	c.rails, c.undo_seconds, c.undo_until, c.watch, c.people_deleted_at`

// scanner is a row or the current row of rows.
type scanner interface{ Scan(dest ...any) error }

// scanCampaign reads campaignColumns and then more. Of the rules it knows the number only: rulesByID gives the rest.
func scanCampaign(row scanner, more ...any) (overture.Campaign, error) {
	var c overture.Campaign
	var window, rails, watch string
	var undoUntil sql.NullInt64
	var lookback int64
	var rules overture.RulesID
	var launchAt, expiresAt, consentBy, consentAt, createdAt, updatedAt, launchedAt, completedAt, archivedAt, deletedAt sql.NullInt64
	if err := row.Scan(append([]any{
		&c.ID, &c.AccountID, &c.BrandID, &c.Name, &c.Channel, &c.SenderID, &c.SkillID, &c.Content.Text,
		&c.Content.OptOutText, &c.Content.SmartEncoding, &c.State, &launchAt, &window, &c.Rate, &lookback, &expiresAt, &c.Policy,
		&c.OpenConversation, &c.Reason, &c.RecipientCount, &c.ListHash, &c.ContentHash, &consentBy, &consentAt, &c.CreatedBy, &createdAt,
		&updatedAt, &launchedAt, &completedAt, &archivedAt, &rules,
		&rails, &c.UndoSeconds, &undoUntil, &watch, &deletedAt,
	}, more...)...); err != nil {
		return c, err
	}
	if err := unpack(rails, &c.Rails); err != nil {
		return c, fmt.Errorf("guard rails of %s: %w", c.ID, err)
	}
	if err := unpack(watch, &c.Watch); err != nil {
		return c, fmt.Errorf("guard of %s: %w", c.ID, err)
	}
	c.UndoUntil = sqldb.Time(undoUntil)
	if err := json.Unmarshal([]byte(window), &c.Window); err != nil {
		return c, fmt.Errorf("window of %s: %w", c.ID, err)
	}
	if rules != 0 {
		c.Rules = &overture.Rules{ID: rules}
	}
	c.Lookback = time.Duration(lookback) * time.Millisecond
	c.ConsentBy = overture.UserID(consentBy.Int64)
	c.LaunchAt, c.ExpiresAt, c.ConsentAt = sqldb.Time(launchAt), sqldb.Time(expiresAt), sqldb.Time(consentAt)
	c.CreatedAt, c.UpdatedAt = sqldb.Time(createdAt), sqldb.Time(updatedAt)
	c.LaunchedAt, c.CompletedAt, c.ArchivedAt = sqldb.Time(launchedAt), sqldb.Time(completedAt), sqldb.Time(archivedAt)
	c.PeopleDeletedAt = sqldb.Time(deletedAt)
	return c, nil
}

// Campaign reads one campaign of an account.
func (s *Store) Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error) {
	return s.campaignIn(ctx, s.db.Read, account, id, "")
}

// campaignIn reads a campaign inside a transaction or outside; lock is s.db.ForUpdate() for those who will change it.
func (s *Store) campaignIn(ctx context.Context, q sqldb.Querier, account overture.AccountID, id overture.CampaignID, lock string) (overture.Campaign, error) {
	c, err := scanCampaign(q.QueryRowContext(ctx, `SELECT `+campaignColumns+` FROM campaign c WHERE c.id = $1 AND c.account_id = $2`+lock, id, account))
	if errors.Is(err, sql.ErrNoRows) {
		return c, overture.ErrNotFound("campaign")
	}
	if err != nil {
		return c, sqldb.Trouble(fmt.Errorf("read campaign %s: %w", id, err))
	}
	if c.Rules != nil {
		c.Rules, err = s.rulesByID(ctx, q, c.Rules.ID)
	}
	return c, err
}

// Campaigns lists campaigns of an account with their counters, newest first (B1).
func (s *Store) Campaigns(ctx context.Context, f overture.CampaignFilter) ([]overture.CampaignLine, error) {
	before := int64(f.After)
	if before == 0 {
		before = 1<<63 - 1
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+campaignColumns+` FROM campaign c
		WHERE c.account_id = $1 AND c.id < $2 AND ($3 = '' OR c.state = $3) AND ($4 = '' OR LOWER(c.name) LIKE $4 ESCAPE '\')
		AND ($5 OR c.archived_at IS NULL) ORDER BY c.id DESC LIMIT $6`,
		f.AccountID, before, string(f.State), likePart(f.Search), f.Archived, f.Limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list campaigns: %w", err))
	}
	defer rows.Close()
	var out []overture.CampaignLine
	for rows.Next() {
		c, err := scanCampaign(rows)
		if err != nil {
			return nil, fmt.Errorf("list campaigns: %w", err)
		}
		out = append(out, overture.CampaignLine{Campaign: c})
	}
	if err := rows.Err(); err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list campaigns: %w", err))
	}
	return out, s.countLines(ctx, out)
}

// likePart makes the pattern "contains part" for LOWER(column) LIKE … ESCAPE '\'; empty stays empty.
func likePart(part string) string {
	if part == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(part)) + "%"
}

// countLines fills the counters of a page of campaigns in one statement.
func (s *Store) countLines(ctx context.Context, lines []overture.CampaignLine) error {
	if len(lines) == 0 {
		return nil
	}
	ids := make([]overture.CampaignID, len(lines))
	for i := range lines {
		ids[i] = lines[i].ID
	}
	counts, _, err := s.campaignCounts(ctx, ids)
	if err != nil {
		return err
	}
	for i := range lines {
		lines[i].Counts = complete(lines[i].Campaign, counts[lines[i].ID])
	}
	return nil
}

// campaignCounts reads the counters of campaigns as the rows have them, in one look: attempting and unknown are taken out of queued. Adopted are
// those of the unknown that an owner left who is gone.
func (s *Store) campaignCounts(ctx context.Context, ids []overture.CampaignID) (out map[overture.CampaignID]overture.Counts, adopted map[overture.CampaignID]int, err error) {
	counted, arg := sqldb.In(s.db, "campaign_id", 1, ids)
	flying, _ := sqldb.In(s.db, "l.campaign_id", 1, ids)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT campaign_id, state, n, 0 FROM campaign_count WHERE `+counted+`
		UNION ALL SELECT l.campaign_id, CASE f.state WHEN 'unknown' THEN 12 ELSE 10 END, COUNT(*), COUNT(CASE WHEN f.adopted THEN 1 END)
			FROM inflight f JOIN lane l ON l.id = f.lane_id WHERE `+flying+` GROUP BY l.campaign_id, f.state`, arg)
	if err != nil {
		return nil, nil, sqldb.Trouble(fmt.Errorf("count messages: %w", err))
	}
	defer rows.Close()
	out, adopted = map[overture.CampaignID]overture.Counts{}, map[overture.CampaignID]int{}
	for rows.Next() {
		var id overture.CampaignID
		var state overture.State
		var n, left int
		if err := rows.Scan(&id, &state, &n, &left); err != nil {
			return nil, nil, fmt.Errorf("count messages: %w", err)
		}
		if out[id] == nil {
			out[id] = overture.Counts{}
		}
		out[id][state] += n
		adopted[id] += left
		if state == overture.Attempting || state == overture.Unknown {
			out[id][overture.Queued] -= n
		}
	}
	return out, adopted, sqldb.Trouble(rows.Err())
}

// complete adds the recipients of a launched campaign that have no message yet: to a person they are queued like the rest.
func complete(c overture.Campaign, counts overture.Counts) overture.Counts {
	if counts == nil {
		counts = overture.Counts{}
	}
	if c.State != overture.Draft {
		if left := c.RecipientCount - counts.Total(); left > 0 {
			counts[overture.Queued] += left
		}
	}
	return counts
}

func campaignConflict(code, message string) error { return overture.ErrConflict(code, message) }

// stamp gives the time of a change: now, but always later than the change before, so that the time tells versions apart.
func stamp(before, now time.Time) time.Time {
	if after := before.Add(time.Millisecond); now.Before(after) {
		return after
	}
	return now
}

// unpack reads a JSON column; an empty one is the zero value.
func unpack(text string, into any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

// pack writes a JSON column; the zero value is empty.
func pack(v any) (string, error) {
	raw, err := json.Marshal(v)
	if string(raw) == "{}" {
		return "", err
	}
	return string(raw), err
}
