package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// AdoptInflight takes over the markers that earlier owners of the sender left behind: sends that may have happened. They become unknown
// and are looked up a grace period from now (R7): when they were started says another node's clock, which may be wrong, but what an earlier
// owner sent, it sent before this lease was granted. It returns how many.
func (s *Store) AdoptInflight(ctx context.Context, lease overture.Lease, now time.Time, grace time.Duration) (int, error) {
	var n int64
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE inflight SET epoch = $1, state = 'unknown', adopted = adopted OR state = 'attempting', next_lookup_at = $2
			WHERE sender_id = $3 AND epoch < $1
			AND EXISTS (SELECT 1 FROM sender_lease s WHERE s.sender_id = $3 AND s.epoch = $1 AND s.owner = $4)`,
			lease.Epoch, now.Add(grace).UnixMilli(), lease.SenderID, lease.Owner)
		if err != nil {
			return fmt.Errorf("adopt markers of %s: %w", lease.SenderID, err)
		}
		n, err = res.RowsAffected()
		return err
	})
	return int(n), err
}

// Doubts lists attempts of the lease's own epoch whose lookup is due: unknown outcomes, and markers nobody settled.
func (s *Store) Doubts(ctx context.Context, lease overture.Lease, now time.Time, limit int) ([]overture.Doubt, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT f.lane_id, f.due_at, f.not_after, f.attempt, f.token, f.started_at, f.since, f.lookups, f.failed_for, `+dueColumns+`
		FROM inflight f JOIN message m ON m.id = f.message_id LEFT JOIN recipient r ON r.id = m.recipient_id
		WHERE f.sender_id = $1 AND f.epoch = $2 AND f.next_lookup_at <= $3 ORDER BY f.next_lookup_at LIMIT $4`,
		lease.SenderID, lease.Epoch, now.UnixMilli(), limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("doubts of %s: %w", lease.SenderID, err))
	}
	defer rows.Close()
	var out []overture.Doubt
	for rows.Next() {
		var d overture.Doubt
		var due, notAfter, started, since, failedFor int64
		if err := scanDue(rows, &d.DueMessage, &d.LaneID, &due, &notAfter, &d.Attempt, &d.Token, &started, &since, &d.Lookups, &failedFor); err != nil {
			return nil, fmt.Errorf("doubts of %s: %w", lease.SenderID, err)
		}
		d.Due, d.NotAfter, d.StartedAt = time.UnixMilli(due), time.UnixMilli(notAfter), time.UnixMilli(started)
		d.FailedFor = time.Duration(failedFor) * time.Millisecond
		if d.Since = d.StartedAt; since > 0 {
			d.Since, d.Quarantined = time.UnixMilli(since), true
		}
		out = append(out, d)
	}
	return out, sqldb.Trouble(rows.Err())
}

// InflightCount tells how many attempts of a sender are open: sending or in doubt.
func (s *Store) InflightCount(ctx context.Context, sender overture.SenderID) (int, error) {
	var n int
	err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM inflight WHERE sender_id = $1`, sender).Scan(&n)
	return n, sqldb.Trouble(err)
}

// KnownProviderIDs lists the provider ids already recorded for messages to an address through a sender: of campaigns, answers, test sends
// and automatic words alike. A lookup must not take one of them as proof for another message.
func (s *Store) KnownProviderIDs(ctx context.Context, sender overture.SenderID, address overture.Address) (map[string]bool, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT m.provider_id FROM recipient_address r
			JOIN message m ON m.campaign_id = r.campaign_id AND m.campaign_id > 0 AND m.recipient_id = r.recipient_id
			WHERE r.address = $1 AND m.sender_id = $2 AND m.provider_id <> ''
		UNION SELECT a.provider_id FROM recipient_address r
			JOIN message m ON m.campaign_id = r.campaign_id AND m.campaign_id > 0 AND m.recipient_id = r.recipient_id JOIN attempt a ON a.message_id = m.id
			WHERE r.address = $1 AND m.sender_id = $2 AND a.provider_id <> ''
		UNION SELECT m.provider_id FROM message m WHERE m.campaign_id = 0 AND m.address = $1 AND m.sender_id = $2 AND m.provider_id <> ''
		UNION SELECT a.provider_id FROM message m JOIN attempt a ON a.message_id = m.id
			WHERE m.campaign_id = 0 AND m.address = $1 AND m.sender_id = $2 AND a.provider_id <> ''`, address, sender)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("known provider ids: %w", err))
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("known provider ids: %w", err)
		}
		out[id] = true
	}
	return out, sqldb.Trouble(rows.Err())
}
