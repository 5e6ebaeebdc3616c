package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
)

// The statements of the engine on SQLite: prepared once on the only writer connection, because preparing costs as much as running.
const (
	markSQL = `INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		SELECT d.message_id, d.lane_id, $1, d.due_at, d.not_after, $2, $3, $4, $5, 'attempting', 0, $6
		FROM dispatch d WHERE d.lane_id = $7 AND d.due_at = $8 AND d.message_id = $9 AND d.not_after > $5 ON CONFLICT DO NOTHING`
	unmarkSQL = `DELETE FROM inflight WHERE message_id = $1 AND epoch = $2 AND token = $3`
	doubtSQL  = `UPDATE inflight SET state = 'unknown', lookups = $1, next_lookup_at = $2, http_status = CASE WHEN $6 = 0 THEN http_status ELSE $6 END,
		code = CASE WHEN $7 = 0 THEN code ELSE $7 END, failed_for = $8 WHERE message_id = $3 AND epoch = $4 AND token = $5`
	unqueueSQL = `DELETE FROM dispatch WHERE lane_id = $1 AND due_at = $2 AND message_id = $3`
	// unqueueIdleSQL is for moves: a marked message stays where its marker says.
	unqueueIdleSQL = unqueueSQL + ` AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = $3)`
	requeueSQL     = `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`
	outcomeSQL     = `UPDATE message SET state = $1, attempts = max(attempts, $2), provider_id = CASE WHEN $3 = '' THEN provider_id ELSE $3 END,
		code = $4, reason = $5, accepted_at = COALESCE($6, accepted_at), updated_at = $7 WHERE id = $8 AND state < $1 RETURNING campaign_id, replied_at IS NOT NULL, stopped_at IS NOT NULL`
	retriedSQL = `UPDATE message SET attempts = max(attempts, $1), code = $2, updated_at = $3 WHERE id = $4`
	attemptSQL = `INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`
)

type commitStatements struct {
	mark, unmark, doubt, unqueue, unqueueIdle, requeue, outcome, retried, attempt *sql.Stmt
}

func (s *Store) commitStatements(ctx context.Context, tx *sql.Tx) (c commitStatements, err error) {
	for _, p := range []struct {
		to    **sql.Stmt
		query string
	}{
		{&c.mark, markSQL},
		{&c.unmark, unmarkSQL},
		{&c.doubt, doubtSQL},
		{&c.unqueue, unqueueSQL},
		{&c.unqueueIdle, unqueueIdleSQL},
		{&c.requeue, requeueSQL},
		{&c.outcome, outcomeSQL},
		{&c.retried, retriedSQL},
		{&c.attempt, attemptSQL},
	} {
		if *p.to, err = s.db.Prepared(ctx, tx, p.query); err != nil {
			return c, err
		}
	}
	return c, nil
}

// sqliteCommit is one transaction of the engine on SQLite: prepared statements row by row, the fastest way there.
type sqliteCommit struct {
	commitTx
	st commitStatements
}

