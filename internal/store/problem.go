package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

const problemFrom = ` FROM problem p JOIN list_import i ON i.id = p.import_id AND i.state = 'done' WHERE i.campaign_id = $1 AND i.account_id = $2 `

// Problems lists rejected rows of a campaign's list by import and row.
func (s *Store) Problems(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, f overture.ProblemFilter) ([]overture.Problem, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT p.import_id, p.row_number, p.column_name, p.code, p.reason, p.raw`+problemFrom+
		`AND (p.import_id, p.row_number) > ($3, $4) AND ($5 = '' OR p.code = $5) ORDER BY p.import_id, p.row_number LIMIT $6`,
		campaign, account, f.After.Import, f.After.Row, f.Code, f.Limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list problems of %s: %w", campaign, err))
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var out []overture.Problem
	for rows.Next() {
		var p overture.Problem
		if err := rows.Scan(&p.ImportID, &p.Row, &p.Column, &p.Code, &p.Reason, &p.Raw); err != nil {
			return nil, fmt.Errorf("list problems of %s: %w", campaign, err)
		}
		out = append(out, p)
	}
	return out, sqldb.Trouble(rows.Err())
}

// ProblemsInRow gives the problems of one row number: several when several imports have one there.
func (s *Store) ProblemsInRow(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, row int) ([]overture.Problem, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT p.import_id, p.row_number, p.column_name, p.code, p.reason, p.raw`+problemFrom+
		`AND p.row_number = $3 ORDER BY p.import_id`, campaign, account, row)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("find row %d: %w", row, err))
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var out []overture.Problem
	for rows.Next() {
		var p overture.Problem
		if err := rows.Scan(&p.ImportID, &p.Row, &p.Column, &p.Code, &p.Reason, &p.Raw); err != nil {
			return nil, fmt.Errorf("find row %d: %w", row, err)
		}
		out = append(out, p)
	}
	return out, sqldb.Trouble(rows.Err())
}

