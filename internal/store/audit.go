package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// writeAudit appends one entry in the transaction of the change it tells of (A4). detail names what changed, never a person or a secret.
func writeAudit(ctx context.Context, tx *sql.Tx, id int64, by overture.Actor, action, subject, detail string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO audit (id, account_id, actor, action, subject, detail, request_id, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, by.AccountID, by.String(), action, subject, detail, by.RequestID, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("write audit entry: %w", err)
	}
	return nil
}

// AuditEntries lists the entries of an account that the filter selects, newest first.
func (s *Store) AuditEntries(ctx context.Context, f overture.AuditFilter) ([]overture.AuditEntry, error) {
	before, until := int64(f.Before), int64(math.MaxInt64)
	if before == 0 {
		before = math.MaxInt64
	}
	if !f.Until.IsZero() {
		until = f.Until.UnixMilli()
	}
	var from int64
	if !f.From.IsZero() {
		from = f.From.UnixMilli()
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id, account_id, actor, action, subject, detail, request_id, at FROM audit
		WHERE account_id = $1 AND id < $2 AND at >= $3 AND at < $4 AND action LIKE $5 ESCAPE '\'
			AND ($6 = '' OR actor = $6) AND ($7 = '' OR subject = $7) ORDER BY id DESC LIMIT $8`,
		f.AccountID, before, from, until, escapeLike(f.Action)+"%", f.Actor, f.Subject, f.Limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list audit entries: %w", err))
	}
	defer rows.Close()
	var out []overture.AuditEntry
	for rows.Next() {
		var e overture.AuditEntry
		var at int64
		if err := rows.Scan(&e.ID, &e.AccountID, &e.Actor, &e.Action, &e.Subject, &e.Detail, &e.RequestID, &at); err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("read audit entry: %w", err))
		}
		e.At = time.UnixMilli(at).UTC()
		out = append(out, e)
	}
	return out, sqldb.Trouble(rows.Err())
}
