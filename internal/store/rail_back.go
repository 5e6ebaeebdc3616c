package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// resentOutcome is the word of an attempt that must_reach repeats without proof. The person may have the message: what it took from a guard
// rail stays taken, and the lane counts it.
const resentOutcome = "resent_without_proof"

// givenBack are the outcomes after which a message is queued again because it was certainly not sent: what it took from the guard rails was given back.
const givenBack = `'given_back', 'throttled', 'not_sent', 'absent', 'sender_refused'`

func wasGivenBack(outcome string) bool {
	switch outcome {
	case "given_back", "throttled", "not_sent", "absent", "sender_refused":
		return true
	}
	return false
}

// giveBack is what one lane gets back, because it was certainly not sent, and how many of its messages go out again without proof.
type giveBack struct {
	account  overture.AccountID
	railed   bool
	campaign bool // the account's day counts it
	priced   bool // a limit in money counts it
	messages []overture.MessageID
	resent   int
}

// byAccount gives the order in which a commit works through its senders: the same on every node, because an account's limits are locked.
func byAccount(work []overture.SenderWork) []int {
	order := make([]int, len(work))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(work[a].AccountID, work[b].AccountID), cmp.Compare(work[a].Lease.SenderID, work[b].Lease.SenderID))
	})
	return order
}

