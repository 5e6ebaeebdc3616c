package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// unfinished are the conditions of the index campaign_unfinished.
const unfinished = `launched_at IS NOT NULL AND completed_at IS NULL`

// Plannings lists the launched campaigns, of all accounts, whose recipients are not all messages yet and whose undo window is over, oldest
// first. A campaign whose window or rules cannot be read is left out and reported in the error; the others are given.
func (s *Store) Plannings(ctx context.Context) ([]overture.Planning, error) {
	return s.plannings(ctx, `planning = TRUE AND (undo_until IS NULL OR undo_until <= $1)`, time.Now().UnixMilli())
}

func (s *Store) plannings(ctx context.Context, condition string, args ...any) ([]overture.Planning, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id, account_id, sender_id, send_window, launch_at, expires_at, planned_through, rules_id
		FROM campaign WHERE `+unfinished+` AND `+condition+` ORDER BY id`, args...)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("campaigns to plan: %w", err))
	}
	defer rows.Close()
	var read, out []overture.Planning
	var ids []overture.RulesID
	var unreadable []error
	for rows.Next() {
		var p overture.Planning
		var window string
		var launchAt, expiresAt sql.NullInt64
		var rules overture.RulesID
		if err := rows.Scan(&p.CampaignID, &p.AccountID, &p.SenderID, &window, &launchAt, &expiresAt, &p.Through, &rules); err != nil {
			return nil, fmt.Errorf("campaigns to plan: %w", err)
		}
		if err := json.Unmarshal([]byte(window), &p.Window); err != nil {
			unreadable = append(unreadable, fmt.Errorf("window of %s: %w", p.CampaignID, err))
			continue
		}
		p.LaunchAt, p.ExpiresAt = sqldb.Time(launchAt), sqldb.Time(expiresAt)
		read, ids = append(read, p), append(ids, rules)
	}
	unreadable = append(unreadable, sqldb.Trouble(rows.Err()))
	rows.Close()
	for i, p := range read {
		if p.Rules, err = s.rulesByID(ctx, s.db.Read, ids[i]); err != nil {
			unreadable = append(unreadable, fmt.Errorf("%s: %w", p.CampaignID, err))
			continue
		}
		out = append(out, p)
	}
	return out, errors.Join(unreadable...)
}

// recipientsToPlanSQL is asked by key: a list that was loaded a moment ago has no statistics yet, and PostgreSQL would take it for a handful of
// rows and sort all of it for every chunk, which is a million rows four thousand times.
func (s *Store) recipientsToPlanSQL() string {
	return `SELECT r.id, r.address, r.zones, r.segments FROM recipient r
		WHERE ` + s.onList() + ` AND r.account_id = $3
		AND NOT EXISTS (SELECT 1 FROM list_import i WHERE ` + s.db.ByKey("i.id", "r.import_id") + ` AND i.state <> 'done')
		ORDER BY r.campaign_id, r.id LIMIT $4`
}

// onList is the condition on recipient r of a campaign's ($1) list after a recipient ($2), to be ordered by r.campaign_id, r.id. Of two
// equalities PostgreSQL may make a walk through all recipients in the order of their ids, in search of a list of a hundred behind the million
// of another one; a stretch of the index of both columns it can only read there. SQLite does the opposite.
func (s *Store) onList() string {
	if s.db.Postgres() {
		return `(r.campaign_id, r.id) > ($1, $2) AND r.campaign_id <= $1`
	}
	return `r.campaign_id = $1 AND r.id > $2`
}

// RecipientsToPlan gives the next recipients of a campaign in the order of their ids, without their variables. Rows of an import that
// never finished are invisible.
func (s *Store) RecipientsToPlan(ctx context.Context, p overture.Planning, limit int) ([]overture.Recipient, error) {
	rows, err := s.db.QueryByKey(ctx, s.recipientsToPlanSQL(), p.CampaignID, p.Through, p.AccountID, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("recipients of %s to plan: %w", p.CampaignID, err))
	}
	defer rows.Close()
	out := make([]overture.Recipient, 0, limit)
	split := map[string][]string{} // recipients share a few sets of zones
	var zones string
	for rows.Next() {
		r := overture.Recipient{AccountID: p.AccountID, CampaignID: p.CampaignID}
		if err := rows.Scan(&r.ID, &r.Address, &zones, &r.Segments); err != nil {
			return nil, fmt.Errorf("recipients of %s to plan: %w", p.CampaignID, err)
		}
		if zones != "" {
			if split[zones] == nil {
				split[zones] = strings.Split(zones, ",")
			}
			r.Zones = split[zones]
		}
		out = append(out, r)
	}
	return out, sqldb.Trouble(rows.Err())
}

// WritePlan turns recipients into messages in one transaction: queued with their place in the queue, or canceled when the campaign was
// canceled meanwhile; in a quarantine always queued, to be looked up first. The cursor moves in the same transaction and is what keeps two nodes apart: ok is false, and nothing changed, when
// somebody else has moved it since p was read. Rows are the authority all the same: a recipient that already has a message gets no
// second one, wherever the cursor stands. last ends the planning. Give at most 500 messages: SQLite's writer is held for milliseconds.
func (s *Store) WritePlan(ctx context.Context, p overture.Planning, messages []overture.PlannedMessage, last bool, now time.Time) (ok bool, err error) {
	through := p.Through
	if n := len(messages); n > 0 {
		through = messages[n-1].RecipientID
	}
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE campaign SET planned_through = $1, planning = $2
			WHERE id = $3 AND account_id = $4 AND planned_through = $5 AND planning = TRUE`, through, !last, p.CampaignID, p.AccountID, p.Through)
		if err != nil {
			return fmt.Errorf("move the cursor: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		ok = true
		if len(messages) == 0 {
			return nil
		}
		b := planBatch{planning: p, messages: messages, first: s.ids.Take(len(messages)), now: now.UnixMilli(), state: overture.Queued, rules: rulesID(p.Rules)}
		var lane overture.LaneState
		// On PostgreSQL a cancel waits for this transaction, and then finds what it wrote.
		if err := tx.QueryRowContext(ctx, `SELECT id, state FROM lane WHERE sender_id = $1 AND campaign_id = $2`+s.db.ForShare(),
			p.SenderID, p.CampaignID).Scan(&b.lane, &lane); err != nil {
			return fmt.Errorf("lane: %w", err)
		}
		quarantined, err := inQuarantine(ctx, tx)
		if err != nil {
			return err
		}
		if lane == overture.LaneCanceled && !quarantined {
			b.state, b.reason = overture.Canceled, overture.ReasonCampaignCancel
		}
		insert := s.insertPlannedSQLite
		if s.db.Postgres() {
			insert = s.insertPlannedPostgres
		}
		n, err := insert(ctx, tx, b)
		if err != nil {
			return fmt.Errorf("insert messages: %w", err)
		}
		counts := newCountDeltas()
		counts.enter(p.CampaignID, b.state, n)
		return s.writeCounts(ctx, tx, counts)
	})
	if err != nil {
		return false, sqldb.Trouble(fmt.Errorf("plan %s: %w", p.CampaignID, err))
	}
	if ok {
		s.db.Grew(len(messages), "message", "dispatch")
	}
	return ok, nil
}

