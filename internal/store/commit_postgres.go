package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// The statements of a commit, each for all rows of a sender. They run on connections that plan once; joins are written as sqldb.ByKey does.
const (
	markAllSQL = `INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
	SELECT d.message_id, d.lane_id, $1, d.due_at, d.not_after, $2, u.attempt, u.token, $3, 'attempting', 0, u.lookup_at
	FROM unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[], $8::text[], $9::bigint[]) u (lane, due, id, attempt, token, lookup_at)
	JOIN dispatch d ON d.lane_id = ANY(ARRAY[u.lane]) AND d.due_at = u.due AND d.message_id = u.id
	WHERE d.not_after > $3 AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = ANY(ARRAY[d.message_id]) AND f.epoch >= 0) RETURNING message_id`
	finishAllSQL = `WITH u AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
		$7::smallint[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[])
		u (id, lane, due, started, retry, not_after, attempt, state, token, outcome, provider, reason, http, code)),
	f AS (DELETE FROM inflight USING u WHERE inflight.message_id = ANY(ARRAY[u.id]) AND inflight.epoch = $15 AND inflight.token = u.token RETURNING u.*),
	h AS (INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
		SELECT id, attempt, token, $15, started, $16, outcome, http, code, provider FROM f ON CONFLICT DO NOTHING),
	q AS (DELETE FROM dispatch USING f WHERE dispatch.lane_id = ANY(ARRAY[f.lane]) AND dispatch.due_at = f.due AND dispatch.message_id = f.id),
	r AS (INSERT INTO dispatch (lane_id, due_at, message_id, not_after) SELECT lane, retry, id, not_after FROM f WHERE state = 0),
	m AS (UPDATE message SET state = greatest(message.state, f.state), attempts = greatest(message.attempts, f.attempt),
			provider_id = CASE WHEN f.provider = '' THEN message.provider_id ELSE f.provider END,
			code = f.code, reason = CASE WHEN f.state = 0 THEN message.reason ELSE f.reason END,
			accepted_at = CASE WHEN f.state = 50 THEN $16 ELSE message.accepted_at END, updated_at = $16
		FROM f WHERE message.id = ANY(ARRAY[f.id]) AND (f.state = 0 OR message.state < f.state) RETURNING message.id, message.campaign_id, f.state,
			message.replied_at IS NOT NULL AS replied, message.stopped_at IS NOT NULL AS stopped)
	SELECT id, 0, -1, FALSE, FALSE FROM f UNION ALL SELECT id, campaign_id, state, replied, stopped FROM m`
	doubtAllSQL = `UPDATE inflight SET state = 'unknown', lookups = u.lookups, next_lookup_at = u.at, failed_for = u.failed_for,
		http_status = CASE WHEN u.http = 0 THEN http_status ELSE u.http END, code = CASE WHEN u.code = 0 THEN inflight.code ELSE u.code END
	FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[]) u (id, at, lookups, http, code, failed_for, token)
	WHERE inflight.message_id = ANY(ARRAY[u.id]) AND inflight.epoch = $4 AND inflight.token = u.token`
	moveAllSQL = `UPDATE dispatch SET due_at = u.new_due, not_after = u.not_after
	FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) u (lane, due, id, new_due, not_after)
	WHERE dispatch.lane_id = ANY(ARRAY[u.lane]) AND dispatch.due_at = u.due AND dispatch.message_id = u.id
		AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = ANY(ARRAY[u.id]) AND f.epoch >= 0)`
)

// postgresCommit is one transaction of the engine on PostgreSQL: one set-based statement per kind of work.
type postgresCommit struct{ commitTx }

func (s *Store) commitPostgres(ctx context.Context, now time.Time, work []overture.SenderWork, results []overture.CommitResult) error {
	err := s.db.TransactByKey(ctx, func(tx *sql.Tx) error {
		c := &postgresCommit{commitTx{ctx: ctx, tx: tx, now: now.UnixMilli(), counts: newCountDeltas(), days: spendDays{}, store: s}}
		if err := c.lockCapped(work); err != nil {
			return err
		}
		if err := c.lockStopped(work); err != nil {
			return err
		}
		if err := c.lockGates(work); err != nil {
			return err
		}
		for _, i := range byAccount(work) {
			if err := c.marks(&work[i], &results[i]); err != nil {
				return err
			}
			if len(work[i].Marks) > 0 {
				crashpoint.Pass("CP2b")
			}
		}
		if err := c.findRailed(work); err != nil {
			return err
		}
		rest, err := c.accept(work, results)
		if err != nil {
			return err
		}
		for i := range work {
			if err := c.settle(&work[i], rest[i], &results[i]); err != nil {
				return err
			}
			if err := c.move(&work[i]); err != nil {
				return err
			}
		}
		if err := c.giveBack(); err != nil {
			return err
		}
		return s.writeCounts(ctx, tx, c.counts)
	})
	if err == nil {
		for i := range work {
			s.db.Unmarked(len(work[i].Settlements))
		}
	}
	return err
}

