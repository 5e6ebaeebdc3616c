package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// ListedRows tells which of the addresses are in the campaign's list, with the row each stands in.
func (s *Store) ListedRows(ctx context.Context, campaign overture.CampaignID, addresses []overture.Address) (map[overture.Address]int, error) {
	if len(addresses) == 0 {
		return nil, nil //nolint:nilnil // nothing asked, nothing found
	}
	condition, arg := sqldb.In(s.db, "a.address", 2, addresses)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT a.address, r.row_number FROM recipient_address a JOIN recipient r ON r.id = a.recipient_id
		WHERE a.campaign_id = $1 AND `+condition, campaign, arg)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("look up numbers in the list of %s: %w", campaign, err))
	}
	defer rows.Close()
	out := map[overture.Address]int{}
	for rows.Next() {
		var address overture.Address
		var row int
		if err := rows.Scan(&address, &row); err != nil {
			return nil, fmt.Errorf("look up numbers in the list of %s: %w", campaign, err)
		}
		out[address] = row
	}
	return out, sqldb.Trouble(rows.Err())
}

// OptedOutOf tells which of the addresses stopped the brand on the channel.
func (s *Store) OptedOutOf(ctx context.Context, t overture.ListTarget, addresses []overture.Address) (map[overture.Address]bool, error) {
	if len(addresses) == 0 {
		return nil, nil //nolint:nilnil // nothing asked, nothing found
	}
	condition, arg := sqldb.In(s.db, "address", 4, addresses)
	found, err := texts(ctx, s.db.Read, `SELECT address FROM opt_out WHERE brand_id = $1 AND channel = $2 AND account_id = $3 AND `+condition,
		t.BrandID, t.Channel, t.AccountID, arg)
	out := make(map[overture.Address]bool, len(found))
	for _, a := range found {
		out[overture.Address(a)] = true
	}
	return out, err
}

// OptOutAddresses reads the numbers that stopped the brand, in their order, after one of them: to be merged with a list in the same order.
func (s *Store) OptOutAddresses(ctx context.Context, t overture.ListTarget, after overture.Address, limit int) ([]string, error) {
	return texts(ctx, s.db.Read, `SELECT address FROM opt_out WHERE brand_id = $1 AND channel = $2 AND address > $3 AND account_id = $4 ORDER BY address LIMIT $5`,
		t.BrandID, t.Channel, string(after), t.AccountID, limit)
}

// listRows reads the recipients of done imports in the order of the list.
func (s *Store) listRows(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, after overture.RecipientID, limit int) ([]overture.Recipient, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+recipientFields+` FROM recipient r JOIN list_import i ON i.id = r.import_id AND i.state = 'done'
		WHERE r.campaign_id = $1 AND r.account_id = $2 AND r.id > $3 ORDER BY r.id LIMIT $4`, campaign, account, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("read the list of %s: %w", campaign, err))
	}
	defer rows.Close()
	var out []overture.Recipient
	for rows.Next() {
		r, err := scanListed(rows)
		if err != nil {
			return nil, fmt.Errorf("read the list of %s: %w", campaign, err)
		}
		out = append(out, r)
	}
	return out, sqldb.Trouble(rows.Err())
}

// ListRows reads the recipients of a campaign in the order of its list, after one of them.
func (s *Store) ListRows(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, after overture.RecipientID, limit int) ([]overture.Recipient, error) {
	return s.listRows(ctx, account, campaign, after, limit)
}

const recipientFields = `r.id, r.account_id, r.campaign_id, r.import_id, r.row_number, r.address, r.zones, r.zone_source, r.text, r.vars, r.segments`

func scanListed(rows *sql.Rows, more ...any) (overture.Recipient, error) {
	var r overture.Recipient
	var zones, vars string
	if err := rows.Scan(append([]any{
		&r.ID, &r.AccountID, &r.CampaignID, &r.ImportID, &r.Row, &r.Address, &zones, &r.ZoneSource, &r.Personal.Text,
		&vars, &r.Segments,
	}, more...)...); err != nil {
		return r, err
	}
	var err error
	r.Zones = parseRecipientZones(zones)
	if r.Personal.Values, err = stringList(vars); err != nil {
		return r, fmt.Errorf("variables of %s: %w", r.ID, err)
	}
	return r, nil
}

// Recipients lists recipients of a campaign with their message and whether they stopped the brand, in the order of the list.
func (s *Store) Recipients(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, f overture.RecipientFilter) ([]overture.ListedRecipient, error) {
	if f.Address != "" { // by the address table: a walk through the campaign would be slow
		err := s.db.Read.QueryRowContext(ctx, `SELECT recipient_id FROM recipient_address WHERE address = $1 AND campaign_id = $2`, string(f.Address), campaign).Scan(&f.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("find a number in the list of %s: %w", campaign, err))
		}
	}
	// Only what is asked for stands in the query: a condition that may be off keeps an index from being used.
	where, args := ``, []any{campaign, account, f.After, f.Limit}
	narrow := func(condition string, arg any) {
		args = append(args, arg)
		where += fmt.Sprintf(condition, len(args))
	}
	if f.ID != 0 {
		narrow(` AND r.id = $%d`, f.ID)
	}
	if pattern := digitsPattern(f.Search); pattern != "" {
		narrow(` AND r.address LIKE $%d ESCAPE '\'`, pattern)
	}
	if f.Row > 0 {
		narrow(` AND r.row_number = $%d`, f.Row)
	}
	const listed = `JOIN list_import i ON i.id = r.import_id AND i.state = 'done' `
	mine := `WHERE r.campaign_id = $1 AND r.account_id = $2 AND r.id > $3` + where
	// The page is cut before anything is joined to it, or PostgreSQL joins the whole list first.
	from := `(SELECT r.* FROM recipient r ` + listed + mine + ` ORDER BY r.id LIMIT $4) r
		LEFT JOIN message m ON m.campaign_id = r.campaign_id AND m.campaign_id > 0 AND m.recipient_id = r.id AND m.leg = 0`
	end := `ORDER BY r.id`
	if f.State != nil { // CROSS JOIN holds SQLite to this order: from message to message in the order of the list
		args = append(args, int64(*f.State))
		from = `message m CROSS JOIN recipient r ` + listed
		end = mine + fmt.Sprintf(` AND m.campaign_id = $1 AND m.campaign_id > 0 AND m.leg = 0 AND m.recipient_id > $3 AND r.id = m.recipient_id
			AND CASE f.state WHEN 'unknown' THEN 12 WHEN 'attempting' THEN 10 ELSE m.state END = $%d ORDER BY m.recipient_id LIMIT $4`, len(args))
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+recipientFields+`, o.address IS NOT NULL, COALESCE(m.id, 0), COALESCE(m.sender_id, 0), COALESCE(m.lane_id, 0),
			COALESCE(m.leg, 0), COALESCE(m.state, 0), COALESCE(m.attempts, 0), COALESCE(m.segments, 0), COALESCE(m.provider_id, ''), COALESCE(m.code, 0),
			COALESCE(m.reason, ''), m.accepted_at, m.updated_at, COALESCE(f.state, '')
		FROM `+from+`
		JOIN campaign c ON c.id = r.campaign_id
		LEFT JOIN inflight f ON f.message_id = m.id
		LEFT JOIN opt_out o ON o.brand_id = c.brand_id AND o.channel = c.channel AND o.address = r.address
		`+end, args...)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list recipients of %s: %w", campaign, err))
	}
	defer rows.Close()
	var out []overture.ListedRecipient
	for rows.Next() {
		var l overture.ListedRecipient
		var m overture.Message
		var accepted, updated sql.NullInt64
		var marker string
		if l.Recipient, err = scanListed(rows, &l.OptedOut, &m.ID, &m.SenderID, &m.LaneID, &m.Leg, &m.State, &m.Attempts, &m.Segments, &m.ProviderID,
			&m.Code, &m.Reason, &accepted, &updated, &marker); err != nil {
			return nil, fmt.Errorf("list recipients of %s: %w", campaign, err)
		}
		if m.ID != 0 {
			m.AccountID, m.CampaignID, m.RecipientID, m.Address = account, campaign, l.ID, l.Address
			m.State, m.AcceptedAt, m.UpdatedAt = liveState(m.State, marker), sqldb.Time(accepted), sqldb.Time(updated)
			l.Message = &m
		}
		out = append(out, l)
	}
	return out, sqldb.Trouble(rows.Err())
}

