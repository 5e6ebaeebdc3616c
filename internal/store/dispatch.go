package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// OpenLanes lists the open lanes of a sender with the frozen content and schedule of their campaigns; the reply lane comes first.
func (s *Store) OpenLanes(ctx context.Context, sender overture.SenderID) ([]overture.Lane, error) {
	return s.lanes(ctx, sender, `l.state = 'open' AND sd.stopped = FALSE AND `+unbarred+` AND EXISTS (SELECT 1 FROM account a WHERE a.id = l.account_id AND `+nobodyStopped+`) AND `+noQuarantine)
}

// LanesInDoubt lists the lanes of a sender that have markers, in whatever state: also what a canceled campaign sent must be settled.
func (s *Store) LanesInDoubt(ctx context.Context, sender overture.SenderID) ([]overture.Lane, error) {
	return s.lanes(ctx, sender, `l.id IN (SELECT f.lane_id FROM inflight f WHERE f.sender_id = $1)`)
}

func (s *Store) lanes(ctx context.Context, sender overture.SenderID, condition string) ([]overture.Lane, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT l.id, l.account_id, sd.brand_id, l.campaign_id, sd.channel, l.rate, l.weight,
			COALESCE((SELECT k.n FROM campaign_count k WHERE k.campaign_id = l.campaign_id AND k.state = 0), 0), COALESCE(c.text, ''), COALESCE(c.opt_out_text, ''), COALESCE(c.smart_encoding, FALSE), COALESCE(c.send_window, ''),
			c.launch_at, c.expires_at, COALESCE(c.policy, 'safe'), COALESCE(c.open_conversation, 'deliver'), COALESCE(c.rules_id, 0)
		FROM lane l JOIN sender sd ON sd.id = l.sender_id LEFT JOIN campaign c ON c.id = l.campaign_id
		WHERE l.sender_id = $1 AND `+condition+` ORDER BY l.campaign_id`, sender)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("lanes of %s: %w", sender, err))
	}
	defer rows.Close()
	var out []overture.Lane
	var ids []overture.RulesID
	for rows.Next() {
		l := overture.Lane{SenderID: sender}
		var window string
		var launchAt, expiresAt sql.NullInt64
		var rules overture.RulesID
		if err := rows.Scan(&l.ID, &l.AccountID, &l.BrandID, &l.CampaignID, &l.Channel, &l.Rate, &l.Weight, &l.Queued, &l.Content.Text,
			&l.Content.OptOutText, &l.Content.SmartEncoding, &window, &launchAt, &expiresAt, &l.Policy, &l.OpenConversation, &rules); err != nil {
			return nil, fmt.Errorf("lanes of %s: %w", sender, err)
		}
		if window == "" {
			l.Window = overture.AlwaysOpen()
		} else if err := json.Unmarshal([]byte(window), &l.Window); err != nil {
			return nil, fmt.Errorf("window of %s: %w", l.CampaignID, err)
		}
		l.LaunchAt, l.ExpiresAt = sqldb.Time(launchAt), sqldb.Time(expiresAt)
		out, ids = append(out, l), append(ids, rules)
	}
	if err := rows.Err(); err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("lanes of %s: %w", sender, err))
	}
	for i, id := range ids {
		if out[i].Rules, err = s.rulesByID(ctx, s.db.Read, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// dueColumns are what an attempt needs, from dispatch-like q, message m and recipient r. How often the message certainly did not leave is
// counted in its history, since it was last given up; most messages have none.
const dueColumns = `m.id, m.campaign_id, m.address, m.body, m.segments, m.attempts,
	CASE WHEN m.attempts = 0 THEN 0 ELSE (SELECT COUNT(*) FROM attempt a WHERE ` + notSent + `) END,
	CASE WHEN m.attempts = 0 THEN 0 ELSE (SELECT COALESCE(MIN(a.started_at), 0) FROM attempt a WHERE ` + notSent + `) END,
	COALESCE(r.import_id, 0), COALESCE(r.text, ''), COALESCE(r.vars, ''), COALESCE(r.zones, '')`

const notSent = `a.message_id = m.id AND a.outcome = 'not_sent' AND a.n >
	COALESCE((SELECT MAX(g.n) FROM attempt g WHERE g.message_id = m.id AND g.outcome = 'given_up'), 0)`

func scanDue(rows *sql.Rows, m *overture.DueMessage, head ...any) error {
	var vars, zones string
	var since int64
	if err := rows.Scan(append(head, &m.MessageID, &m.CampaignID, &m.Address, &m.Body, &m.Segments, &m.Attempts, &m.NotSent, &since,
		&m.ImportID, &m.Personal.Text, &vars, &zones)...); err != nil {
		return err
	}
	if since > 0 {
		m.NotSentSince = time.UnixMilli(since)
	}
	if vars != "" && vars != "[]" {
		// A row that cannot be read must not hold up the rest of its page for ever: its own attempt ends it.
		var err error
		m.Personal.Values, err = readVars(vars)
		m.Unreadable = err != nil
	}
	if zones != "" {
		m.Zones = strings.Split(zones, ",")
	}
	return nil
}

// dueSQL is a page of a lane. Whether a message is in flight is a join: PostgreSQL answers a condition that EXISTS by reading all markers first
// when it takes them for few.
func (s *Store) dueSQL() string {
	return `SELECT q.due_at, q.not_after, f.epoch IS NOT NULL, ` + dueColumns + `
		FROM (SELECT message_id, due_at, not_after FROM dispatch WHERE lane_id = $1 AND (due_at, message_id) > ($2, $3) AND due_at <= $4
			ORDER BY due_at, message_id LIMIT $5) q
		JOIN message m ON ` + s.db.ByKey("m.id", "q.message_id") + `
		LEFT JOIN inflight f ON ` + s.db.ByKey("f.message_id", "q.message_id") + `
		LEFT JOIN recipient r ON ` + s.db.ByKey("r.id", "m.recipient_id") + ` AND ` + s.db.ByKey("r.campaign_id", "m.campaign_id") + `
		ORDER BY q.due_at, q.message_id`
}

// readVars reads a JSON list of strings. Nearly all have no escape and are cut out as they stand; everything else is encoding/json's.
func readVars(list string) (values []string, err error) {
	rest, plain := strings.CutPrefix(list, `["`)
	plain = plain && utf8.ValidString(list) && strings.IndexFunc(list, func(r rune) bool { return r < ' ' || r == '\\' }) < 0
	for plain {
		value, more, closed := strings.Cut(rest, `"`)
		if !closed {
			break
		}
		values = append(values, value)
		if more == "]" {
			return values, nil
		}
		rest, plain = strings.CutPrefix(more, `,"`)
	}
	err = json.Unmarshal([]byte(list), &values)
	return values, err
}

// DueMessages reads queued messages of a lane that are due, after a place in the lane's order, leaving out those in flight. last is the
// place to read on from, and more tells whether there may be rows after it.
func (s *Store) DueMessages(ctx context.Context, lane overture.LaneID, now time.Time, after overture.Place, limit int) (due []overture.DueMessage, last overture.Place, more bool, err error) {
	afterMS := int64(-1)
	if !after.Due.IsZero() {
		afterMS = after.Due.UnixMilli()
	}
	rows, err := s.db.QueryByKey(ctx, s.dueSQL(), lane, afterMS, after.MessageID, now.UnixMilli(), limit)
	if err != nil {
		return nil, last, false, sqldb.Trouble(fmt.Errorf("due messages of %s: %w", lane, err))
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var m overture.DueMessage
		var dueAt, notAfter int64
		var busy bool
		if err := scanDue(rows, &m, &dueAt, &notAfter, &busy); err != nil {
			return nil, last, false, fmt.Errorf("due messages of %s: %w", lane, err)
		}
		m.LaneID, m.Due, m.NotAfter = lane, time.UnixMilli(dueAt), time.UnixMilli(notAfter)
		last = m.Place
		if !busy {
			due = append(due, m)
		}
	}
	return due, last, n == limit, sqldb.Trouble(rows.Err())
}

// NextDue tells when the earliest queued message of a lane is due; ok is false when the lane is empty.
func (s *Store) NextDue(ctx context.Context, lane overture.LaneID) (due time.Time, ok bool, err error) {
	var ms sql.NullInt64
	rows, err := s.db.QueryByKey(ctx, `SELECT MIN(due_at) FROM dispatch WHERE lane_id = $1`, lane)
	if err == nil {
		defer rows.Close()
		if rows.Next() {
			err = rows.Scan(&ms)
		}
		err = errors.Join(err, rows.Err())
	}
	if err != nil {
		return time.Time{}, false, sqldb.Trouble(fmt.Errorf("next due of %s: %w", lane, err))
	}
	return sqldb.Time(ms), ms.Valid, nil
}

// ImportHeader gives the variables of an uploaded list as name → position of the value, nil when it had no header. Position 0 is the
// first column that is a variable.
func (s *Store) ImportHeader(ctx context.Context, id overture.ImportID) (map[string]int, error) {
	var header string
	if err := s.db.Read.QueryRowContext(ctx, `SELECT header FROM list_import WHERE id = $1`, id).Scan(&header); err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("header of %s: %w", id, err))
	}
	if header == "" || header == "null" || header == "[]" {
		return nil, nil //nolint:nilnil // a list without a header has no names, and indexing a nil map says so
	}
	var names []string
	if err := json.Unmarshal([]byte(header), &names); err != nil {
		return nil, fmt.Errorf("header of %s: %w", id, err)
	}
	return overture.ColumnsOf(names).Names, nil
}
