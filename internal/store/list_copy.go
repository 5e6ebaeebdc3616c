package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// copyChunk is how many rows one transaction copies.
const copyChunk = 500

// CopyList copies the done imports of one campaign, row by row, into the list of a draft of the same account, and gives the number of
// recipients. They become visible together when all are there; what a crash leaves behind is removed like any import that died. Rejected
// rows stay behind. The addresses are in memory until they are sorted: in random order they would be written many times slower.
func (s *Store) CopyList(ctx context.Context, account overture.AccountID, from, to overture.CampaignID) (int, error) {
	imports, err := s.beginCopy(ctx, account, from, to)
	if err != nil || len(imports) == 0 {
		return 0, err
	}
	var all []listed
	for after := overture.RecipientID(0); ; {
		page, err := s.rowsToCopy(ctx, from, after)
		if err != nil {
			return 0, fmt.Errorf("copy the list of %s: %w", from, err)
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].id
		page = slices.DeleteFunc(page, func(c copied) bool { return imports[c.imp] == 0 })
		if err := s.writeCopies(ctx, account, to, imports, page); err != nil {
			return 0, fmt.Errorf("copy the list of %s: %w", from, err)
		}
		for _, c := range page {
			all = append(all, listed{c.id, c.address})
		}
	}
	slices.SortFunc(all, func(a, b listed) int { return strings.Compare(a.address, b.address) })
	for chunk := range slices.Chunk(all, copyChunk) {
		if err := s.indexCopies(ctx, to, chunk); err != nil {
			return 0, fmt.Errorf("copy the list of %s: %w", from, err)
		}
	}
	return len(all), s.finishCopy(ctx, account, from, to, len(all))
}

// listed is what is kept of a row until all are written.
type listed struct {
	id      overture.RecipientID
	address string
}

// copied is one row on its way to the new list.
type copied struct {
	id                                 overture.RecipientID
	imp                                overture.ImportID
	row, segments                      int
	address, zones, source, text, vars string
}

// beginCopy makes a loading import for each done one, and gives the new ids by the old.
func (s *Store) beginCopy(ctx context.Context, account overture.AccountID, from, to overture.CampaignID) (map[overture.ImportID]overture.ImportID, error) {
	imports := map[overture.ImportID]overture.ImportID{}
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := s.draftForChange(ctx, tx, account, to, time.Time{}); err != nil {
			return err
		}
		var old []overture.ImportID
		if err := each(ctx, plain(tx, `SELECT id FROM list_import WHERE campaign_id = $1 AND account_id = $2 AND state = 'done' ORDER BY id`),
			func(id overture.ImportID) { old = append(old, id) }, from, account); err != nil {
			return fmt.Errorf("lists of %s: %w", from, err)
		}
		for _, id := range old {
			imports[id] = overture.ImportID(s.NewID())
			if _, err := tx.ExecContext(ctx, `INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count,
					valid, rejected, duplicates, opted_out, worst_row, worst_segments, segments, list_hash, content_hash, error, touched_at, created_at)
				SELECT $1, account_id, $2, 'loading', source, file_name, encoding, delimiter, header, valid, valid, 0, 0, opted_out, worst_row, worst_segments,
					segments, list_hash, content_hash, '', $3, $3 FROM list_import WHERE id = $4`, imports[id], to, time.Now().UnixMilli(), id); err != nil {
				return fmt.Errorf("begin the copy of %s: %w", id, err)
			}
		}
		return nil
	})
	return imports, err
}

func (s *Store) rowsToCopy(ctx context.Context, from overture.CampaignID, after overture.RecipientID) ([]copied, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id, import_id, row_number, address, zones, zone_source, text, vars, segments FROM recipient
		WHERE campaign_id = $1 AND id > $2 ORDER BY id LIMIT $3`, from, after, copyChunk)
	if err != nil {
		return nil, sqldb.Trouble(err)
	}
	defer rows.Close()
	var out []copied
	for rows.Next() {
		var c copied
		if err := rows.Scan(&c.id, &c.imp, &c.row, &c.address, &c.zones, &c.source, &c.text, &c.vars, &c.segments); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, sqldb.Trouble(rows.Err())
}

// stillLoading touches the imports of a copy so that nobody takes them for dead, and stops when somebody did.
func stillLoading(ctx context.Context, tx *sql.Tx, to overture.CampaignID) error {
	res, err := tx.ExecContext(ctx, `UPDATE list_import SET touched_at = $1 WHERE campaign_id = $2 AND state = 'loading'`, time.Now().UnixMilli(), to)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, overture.ErrConflict("copy_gone", "the copy of the list stood still too long and was removed; duplicate the campaign again"))
	}
	return nil
}

// writeCopies gives each row its new id and writes it.
func (s *Store) writeCopies(ctx context.Context, account overture.AccountID, to overture.CampaignID, imports map[overture.ImportID]overture.ImportID, page []copied) error {
	if len(page) == 0 {
		return nil
	}
	s.db.Grew(len(page), "recipient")
	first := s.ids.Take(len(page))
	for i := range page {
		page[i].id = overture.RecipientID(s.ids.At(first, i))
	}
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := stillLoading(ctx, tx, to); err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, `INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, c := range page {
			if _, err := insert.ExecContext(ctx, c.id, account, to, imports[c.imp], c.row, c.address, c.zones, c.source, c.text, c.vars, c.segments); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) indexCopies(ctx context.Context, to overture.CampaignID, chunk []listed) error {
	s.db.Grew(len(chunk), "recipient_address")
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := stillLoading(ctx, tx, to); err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, `INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, c := range chunk {
			if _, err := insert.ExecContext(ctx, c.address, to, c.id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) finishCopy(ctx context.Context, account overture.AccountID, from, to overture.CampaignID, n int) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if source, err := s.campaignIn(ctx, tx, account, from, s.db.ForShare()); err != nil || !source.PeopleDeletedAt.IsZero() {
			return cmp.Or(err, overture.ErrPeopleDeleted(overture.Conflict, source.PeopleDeletedAt)) // while it was copied: some may be missing
		}
		c, err := s.draftForChange(ctx, tx, account, to, time.Time{})
		if err != nil {
			return err
		}
		if err := stillLoading(ctx, tx, to); err != nil {
			return err
		}
		now := time.Now()
		if _, err := tx.ExecContext(ctx, `UPDATE list_import SET state = 'done', finished_at = $1 WHERE campaign_id = $2 AND state = 'loading'`, now.UnixMilli(), to); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE campaign SET recipient_count = recipient_count + $1, updated_at = $2 WHERE id = $3`, n, stamp(c.UpdatedAt, now).UnixMilli(), to)
		return err
	})
}
