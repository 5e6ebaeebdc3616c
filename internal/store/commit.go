package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// Commit writes one round of the dispatch engine in one transaction: marks first, then settlements and moves, of all senders of this
// node that are in work. Where WritersRunBeside, marks and moves of a sender come in one transaction at a time, and so do its settlements.
// It is the only place where an attempt becomes durable (R1), where its result is fenced by the epoch (R3), and where opt-outs, pauses,
// cancels and open conversations are checked for the last time (R9). results[i] answers work[i].
func (s *Store) Commit(ctx context.Context, now time.Time, work []overture.SenderWork) ([]overture.CommitResult, error) {
	results := make([]overture.CommitResult, len(work))
	var err error
	marks, settlements := false, false
	for i := range work {
		marks, settlements = marks || len(work[i].Marks) > 0, settlements || len(work[i].Settlements) > 0
	}
	if marks {
		crashpoint.Pass("CP2")
	}
	if s.db.Postgres() {
		err = s.commitPostgres(ctx, now, work, results)
	} else {
		err = s.commitSQLite(ctx, now, work, results)
	}
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("commit attempts: %w", err))
	}
	if settlements {
		crashpoint.Pass("CP9")
	}
	return results, nil
}

// WritersRunBeside tells that PostgreSQL writes transactions beside each other; SQLite has one writer.
func (s *Store) WritersRunBeside() bool { return s.db.Postgres() }

// commitTx is what one transaction of the engine carries on both engines.
type commitTx struct {
	ctx    context.Context //nolint:containedctx // lives as long as the transaction
	tx     *sql.Tx
	now    int64
	counts countDeltas
	store  *Store
	railed map[overture.LaneID]*giveBack // lanes whose guard rails want back what was certainly not sent

	markDays map[overture.MessageID]int64 // on which a day limit counted them
	days     spendDays                    // what changes in account_spend
}

// suppress ends a message whose person opted out, is in a conversation or over a cap; other verdicts pass unchanged.
func (c *commitTx) suppress(m overture.Mark, v overture.Verdict, caps *capGate) (overture.Verdict, error) {
	var reason string
	switch {
	case v == overture.OptedOut:
		reason = overture.ReasonOptedOut
	case v == overture.InTalk && !m.HoldTalks:
		reason = overture.ReasonOpenConversation
	case v == overture.Capped && m.Ruling.Hold:
		until, _ := caps.over(m)
		return overture.Gone, c.holdCapped(m, until)
	case v == overture.Capped:
		reason = overture.ReasonCapped
	default:
		return v, nil
	}
	gone, err := c.end(m.Place, overture.Suppressed, reason)
	if gone {
		v = overture.Gone
	}
	return v, err
}

// end takes a message that was never marked out of the queue into a final state; gone is true when it is not queued there any more, or
// when a marker says that a send may have happened.
func (c *commitTx) end(p overture.Place, state overture.State, reason string) (gone bool, err error) {
	res, err := c.tx.ExecContext(c.ctx, `DELETE FROM dispatch WHERE lane_id = $1 AND due_at = $2 AND message_id = $3
		AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = $3)`, p.LaneID, p.Due.UnixMilli(), p.MessageID)
	if err != nil {
		return false, fmt.Errorf("take out of the queue: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return true, err
	}
	return false, each(c.ctx, plain(c.tx, `UPDATE message SET state = $1, reason = $2, updated_at = $3 WHERE id = $4 AND state < $1 RETURNING campaign_id`),
		func(campaign overture.CampaignID) { c.counts.move(campaign, overture.Queued, state) }, state, reason, c.now, p.MessageID)
}

// holdsLease tells whether w's owner still owns the sender, and on PostgreSQL keeps it so until the commit. A move is fenced by it, because
// a move needs no marker: an old owner would take the dispatch row away from under the new owner's marker, and what that sends would be
// sent again from the new place.
func (c *commitTx) holdsLease(w *overture.SenderWork) (held bool, err error) {
	err = each(c.ctx, c.store.prepared(c.tx, c.store.gateQueries().lease), func(int) { held = true }, w.Lease.SenderID, w.Lease.Epoch, w.Lease.Owner)
	if err != nil {
		return false, fmt.Errorf("check lease: %w", err)
	}
	return held, nil
}

// retryAt is the new due time in milliseconds. It differs from the old one because PostgreSQL removes the old row and inserts the new one
// in one statement.
func retryAt(x overture.Settlement) int64 {
	at := x.RetryAt.UnixMilli()
	if at == x.Due.UnixMilli() {
		at++
	}
	return at
}

func addresses(marks []overture.Mark) []overture.Address {
	out := make([]overture.Address, len(marks))
	for i, m := range marks {
		out[i] = m.Address
	}
	return out
}

func lanesOf(marks []overture.Mark) []overture.LaneID {
	var out []overture.LaneID
	seen := map[overture.LaneID]bool{}
	for _, m := range marks {
		if !seen[m.LaneID] {
			seen[m.LaneID] = true
			out = append(out, m.LaneID)
		}
	}
	return out
}

func asksAboutTalks(marks []overture.Mark) bool {
	for _, m := range marks {
		if m.SkipTalks || m.HoldTalks {
			return true
		}
	}
	return false
}
