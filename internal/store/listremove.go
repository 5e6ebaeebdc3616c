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

// removeChunk is how many rows one transaction deletes. On SQLite few enough that the writer is free again within a few milliseconds.
func (s *Store) removeChunk() int {
	if s.db.Postgres() {
		return 5000
	}
	return 500
}

// manyRecipients decides how addresses are deleted: below it one by one, above it in one walk through the table in its own order, which
// touches each page once.
const manyRecipients = 5000

// AbandonImport gives up a loading import: from now on nobody can add rows to it, and RemoveImport may delete them.
func (s *Store) AbandonImport(ctx context.Context, im overture.Import, why string, now time.Time) error {
	_, err := s.db.Write.ExecContext(ctx, `UPDATE list_import SET state = 'removing', error = $1, finished_at = $2, touched_at = $2
		WHERE id = $3 AND account_id = $4 AND state = 'loading'`, why, now.UnixMilli(), im.ID, im.AccountID)
	return sqldb.Trouble(err)
}

// CancelImport gives up a loading import because a person wants it. Its loader finds out at its next chunk, on whatever node it is, and takes
// the rows away; when there is none any more, the next cleanup does. NotFound: no such import. Conflict: it is in the list already.
func (s *Store) CancelImport(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, im overture.ImportID, now time.Time) error {
	res, err := s.db.Write.ExecContext(ctx, `UPDATE list_import SET state = 'removing', error = 'the upload was canceled', finished_at = $1, touched_at = $1
		WHERE id = $2 AND account_id = $3 AND campaign_id = $4 AND state = 'loading'`, now.UnixMilli(), im, account, campaign)
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("cancel %s: %w", im, err))
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	var state overture.ImportState
	err = s.db.Read.QueryRowContext(ctx, `SELECT state FROM list_import WHERE id = $1 AND account_id = $2 AND campaign_id = $3`, im, account, campaign).Scan(&state)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return overture.ErrNotFound("import")
	case err != nil:
		return sqldb.Trouble(fmt.Errorf("cancel %s: %w", im, err))
	case state == overture.ImportDone:
		return overture.ErrConflict("import_done", "this list is loaded already; empty the campaign's list to take it back")
	}
	return nil
}

// DeadImports lists imports whose rows wait to be removed: those that gave no sign of life since a time, and on SQLite, where one process at a
// time owns the database, those from before it was opened.
func (s *Store) DeadImports(ctx context.Context, silentSince time.Time) ([]overture.Import, error) {
	if !s.db.Postgres() && s.opened.After(silentSince) {
		silentSince = s.opened
	}
	return s.imports(ctx, s.db.Read, `i.state IN ('loading', 'removing') AND i.touched_at < $1 ORDER BY i.id`, silentSince.UnixMilli())
}

// RemoveImport deletes the rows of an import in state removing, in small transactions, and leaves the import as failed. It may be
// interrupted and repeated.
func (s *Store) RemoveImport(ctx context.Context, im overture.Import) error {
	if err := s.removeRows(ctx, im.CampaignID, im.ID, im.Rows); err != nil {
		return err
	}
	if err := s.removeProblems(ctx, im.ID); err != nil {
		return err
	}
	_, err := s.db.Write.ExecContext(ctx, `UPDATE list_import SET state = 'failed', valid = 0, rejected = 0, duplicates = 0, opted_out = 0
		WHERE id = $1 AND state = 'removing'`, im.ID)
	return sqldb.Trouble(err)
}

// ClearList removes the whole list of a draft: at once for everybody who looks, then row by row. Conflict: launched, or an import is loading.
func (s *Store) ClearList(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, now time.Time) error {
	return s.clearList(ctx, account, campaign, now, "the list was cleared", func(*sql.Tx) (bool, error) { return true, nil })
}

