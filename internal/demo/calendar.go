package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// turnBack makes what happened so far lie some days back: it stops the server, moves every moment in the demo's own database, and starts the
// server again. All moves together, so what came before what, and how long after, stays true; to the server it is as if this machine's clock had
// stood there. Whole days only, because rows count by quarters of an hour, hours and days too.
func (s *stage) turnBack(ctx context.Context, days int) error {
	if err := s.server.Stop(ctx); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	if err := moveBack(ctx, filepath.Join(s.options.DataDir, "overture.db"), days); err != nil {
		return err
	}
	var err error
	if s.server, err = start(ctx, s.options); err != nil {
		return err
	}
	return s.signInAll(ctx)
}

// units are the columns of a moment that do not end in _at, and the unit they count in; all others count milliseconds.
var units = map[string]time.Duration{
	"audit.at": time.Millisecond, "consent_event.at": time.Millisecond,
	"idempotency.lease_until": time.Millisecond, "job.lease_until": time.Millisecond,
	"dispatch.not_after": time.Millisecond, "inflight.not_after": time.Millisecond, "inflight.since": time.Millisecond,
	"campaign.undo_until": time.Millisecond, "quarantine.since": time.Millisecond, "quarantine.until": time.Millisecond,
	"receipt_sweep.since": time.Millisecond, "receipt_sweep.until": time.Millisecond,
	"sent_count.quarter": 15 * time.Minute, "prefix_touch.hour": time.Hour, "account_spend.day": 24 * time.Hour,
}

// worded are the columns that hold moments in JSON.
var worded = []string{"campaign.watch", "campaign_forecast.forecast", "campaign_forecast.actual"}

// moveBack moves every moment in the file of a server that does not run.
func moveBack(ctx context.Context, path string, days int) (err error) {
	trouble := func(err error) error { return fmt.Errorf("move the demo's past back: %w", err) }
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_txlock=immediate")
	if err != nil {
		return trouble(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return trouble(err)
	}
	defer tx.Rollback()
	columns, err := columnsOf(ctx, tx)
	if err != nil {
		return trouble(err)
	}
	by := time.Duration(days) * 24 * time.Hour
	for _, c := range columns {
		unit, known := units[c.String()]
		if !known && strings.HasSuffix(c.name, "_at") {
			unit, known = time.Millisecond, true
		}
		if !known || c.kind != "INTEGER" {
			continue
		}
		// The names come from the schema. Zero means never.
		query := fmt.Sprintf(`UPDATE %s SET %s = %s - $1 WHERE %s > 0`, c.table, c.name, c.name, c.name) //nolint:gosec // no one's input
		if _, err := tx.ExecContext(ctx, query, int64(by/unit)); err != nil {
			return trouble(fmt.Errorf("%s: %w", c, err))
		}
	}
	for _, column := range worded {
		if err := moveWords(ctx, tx, column, by); err != nil {
			return trouble(fmt.Errorf("%s: %w", column, err))
		}
	}
	if err := tx.Commit(); err != nil {
		return trouble(err)
	}
	return nil
}

type column struct{ table, name, kind string }

func (c column) String() string { return c.table + "." + c.name }

func columnsOf(ctx context.Context, tx *sql.Tx) ([]column, error) {
	rows, err := tx.QueryContext(ctx, `SELECT t.name, c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'goose_%' ORDER BY 1, 2`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []column
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.table, &c.name, &c.kind); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)`)

// moveWords moves the moments that are written in the texts of a column.
func moveWords(ctx context.Context, tx *sql.Tx, column string, by time.Duration) error {
	table, name, _ := strings.Cut(column, ".")
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(`SELECT DISTINCT %s FROM %s WHERE %s <> ''`, name, table, name)) //nolint:gosec // names of ours
	if err != nil {
		return err
	}
	defer rows.Close()
	var texts []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		texts = append(texts, text)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, text := range texts {
		moved := moment.ReplaceAllStringFunc(text, func(s string) string {
			at, err := time.Parse(time.RFC3339Nano, s)
			if err != nil || at.Year() < 2000 { // the zero time
				return s
			}
			return at.Add(-by).Format(time.RFC3339Nano)
		})
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE %s = $2`, table, name, name), moved, text); err != nil { //nolint:gosec // names of ours
			return err
		}
	}
	return nil
}
