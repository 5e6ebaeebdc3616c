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

const (
	// waitingOf counts queued messages from the counters of campaigns that are not over.
	waitingOf = `SELECT COALESCE(SUM(n.n), 0) FROM campaign c JOIN campaign_count n ON n.campaign_id = c.id AND n.state = 0
		WHERE c.account_id = $1 AND c.launched_at IS NOT NULL AND c.completed_at IS NULL`
	// firstDueOf looks at the first row of each open lane of sender sd.
	firstDueOf = `SELECT MIN(f.due) FROM (SELECT (SELECT MIN(d.due_at) FROM dispatch d WHERE d.lane_id = l.id) AS due
		FROM lane l WHERE l.sender_id = sd.id AND l.state = 'open') f`
)

// SenderStandings lists the account's senders by id, after the given one, with what waits for them. Its cost grows with lanes and campaigns
// that run, not with messages.
func (s *Store) SenderStandings(ctx context.Context, account overture.AccountID, after overture.SenderID, limit int) ([]overture.SenderStanding, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT sd.id, sd.account_id, sd.brand_id, sd.name, sd.channel, sd.provider, sd.address, sd.base_url,
			sd.account_sid, sd.messaging_service_sid, sd.webhook_key, sd.rate, sd.stopped, sd.stop_reason, sd.created_at,
			COALESCE(sl.owner, ''), sl.expires_at, (`+waitingOf+` AND c.sender_id = sd.id),
			(SELECT COUNT(*) FROM inflight i WHERE i.sender_id = sd.id AND i.state = 'unknown'), (`+firstDueOf+`)
		FROM sender sd LEFT JOIN sender_lease sl ON sl.sender_id = sd.id WHERE sd.account_id = $1 AND sd.id > $2 ORDER BY sd.id LIMIT $3`,
		account, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("standings of senders: %w", err))
	}
	defer rows.Close()
	var out []overture.SenderStanding
	for rows.Next() {
		var x overture.SenderStanding
		var lease, due sql.NullInt64
		if err := scanSender(rows.Scan, &x.Sender, &x.LeaseOwner, &lease, &x.Waiting, &x.InDoubt, &due); err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("standings of senders: %w", err))
		}
		x.FirstDue = sqldb.Time(due)
		if lease.Int64 > 0 { // a released one expired at 0
			x.LeaseUntil = sqldb.Time(lease)
		}
		out = append(out, x)
	}
	return out, sqldb.Trouble(rows.Err())
}

// AccountQueue tells what waits in one account.
func (s *Store) AccountQueue(ctx context.Context, account overture.AccountID, now time.Time) (overture.AccountQueue, error) {
	var q overture.AccountQueue
	var due, doubt sql.NullInt64
	for _, ask := range []struct {
		query string
		to    []any
	}{
		{waitingOf, []any{&q.Waiting}},
		{`SELECT MIN((` + firstDueOf + `)) FROM sender sd WHERE sd.account_id = $1 AND sd.stopped = FALSE`, []any{&due}},
		{`SELECT COUNT(*), MIN(i.started_at) FROM sender sd JOIN inflight i ON i.sender_id = sd.id AND i.state = 'unknown' WHERE sd.account_id = $1`, []any{&q.InDoubt, &doubt}},
		{`SELECT COUNT(*) FROM held WHERE account_id = $1`, []any{&q.Held}},
		{`SELECT COUNT(*) FROM campaign WHERE account_id = $1 AND launched_at IS NOT NULL AND completed_at IS NULL AND planning = TRUE`, []any{&q.Planning}},
		{`SELECT COUNT(*) FROM inbound WHERE account_id = $1 AND processed_at IS NULL`, []any{&q.Answers}},
	} {
		if err := s.db.Read.QueryRowContext(ctx, ask.query, account).Scan(ask.to...); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return q, sqldb.Trouble(fmt.Errorf("queue of %s: %w", account, err))
		}
	}
	if due.Valid && due.Int64 <= now.UnixMilli() {
		q.OldestDue = sqldb.Time(due)
	}
	q.OldestInDoubt = sqldb.Time(doubt)
	return q, nil
}

// EmergencyStopped tells whether the operator stopped everything.
func (s *Store) EmergencyStopped(ctx context.Context) (stopped bool, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM emergency_stop)`).Scan(&stopped)
	return stopped, sqldb.Trouble(err)
}