// findRailed looks which lanes of messages that go back into the queue have guard rails, and on PostgreSQL locks them: before the markers, as
// receipts do, so that the two never wait for each other. Without such messages it does nothing.
func (c *commitTx) findRailed(work []overture.SenderWork) error {
	accounts := map[overture.LaneID]overture.AccountID{}
	var messages []overture.MessageID
	for i := range work {
		for _, x := range work[i].Settlements {
			if x.State == overture.Queued {
				accounts[x.LaneID] = work[i].AccountID
				messages = append(messages, x.MessageID)
			}
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	lock := ""
	if c.store.db.Postgres() {
		lock = " FOR NO KEY UPDATE"
	}
	resent := resentLanes(work)
	if lock != "" && len(resent) > 0 { // those have to be locked in any case, and all lanes in the order of their ids
		condition, arg := sqldb.In(c.store.db, "id", 1, slices.Sorted(maps.Keys(accounts)))
		if _, err := c.tx.ExecContext(c.ctx, `SELECT 1 FROM lane WHERE `+condition+` ORDER BY id`+lock, arg); err != nil {
			return fmt.Errorf("lock lanes: %w", err)
		}
	}
	if err := c.railedLanes(accounts, lock); err != nil {
		return err
	}
	for id, account := range resent {
		if c.railed[id] == nil {
			c.railed[id] = &giveBack{account: account}
		}
	}
	return c.findMarkDays(messages)
}

// resentLanes gives the lanes of messages that are sent again without proof.
func resentLanes(work []overture.SenderWork) map[overture.LaneID]overture.AccountID {
	lanes := map[overture.LaneID]overture.AccountID{}
	for i := range work {
		for _, x := range work[i].Settlements {
			if x.Outcome == resentOutcome {
				lanes[x.LaneID] = work[i].AccountID
			}
		}
	}
	return lanes
}

// railedLanes finds which of some lanes have guard rails, or an account whose days are counted: also by marks of this transaction, which are not
// written yet.
func (c *commitTx) railedLanes(accounts map[overture.LaneID]overture.AccountID, lock string) error {
	c.railed = map[overture.LaneID]*giveBack{}
	counted, money := c.days.accounts()
	condition, arg := sqldb.In(c.store.db, "l.id", 1, slices.Sorted(maps.Keys(accounts)))
	byMarks, marked := sqldb.In(c.store.db, "l.account_id", 2, counted)
	err := eachRow(c.ctx, plain(c.tx, `SELECT l.id, l.campaign_id > 0, l.campaign_id > 0 AND (l.money IS NOT NULL
			OR EXISTS (SELECT 1 FROM account_spend s WHERE s.account_id = l.account_id AND s.money > 0))
		FROM lane l WHERE `+condition+` AND (l.allowance IS NOT NULL OR l.budget IS NOT NULL OR l.money IS NOT NULL OR `+byMarks+`
		OR EXISTS (SELECT 1 FROM account_spend s WHERE s.account_id = l.account_id)) ORDER BY l.id`+lock),
		func(rows *sql.Rows) error {
			var id overture.LaneID
			b := &giveBack{railed: true}
			err := rows.Scan(&id, &b.campaign, &b.priced)
			b.account, c.railed[id] = accounts[id], b
			b.priced = b.priced || b.campaign && money[b.account]
			return err
		}, arg, marked)
	if err != nil {
		return fmt.Errorf("lanes with guard rails: %w", err)
	}
	return nil
}

// findMarkDays reads on which day the marks of messages were booked, while their markers are there. A message that a quarantine doubts was
// booked when it was doubted; a quarantine starts the clock of an attempt's own marker anew and keeps its time beside it.
func (c *commitTx) findMarkDays(messages []overture.MessageID) error {
	if len(c.railed) == 0 {
		return nil
	}
	c.markDays = make(map[overture.MessageID]int64, len(messages))
	condition, arg := sqldb.In(c.store.db, "message_id", 1, messages)
	err := eachRow(c.ctx, plain(c.tx, `SELECT message_id, CASE WHEN since > 0 AND token <> '' THEN since ELSE started_at END FROM inflight WHERE `+condition),
		func(rows *sql.Rows) error {
			var id overture.MessageID
			var at int64
			err := rows.Scan(&id, &at)
			c.markDays[id] = dayOf(at)
			return err
		}, arg)
	if err != nil {
		return fmt.Errorf("days of marks: %w", err)
	}
	return nil
}

// takeForDoubt takes from the guard rails of a lane what its messages took if they were sent in the time that a quarantine lost: the rails are
// from before it. What was not sent gives it back, as every attempt does. The caller holds the lane's lock.
func (s *Store) takeForDoubt(ctx context.Context, tx *sql.Tx, lane overture.LaneID, doubted []overture.MessageID, now int64) error {
	if len(doubted) == 0 {
		return nil
	}
	b := &giveBack{railed: true, messages: doubted}
	if err := tx.QueryRowContext(ctx, `SELECT l.account_id, l.campaign_id > 0, l.campaign_id > 0 AND (l.money IS NOT NULL
			OR EXISTS (SELECT 1 FROM account_spend s WHERE s.account_id = l.account_id AND s.day = $1 AND s.money > 0)) FROM lane l WHERE l.id = $2`,
		dayOf(now), lane).Scan(&b.account, &b.campaign, &b.priced); err != nil {
		return fmt.Errorf("rails of lane %s: %w", lane, err)
	}
	c := &commitTx{ctx: ctx, tx: tx, now: now, store: s}
	var taken spend
	if err := c.spentOn(lane, b, func(_ overture.MessageID, one spend) { taken.add(one, 1) }); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE lane SET allowance = allowance - $1, budget = budget - $2, money = money - $3
		WHERE id = $4 AND (allowance IS NOT NULL OR budget IS NOT NULL OR money IS NOT NULL)`, len(doubted), taken.segments, taken.money, lane); err != nil {
		return fmt.Errorf("rails of lane %s: %w", lane, err)
	}
	if !b.campaign {
		return nil
	}
	days := spendDays{}
	days.of(b.account, dayOf(now)).taken = taken
	return days.write(ctx, tx)
}

// settledAgain notes a settlement that took effect and puts its message back into the queue.
func (c *commitTx) settledAgain(_ *overture.SenderWork, x overture.Settlement) {
	b := c.railed[x.LaneID]
	switch {
	case b == nil || x.State != overture.Queued:
	case x.Outcome == resentOutcome:
		b.resent++
	case b.railed:
		b.messages = append(b.messages, x.MessageID)
	}
}

// giveBack writes what findRailed and settledAgain found, and all that this transaction changes in account_spend. A day limit gets back on the day on
// which the mark took.
func (c *commitTx) giveBack() error {
	for _, lane := range slices.Sorted(maps.Keys(c.railed)) {
		b := c.railed[lane]
		if len(b.messages)+b.resent == 0 {
			continue
		}
		var back spend
		if err := c.spentOn(lane, b, func(id overture.MessageID, one spend) {
			back.add(one, 1)
			if !b.campaign {
				return
			}
			c.days.of(b.account, c.markDays[id]).back.add(one, 1)
		}); err != nil {
			return err
		}
		if _, err := c.tx.ExecContext(c.ctx, `UPDATE lane SET allowance = allowance + $1, budget = budget + $2, money = money + $3, resent = resent + $4 WHERE id = $5`,
			len(b.messages), back.segments, back.money, b.resent, lane); err != nil {
			return fmt.Errorf("give back to lane %s: %w", lane, err)
		}
	}
	return c.days.write(c.ctx, c.tx)
}

// spentOn tells what the marks of messages took.
func (c *commitTx) spentOn(lane overture.LaneID, b *giveBack, each func(overture.MessageID, spend)) error {
	if len(b.messages) == 0 {
		return nil
	}
	var prices *lanePrices
	if b.priced {
		var err error
		if prices, err = c.store.pricesOfLane(c.ctx, c.tx, lane); err != nil {
			return err
		}
	}
	condition, arg := sqldb.In(c.store.db, "id", 1, b.messages)
	err := eachRow(c.ctx, plain(c.tx, `SELECT id, address, segments FROM message WHERE `+condition), func(rows *sql.Rows) error {
		var id overture.MessageID
		var to overture.Address
		var one spend
		if err := rows.Scan(&id, &to, &one.segments); err != nil {
			return err
		}
		if one.segments = max(one.segments, 1); prices != nil {
			one.money, _ = prices.cost(to, one.segments) // without a price it was not marked, or no limit in money was set then
		}
		each(id, one)
		return nil
	}, arg)
	if err != nil {
		return fmt.Errorf("segments: %w", err)
	}
	return nil
}
