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

// AcquireLease takes or renews a sender for owner until ttl from now; ok is false while another owner holds it. The epoch rises when the
// owner changes. On PostgreSQL the database's clock decides, so that nodes with wrong clocks cannot steal; on SQLite the file lock has
// already made sure that this is the only process, so an older process's lease is taken over at once.
func (s *Store) AcquireLease(ctx context.Context, sender overture.SenderID, owner string, ttl time.Duration) (lease overture.Lease, ok bool, err error) {
	lease = overture.Lease{SenderID: sender, Owner: owner}
	var row *sql.Row
	if s.db.Postgres() {
		// Looking first costs nothing; the conflict alone would lock the row on every try, against the owner's marks, and write that to the log.
		row = s.db.Write.QueryRowContext(ctx, `INSERT INTO sender_lease (sender_id, owner, epoch, expires_at)
			SELECT $1::bigint, $2::text, 1, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) + $3
			WHERE NOT EXISTS (SELECT 1 FROM sender_lease WHERE sender_id = $1 AND owner <> $2
				AND expires_at >= CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT))
			ON CONFLICT (sender_id) DO UPDATE SET
				epoch = CASE WHEN sender_lease.owner = excluded.owner THEN sender_lease.epoch ELSE sender_lease.epoch + 1 END,
				owner = excluded.owner, expires_at = excluded.expires_at
			WHERE sender_lease.owner = excluded.owner OR sender_lease.expires_at < CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)
			RETURNING epoch`, sender, owner, ttl.Milliseconds())
	} else {
		row = s.db.Write.QueryRowContext(ctx, `INSERT INTO sender_lease (sender_id, owner, epoch, expires_at) VALUES ($1, $2, 1, $3)
			ON CONFLICT (sender_id) DO UPDATE SET
				epoch = CASE WHEN sender_lease.owner = excluded.owner THEN sender_lease.epoch ELSE sender_lease.epoch + 1 END,
				owner = excluded.owner, expires_at = excluded.expires_at
			RETURNING epoch`, sender, owner, time.Now().Add(ttl).UnixMilli())
	}
	switch err := row.Scan(&lease.Epoch); {
	case errors.Is(err, sql.ErrNoRows):
		return lease, false, nil
	case err != nil:
		return lease, false, sqldb.Trouble(fmt.Errorf("acquire lease of %s: %w", sender, err))
	}
	return lease, true, nil
}

// ReleaseLease lets the next owner in at once. It changes nothing when the lease is no longer ours.
func (s *Store) ReleaseLease(ctx context.Context, lease overture.Lease) error {
	_, err := s.db.Write.ExecContext(ctx, `UPDATE sender_lease SET expires_at = 0 WHERE sender_id = $1 AND owner = $2 AND epoch = $3`,
		lease.SenderID, lease.Owner, lease.Epoch)
	return sqldb.Trouble(err)
}

// sendersWithWorkSQL looks for one row of each open lane and of each sender, and no further.
func (s *Store) sendersWithWorkSQL() string {
	return `SELECT l.sender_id FROM lane l WHERE l.state = 'open' AND EXISTS (SELECT 1 FROM dispatch d WHERE ` + s.db.ByKey("d.lane_id", "l.id") + ` AND d.not_after >= 0)
		UNION SELECT s.id FROM sender s WHERE EXISTS (SELECT 1 FROM inflight f WHERE ` + s.db.ByKey("f.sender_id", "s.id") + ` AND f.epoch >= 0)`
}

// SendersWithWork lists senders that have queued messages in an open lane, or attempts in doubt.
func (s *Store) SendersWithWork(ctx context.Context) ([]overture.SenderID, error) {
	rows, err := s.db.QueryByKey(ctx, s.sendersWithWorkSQL())
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("senders with work: %w", err))
	}
	defer rows.Close()
	var out []overture.SenderID
	for rows.Next() {
		var id overture.SenderID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("senders with work: %w", err)
		}
		out = append(out, id)
	}
	return out, sqldb.Trouble(rows.Err())
}