// lockStopped locks the brands that people stopped, as the settlements of this transaction say, against the marks that are being committed
// for them beside it (I7). It comes before everything else, because the gate of marks takes the same rows FOR SHARE.
func (c *postgresCommit) lockStopped(work []overture.SenderWork) error {
	var brands []overture.BrandID
	for _, w := range work {
		if slices.ContainsFunc(w.Settlements, func(x overture.Settlement) bool { return x.OptOut }) {
			brands = append(brands, w.BrandID)
		}
	}
	if len(brands) == 0 {
		return nil
	}
	condition, arg := sqldb.In(c.store.db, "id", 1, brands)
	if _, err := c.tx.ExecContext(c.ctx, `SELECT id FROM brand WHERE `+condition+` ORDER BY id FOR UPDATE`, arg); err != nil {
		return fmt.Errorf("lock brands: %w", err)
	}
	return nil
}

// lockGates locks the brands and then the lanes of all marks, each in the order of their ids, as settlements and receipts do: sender by sender
// two transactions would wait for each other. What the gates then read was committed before they hold the locks.
func (c *postgresCommit) lockGates(work []overture.SenderWork) error {
	var brands []overture.BrandID
	var lanes []overture.LaneID
	for i := range work {
		if len(work[i].Marks) > 0 {
			brands, lanes = append(brands, work[i].BrandID), append(lanes, lanesOf(work[i].Marks)...)
		}
	}
	if len(brands) == 0 {
		return nil
	}
	condition, arg := sqldb.In(c.store.db, "id", 1, brands)
	if _, err := c.tx.ExecContext(c.ctx, `SELECT 1 FROM brand WHERE `+condition+` ORDER BY id FOR SHARE`, arg); err != nil {
		return fmt.Errorf("lock brands: %w", err)
	}
	condition, arg = sqldb.In(c.store.db, "id", 1, lanes)
	if _, err := c.tx.ExecContext(c.ctx, `SELECT 1 FROM lane WHERE `+condition+` ORDER BY id FOR SHARE`, arg); err != nil {
		return fmt.Errorf("lock lanes: %w", err)
	}
	return nil
}

func (c *postgresCommit) marks(w *overture.SenderWork, r *overture.CommitResult) error {
	if len(w.Marks) == 0 {
		return nil
	}
	r.Verdicts = make([]overture.Verdict, len(w.Marks))
	gate, err := c.store.gateOf(c.ctx, c.tx, w, c.days.of(w.AccountID, dayOf(c.now)).taken, c.now)
	if err != nil {
		return err
	}
	n := len(w.Marks)
	lanes, dues, ids, lookups := make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n)
	attempts, tokens, position := make([]int16, 0, n), make([]string, 0, n), make(map[overture.MessageID]int, n)
	for i, m := range w.Marks {
		verdict := gate.verdict(m)
		if verdict != overture.Marked {
			if r.Verdicts[i], err = c.suppress(m, verdict, gate.caps); err != nil {
				return err
			}
			continue
		}
		position[m.MessageID] = i
		lanes, dues, ids = append(lanes, int64(m.LaneID)), append(dues, m.Due.UnixMilli()), append(ids, int64(m.MessageID))
		attempts, tokens, lookups = append(attempts, int16(m.Attempt)), append(tokens, m.Token), append(lookups, m.LookupAt.UnixMilli())
	}
	if len(ids) == 0 {
		return gate.rail.write(&c.commitTx, w, r.Verdicts)
	}
	// A marker that another transaction makes at the same time violates the key and undoes this one: cheaper than ON CONFLICT, which writes
	// every row twice, and it cannot happen while the lease is locked.
	err = each(c.ctx, plain(c.tx, markAllSQL),
		func(id overture.MessageID) { r.Verdicts[position[id]] = overture.Marked },
		w.Lease.SenderID, w.Lease.Epoch, c.now, lanes, dues, ids, attempts, tokens, lookups)
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	return gate.rail.write(&c.commitTx, w, r.Verdicts)
}

