package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// A quarantine is a row of its own table, and its marks are ordinary in-flight markers without a token whose column since says from when
// on the provider's record counts. So the engine's own lookups (R7) do the proving, whatever happens meanwhile. Three things hold:
//
//   - while a row without released_at exists, no attempt is marked: the gate of every mark looks (gate.go), on every node;
//   - the epoch of every sender leaps far ahead when it begins, also where the row of the lease is lost, so that no epoch that was given in
//     the lost time is given again, and no earlier owner can renew, mark or hold anything (R3);
//   - whatever was queued at its beginning with a due time before it may have been sent, and gets a marker. So does what is planned
//     later for campaigns that were launched before it.
//
// Nothing ends as canceled meanwhile (campaign_settle.go, plan.go): a cancel waits in the queue until the release, and ends then what was
// proven absent.
//
// What was looked up and is not in the provider's record goes back into the queue with a due time after the beginning, and an attempt on
// its count: that is how a looked-up message is told from one that still has to be.

// noQuarantine is the condition under which something may be marked.
const noQuarantine = `NOT EXISTS (SELECT 1 FROM quarantine WHERE released_at IS NULL)`

// quarantineChunk bounds one transaction: everybody else's writes wait for it on SQLite.
const quarantineChunk = 500

// BeginQuarantine stops all sending at once and puts everything that may have been sent since order.Since in doubt. A second one beside an
// active one widens it.
func (s *Store) BeginQuarantine(ctx context.Context, order overture.QuarantineOrder, now time.Time) error {
	if !order.Since.Before(now) {
		return overture.ErrInvalid("since", "the time up to which the database knows everything must be in the past")
	}
	return s.db.Transact(ctx, func(tx *sql.Tx) error { return s.beginQuarantine(ctx, tx, order, now) })
}

