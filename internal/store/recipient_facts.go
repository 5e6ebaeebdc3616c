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

// RecipientFacts reads all that decides about one recipient, and all that happened to the message so far (G5).
func (s *Store) RecipientFacts(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, recipient overture.RecipientID) (overture.Facts, error) {
	var f overture.Facts
	var err error
	if f.Campaign, err = s.Campaign(ctx, account, campaign); err != nil {
		return f, err
	}
	if err := s.recipientFact(ctx, &f, recipient); err != nil {
		return f, err
	}
	if err := s.senderFacts(ctx, &f); err != nil {
		return f, err
	}
	if err := s.personFacts(ctx, &f); err != nil {
		return f, err
	}
	if err := s.messageFact(ctx, &f); err != nil {
		return f, err
	}
	if err := s.ruleFacts(ctx, &f); err != nil || f.Message == nil {
		return f, err
	}
	return f, s.history(ctx, &f)
}

func (s *Store) recipientFact(ctx context.Context, f *overture.Facts, id overture.RecipientID) error {
	r := overture.Recipient{ID: id, AccountID: f.Campaign.AccountID, CampaignID: f.Campaign.ID}
	var zones, vars string
	err := s.db.Read.QueryRowContext(ctx, `SELECT import_id, row_number, address, zones, zone_source, text, vars, segments
		FROM recipient WHERE id = $1 AND campaign_id = $2 AND account_id = $3`, id, f.Campaign.ID, f.Campaign.AccountID).
		Scan(&r.ImportID, &r.Row, &r.Address, &zones, &r.ZoneSource, &r.Personal.Text, &vars, &r.Segments)
	if errors.Is(err, sql.ErrNoRows) {
		return absentRecipient(f.Campaign)
	}
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("read recipient %s: %w", id, err))
	}
	if zones != "" {
		r.Zones = strings.Split(zones, ",")
	}
	if vars != "" {
		if err := json.Unmarshal([]byte(vars), &r.Personal.Values); err != nil {
			return fmt.Errorf("variables of %s: %w", id, err)
		}
	}
	if r.Personal.Names, err = s.ImportHeader(ctx, r.ImportID); err != nil {
		return err
	}
	f.Recipient = r
	return nil
}

// absentRecipient says why nobody of that id is on the list.
func absentRecipient(c overture.Campaign) error {
	if c.PeopleDeletedAt.IsZero() {
		return overture.ErrNotFound("recipient")
	}
	return overture.ErrPeopleDeleted(overture.NotFound, c.PeopleDeletedAt)
}

func (s *Store) senderFacts(ctx context.Context, f *overture.Facts) error {
	var lease sql.NullInt64
	var lane sql.NullString
	err := s.db.Read.QueryRowContext(ctx, `SELECT sd.name, sd.stopped, sd.stop_reason, sd.rate, sl.expires_at, l.state
		FROM sender sd LEFT JOIN sender_lease sl ON sl.sender_id = sd.id LEFT JOIN lane l ON l.sender_id = sd.id AND l.campaign_id = $3
		WHERE sd.id = $1 AND sd.account_id = $2`, f.Campaign.SenderID, f.Campaign.AccountID, f.Campaign.ID).
		Scan(&f.SenderName, &f.SenderStopped, &f.SenderStopReason, &f.SenderRate, &lease, &lane)
	if errors.Is(err, sql.ErrNoRows) {
		return overture.ErrNotFound("sender")
	}
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("sender of %s: %w", f.Campaign.ID, err))
	}
	f.LeaseUntil, f.LaneState = sqldb.Time(lease), overture.LaneState(lane.String)
	f.Railed, err = s.CampaignRailed(ctx, f.Campaign)
	return err
}