func (s *Store) commitSQLite(ctx context.Context, now time.Time, work []overture.SenderWork, results []overture.CommitResult) error {
	q := s.gateQueries()
	if err := s.db.Prepare(ctx, append(countQueries, bulkQueries...)...); err != nil {
		return err
	}
	if err := s.db.Prepare(ctx, q.lease, q.lanes, q.optOuts, q.talks, markSQL, unmarkSQL, doubtSQL, unqueueSQL, unqueueIdleSQL, requeueSQL, outcomeSQL, retriedSQL, attemptSQL); err != nil {
		return err
	}
	if asksAboutCaps(work) {
		if err := s.db.Prepare(ctx, s.contactsQuery()); err != nil {
			return err
		}
	}
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		// The driver watches a cancelable context with a goroutine per statement; a transaction of a few milliseconds does not need that.
		ctx := context.WithoutCancel(ctx)
		c := &sqliteCommit{commitTx: commitTx{ctx: ctx, tx: tx, now: now.UnixMilli(), counts: newCountDeltas(), days: spendDays{}, store: s}}
		var err error
		if c.st, err = s.commitStatements(ctx, tx); err != nil {
			return err
		}
		for i := range work {
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
		for i := range work {
			if err := c.settle(&work[i], &results[i]); err != nil {
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
}

func (c *sqliteCommit) marks(w *overture.SenderWork, r *overture.CommitResult) error {
	if len(w.Marks) == 0 {
		return nil
	}
	r.Verdicts = make([]overture.Verdict, len(w.Marks))
	gate, err := c.store.gateOf(c.ctx, c.tx, w, c.days.of(w.AccountID, dayOf(c.now)).taken, c.now)
	if err != nil {
		return err
	}
	var positions []int
	for i, m := range w.Marks {
		if r.Verdicts[i] = gate.verdict(m); r.Verdicts[i] == overture.Marked {
			positions = append(positions, i)
		} else if r.Verdicts[i], err = c.suppress(m, r.Verdicts[i], gate.caps); err != nil {
			return err
		}
	}
	left, err := c.markBulk(w, r, positions)
	if err != nil {
		return err
	}
	for _, i := range left {
		m := &w.Marks[i]
		res, err := c.st.mark.ExecContext(c.ctx, w.Lease.SenderID, w.Lease.Epoch, m.Attempt, m.Token, c.now, m.LookupAt.UnixMilli(),
			m.LaneID, m.Due.UnixMilli(), m.MessageID)
		if err != nil {
			return fmt.Errorf("mark: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			r.Verdicts[i] = overture.Gone
		}
	}
	return gate.rail.write(&c.commitTx, w, r.Verdicts)
}

func (c *sqliteCommit) unqueue(p overture.Place) error {
	if _, err := c.st.unqueue.ExecContext(c.ctx, p.LaneID, p.Due.UnixMilli(), p.MessageID); err != nil {
		return fmt.Errorf("take out of the queue: %w", err)
	}
	return nil
}

// record raises the message's state and moves the counters with it.
func (c *sqliteCommit) record(id overture.MessageID, state overture.State, attempts int, providerID string, code int, reason string, acceptedAt any) error {
	rows, err := c.st.outcome.QueryContext(c.ctx, state, attempts, providerID, code, reason, acceptedAt, c.now, id)
	if err != nil {
		return fmt.Errorf("record outcome: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		x := sending{state: state, at: c.now}
		if err := rows.Scan(&x.campaign, &x.replied, &x.stopped); err != nil {
			return fmt.Errorf("record outcome: %w", err)
		}
		c.counts.move(x.campaign, overture.Queued, state)
		c.counts.send(x, 1)
	}
	return rows.Err()
}

func (c *sqliteCommit) settle(w *overture.SenderWork, r *overture.CommitResult) error {
	if err := c.hold(w, w.Settlements); err != nil {
		return err
	}
	left, err := c.settleBulk(w)
	if err != nil {
		return err
	}
	for _, x := range left {
		var res sql.Result
		var err error
		if x.State == overture.Unknown {
			res, err = c.st.doubt.ExecContext(c.ctx, x.Lookups, x.LookupAt.UnixMilli(), x.MessageID, w.Lease.Epoch, x.Token, x.HTTPStatus, x.Code, x.FailedFor.Milliseconds())
		} else {
			res, err = c.st.unmark.ExecContext(c.ctx, x.MessageID, w.Lease.Epoch, x.Token)
		}
		if err != nil {
			return fmt.Errorf("settle: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			r.Superseded++
			continue
		}
		if x.State == overture.Unknown {
			continue
		}
		if err := c.settled(w, x); err != nil {
			return err
		}
	}
	return nil
}

func (c *sqliteCommit) settled(w *overture.SenderWork, x overture.Settlement) error {
	c.settledAgain(w, x)
	if _, err := c.st.attempt.ExecContext(c.ctx, x.MessageID, x.Attempt, x.Token, w.Lease.Epoch, x.StartedAt.UnixMilli(), c.now, x.Outcome,
		x.HTTPStatus, x.Code, x.ProviderID); err != nil {
		return fmt.Errorf("write attempt: %w", err)
	}
	if err := c.unqueue(x.Place); err != nil {
		return err
	}
	if x.OptOut {
		if err := c.store.recordProviderOptOut(c.ctx, c.tx, w, x, c.now); err != nil {
			return err
		}
	}
	if x.State == overture.Queued {
		if _, err := c.st.requeue.ExecContext(c.ctx, x.LaneID, retryAt(x), x.MessageID, x.NotAfter.UnixMilli()); err != nil {
			return fmt.Errorf("queue again: %w", err)
		}
		_, err := c.st.retried.ExecContext(c.ctx, x.Attempt, x.Code, c.now, x.MessageID)
		return err
	}
	var acceptedAt any
	if x.State == overture.Accepted {
		acceptedAt = c.now
	}
	return c.record(x.MessageID, x.State, x.Attempt, x.ProviderID, x.Code, x.Reason, acceptedAt)
}

func (c *sqliteCommit) move(w *overture.SenderWork) error {
	if len(w.Moves) == 0 {
		return nil
	}
	if held, err := c.holdsLease(w); err != nil || !held {
		return err
	}
	for _, m := range w.Moves {
		if m.State != overture.Queued {
			if _, err := c.end(m.Place, m.State, m.Reason); err != nil {
				return err
			}
			continue
		}
		res, err := c.st.unqueueIdle.ExecContext(c.ctx, m.LaneID, m.Due.UnixMilli(), m.MessageID)
		if err != nil {
			return fmt.Errorf("move: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 1 {
			if _, err := c.st.requeue.ExecContext(c.ctx, m.LaneID, m.NewDue.UnixMilli(), m.MessageID, m.NotAfter.UnixMilli()); err != nil {
				return fmt.Errorf("move: %w", err)
			}
		}
	}
	return nil
}
