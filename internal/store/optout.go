package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// OptOut stops a person for a brand, over all its numbers, and writes the ledger in the same transaction. It tells whether the person was
// not stopped before. The audit log names who recorded it. Attempts that are already committed may still reach the person; no later one can (I7).
func (s *Store) OptOut(ctx context.Context, by overture.Actor, o overture.OptOut) (fresh bool, err error) {
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockBrand(ctx, tx, o.AccountID, o.BrandID); err != nil {
			return err
		}
		if fresh, err = s.applyOptOut(ctx, tx, o); err != nil {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "opt_out.recorded", o.BrandID.String(), string(o.Source), o.CreatedAt)
	})
	return fresh, err
}

// OptOutMany stops many people of one brand in one transaction, each with a line in the ledger, and tells how many were not stopped before. The
// audit log says once that it happened, and how many they were. All of list have the same account and brand.
func (s *Store) OptOutMany(ctx context.Context, by overture.Actor, list []overture.OptOut) (fresh int, err error) {
	if len(list) == 0 {
		return 0, nil
	}
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		fresh = 0
		if err := s.lockBrand(ctx, tx, list[0].AccountID, list[0].BrandID); err != nil {
			return err
		}
		for _, o := range list {
			isNew, err := s.applyOptOut(ctx, tx, o)
			if err != nil {
				return err
			}
			if isNew {
				fresh++
			}
		}
		return writeAudit(ctx, tx, s.NewID(), by, "opt_out.imported", list[0].BrandID.String(), fmt.Sprintf("%d people, %d of them new", len(list), fresh), list[0].CreatedAt)
	})
	return fresh, err
}

// OptIn lets the brand write again and keeps the evidence. It tells whether the person was stopped before.
func (s *Store) OptIn(ctx context.Context, by overture.Actor, o overture.OptOut) (lifted bool, err error) {
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockBrand(ctx, tx, o.AccountID, o.BrandID); err != nil {
			return err
		}
		if lifted, err = s.applyOptIn(ctx, tx, o); err != nil {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "opt_in.recorded", o.BrandID.String(), string(o.Source), o.CreatedAt)
	})
	return lifted, err
}

// lockBrand makes an opt-out wait for the attempts that are being committed for the brand, and them for it: the dispatch engine reads the
// opt-outs while it holds the same row FOR SHARE. On SQLite the single writer does that.
func (s *Store) lockBrand(ctx context.Context, tx *sql.Tx, account overture.AccountID, brand overture.BrandID) error {
	var id int64
	err := tx.QueryRowContext(ctx, `SELECT id FROM brand WHERE id = $1 AND account_id = $2`+s.db.ForUpdate(), brand, account).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return overture.ErrNotFound("brand")
	}
	if err != nil {
		return fmt.Errorf("lock brand: %w", err)
	}
	return nil
}

// applyOptOut writes an opt-out and its ledger line. The first stop stays as it was recorded; a later certain one settles a review.
// The caller holds the brand (lockBrand).
func (s *Store) applyOptOut(ctx context.Context, tx *sql.Tx, o overture.OptOut) (fresh bool, err error) {
	if fresh, err = s.insertOptOut(ctx, tx, o); err != nil {
		return false, err
	}
	if !fresh && !o.Review {
		if _, err := tx.ExecContext(ctx, `UPDATE opt_out SET review = FALSE WHERE brand_id = $1 AND channel = $2 AND address = $3`,
			o.BrandID, string(o.Channel), string(o.Address)); err != nil {
			return false, fmt.Errorf("settle review of opt-out: %w", err)
		}
	}
	return fresh, s.consentEvent(ctx, tx, overture.ConsentOptOut, o)
}

func (s *Store) insertOptOut(ctx context.Context, tx *sql.Tx, o overture.OptOut) (bool, error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (brand_id, channel, address) DO NOTHING`,
		o.BrandID, string(o.Channel), string(o.Address), o.AccountID, string(o.Source), o.Evidence, o.Review, o.CreatedAt.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("write opt-out: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("write opt-out: %w", err)
	}
	return n == 1, nil
}

// applyOptIn lifts an opt-out and writes the ledger line. The caller holds the brand (lockBrand).
func (s *Store) applyOptIn(ctx context.Context, tx *sql.Tx, o overture.OptOut) (lifted bool, err error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM opt_out WHERE account_id = $1 AND brand_id = $2 AND channel = $3 AND address = $4`,
		o.AccountID, o.BrandID, string(o.Channel), string(o.Address))
	if err != nil {
		return false, fmt.Errorf("lift opt-out: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("lift opt-out: %w", err)
	}
	return n == 1, s.consentEvent(ctx, tx, overture.ConsentOptIn, o)
}

func (s *Store) consentEvent(ctx context.Context, tx *sql.Tx, kind overture.ConsentKind, o overture.OptOut) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO consent_event (id, account_id, brand_id, channel, address, kind, source, evidence, review, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, s.NewID(), o.AccountID, o.BrandID, string(o.Channel), string(o.Address), string(kind),
		string(o.Source), o.Evidence, o.Review, o.CreatedAt.UnixMilli()); err != nil {
		return fmt.Errorf("write consent event: %w", err)
	}
	return nil
}