// digitsPattern makes the LIKE pattern of a part of a number; empty stays empty.
func digitsPattern(part string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, part)
	if digits == "" {
		return ""
	}
	return "%" + digits + "%"
}

// ApplyRechecks writes what a changed text did to up to 500 recipients: new segments, or out of the list and into the problems. content is the
// hash of the text they were rendered with; when the draft has another one by now nothing happens and the answer is Conflict.
func (s *Store) ApplyRechecks(ctx context.Context, t overture.ListTarget, content string, rechecks []overture.Recheck, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockContent(ctx, tx, t, content); err != nil {
			return err
		}
		d := deltas{}
		for i := range rechecks {
			r := &rechecks[i]
			if r.Problem == nil {
				if _, err := tx.ExecContext(ctx, `UPDATE recipient SET segments = $1 WHERE id = $2 AND campaign_id = $3`, r.Segments, r.ID, t.CampaignID); err != nil {
					return fmt.Errorf("measure %s again: %w", r.ID, err)
				}
				d.of(r.ImportID).segments += int64(r.Segments - r.Was)
				continue
			}
			if err := s.removeRecipient(ctx, tx, t, r, d); err != nil {
				return err
			}
		}
		return s.applyDeltas(ctx, tx, t.CampaignID, d, now)
	})
}

