package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

const problemFrom = `FROM problem p JOIN list_import i ON i.id = p.import_id AND i.state = 'done' WHERE i.campaign_id = $1 AND i.account_id = $2 `

// Problems lists rejected rows of a campaign's list by import and row. One import at a time, so that each page is a walk along an index.
func (s *Store) Problems(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, f overture.ProblemFilter) ([]overture.Problem, error) {
	imports, err := s.imports(ctx, s.db.Read, `i.campaign_id = $1 AND i.account_id = $2 AND i.state = 'done' AND i.rejected > 0 AND i.id >= $3 ORDER BY i.id`,
		campaign, account, f.After.Import)
	if err != nil {
		return nil, err
	}
	var out []overture.Problem
	for _, im := range imports {
		after := 0
		if im.ID == f.After.Import {
			after = f.After.Row
		}
		where, args := `p.import_id = $1 AND p.row_number > $2`, []any{im.ID, after, f.Limit - len(out)}
		if f.Code != "" {
			where, args = where+` AND p.code = $4`, append(args, f.Code)
		}
		page, err := s.problems(ctx, `FROM problem p WHERE `+where+` ORDER BY p.row_number LIMIT $3`, args...)
		if err != nil {
			return nil, fmt.Errorf("list problems of %s: %w", campaign, err)
		}
		if out = append(out, page...); len(out) >= f.Limit {
			break
		}
	}
	return out, nil
}

func (s *Store) problems(ctx context.Context, from string, args ...any) ([]overture.Problem, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT p.import_id, p.row_number, p.column_name, p.code, p.reason, p.raw `+from, args...)
	if err != nil {
		return nil, sqldb.Trouble(err)
	}
	defer rows.Close()
	var out []overture.Problem
	for rows.Next() {
		var p overture.Problem
		if err := rows.Scan(&p.ImportID, &p.Row, &p.Column, &p.Code, &p.Reason, &p.Raw); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, sqldb.Trouble(rows.Err())
}

// ProblemsInRow gives the problems of one row number: several when several imports have one there.
func (s *Store) ProblemsInRow(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, row int) ([]overture.Problem, error) {
	out, err := s.problems(ctx, problemFrom+`AND p.row_number = $3 ORDER BY p.import_id`, campaign, account, row)
	if err != nil {
		return nil, fmt.Errorf("find row %d: %w", row, err)
	}
	return out, nil
}

// ProblemCounts groups the problems of a campaign's list by code, the most frequent first. The reason is that of the first of them.
func (s *Store) ProblemCounts(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) ([]overture.ProblemCount, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT p.import_id, p.code, COUNT(*), MIN(p.row_number) `+problemFrom+`GROUP BY p.import_id, p.code ORDER BY p.import_id`, campaign, account)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("count problems of %s: %w", campaign, err))
	}
	defer rows.Close()
	var out []overture.ProblemCount
	first := map[string]overture.ProblemRef{}
	for rows.Next() {
		var c overture.ProblemCount
		var ref overture.ProblemRef
		if err := rows.Scan(&ref.Import, &c.Code, &c.Count, &ref.Row); err != nil {
			return nil, fmt.Errorf("count problems of %s: %w", campaign, err)
		}
		if i := slices.IndexFunc(out, func(o overture.ProblemCount) bool { return o.Code == c.Code }); i >= 0 {
			out[i].Count += c.Count
			continue
		}
		first[c.Code] = ref
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("count problems of %s: %w", campaign, err))
	}
	for i := range out {
		ref := first[out[i].Code]
		if err := s.db.Read.QueryRowContext(ctx, `SELECT reason FROM problem WHERE import_id = $1 AND row_number = $2`, ref.Import, ref.Row).Scan(&out[i].Reason); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, sqldb.Trouble(fmt.Errorf("count problems of %s: %w", campaign, err))
		}
	}
	slices.SortFunc(out, func(a, b overture.ProblemCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Code, b.Code)
	})
	return out, nil
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