// ProblemCounts groups the problems of a campaign's list by code, the most frequent first.
func (s *Store) ProblemCounts(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) ([]overture.ProblemCount, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT p.code, COUNT(*), MIN(p.reason)`+problemFrom+`GROUP BY p.code ORDER BY COUNT(*) DESC, p.code`, campaign, account)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("count problems of %s: %w", campaign, err))
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var out []overture.ProblemCount
	for rows.Next() {
		var c overture.ProblemCount
		if err := rows.Scan(&c.Code, &c.Count, &c.Reason); err != nil {
			return nil, fmt.Errorf("count problems of %s: %w", campaign, err)
		}
		out = append(out, c)
	}
	return out, sqldb.Trouble(rows.Err())
}

// Repair puts up to 500 problem rows right in one transaction: into the list, or into other words, or away. A row that somebody else
// has repaired meanwhile is passed over. A number that is in the list already comes back as a problem in its Repair. Conflict: the
// campaign is no draft, or an import is loading.
func (s *Store) Repair(ctx context.Context, t overture.ListTarget, repairs []overture.Repair, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockContent(ctx, tx, t, t.Content.Hash()); err != nil {
			return err
		}
		d := deltas{}
		for i := range repairs {
			if err := s.repair(ctx, tx, t, &repairs[i], d); err != nil {
				return fmt.Errorf("repair row %d: %w", repairs[i].Ref.Row, err)
			}
		}
		return s.applyDeltas(ctx, tx, t.CampaignID, d, now)
	})
}

func (s *Store) repair(ctx context.Context, tx *sql.Tx, t overture.ListTarget, r *overture.Repair, d deltas) error {
	var code string
	err := tx.QueryRowContext(ctx, `DELETE FROM problem WHERE import_id = $1 AND row_number = $2
		AND EXISTS (SELECT 1 FROM list_import i WHERE i.id = $1 AND i.campaign_id = $3 AND i.state = 'done') RETURNING code`,
		r.Ref.Import, r.Ref.Row, t.CampaignID).Scan(&code)
	if errors.Is(err, sql.ErrNoRows) {
		r.Recipient, r.Problem = nil, nil
		return nil
	}
	if err != nil {
		return err
	}
	of := d.of(r.Ref.Import)
	if code == overture.ProblemDuplicateNumber && (r.Recipient != nil || r.Problem != nil) {
		of.duplicates--
	}
	if r.Recipient != nil {
		listed, err := s.addRecipient(ctx, tx, t, r)
		if err != nil {
			return err
		}
		if listed {
			of.valid++
			of.rejected--
			of.segments += int64(r.Recipient.Segments)
			of.hash = of.hash.Plus(overture.RowHash(r.Recipient))
			if r.OptedOut {
				of.optedOut++
			}
			if r.Recipient.Segments > of.worstSegments {
				of.worstRow, of.worstSegments = r.Recipient.Row, r.Recipient.Segments
			}
			return nil
		}
	}
	if r.Problem == nil {
		return nil // discarded
	}
	if r.Problem.Code == overture.ProblemDuplicateNumber {
		of.duplicates++
	}
	_, err = tx.ExecContext(ctx, insertProblem, problemValues(r.Ref.Import, r.Problem)...)
	return err
}

// addRecipient puts a repaired row into the list, unless its number is there already: then Repair.Problem, which the caller has
// prepared for this case, stands and Recipient goes.
func (s *Store) addRecipient(ctx context.Context, tx *sql.Tx, t overture.ListTarget, r *overture.Repair) (bool, error) {
	r.Recipient.ID = overture.RecipientID(s.NewID())
	res, err := tx.ExecContext(ctx, insertAddress+` ON CONFLICT (address, campaign_id) DO NOTHING`, string(r.Recipient.Address), t.CampaignID, r.Recipient.ID)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	if n == 0 {
		r.Recipient = nil
		return false, nil
	}
	r.Problem = nil
	im := overture.Import{ID: r.Ref.Import, AccountID: t.AccountID, CampaignID: t.CampaignID}
	_, err = tx.ExecContext(ctx, insertRecipient, recipientValues(im, r.Recipient)...)
	return true, err
}

// deltas collects what a repair or a recheck changes in the figures of each import.
type deltas map[overture.ImportID]*delta

type delta struct {
	valid, rejected, duplicates, optedOut int
	segments                              int64
	hash                                  overture.ListHash
	worstRow, worstSegments               int
}

func (d deltas) of(im overture.ImportID) *delta {
	if d[im] == nil {
		d[im] = &delta{}
	}
	return d[im]
}

// applyDeltas runs under the lock of the list, so reading a hash and writing it back loses nothing.
func (s *Store) applyDeltas(ctx context.Context, tx *sql.Tx, campaign overture.CampaignID, all deltas, now time.Time) error {
	valid := 0
	for _, id := range slices.Sorted(maps.Keys(all)) {
		d := all[id]
		if *d == (delta{}) {
			continue
		}
		var stored string
		if err := tx.QueryRowContext(ctx, `SELECT list_hash FROM list_import WHERE id = $1`, id).Scan(&stored); err != nil {
			return fmt.Errorf("read %s: %w", id, err)
		}
		hash, err := overture.ParseListHash(stored)
		if err != nil {
			return fmt.Errorf("hash of %s: %w", id, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE list_import SET valid = valid + $1, rejected = rejected + $2, duplicates = duplicates + $3,
				opted_out = opted_out + $4, segments = segments + $5, list_hash = $6,
				worst_row = CASE WHEN $8 > worst_segments THEN $7 ELSE worst_row END,
				worst_segments = CASE WHEN $8 > worst_segments THEN $8 ELSE worst_segments END WHERE id = $9`,
			d.valid, d.rejected, d.duplicates, d.optedOut, d.segments, hash.Plus(d.hash).String(), d.worstRow, d.worstSegments, id); err != nil {
			return fmt.Errorf("count %s: %w", id, err)
		}
		valid += d.valid
	}
	return addRecipients(ctx, tx, campaign, valid, now)
}