func (s *Store) beginQuarantine(ctx context.Context, tx *sql.Tx, order overture.QuarantineOrder, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO quarantine (id, since, until, first_id, reason, began_at, released_at, released_by)
		VALUES ($1, $2, $3, $1, $4, $3, NULL, '')`, s.NewID(), order.Since.UnixMilli(), now.UnixMilli(), order.Reason)
	if err != nil {
		return fmt.Errorf("begin quarantine: %w", err)
	}
	return s.enterQuarantine(ctx, tx, order.Since.UnixMilli(), now)
}

// WakeQuarantine begins the quarantine that came with a restored backup; began is false when there was none. Call it before anything is sent.
func (s *Store) WakeQuarantine(ctx context.Context, now time.Time) (began bool, err error) {
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		var since sql.NullInt64
		if err := tx.QueryRowContext(ctx, `SELECT MIN(since) FROM quarantine WHERE until = 0`).Scan(&since); err != nil || !since.Valid {
			return err
		}
		began = true
		if _, err := tx.ExecContext(ctx, `UPDATE quarantine SET until = $1, began_at = $1, first_id = $2 WHERE until = 0`, now.UnixMilli(), s.NewID()); err != nil {
			return fmt.Errorf("begin quarantine: %w", err)
		}
		return s.enterQuarantine(ctx, tx, since.Int64, now)
	})
	return began, err
}

// enterQuarantine ends every lease and starts the clock of the markers that exist anew: the two lookups that prove a message's absence
// must both happen after the beginning. An attempt's own marker says itself from when on the record counts: whatever was lost came after it.
func (s *Store) enterQuarantine(ctx context.Context, tx *sql.Tx, since int64, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO sender_lease (sender_id, owner, epoch, expires_at) SELECT id, '', 0, 0 FROM sender WHERE TRUE
		ON CONFLICT DO NOTHING`); err != nil {
		return fmt.Errorf("give every sender a lease: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE sender_lease SET epoch = CASE WHEN epoch + $1 > $2 THEN epoch + $1 ELSE $2 END, owner = '', expires_at = 0`,
		int64(overture.EpochLeap), now.UnixMilli()); err != nil {
		return fmt.Errorf("end the leases: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE inflight SET state = 'unknown', lookups = 0, next_lookup_at = $1, started_at = $1,
		since = CASE WHEN since = 0 THEN started_at WHEN token <> '' OR since < $2 THEN since ELSE $2 END`, now.UnixMilli(), since); err != nil {
		return fmt.Errorf("doubt the markers: %w", err)
	}
	return s.auditEverywhere(ctx, tx, "operator", "quarantine.begun", now)
}

// auditEverywhere writes an entry into every account's log, because a quarantine concerns them all.
func (s *Store) auditEverywhere(ctx context.Context, tx *sql.Tx, who, action string, now time.Time) error {
	var accounts []overture.AccountID
	if err := each(ctx, plain(tx, `SELECT id FROM account ORDER BY id`), func(id overture.AccountID) { accounts = append(accounts, id) }); err != nil {
		return fmt.Errorf("list accounts: %w", err)
	}
	for _, id := range accounts {
		if err := writeAudit(ctx, tx, s.NewID(), overture.Actor{AccountID: id}, action, "installation", "by "+who, now); err != nil {
			return err
		}
	}
	return nil
}

// quarantineSpan is the time all active quarantines cover together, and the first message id after the earliest of them.
type quarantineSpan struct{ since, until, firstID sql.NullInt64 }

func (s *Store) quarantineSpan(ctx context.Context, q sqldb.Querier) (span quarantineSpan, err error) {
	err = q.QueryRowContext(ctx, `SELECT MIN(since), MAX(until), MIN(first_id) FROM quarantine WHERE released_at IS NULL`).
		Scan(&span.since, &span.until, &span.firstID)
	return span, sqldb.Trouble(err)
}

// suspect is the condition on dispatch d, message m and campaign c (outer) for "may have been sent and was not looked up yet".
// $1 is the span's end, $2 its first id. Clocks of nodes differ: one that was ahead may have sent what is due a moment after the end; what a
// quarantine looked up already has an attempt without a token. A canceled campaign's messages are no exception: the cancel may be younger.
const suspect = `NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = d.message_id)
	AND (d.due_at <= $1 OR (d.due_at <= $1 + 60000 AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.message_id = m.id AND a.token = '')) OR (m.id > $2 AND m.attempts = 0 AND c.launched_at <= $1))`

// Quarantine tells whether one is active and what is left to do.
func (s *Store) Quarantine(ctx context.Context) (overture.Quarantine, error) {
	var q overture.Quarantine
	span, err := s.quarantineSpan(ctx, s.db.Read)
	if err != nil || !span.since.Valid {
		return q, err
	}
	var began int64
	var asleep bool // until = 0: see WakeQuarantine
	if err := s.db.Read.QueryRowContext(ctx, `SELECT reason, began_at, EXISTS (SELECT 1 FROM quarantine WHERE until = 0) FROM quarantine
		WHERE released_at IS NULL ORDER BY id LIMIT 1`).Scan(&q.Reason, &began, &asleep); err != nil {
		return q, sqldb.Trouble(fmt.Errorf("read quarantine: %w", err))
	}
	q.Active, q.Since = true, time.UnixMilli(span.since.Int64).UTC()
	if !asleep {
		q.BeganAt, q.Until = time.UnixMilli(began).UTC(), time.UnixMilli(span.until.Int64).UTC()
	}
	for _, count := range []struct {
		to    *int
		query string
		args  []any
	}{
		{&q.Planning, `SELECT COUNT(*) FROM campaign c WHERE c.planning = TRUE AND c.completed_at IS NULL AND c.launched_at <= $1`, []any{span.until.Int64}},
		{&q.ToCheck, `SELECT COUNT(*) FROM dispatch d JOIN message m ON m.id = d.message_id
			LEFT JOIN campaign c ON c.id = m.campaign_id WHERE ` + suspect, []any{span.until.Int64, span.firstID.Int64}},
		{&q.InDoubt, `SELECT COUNT(*) FROM inflight WHERE since > 0`, nil},
		{&q.Drafts, `SELECT COUNT(*) FROM campaign WHERE launched_at IS NULL AND state = 'draft' AND created_at <= $1`, []any{span.until.Int64}},
	} {
		if err := s.db.Read.QueryRowContext(ctx, count.query, count.args...).Scan(count.to); err != nil {
			return q, sqldb.Trouble(fmt.Errorf("quarantine: %w", err))
		}
	}
	return q, nil
}

// InQuarantine tells whether nothing may be sent. It is the cheap question.
func (s *Store) InQuarantine(ctx context.Context) (active bool, err error) {
	return inQuarantine(ctx, s.db.Read)
}

func inQuarantine(ctx context.Context, q sqldb.Querier) (active bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT NOT (`+noQuarantine+`)`).Scan(&active)
	return active, sqldb.Trouble(err)
}

// Doubt gives a marker to what may have been sent, lane by lane; marked tells how many. grace passes before the provider is asked.
func (s *Store) Doubt(ctx context.Context, grace time.Duration) (marked int, err error) {
	span, err := s.quarantineSpan(ctx, s.db.Read)
	if err != nil || !span.since.Valid || span.until.Int64 == 0 {
		return 0, err
	}
	var lanes []overture.LaneID
	if err := each(ctx, plain(s.db.Read, `SELECT l.id FROM lane l WHERE EXISTS (SELECT 1 FROM dispatch d WHERE d.lane_id = l.id)`),
		func(id overture.LaneID) { lanes = append(lanes, id) }); err != nil {
		return 0, sqldb.Trouble(fmt.Errorf("lanes in quarantine: %w", err))
	}
	for _, lane := range lanes {
		n, err := s.doubtLane(ctx, lane, span, grace)
		marked += n
		if err != nil {
			return marked, err
		}
	}
	return marked, nil
}