// CampaignRailed reads what the attempt's gate would read of a campaign now.
func (s *Store) CampaignRailed(ctx context.Context, c overture.Campaign) (overture.Railed, error) {
	var r overture.Railed
	var barrier sql.NullString
	var settings string
	if err := s.db.Read.QueryRowContext(ctx, `SELECT l.barrier, l.allowance, l.budget, l.money, a.stopped, a.stop_reason, a.settings,
			EXISTS (SELECT 1 FROM emergency_stop), NOT (`+noQuarantine+`),
			COALESCE((SELECT p.currency FROM price_table p WHERE p.account_id = a.id AND p.version = c.price_version), ''),
			COALESCE(d.spent, 0), COALESCE(d.money, 0)
		FROM campaign c JOIN account a ON a.id = c.account_id LEFT JOIN lane l ON l.sender_id = c.sender_id AND l.campaign_id = c.id
		LEFT JOIN account_spend d ON d.account_id = a.id AND d.day = $3
		WHERE c.id = $1 AND c.account_id = $2`, c.ID, c.AccountID, dayOf(time.Now().UnixMilli())).
		Scan(&barrier, &r.Allowance, &r.SegmentsLeft, &r.MoneyLeft, &r.AccountStopped, &r.StopWords, &settings, &r.AllStopped, &r.Quarantined, &r.Currency,
			&r.SpentToday, &r.MoneyToday); err != nil {
		return r, sqldb.Trouble(fmt.Errorf("guard rails of %s: %w", c.ID, err))
	}
	r.Barrier = barrier.String
	var err error
	r.Limits, err = s.railsIn(settings)
	return r, err
}

