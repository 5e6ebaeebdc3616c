package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// ListTarget reads what the rows of a campaign's list are checked against.
func (s *Store) ListTarget(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListTarget, error) {
	t := overture.ListTarget{AccountID: account, CampaignID: campaign}
	var raw string
	err := s.db.Read.QueryRowContext(ctx, `SELECT c.brand_id, c.channel, c.state, c.text, c.opt_out_text, c.smart_encoding, c.recipient_count, a.settings
		FROM campaign c JOIN account a ON a.id = c.account_id WHERE c.id = $1 AND c.account_id = $2`, campaign, account).Scan(
		&t.BrandID, &t.Channel, &t.State, &t.Content.Text, &t.Content.OptOutText, &t.Content.SmartEncoding, &t.Recipients, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return t, overture.ErrNotFound("campaign")
	}
	if err != nil {
		return t, sqldb.Trouble(fmt.Errorf("read %s: %w", campaign, err))
	}
	set, err := decodeSettings(raw)
	if err != nil {
		return t, fmt.Errorf("account of %s: %w", campaign, err)
	}
	set = set.WithDefaults()
	t.LengthPolicy, t.SMSLimit = set.LengthPolicy, set.SMSLimit
	return t, nil
}

// lockList makes sure that the list of a campaign may change now, and that nobody else changes it until the transaction ends.
func (s *Store) lockList(ctx context.Context, tx *sql.Tx, account overture.AccountID, campaign overture.CampaignID) (overture.Content, error) {
	var state overture.CampaignState
	var c overture.Content
	err := tx.QueryRowContext(ctx, `SELECT state, text, opt_out_text, smart_encoding FROM campaign WHERE id = $1 AND account_id = $2`+s.db.ForUpdate(),
		campaign, account).Scan(&state, &c.Text, &c.OptOutText, &c.SmartEncoding)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, overture.ErrNotFound("campaign")
	case err != nil:
		return c, fmt.Errorf("lock the list of %s: %w", campaign, err)
	case state != overture.Draft:
		return c, overture.ErrConflict("campaign_not_draft", "the campaign is "+string(state)+": its list was frozen at launch; duplicate it to use another list")
	}
	return c, nil
}