type planBatch struct {
	planning overture.Planning
	messages []overture.PlannedMessage
	first    int64 // of the reserved message ids
	lane     overture.LaneID
	state    overture.State
	reason   string
	rules    overture.RulesID
	now      int64
}

func notAfterMillis(m overture.PlannedMessage) int64 {
	if m.NotAfter.IsZero() {
		return 0
	}
	return m.NotAfter.UnixMilli()
}

// insertPlannedSQLite uses one prepared statement per row, which is as fast as SQLite gets. It returns how many messages were new.
func (s *Store) insertPlannedSQLite(ctx context.Context, tx *sql.Tx, b planBatch) (int, error) {
	message, err := tx.PrepareContext(ctx, `INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body,
			state, attempts, segments, provider_id, code, reason, updated_at, rules_id)
		VALUES ($1, $2, $3, $4, 0, $5, $6, 0, $7, '', $8, 0, $9, '', 0, $10, $11, $12) ON CONFLICT DO NOTHING`)
	if err != nil {
		return 0, err
	}
	defer message.Close()
	dispatch, err := tx.PrepareContext(ctx, `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`)
	if err != nil {
		return 0, err
	}
	defer dispatch.Close()
	p, written := b.planning, 0
	for i, m := range b.messages {
		id := s.ids.At(b.first, i)
		res, err := message.ExecContext(ctx, id, p.AccountID, p.CampaignID, m.RecipientID, p.SenderID, b.lane, m.Address, b.state, m.Segments, b.reason, b.now, b.rules)
		if err != nil {
			return 0, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		if n == 0 { // it has a message already
			continue
		}
		written++
		if b.state != overture.Queued {
			continue
		}
		if _, err := dispatch.ExecContext(ctx, b.lane, m.Due.UnixMilli(), id, notAfterMillis(m)); err != nil {
			return 0, err
		}
	}
	return written, nil
}

// insertPlannedPostgres is one statement per table. It returns how many messages were new.
func (s *Store) insertPlannedPostgres(ctx context.Context, tx *sql.Tx, b planBatch) (int, error) {
	n := len(b.messages)
	ids, recipients, addresses, segments := make([]int64, n), make([]int64, n), make([]string, n), make([]int64, n)
	byID := make(map[int64]overture.PlannedMessage, n)
	for i, m := range b.messages {
		ids[i], recipients[i], addresses[i], segments[i] = s.ids.At(b.first, i), int64(m.RecipientID), string(m.Address), int64(m.Segments)
		byID[ids[i]] = m
	}
	p, written := b.planning, 0
	var fresh, dues, notAfters []int64
	err := each(ctx, plain(tx, `INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts,
			segments, provider_id, code, reason, updated_at, rules_id)
		SELECT u.id, $5::bigint, $6::bigint, u.recipient, 0, $7::bigint, $8::bigint, 0, u.address, '', $9::smallint, 0, u.segments, '', 0, $10::text, $11::bigint, $12::integer
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) u (id, recipient, address, segments)
		ON CONFLICT DO NOTHING RETURNING id`),
		func(id int64) {
			written++
			fresh, dues, notAfters = append(fresh, id), append(dues, byID[id].Due.UnixMilli()), append(notAfters, notAfterMillis(byID[id]))
		},
		ids, recipients, addresses, segments, p.AccountID, p.CampaignID, p.SenderID, b.lane, int16(b.state), b.reason, b.now, b.rules)
	if err != nil || b.state != overture.Queued || written == 0 {
		return written, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO dispatch (lane_id, due_at, message_id, not_after)
		SELECT $1::bigint, u.due, u.id, u.not_after FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) u (id, due, not_after)`, b.lane, fresh, dues, notAfters)
	return written, err
}

// StartScheduled lets the campaigns run whose launch time has come and gives their ids.
func (s *Store) StartScheduled(ctx context.Context, now time.Time) ([]overture.CampaignID, error) {
	const due = unfinished + ` AND state = 'scheduled' AND (launch_at IS NULL OR launch_at <= $1)`
	// Looking first keeps the writer free: nearly always there is none.
	var any bool
	if err := s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM campaign WHERE `+due+`)`, now.UnixMilli()).Scan(&any); err != nil || !any {
		return nil, sqldb.Trouble(err)
	}
	var started []overture.CampaignID
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		return each(ctx, plain(tx, `UPDATE campaign SET state = 'running', updated_at = CASE WHEN updated_at < $1 THEN $1 ELSE updated_at + 1 END
			WHERE `+due+` RETURNING id`), func(id overture.CampaignID) { started = append(started, id) }, now.UnixMilli())
	})
	if err != nil {
		return nil, fmt.Errorf("start scheduled campaigns: %w", err)
	}
	return started, nil
}