func (s *Store) personFacts(ctx context.Context, f *overture.Facts) error {
	c, address := f.Campaign, f.Recipient.Address
	var optedOut, talk sql.NullInt64
	var source sql.NullString
	err := s.db.Read.QueryRowContext(ctx, `SELECT created_at, source FROM opt_out WHERE brand_id = $1 AND channel = $2 AND address = $3 AND account_id = $4`,
		c.BrandID, c.Channel, address, c.AccountID).Scan(&optedOut, &source)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sqldb.Trouble(fmt.Errorf("opt-out: %w", err))
	}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT MIN(started_at) FROM conversation WHERE brand_id = $1 AND address = $2 AND state <> 'closed' AND account_id = $3`,
		c.BrandID, address, c.AccountID).Scan(&talk); err != nil {
		return sqldb.Trouble(fmt.Errorf("open conversation: %w", err))
	}
	f.OptedOutAt, f.OptOutSource, f.TalkSince = sqldb.Time(optedOut), overture.OptOutSource(source.String), sqldb.Time(talk)
	return nil
}

func (s *Store) messageFact(ctx context.Context, f *overture.Facts) error {
	m := overture.Message{AccountID: f.Campaign.AccountID, CampaignID: f.Campaign.ID, RecipientID: f.Recipient.ID, SenderID: f.Campaign.SenderID, Address: f.Recipient.Address}
	var accepted, replied, updated sql.NullInt64
	var inflight sql.NullString
	var rules overture.RulesID
	err := s.db.Read.QueryRowContext(ctx, `SELECT m.id, m.lane_id, m.state, m.attempts, m.segments, m.provider_id, m.code, m.reason, m.accepted_at,
			m.replied_at, m.updated_at, f.state, m.rules_id
		FROM message m LEFT JOIN inflight f ON f.message_id = m.id
		WHERE m.campaign_id = $1 AND m.campaign_id > 0 AND m.recipient_id = $2 AND m.leg = 0`, f.Campaign.ID, f.Recipient.ID).
		Scan(&m.ID, &m.LaneID, &m.State, &m.Attempts, &m.Segments, &m.ProviderID, &m.Code, &m.Reason, &accepted, &replied, &updated, &inflight, &rules)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("message of %s: %w", f.Recipient.ID, err))
	}
	if f.Rules, err = s.rulesByID(ctx, s.db.Read, rules); err != nil {
		return err
	}
	if m.State == overture.Queued && inflight.Valid {
		m.State = overture.Attempting
		if inflight.String == "unknown" {
			m.State = overture.Unknown
		}
	}
	m.AcceptedAt, m.UpdatedAt, f.RepliedAt = sqldb.Time(accepted), sqldb.Time(updated), sqldb.Time(replied)
	f.Message = &m
	if m.State != overture.Queued {
		return nil
	}
	return s.placeFact(ctx, f)
}

// placeFact finds the dispatch row of the message. The lane's key begins with the due time, which is not known here; there are few different
// ones, so it goes from each to the next and looks there.
func (s *Store) placeFact(ctx context.Context, f *overture.Facts) error {
	var due, notAfter sql.NullInt64
	err := s.db.Read.QueryRowContext(ctx, `WITH RECURSIVE times (due) AS (
			SELECT MIN(due_at) FROM dispatch WHERE lane_id = $1
			UNION ALL SELECT (SELECT MIN(due_at) FROM dispatch WHERE lane_id = $1 AND due_at > times.due) FROM times WHERE times.due IS NOT NULL)
		SELECT q.due_at, q.not_after FROM times JOIN dispatch q ON q.lane_id = $1 AND q.due_at = times.due AND q.message_id = $2 LIMIT 1`,
		f.Message.LaneID, f.Message.ID).Scan(&due, &notAfter)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sqldb.Trouble(fmt.Errorf("place of %s: %w", f.Message.ID, err))
	}
	f.Due, f.NotAfter = sqldb.Time(due), sqldb.Time(notAfter)
	return nil
}

// history reads attempts, receipts and answers of the message, each in the order of time.
func (s *Store) history(ctx context.Context, f *overture.Facts) error {
	id := f.Message.ID
	if err := s.rowsOf(ctx, func(row scanner) error {
		a := overture.Attempt{MessageID: id}
		var started, ended sql.NullInt64
		err := row.Scan(&a.N, &started, &ended, &a.Outcome, &a.HTTPStatus, &a.Code, &a.ProviderID)
		a.StartedAt, a.EndedAt = sqldb.Time(started), sqldb.Time(ended)
		f.Attempts = append(f.Attempts, a)
		return err
	}, `SELECT n, started_at, ended_at, outcome, http_status, code, provider_id FROM attempt WHERE message_id = $1 ORDER BY n`, id); err != nil {
		return err
	}
	if err := s.rowsOf(ctx, func(row scanner) error {
		r := overture.Receipt{MessageID: id}
		var at sql.NullInt64
		err := row.Scan(&r.State, &r.Code, &r.ProviderID, &at)
		r.ReceivedAt = sqldb.Time(at)
		f.Receipts = append(f.Receipts, r)
		return err
	}, `SELECT state, code, provider_id, received_at FROM receipt WHERE message_id = $1 ORDER BY received_at, state`, id); err != nil {
		return err
	}
	return s.rowsOf(ctx, func(row scanner) error {
		in := overture.Inbound{AccountID: f.Campaign.AccountID, SenderID: f.Campaign.SenderID, From: f.Recipient.Address}
		var at sql.NullInt64
		err := row.Scan(&in.ID, &in.Body, &at)
		in.ReceivedAt = sqldb.Time(at)
		f.Inbounds = append(f.Inbounds, in)
		return err
	}, `SELECT id, body, received_at FROM inbound WHERE message_id = $1 AND message_id > 0 ORDER BY id`, id)
}

func (s *Store) rowsOf(ctx context.Context, scan func(scanner) error, query string, args ...any) error {
	rows, err := s.db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("history: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("history: %w", err)
		}
	}
	return sqldb.Trouble(rows.Err())
}

// ruleFacts finds the rules that decided, or will decide, and what counts against their caps: other messages than this one, until it was
// accepted or ended.
func (s *Store) ruleFacts(ctx context.Context, f *overture.Facts) error {
	var err error
	if f.Rules == nil {
		if f.Rules = f.Campaign.Rules; f.Rules == nil && f.Campaign.LaunchedAt.IsZero() {
			if f.Rules, err = s.CurrentRules(ctx, f.Campaign.AccountID); err != nil {
				return err
			}
		}
	}
	stretch := f.Rules.For(f.Recipient.Address).Longest()
	if stretch == 0 {
		return nil
	}
	until := time.Now()
	if m := f.Message; m != nil && m.State.Final() {
		if until = m.UpdatedAt; !m.AcceptedAt.IsZero() {
			until = m.AcceptedAt.Add(-time.Millisecond)
		}
	}
	found, err := s.Contacts(ctx, f.Campaign.AccountID, []overture.Address{f.Recipient.Address}, until.Add(-stretch))
	if err != nil {
		return err
	}
	for _, at := range found[f.Recipient.Address] {
		if !at.After(until) {
			f.Contacts = append(f.Contacts, at)
		}
	}
	return nil
}
