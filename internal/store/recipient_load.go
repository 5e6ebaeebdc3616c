package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// AppendToImport adds checked rows and problems to a loading import in one transaction, at most 500 of each at a time, and gives the rows their
// ids: consecutive ones, so that the i-th is flake.Nth of the first. Nobody sees the rows before FinishImport. The slices are not kept.
func (s *Store) AppendToImport(ctx context.Context, im overture.Import, rows []overture.Recipient, problems []overture.Problem, now time.Time) error {
	first := s.ids.Take(max(len(rows), 1))
	for i := range rows {
		rows[i].ID = overture.RecipientID(s.ids.At(first, i))
	}
	s.db.Grew(len(rows), "recipient")
	if s.db.Postgres() {
		return s.copyToImport(ctx, im, now, func(tx pgx.Tx) error {
			if err := copyRows(ctx, tx, "recipient", recipientColumns, len(rows), func(i int) []any { return recipientValues(im, &rows[i]) }); err != nil {
				return err
			}
			return copyRows(ctx, tx, "problem", problemColumns, len(problems), func(i int) []any { return problemValues(im.ID, &problems[i]) })
		})
	}
	return s.loadImport(ctx, im, now, func(tx *sql.Tx) error {
		if err := insertRows(ctx, tx, insertRecipient, len(rows), func(i int) []any { return recipientValues(im, &rows[i]) }); err != nil {
			return fmt.Errorf("insert recipients: %w", err)
		}
		if err := insertRows(ctx, tx, insertProblem, len(problems), func(i int) []any { return problemValues(im.ID, &problems[i]) }); err != nil {
			return fmt.Errorf("insert problems: %w", err)
		}
		return nil
	})
}

// IndexRecipients writes the addresses of rows that AppendToImport has stored, at most 500 at a time, best in the order of the addresses: in
// random order every one of them would touch a page of its own.
func (s *Store) IndexRecipients(ctx context.Context, im overture.Import, rows []overture.Recipient, now time.Time) error {
	s.db.Grew(len(rows), "recipient_address")
	values := func(i int) []any {
		return []any{string(rows[i].Address), int64(im.CampaignID), int64(rows[i].ID)}
	}
	var err error
	if s.db.Postgres() {
		err = s.copyToImport(ctx, im, now, func(tx pgx.Tx) error {
			return copyRows(ctx, tx, "recipient_address", []string{"address", "campaign_id", "recipient_id"}, len(rows), values)
		})
	} else {
		err = s.loadImport(ctx, im, now, func(tx *sql.Tx) error {
			return insertRows(ctx, tx, insertAddress, len(rows), values)
		})
	}
	if sqldb.IsUnique(err) {
		return overture.ErrConflict("list_changed", "the list was changed while the file was loaded; upload it again")
	}
	return err
}

const (
	insertRecipient = `INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	insertAddress = `INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`
	insertProblem = `INSERT INTO problem (import_id, row_number, column_name, code, reason, raw) VALUES ($1, $2, $3, $4, $5, $6)`
)

var (
	recipientColumns = []string{"id", "account_id", "campaign_id", "import_id", "row_number", "address", "zones", "zone_source", "text", "vars", "segments"}
	problemColumns   = []string{"import_id", "row_number", "column_name", "code", "reason", "raw"}
)

func recipientValues(im overture.Import, r *overture.Recipient) []any {
	return []any{
		int64(r.ID), int64(im.AccountID), int64(im.CampaignID), int64(im.ID), int64(r.Row), string(r.Address), recipientZones(r.Zones), r.ZoneSource,
		r.Personal.Text, recipientVars(r.Personal.Values), int64(r.Segments),
	}
}

func problemValues(im overture.ImportID, p *overture.Problem) []any {
	return []any{int64(im), int64(p.Row), p.Column, p.Code, p.Reason, p.Raw}
}

// loadImport runs f in a transaction that holds only while the import is loading.
func (s *Store) loadImport(ctx context.Context, im overture.Import, now time.Time, f func(tx *sql.Tx) error) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, touchLoading, touchValues(im, now)...)
		if err != nil {
			return fmt.Errorf("touch %s: %w", im.ID, err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errImportGone()
		}
		return f(tx)
	})
}

// insertRows runs one prepared statement per row: on SQLite that is faster than any statement for many rows.
func insertRows(ctx context.Context, tx *sql.Tx, query string, n int, values func(i int) []any) error {
	if n == 0 {
		return nil
	}
	stmt, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer stmt.Close()
	ctx = context.WithoutCancel(ctx) // the driver would start a goroutine per row to watch it; the transaction ends within milliseconds
	for i := range n {
		if _, err := stmt.ExecContext(ctx, values(i)...); err != nil {
			return err
		}
	}
	return nil
}

// copyToImport is loadImport with PostgreSQL's bulk protocol.
func (s *Store) copyToImport(ctx context.Context, im overture.Import, now time.Time, f func(tx pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.db.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, touchLoading, touchValues(im, now)...)
		if err != nil {
			return fmt.Errorf("touch %s: %w", im.ID, err)
		}
		if tag.RowsAffected() != 1 {
			return errImportGone()
		}
		return f(tx)
	})
	return sqldb.Trouble(err)
}

func copyRows(ctx context.Context, tx pgx.Tx, table string, columns []string, n int, values func(i int) []any) error {
	if n == 0 {
		return nil
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return values(i), nil })); err != nil {
		return fmt.Errorf("load %s: %w", table, err)
	}
	return nil
}

// recipientZones is how a recipient's zones lie in the row: names joined by commas, empty when unknown.
func recipientZones(zones []string) string { return strings.Join(zones, ",") }

func parseRecipientZones(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// recipientVars is how a recipient's values lie in the row: a JSON array of strings, empty when there are none. Written by hand because it
// runs once per row of an import.
func recipientVars(values []string) string {
	if len(values) == 0 {
		return ""
	}
	n := 2
	for _, v := range values {
		n += len(v) + 3
	}
	b := append(make([]byte, 0, n+8), '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, v)
	}
	return string(append(b, ']'))
}

func appendJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // U+FFFD for what is no UTF-8
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}