// noneLoading refuses while an import of the campaign is loading or being removed.
func noneLoading(ctx context.Context, q sqldb.Querier, campaign overture.CampaignID) error {
	var busy bool
	if err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM list_import WHERE campaign_id = $1 AND state IN ('loading', 'removing'))`,
		campaign).Scan(&busy); err != nil {
		return fmt.Errorf("look for imports of %s: %w", campaign, err)
	}
	if busy {
		return overture.ErrConflict("import_running", "a list is being loaded into this campaign, or being removed from it; wait for it to end, then try again")
	}
	return nil
}

// BeginImport writes a new import in state loading. Conflict: the campaign is no draft, or another import of it is loading.
func (s *Store) BeginImport(ctx context.Context, im overture.Import) error {
	header, err := headerText(im.Header)
	if err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockList(ctx, tx, im.AccountID, im.CampaignID); err != nil {
			return err
		}
		if err := noneLoading(ctx, tx, im.CampaignID); err != nil {
			return err
		}
		at := im.CreatedAt.UnixMilli()
		_, err := tx.ExecContext(ctx, `INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid,
				rejected, duplicates, opted_out, worst_row, worst_segments, segments, list_hash, content_hash, error, created_at, touched_at)
			VALUES ($1, $2, $3, 'loading', $4, $5, $6, $7, $8, 0, 0, 0, 0, 0, 0, 0, 0, '', $9, '', $10, $10)`,
			im.ID, im.AccountID, im.CampaignID, im.Source, im.FileName, im.Encoding, im.Delimiter, header, im.ContentHash, at)
		if err != nil {
			return fmt.Errorf("begin import: %w", err)
		}
		return nil
	})
}

func headerText(header []string) (string, error) {
	if len(header) == 0 {
		return "", nil
	}
	b, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	return string(b), nil
}

// errImportGone stops a loader whose import was declared dead meanwhile, so that it cannot add rows behind the cleaner's back.
func errImportGone() error {
	return overture.ErrConflict("import_gone", "this import was canceled, or stood still too long, and nothing of it is in the list")
}

const touchLoading = `UPDATE list_import SET row_count = $1, touched_at = $2, valid = $4, rejected = $5, duplicates = $6, opted_out = $7
	WHERE id = $3 AND state = 'loading'`

func touchValues(im overture.Import, now time.Time) []any {
	return []any{im.Rows, now.UnixMilli(), int64(im.ID), im.Valid, im.Rejected, im.Duplicates, im.OptedOut}
}

// TouchImport says that an import is alive. Conflict: it was given up.
func (s *Store) TouchImport(ctx context.Context, im overture.Import, now time.Time) error {
	res, err := s.db.Write.ExecContext(ctx, `UPDATE list_import SET touched_at = $1 WHERE id = $2 AND state = 'loading'`, now.UnixMilli(), im.ID)
	if err != nil {
		return sqldb.Trouble(err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errImportGone()
	}
	return nil
}

// FinishImport makes the rows of a loading import part of the list: figures, state and the campaign's count change in one transaction.
func (s *Store) FinishImport(ctx context.Context, im overture.Import, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockList(ctx, tx, im.AccountID, im.CampaignID); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE list_import SET state = 'done', encoding = $1, delimiter = $2, row_count = $3, valid = $4, rejected = $5,
				duplicates = $6, opted_out = $7, worst_row = $8, worst_segments = $9, segments = $10, list_hash = $11, finished_at = $12, touched_at = $12
			WHERE id = $13 AND account_id = $14 AND state = 'loading'`, im.Encoding, im.Delimiter, im.Rows, im.Valid, im.Rejected, im.Duplicates, im.OptedOut,
			im.WorstRow, im.WorstSegments, im.Segments, im.ListHash.String(), now.UnixMilli(), im.ID, im.AccountID)
		if err != nil {
			return fmt.Errorf("finish %s: %w", im.ID, err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errImportGone(), err)
		}
		return addRecipients(ctx, tx, im.CampaignID, im.Valid, now)
	})
}

// addRecipients moves the campaign's count and its version, by which a launch sees that the list is not the one that was reviewed.
func addRecipients(ctx context.Context, tx *sql.Tx, campaign overture.CampaignID, n int, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE campaign SET recipient_count = recipient_count + $1,
			updated_at = CASE WHEN updated_at >= $2 THEN updated_at + 1 ELSE $2 END WHERE id = $3`, n, now.UnixMilli(), campaign); err != nil {
		return fmt.Errorf("count recipients of %s: %w", campaign, err)
	}
	return nil
}

const importColumns = `i.id, i.account_id, i.campaign_id, i.state, i.source, i.file_name, i.encoding, i.delimiter, i.header, i.row_count, i.valid, i.rejected,
	i.duplicates, i.opted_out, i.worst_row, i.worst_segments, i.segments, i.list_hash, i.content_hash, i.error, i.created_at, i.finished_at`

func (s *Store) imports(ctx context.Context, q sqldb.Querier, where string, args ...any) ([]overture.Import, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+importColumns+` FROM list_import i WHERE `+where, args...)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("read imports: %w", err))
	}
	defer rows.Close()
	var out []overture.Import
	for rows.Next() {
		var im overture.Import
		var header, hash string
		var created, finished sql.NullInt64
		if err := rows.Scan(&im.ID, &im.AccountID, &im.CampaignID, &im.State, &im.Source, &im.FileName, &im.Encoding, &im.Delimiter, &header, &im.Rows,
			&im.Valid, &im.Rejected, &im.Duplicates, &im.OptedOut, &im.WorstRow, &im.WorstSegments, &im.Segments, &hash, &im.ContentHash, &im.Error,
			&created, &finished); err != nil {
			return nil, fmt.Errorf("read imports: %w", err)
		}
		if header != "" {
			if err := json.Unmarshal([]byte(header), &im.Header); err != nil {
				return nil, fmt.Errorf("header of %s: %w", im.ID, err)
			}
		}
		if im.ListHash, err = overture.ParseListHash(hash); err != nil {
			return nil, fmt.Errorf("hash of %s: %w", im.ID, err)
		}
		im.CreatedAt, im.FinishedAt = sqldb.Time(created), sqldb.Time(finished)
		out = append(out, im)
	}
	return out, sqldb.Trouble(rows.Err())
}

// Imports lists the imports of a campaign, newest first. While one is loading its counts grow.
func (s *Store) Imports(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) ([]overture.Import, error) {
	return s.imports(ctx, s.db.Read, `i.campaign_id = $1 AND i.account_id = $2 ORDER BY i.id DESC`, campaign, account)
}

// ListSummary adds up the done imports of a campaign.
func (s *Store) ListSummary(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListSummary, error) {
	var sum overture.ListSummary
	target, err := s.ListTarget(ctx, account, campaign)
	if err != nil {
		return sum, err
	}
	imports, err := s.Imports(ctx, account, campaign)
	if err != nil {
		return sum, err
	}
	content := target.Content.Hash()
	for _, im := range imports {
		switch im.State {
		case overture.ImportFailed:
			continue
		case overture.ImportLoading, overture.ImportRemoving:
			sum.Loading = true
			continue
		case overture.ImportDone:
		}
		sum.Rows += im.Rows
		sum.Valid += im.Valid
		sum.Rejected += im.Rejected
		sum.Duplicates += im.Duplicates
		sum.OptedOut += im.OptedOut
		sum.Segments += im.Segments
		if im.WorstSegments >= sum.WorstSegments {
			sum.WorstImport, sum.WorstRow, sum.WorstSegments = im.ID, im.WorstRow, im.WorstSegments
		}
		sum.Stale = sum.Stale || im.Rows > 0 && im.ContentHash != "" && im.ContentHash != content
	}
	err = s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM problem p JOIN list_import i ON i.id = p.import_id
		WHERE i.campaign_id = $1 AND i.account_id = $2 AND i.state = 'done'`, campaign, account).Scan(&sum.Problems)
	return sum, sqldb.Trouble(err)
}