// settle ends or keeps the attempts of w that accept left.
func (c *postgresCommit) settle(w *overture.SenderWork, xs []overture.Settlement, r *overture.CommitResult) error {
	var ended, doubted []overture.Settlement
	for _, x := range xs {
		if x.State == overture.Unknown {
			doubted = append(doubted, x)
		} else {
			ended = append(ended, x)
		}
	}
	if err := c.hold(w, ended); err != nil {
		return err
	}
	n, err := c.finish(w, ended)
	if err != nil {
		return err
	}
	d, err := c.doubt(w, doubted)
	if err != nil {
		return err
	}
	r.Superseded += len(ended) - n + len(doubted) - d
	return nil
}

// finish settles attempts whose outcome is known and returns how many still carried our epoch.
func (c *postgresCommit) finish(w *overture.SenderWork, xs []overture.Settlement) (int, error) {
	if len(xs) == 0 {
		return 0, nil
	}
	n := len(xs)
	id, lane, due, started, retry, notAfter := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	attempt, state := make([]int16, n), make([]int16, n)
	token, outcome, provider, reason := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	http, code := make([]int64, n), make([]int64, n)
	byID := make(map[overture.MessageID]overture.Settlement, n)
	for i, x := range xs {
		id[i], lane[i], due[i], started[i] = int64(x.MessageID), int64(x.LaneID), x.Due.UnixMilli(), x.StartedAt.UnixMilli()
		retry[i], notAfter[i], attempt[i], state[i] = retryAt(x), x.NotAfter.UnixMilli(), int16(x.Attempt), int16(x.State)
		token[i], outcome[i], provider[i], reason[i], http[i], code[i] = x.Token, x.Outcome, x.ProviderID, x.Reason, int64(x.HTTPStatus), int64(x.Code)
		byID[x.MessageID] = x
	}
	rows, err := c.tx.QueryContext(c.ctx, finishAllSQL,
		id, lane, due, started, retry, notAfter, attempt, state, token, outcome, provider, reason, http, code, w.Lease.Epoch, c.now)
	if err != nil {
		return 0, fmt.Errorf("settle: %w", err)
	}
	defer rows.Close()
	var optOuts []overture.Settlement
	settled := 0
	for rows.Next() {
		var message overture.MessageID
		to := sending{at: c.now}
		if err := rows.Scan(&message, &to.campaign, &to.state, &to.replied, &to.stopped); err != nil {
			return 0, fmt.Errorf("settle: %w", err)
		}
		if to.state >= 0 { // its message moved
			c.counts.move(to.campaign, overture.Queued, to.state)
			c.counts.send(to, 1)
			continue
		}
		settled++
		x := byID[message]
		if x.OptOut {
			optOuts = append(optOuts, x)
		}
		c.settledAgain(w, x)
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("settle: %w", err)
	}
	for _, x := range optOuts {
		if err := c.store.recordProviderOptOut(c.ctx, c.tx, w, x, c.now); err != nil {
			return 0, err
		}
	}
	return settled, nil
}

// doubt keeps markers whose outcome is unknown and says when to look them up.
func (c *postgresCommit) doubt(w *overture.SenderWork, xs []overture.Settlement) (int, error) {
	if len(xs) == 0 {
		return 0, nil
	}
	id, at, lookups := make([]int64, len(xs)), make([]int64, len(xs)), make([]int16, len(xs))
	http, code := make([]int64, len(xs)), make([]int64, len(xs))
	failedFor, token := make([]int64, len(xs)), make([]string, len(xs))
	for i, x := range xs {
		id[i], at[i], lookups[i], failedFor[i], token[i] = int64(x.MessageID), x.LookupAt.UnixMilli(), int16(x.Lookups), x.FailedFor.Milliseconds(), x.Token
		http[i], code[i] = int64(x.HTTPStatus), int64(x.Code)
	}
	res, err := c.tx.ExecContext(c.ctx, doubtAllSQL,
		id, at, lookups, w.Lease.Epoch, http, code, failedFor, token)
	if err != nil {
		return 0, fmt.Errorf("keep in doubt: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}

func (c *postgresCommit) move(w *overture.SenderWork) error {
	if len(w.Moves) == 0 {
		return nil
	}
	if held, err := c.holdsLease(w); err != nil || !held {
		return err
	}
	var lane, due, id, newDue, notAfter []int64
	for _, m := range w.Moves {
		if m.State != overture.Queued {
			if _, err := c.end(m.Place, m.State, m.Reason); err != nil {
				return err
			}
			continue
		}
		lane, due, id = append(lane, int64(m.LaneID)), append(due, m.Due.UnixMilli()), append(id, int64(m.MessageID))
		newDue, notAfter = append(newDue, m.NewDue.UnixMilli()), append(notAfter, m.NotAfter.UnixMilli())
	}
	if len(id) == 0 {
		return nil
	}
	_, err := c.tx.ExecContext(c.ctx, moveAllSQL, lane, due, id, newDue, notAfter)
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	return nil
}