// IsOptedOut tells whether the person stopped the brand on the channel.
func (s *Store) IsOptedOut(ctx context.Context, account overture.AccountID, brand overture.BrandID, channel overture.Channel, address overture.Address) (bool, error) {
	return isOptedOut(ctx, s.db.Read, account, brand, channel, address)
}

func isOptedOut(ctx context.Context, q sqldb.Querier, account overture.AccountID, brand overture.BrandID, channel overture.Channel, address overture.Address) (bool, error) {
	var one int
	err := q.QueryRowContext(ctx, `SELECT 1 FROM opt_out WHERE brand_id = $1 AND channel = $2 AND address = $3 AND account_id = $4`,
		brand, string(channel), string(address), account).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, sqldb.Trouble(fmt.Errorf("look up opt-out: %w", err))
	}
	return true, nil
}

// OptOuts lists a page of opt-outs, newest first, and the cursor of the next page; an empty cursor means the end.
func (s *Store) OptOuts(ctx context.Context, f overture.OptOutFilter) (page []overture.OptOut, next string, err error) {
	after, err := parseOptOutCursor(f.Cursor)
	if err != nil {
		return nil, "", err
	}
	args := []any{f.AccountID}
	where := "account_id = $1"
	and := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where += " AND " + condition
	}
	if f.BrandID != 0 {
		and("brand_id = ?", f.BrandID)
	}
	if f.Review {
		and("review")
	}
	if f.Search != "" {
		and(`address LIKE ? ESCAPE '\'`, "%"+escapeLike(f.Search)+"%")
	}
	if f.Cursor != "" {
		and("created_at <= ? AND (created_at < ? OR brand_id < ? OR (brand_id = ? AND (address > ? OR (address = ? AND channel > ?))))",
			after.at, after.at, after.brand, after.brand, after.address, after.address, after.channel)
	}
	args = append(args, f.Limit+1)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT brand_id, channel, address, source, evidence, review, created_at FROM opt_out WHERE `+where+
		` ORDER BY created_at DESC, brand_id DESC, address, channel LIMIT $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return nil, "", sqldb.Trouble(fmt.Errorf("list opt-outs: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		o := overture.OptOut{AccountID: f.AccountID}
		var at int64
		if err := rows.Scan(&o.BrandID, &o.Channel, &o.Address, &o.Source, &o.Evidence, &o.Review, &at); err != nil {
			return nil, "", fmt.Errorf("list opt-outs: %w", err)
		}
		o.CreatedAt = time.UnixMilli(at).UTC()
		page = append(page, o)
	}
	if err := rows.Err(); err != nil {
		return nil, "", sqldb.Trouble(fmt.Errorf("list opt-outs: %w", err))
	}
	if len(page) > f.Limit {
		page = page[:f.Limit]
		last := page[len(page)-1]
		next = optOutCursor{at: last.CreatedAt.UnixMilli(), brand: int64(last.BrandID), address: string(last.Address), channel: string(last.Channel)}.String()
	}
	return page, next, nil
}

// optOutCursor is the place in the list where a page ended.
type optOutCursor struct {
	at, brand        int64
	address, channel string
}

func (c optOutCursor) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d|%d|%s|%s", c.at, c.brand, c.channel, c.address))
}

func parseOptOutCursor(text string) (c optOutCursor, err error) {
	if text == "" {
		return c, nil
	}
	bad := overture.ErrInvalid("bad_cursor", "this cursor is not one of this list; start again without a cursor")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return c, bad
	}
	parts := strings.SplitN(string(raw), "|", 4)
	if len(parts) != 4 {
		return c, bad
	}
	at, err1 := strconv.ParseInt(parts[0], 10, 64)
	brand, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err1 != nil || err2 != nil {
		return c, bad
	}
	return optOutCursor{at: at, brand: brand, channel: parts[2], address: parts[3]}, nil
}

// escapeLike makes user text match itself in LIKE … ESCAPE '\'.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// ConsentEvents gives the ledger of one person, oldest first.
func (s *Store) ConsentEvents(ctx context.Context, account overture.AccountID, address overture.Address) ([]overture.ConsentEvent, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT brand_id, channel, kind, source, evidence, review, at FROM consent_event
		WHERE account_id = $1 AND address = $2 ORDER BY id`, account, string(address))
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("read consent events: %w", err))
	}
	defer rows.Close()
	var events []overture.ConsentEvent
	for rows.Next() {
		e := overture.ConsentEvent{AccountID: account, Address: address}
		var at int64
		if err := rows.Scan(&e.BrandID, &e.Channel, &e.Kind, &e.Source, &e.Evidence, &e.Review, &at); err != nil {
			return nil, fmt.Errorf("read consent events: %w", err)
		}
		e.At = time.UnixMilli(at).UTC()
		events = append(events, e)
	}
	return events, sqldb.Trouble(rows.Err())
}