// frozenList gives the combined hash and the number of the campaign's recipients, inside the transaction that launches it. Conflict: an
// import is loading, or rows were checked against another text than the campaign has now.
func (s *Store) frozenList(ctx context.Context, tx *sql.Tx, account overture.AccountID, campaign overture.CampaignID) (hash string, recipients int, err error) {
	content, err := s.lockList(ctx, tx, account, campaign)
	if err != nil {
		return "", 0, err
	}
	if err := noneLoading(ctx, tx, campaign); err != nil {
		return "", 0, err
	}
	imports, err := s.imports(ctx, tx, `i.campaign_id = $1 AND i.account_id = $2 AND i.state = 'done'`, campaign, account)
	if err != nil {
		return "", 0, err
	}
	var sum overture.ListHash
	want := content.Hash()
	for _, im := range imports {
		if im.Valid > 0 && im.ContentHash != "" && im.ContentHash != want {
			return "", 0, overture.ErrConflict("list_not_checked", "the text was changed after the list was checked; check the recipients again before the launch")
		}
		sum = sum.Plus(im.ListHash)
		recipients += im.Valid
	}
	return sum.String(), recipients, nil
}

// ListHash combines the hashes of the campaign's done imports.
func (s *Store) ListHash(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (string, error) {
	imports, err := s.imports(ctx, s.db.Read, `i.campaign_id = $1 AND i.account_id = $2 AND i.state = 'done'`, campaign, account)
	var sum overture.ListHash
	for _, im := range imports {
		sum = sum.Plus(im.ListHash)
	}
	return sum.String(), err
}

// RecountListHash computes the hash and the number of the campaign's recipients from their rows: verify compares them with what was frozen.
func (s *Store) RecountListHash(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (hash string, recipients int, err error) {
	var sum overture.ListHash
	for after := overture.RecipientID(0); ; {
		rows, err := s.listRows(ctx, account, campaign, after, 1000)
		if err != nil {
			return "", 0, err
		}
		for i := range rows {
			sum = sum.Plus(overture.RowHash(&rows[i]))
			after = rows[i].ID
		}
		if recipients += len(rows); len(rows) == 0 {
			return sum.String(), recipients, nil
		}
	}
}