// clearList asks may, in the transaction that makes the list invisible, whether it may.
func (s *Store) clearList(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, now time.Time, why string, may func(*sql.Tx) (bool, error)) error {
	var count int
	var yes bool
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		if yes, err = may(tx); err != nil || !yes {
			return err
		}
		if _, err := s.lockList(ctx, tx, account, campaign); err != nil {
			return err
		}
		var loading bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM list_import WHERE campaign_id = $1 AND state = 'loading')`, campaign).Scan(&loading); err != nil {
			return fmt.Errorf("look for imports of %s: %w", campaign, err)
		}
		if loading {
			return overture.ErrConflict("import_running", "a list is being loaded into this campaign; wait for it to end, then clear the list")
		}
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(SUM(row_count), 0) FROM list_import WHERE campaign_id = $1`, campaign).Scan(&count); err != nil {
			return fmt.Errorf("size of the list of %s: %w", campaign, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE list_import SET state = 'removing', error = $3, touched_at = $1
			WHERE campaign_id = $2`, now.UnixMilli(), campaign, why); err != nil {
			return fmt.Errorf("clear the list of %s: %w", campaign, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE campaign SET recipient_count = 0 WHERE id = $1`, campaign); err != nil {
			return fmt.Errorf("clear the list of %s: %w", campaign, err)
		}
		return addRecipients(ctx, tx, campaign, 0, now)
	})
	if err != nil || !yes {
		return err
	}
	imports, err := s.Imports(ctx, account, campaign)
	if err != nil {
		return err
	}
	if err := s.removeRows(ctx, campaign, 0, count); err != nil {
		return err
	}
	for _, im := range imports {
		if err := s.removeProblems(ctx, im.ID); err != nil {
			return err
		}
	}
	_, err = s.db.Write.ExecContext(ctx, `DELETE FROM list_import WHERE campaign_id = $1 AND state IN ('removing', 'failed')`, campaign)
	return sqldb.Trouble(err)
}

// removeRows deletes the recipients of one import, or of all when im is zero. The rows of an import have younger ids than the import itself,
// which spares walking over those before it.
func (s *Store) removeRows(ctx context.Context, campaign overture.CampaignID, im overture.ImportID, about int) error {
	few := about < manyRecipients
	if !few {
		if err := s.sweepAddresses(ctx, campaign, im); err != nil {
			return err
		}
	}
	for {
		n := 0
		err := s.db.Transact(ctx, func(tx *sql.Tx) error {
			if few {
				if _, err := tx.ExecContext(ctx, `DELETE FROM recipient_address WHERE campaign_id = $1 AND address IN
					(SELECT address FROM (SELECT id, address FROM recipient WHERE campaign_id = $1 AND id > $2 AND (import_id = $2 OR CAST($2 AS BIGINT) = 0)
						ORDER BY id LIMIT $3) r)`, campaign, im, s.removeChunk()); err != nil {
					return fmt.Errorf("remove addresses of %s: %w", campaign, err)
				}
			}
			res, err := tx.ExecContext(ctx, `DELETE FROM recipient WHERE id IN
				(SELECT id FROM recipient WHERE campaign_id = $1 AND id > $2 AND (import_id = $2 OR CAST($2 AS BIGINT) = 0) ORDER BY id LIMIT $3)`, campaign, im, s.removeChunk())
			if err != nil {
				return fmt.Errorf("remove recipients of %s: %w", campaign, err)
			}
			removed, err := res.RowsAffected()
			n = int(removed)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// sweepAddresses walks through all addresses in their order and deletes those of the import, or of the campaign when im is zero.
func (s *Store) sweepAddresses(ctx context.Context, campaign overture.CampaignID, im overture.ImportID) error {
	for after := ""; ; {
		addresses, err := texts(ctx, s.db.Read, `SELECT a.address FROM recipient_address a WHERE a.address > $1 AND a.campaign_id = $2 AND (CAST($3 AS BIGINT) = 0
				OR EXISTS (SELECT 1 FROM recipient r WHERE r.id = a.recipient_id AND r.import_id = $3))
			ORDER BY a.address LIMIT $4`, after, campaign, im, s.removeChunk())
		if err != nil || len(addresses) == 0 {
			return err
		}
		after = addresses[len(addresses)-1]
		condition, arg := sqldb.In(s.db, "address", 2, addresses)
		if err := s.db.Transact(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM recipient_address WHERE campaign_id = $1 AND `+condition, campaign, arg)
			return err
		}); err != nil {
			return fmt.Errorf("remove addresses of %s: %w", campaign, err)
		}
	}
}

func (s *Store) removeProblems(ctx context.Context, im overture.ImportID) error {
	for {
		var n int64
		err := s.db.Transact(ctx, func(tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, `DELETE FROM problem WHERE import_id = $1 AND row_number IN
				(SELECT row_number FROM problem WHERE import_id = $1 ORDER BY row_number LIMIT $2)`, im, s.removeChunk())
			if err != nil {
				return fmt.Errorf("remove problems of %s: %w", im, err)
			}
			n, err = res.RowsAffected()
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// texts reads one column of strings.
func texts(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, sqldb.Trouble(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, sqldb.Trouble(rows.Err())
}