func (s *Store) doubtLane(ctx context.Context, lane overture.LaneID, span quarantineSpan, grace time.Duration) (marked int, err error) {
	due, message := int64(-1), int64(0)
	for ctx.Err() == nil {
		var suspects []int64
		n := 0
		err := eachRow(ctx, plain(s.db.Read, `SELECT d.due_at, d.message_id, (`+suspect+`) FROM
				(SELECT lane_id, due_at, message_id FROM dispatch WHERE lane_id = $3 AND (due_at, message_id) > ($4, $5) ORDER BY due_at, message_id LIMIT $6) d
				JOIN message m ON m.id = d.message_id LEFT JOIN campaign c ON c.id = m.campaign_id
				ORDER BY d.due_at, d.message_id`), func(rows *sql.Rows) error {
			var is sql.NullBool
			n++
			err := rows.Scan(&due, &message, &is)
			if is.Bool {
				suspects = append(suspects, message)
			}
			return err
		}, span.until.Int64, span.firstID.Int64, lane, due, message, quarantineChunk)
		if err != nil {
			return marked, sqldb.Trouble(fmt.Errorf("suspects of %s: %w", lane, err))
		}
		if n == 0 {
			return marked, nil
		}
		if len(suspects) == 0 {
			continue
		}
		got, err := s.doubtMessages(ctx, lane, suspects, span, grace)
		if marked += got; err != nil {
			return marked, err
		}
	}
	return marked, ctx.Err()
}

// doubtMessages writes the markers under the epoch of the sender's present lease, so that a running owner sees them and a later one
// adopts them.
func (s *Store) doubtMessages(ctx context.Context, lane overture.LaneID, ids []int64, span quarantineSpan, grace time.Duration) (int, error) {
	in, arg := sqldb.In(s.db, "d.message_id", 4, ids)
	n := 0
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		now := max(time.Now().UnixMilli(), span.until.Int64)
		if s.db.Postgres() { // leases before lanes and lanes before markers, as the engine does
			// An owner that took over meanwhile would have adopted before these markers are there to be seen.
			senders, args := sqldb.In(s.db, "id", 1, ids)
			if _, err := tx.ExecContext(ctx, `SELECT 1 FROM sender_lease WHERE sender_id IN (SELECT sender_id FROM message WHERE `+senders+`) ORDER BY sender_id FOR SHARE`, args); err != nil {
				return fmt.Errorf("lock leases of %s: %w", lane, err)
			}
			if _, err := tx.ExecContext(ctx, `SELECT 1 FROM lane WHERE id = $1 FOR NO KEY UPDATE`, lane); err != nil {
				return fmt.Errorf("lock %s: %w", lane, err)
			}
		}
		var doubted []overture.MessageID
		err := each(ctx, plain(tx, `INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at, since)
			SELECT d.message_id, d.lane_id, m.sender_id, d.due_at, d.not_after,
				COALESCE((SELECT e.epoch FROM sender_lease e WHERE e.sender_id = m.sender_id), 0), m.attempts + 1, '', $1, 'unknown', 0, $2, $5
			FROM dispatch d JOIN message m ON m.id = d.message_id WHERE d.lane_id = $3 AND `+in+` ON CONFLICT DO NOTHING RETURNING message_id`),
			func(id overture.MessageID) { doubted = append(doubted, id) }, now, now+grace.Milliseconds(), lane, arg, span.since.Int64)
		if err != nil {
			return fmt.Errorf("doubt messages of %s: %w", lane, err)
		}
		n = len(doubted)
		return s.takeForDoubt(ctx, tx, lane, doubted, now)
	})
	return n, err
}

// errNotClear is why a quarantine is not released yet.
func errNotClear(q overture.Quarantine) error {
	return overture.ErrConflict("quarantine_not_clear", fmt.Sprintf("still to do: %d campaigns to plan, %d messages to mark, %d messages to look up; "+
		"wait, or have what cannot be looked up held for a person (--hold-rest)", q.Planning, q.ToCheck, q.InDoubt))
}

