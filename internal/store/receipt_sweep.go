package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// sweepAway is for how long nobody must have held a sender's sweep before it counts as left alone: then everything unconfirmed is looked at
// again, since receipts may have come in vain meanwhile. Nodes that relieve each other are quicker.
const sweepAway = time.Minute

// sweepClock is the clock of leases: the database's on PostgreSQL, so that nodes with wrong clocks cannot steal, else this process's.
func (s *Store) sweepClock() string {
	if s.db.Postgres() {
		return `CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`
	}
	return fmt.Sprint(time.Now().UnixMilli())
}

// UnconfirmedCampaigns lists, by sender, campaigns that have accepted or sent messages without a last word, were launched before one time
// and not completed before another. It reads campaigns and their counters, never messages.
func (s *Store) UnconfirmedCampaigns(ctx context.Context, launchedBefore, completedAfter time.Time) (map[overture.SenderID][]overture.CampaignID, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT c.sender_id, c.id FROM campaign c
		WHERE c.launched_at < $1 AND (c.completed_at IS NULL OR c.completed_at > $2)
			AND EXISTS (SELECT 1 FROM campaign_count n WHERE n.campaign_id = c.id AND n.state IN ($3, $4) AND n.n > 0)
		ORDER BY c.sender_id, c.id`, launchedBefore.UnixMilli(), completedAfter.UnixMilli(), overture.Accepted, overture.Sent)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("unconfirmed campaigns: %w", err))
	}
	defer rows.Close()
	out := map[overture.SenderID][]overture.CampaignID{}
	for rows.Next() {
		var sender overture.SenderID
		var id overture.CampaignID
		if err := rows.Scan(&sender, &id); err != nil {
			return nil, fmt.Errorf("unconfirmed campaigns: %w", err)
		}
		out[sender] = append(out[sender], id)
	}
	return out, sqldb.Trouble(rows.Err())
}

// unconfirmedSQL repeats the condition of the partial index, or SQLite would not use it. Attempts are read apart, and only of messages without
// a last word: in one statement PostgreSQL may choose to read the whole table of attempts for every page.
const unconfirmedSQL = `SELECT recipient_id, leg, id, sender_id, state, provider_id, COALESCE(accepted_at, 0) FROM message
	WHERE campaign_id = $1 AND campaign_id > 0 AND (recipient_id, leg) > ($2, $3) ORDER BY recipient_id, leg LIMIT $4`

// UnconfirmedMessages walks limit rows of one campaign in the order of its key, from after a position on, and gives those of them without a
// last word. last is the position to go on from; more is false at the campaign's end.
func (s *Store) UnconfirmedMessages(ctx context.Context, sender overture.SenderID, after overture.SweepPosition, limit int) (found []overture.Unconfirmed, last overture.SweepPosition, more bool, err error) {
	last = after
	n := 0
	err = eachRow(ctx, s.reading(unconfirmedSQL), func(rows *sql.Rows) error {
		var m overture.Unconfirmed
		var of overture.SenderID
		var accepted int64
		m.At.CampaignID = after.CampaignID
		if err := rows.Scan(&m.At.RecipientID, &m.At.Leg, &m.MessageID, &of, &m.State, &m.ProviderID, &accepted); err != nil {
			return err
		}
		n, last = n+1, m.At
		if of == sender && m.ProviderID != "" && (m.State == overture.Accepted || m.State == overture.Sent) {
			m.AcceptedAt = time.UnixMilli(accepted)
			found = append(found, m)
		}
		return nil
	}, after.CampaignID, after.RecipientID, after.Leg, limit)
	if err == nil && len(found) > 0 {
		err = s.tokensOf(ctx, found)
	}
	if err != nil {
		return nil, after, false, sqldb.Trouble(fmt.Errorf("unconfirmed messages of %s: %w", after.CampaignID, err))
	}
	return found, last, n == limit, nil
}

func (s *Store) reading(query string) rowSource {
	return func(ctx context.Context, args ...any) (*sql.Rows, error) {
		return s.db.Read.QueryContext(ctx, query, args...)
	}
}

// tokensOf fills in the token of the attempt that has the provider's id.
func (s *Store) tokensOf(ctx context.Context, found []overture.Unconfirmed) error {
	place := make(map[overture.MessageID]int, len(found))
	ids := make([]overture.MessageID, len(found))
	for i, m := range found {
		ids[i], place[m.MessageID] = m.MessageID, i
	}
	condition, list := sqldb.In(s.db, "message_id", 1, ids)
	return eachRow(ctx, s.reading(`SELECT message_id, token, provider_id FROM attempt WHERE `+condition), func(rows *sql.Rows) error {
		var id overture.MessageID
		var token, provider string
		err := rows.Scan(&id, &token, &provider)
		if i, ok := place[id]; ok && provider == found[i].ProviderID {
			found[i].Token = token
		}
		return err
	}, list)
}

// ClaimReceiptSweep takes or renews a sender's sweep for owner until ttl from now; ok is false while another owner holds it. After a time in
// which nobody did (sweepAway) it begins anew with everything unconfirmed. As with AcquireLease, on SQLite another owner can only be an
// older process, which is gone.
func (s *Store) ClaimReceiptSweep(ctx context.Context, sender overture.SenderID, owner string, ttl time.Duration) (w overture.ReceiptSweep, ok bool, err error) {
	now := s.sweepClock()
	unlessAway := func(column string) string {
		return fmt.Sprintf("%s = CASE WHEN receipt_sweep.expires_at < %s - %d THEN 0 ELSE receipt_sweep.%s END", column, now, sweepAway.Milliseconds(), column)
	}
	free := ""
	if s.db.Postgres() {
		free = ` WHERE receipt_sweep.owner = excluded.owner OR receipt_sweep.expires_at < ` + now
	}
	w = overture.ReceiptSweep{SenderID: sender, Owner: owner}
	var since, until, next int64
	err = s.db.Write.QueryRowContext(ctx, `INSERT INTO receipt_sweep (sender_id, owner, expires_at, since, until, campaign_id, recipient_id, leg, next_at)
		VALUES ($1, $2, `+now+` + $3, 0, 0, 0, 0, 0, 0)
		ON CONFLICT (sender_id) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at, `+
		unlessAway("since")+`, `+unlessAway("until")+`, `+unlessAway("campaign_id")+`, `+unlessAway("recipient_id")+`, `+unlessAway("leg")+`, `+unlessAway("next_at")+
		free+` RETURNING since, until, campaign_id, recipient_id, leg, next_at`, sender, owner, ttl.Milliseconds()).
		Scan(&since, &until, &w.At.CampaignID, &w.At.RecipientID, &w.At.Leg, &next)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return w, false, nil
	case err != nil:
		return w, false, sqldb.Trouble(fmt.Errorf("claim receipt sweep of %s: %w", sender, err))
	}
	w.Since, w.Until, w.NextAt = sweepTime(since), sweepTime(until), sweepTime(next)
	return w, true, nil
}

// RenewReceiptSweep keeps a sweep that goes on; ok is false when it is no longer ours, or was left alone for so long that it must begin anew.
func (s *Store) RenewReceiptSweep(ctx context.Context, w overture.ReceiptSweep, ttl time.Duration) (ok bool, err error) {
	now := s.sweepClock()
	return s.sweepChanged(s.db.Write.ExecContext(ctx, fmt.Sprintf(`UPDATE receipt_sweep SET expires_at = %s + $3
		WHERE sender_id = $1 AND owner = $2 AND expires_at >= %s - %d`, now, now, sweepAway.Milliseconds()), w.SenderID, w.Owner, ttl.Milliseconds()))
}

// SaveReceiptSweep writes how far a sweep has come; ok is false when it is no longer ours.
func (s *Store) SaveReceiptSweep(ctx context.Context, w overture.ReceiptSweep) (ok bool, err error) {
	return s.sweepChanged(s.db.Write.ExecContext(ctx, `UPDATE receipt_sweep SET since = $3, until = $4, campaign_id = $5, recipient_id = $6, leg = $7, next_at = $8
		WHERE sender_id = $1 AND owner = $2`, w.SenderID, w.Owner, sweepMillis(w.Since), sweepMillis(w.Until), w.At.CampaignID, w.At.RecipientID, w.At.Leg, sweepMillis(w.NextAt)))
}

// ReleaseReceiptSweeps lets the next owner in at once.
func (s *Store) ReleaseReceiptSweeps(ctx context.Context, owner string) error {
	_, err := s.db.Write.ExecContext(ctx, `UPDATE receipt_sweep SET expires_at = `+s.sweepClock()+` - 1 WHERE owner = $1`, owner)
	return sqldb.Trouble(err)
}

func (s *Store) sweepChanged(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, sqldb.Trouble(fmt.Errorf("claim of a sweep or a forecast: %w", err))
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// SenderIsSending tells whether a message of the sender is due in an open lane and waits for more than a lookup.
func (s *Store) SenderIsSending(ctx context.Context, sender overture.SenderID, now time.Time) (sending bool, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM lane l JOIN dispatch d ON d.lane_id = l.id LEFT JOIN inflight f ON f.message_id = d.message_id
		WHERE l.sender_id = $1 AND l.state = 'open' AND d.due_at <= $2 AND (f.message_id IS NULL OR f.state <> 'unknown'))`,
		sender, now.UnixMilli()).Scan(&sending)
	return sending, sqldb.Trouble(err)
}

func sweepMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func sweepTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
