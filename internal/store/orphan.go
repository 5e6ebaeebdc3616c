package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// orphanLife is how long a receipt waits for its message (R10).
const orphanLife = 24 * time.Hour

// MatchOrphans applies receipts that came before their message or attempt was known here, for instance while a backup was being restored,
// and drops those that waited longer than a day. A crash between applying and removing repeats a receipt, which does nothing.
func (s *Store) MatchOrphans(ctx context.Context, now time.Time) (overture.ReceiptTally, error) {
	var total overture.ReceiptTally
	since := now.Add(-orphanLife).UnixMilli()
	for {
		var ids []int64
		var receipts []overture.Receipt
		err := eachRow(ctx, plain(s.db.Read, `SELECT o.id, o.provider, o.account_id, o.sender_id, o.message_id, o.token, o.provider_id, o.state, o.code, o.opt_out, o.received_at
			FROM orphan_receipt o JOIN message m ON m.id = o.message_id
			WHERE o.received_at >= $1 AND (m.sender_id <> o.sender_id
				OR EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = o.message_id AND (f.since > 0 OR f.token = o.token))
				OR (m.provider_id <> '' AND m.provider_id = o.provider_id) OR m.state = 40
				OR EXISTS (SELECT 1 FROM attempt a WHERE a.message_id = o.message_id AND a.token IN (o.token, '')))
			ORDER BY o.id LIMIT $2`), func(rows *sql.Rows) error {
			var id, at int64
			var r overture.Receipt
			err := rows.Scan(&id, &r.Provider, &r.AccountID, &r.SenderID, &r.MessageID, &r.Token, &r.ProviderID, &r.State, &r.Code, &r.OptOut, &at)
			r.ReceivedAt = time.UnixMilli(at)
			ids, receipts = append(ids, id), append(receipts, r)
			return err
		}, since, receiptChunk)
		if err != nil {
			return total, sqldb.Trouble(fmt.Errorf("read orphans: %w", err))
		}
		if len(ids) == 0 {
			break
		}
		tally, err := s.ApplyReceipts(ctx, receipts, now)
		if err != nil {
			return total, err
		}
		total = total.Add(tally)
		condition, arg := sqldb.In(s.db, "id", 1, ids)
		if err := s.removeOrphans(ctx, condition, arg); err != nil {
			return total, err
		}
	}
	return total, s.removeOrphans(ctx, "received_at < $1", since)
}

func (s *Store) removeOrphans(ctx context.Context, condition string, arg any) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM orphan_receipt WHERE `+condition, arg); err != nil {
			return fmt.Errorf("remove orphans: %w", err)
		}
		return nil
	})
}