func (s *Store) lockContent(ctx context.Context, tx *sql.Tx, t overture.ListTarget, content string) error {
	current, err := s.lockList(ctx, tx, t.AccountID, t.CampaignID)
	if err != nil {
		return err
	}
	if current.Hash() != content {
		return overture.ErrConflict("campaign_changed", "the text was changed again meanwhile; check the list once more")
	}
	return noneLoading(ctx, tx, t.CampaignID)
}

func (s *Store) removeRecipient(ctx context.Context, tx *sql.Tx, t overture.ListTarget, r *overture.Recheck, d deltas) error {
	res, err := tx.ExecContext(ctx, `DELETE FROM recipient WHERE id = $1 AND campaign_id = $2`, r.ID, t.CampaignID)
	if err != nil {
		return fmt.Errorf("reject %s: %w", r.ID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err // somebody removed it meanwhile
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM recipient_address WHERE address = $1 AND campaign_id = $2`, string(r.Address), t.CampaignID); err != nil {
		return fmt.Errorf("reject %s: %w", r.ID, err)
	}
	if _, err := tx.ExecContext(ctx, insertProblem, problemValues(r.ImportID, r.Problem)...); err != nil {
		return fmt.Errorf("reject %s: %w", r.ID, err)
	}
	stopped, err := isOptedOut(ctx, tx, t.AccountID, t.BrandID, t.Channel, r.Address)
	if err != nil {
		return err
	}
	of := d.of(r.ImportID)
	of.valid--
	of.rejected++
	of.segments -= int64(r.Was)
	of.hash = of.hash.Minus(overture.RowHash(&r.Recipient))
	if stopped {
		of.optedOut--
	}
	return nil
}

// FinishRecheck notes that all imports of the campaign are checked against the text with this hash. worst has the worst row of each import.
func (s *Store) FinishRecheck(ctx context.Context, t overture.ListTarget, content string, worst []overture.Import) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockContent(ctx, tx, t, content); err != nil {
			return err
		}
		for _, im := range worst {
			if _, err := tx.ExecContext(ctx, `UPDATE list_import SET worst_row = $1, worst_segments = $2 WHERE id = $3 AND campaign_id = $4`,
				im.WorstRow, im.WorstSegments, im.ID, t.CampaignID); err != nil {
				return fmt.Errorf("worst row of %s: %w", im.ID, err)
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE list_import SET content_hash = $1 WHERE campaign_id = $2 AND state = 'done'`, content, t.CampaignID); err != nil {
			return fmt.Errorf("check of %s: %w", t.CampaignID, err)
		}
		return nil
	})
}