// ReleaseQuarantine lets sending go on, when everything that may have been sent has been looked up. With holdRest, what is still in doubt
// becomes held and waits for a person; it may not be sent before one decided.
func (s *Store) ReleaseQuarantine(ctx context.Context, who string, holdRest bool, now time.Time) error {
	if holdRest {
		if err := s.holdQuarantined(ctx, now); err != nil {
			return err
		}
	}
	// Only what was looked at is released: another node may begin a quarantine meanwhile.
	var looked []int64
	if err := each(ctx, plain(s.db.Read, `SELECT id FROM quarantine WHERE released_at IS NULL AND until > 0`), func(id int64) { looked = append(looked, id) }); err != nil {
		return sqldb.Trouble(fmt.Errorf("read quarantine: %w", err))
	}
	q, err := s.Quarantine(ctx)
	switch {
	case err != nil:
		return err
	case q.Active && !q.Begun():
		return overture.ErrConflict("quarantine_not_begun", "the quarantine begins when a server starts on this database: start it, and release when everything was looked up")
	case !q.Active || len(looked) == 0:
		return overture.ErrConflict("no_quarantine", "there is no quarantine to release")
	case !q.Clear():
		return errNotClear(q)
	}
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		in, arg := sqldb.In(s.db, "id", 3, looked)
		if _, err := tx.ExecContext(ctx, `UPDATE quarantine SET released_at = $1, released_by = $2 WHERE released_at IS NULL AND `+in, now.UnixMilli(), who, arg); err != nil {
			return fmt.Errorf("release quarantine: %w", err)
		}
		return s.auditEverywhere(ctx, tx, who, "quarantine.released", now)
	})
}

// holdQuarantined ends every marker of the quarantine as held.
func (s *Store) holdQuarantined(ctx context.Context, now time.Time) error {
	for {
		var rest []overture.Place
		err := s.db.Transact(ctx, func(tx *sql.Tx) error {
			rest = nil
			err := eachRow(ctx, plain(tx, `SELECT lane_id, due_at, message_id FROM inflight WHERE since > 0 ORDER BY message_id LIMIT $1`+s.db.ForUpdate()),
				func(rows *sql.Rows) error {
					var p overture.Place
					var due int64
					err := rows.Scan(&p.LaneID, &due, &p.MessageID)
					p.Due = time.UnixMilli(due)
					rest = append(rest, p)
					return err
				}, quarantineChunk)
			if err != nil || len(rest) == 0 {
				return err
			}
			return s.holdPlaces(ctx, tx, rest, now)
		})
		if err != nil || len(rest) == 0 {
			return err
		}
	}
}

func (s *Store) holdPlaces(ctx context.Context, tx *sql.Tx, places []overture.Place, now time.Time) error {
	counts := newCountDeltas()
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = int64(p.MessageID)
		if _, err := tx.ExecContext(ctx, `DELETE FROM dispatch WHERE lane_id = $1 AND due_at = $2 AND message_id = $3`, p.LaneID, p.Due.UnixMilli(), p.MessageID); err != nil {
			return fmt.Errorf("take held messages out of the queue: %w", err)
		}
	}
	in, arg := sqldb.In(s.db, "id", 5, ids)
	if err := eachRow(ctx, plain(tx, `UPDATE message SET state = $1, reason = $2, updated_at = $3,
			attempts = COALESCE((SELECT f.attempt FROM inflight f WHERE f.message_id = message.id AND f.attempt > message.attempts), attempts) WHERE state = $4 AND `+in+` RETURNING `+countedColumns),
		func(rows *sql.Rows) error {
			x, err := scanSending(rows)
			counts.move(x.campaign, overture.Queued, overture.Held)
			counts.send(x, 1)
			return err
		},
		overture.Held, overture.ReasonNotProven, now.UnixMilli(), overture.Queued, arg); err != nil {
		return fmt.Errorf("hold what is in doubt: %w", err)
	}
	in, arg = sqldb.In(s.db, "f.message_id", 2, ids)
	if _, err := tx.ExecContext(ctx, `INSERT INTO held (message_id, account_id, campaign_id, sender_id, attempt, attempted_at, held_at, lookups, http_status, code)
		SELECT f.message_id, m.account_id, m.campaign_id, m.sender_id, f.attempt, f.since, $1, f.lookups, f.http_status, f.code
		FROM inflight f JOIN message m ON m.id = f.message_id WHERE `+in+` ON CONFLICT DO NOTHING`, now.UnixMilli(), arg); err != nil {
		return fmt.Errorf("list what is held: %w", err)
	}
	// The attempt stays in the history, so that a receipt that still comes finds what it is about.
	in, arg = sqldb.In(s.db, "message_id", 2, ids)
	if _, err := tx.ExecContext(ctx, `INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
		SELECT message_id, attempt, token, epoch, CASE WHEN since > 0 AND token <> '' THEN since ELSE started_at END, $1, 'held', http_status, code, '' FROM inflight WHERE `+in+` ON CONFLICT DO NOTHING`, now.UnixMilli(), arg); err != nil {
		return fmt.Errorf("write attempts: %w", err)
	}
	in, arg = sqldb.In(s.db, "message_id", 1, ids)
	if _, err := tx.ExecContext(ctx, `DELETE FROM inflight WHERE `+in, arg); err != nil {
		return fmt.Errorf("remove markers: %w", err)
	}
	return s.writeCounts(ctx, tx, counts)
}
