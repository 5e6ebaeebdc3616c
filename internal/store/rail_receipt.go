package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/overture-im/overture"
)

// provenAttempt is an attempt of which a receipt says that the provider has it, although we took it for certainly not sent and gave back what it
// had taken from the guard rails.
type provenAttempt struct {
	m          *receiptMessage
	attempt    receiptAttempt
	providerID string
}

// proves gives the attempt of a queued message that a receipt shows to have been sent after all; nil when it shows nothing new. Later, when the
// message has an end, its history stays as it is.
func (m *receiptMessage) proves(r overture.Receipt) *receiptAttempt {
	if m.state != overture.Queued || m.marker != nil && m.marker.token == r.Token {
		return nil
	}
	var of *receiptAttempt
	for i := range m.history {
		if a := &m.history[i]; a.token == r.Token || a.token == "" && of == nil { // see concerns
			of = a
		}
	}
	if of == nil || !of.givenBack {
		return nil
	}
	return of
}

func (b *receiptBatch) prove(m *receiptMessage, of *receiptAttempt, r overture.Receipt) {
	if of == nil || slices.ContainsFunc(b.proven, func(p provenAttempt) bool { return p.m == m && p.attempt.n == of.n }) {
		return
	}
	b.proven = append(b.proven, provenAttempt{m, *of, r.ProviderID})
}

// takeAgain corrects the history of what turned out to be sent, and takes from the guard rails what it had given back: on the day of its mark, or,
// when a quarantine doubted it, today. The lanes are locked.
func (b *receiptBatch) takeAgain(ctx context.Context, tx *sql.Tx) error {
	if len(b.proven) == 0 {
		return nil
	}
	c := &commitTx{ctx: ctx, tx: tx, now: b.now, store: b.store, days: spendDays{}}
	accounts := map[overture.LaneID]overture.AccountID{}
	for _, p := range b.proven {
		accounts[p.m.lane] = p.m.account
		if _, err := tx.ExecContext(ctx, `UPDATE attempt SET outcome = 'found', provider_id = $1 WHERE message_id = $2 AND n = $3`, p.providerID, p.m.id, p.attempt.n); err != nil {
			return fmt.Errorf("correct an attempt of %s: %w", p.m.id, err)
		}
	}
	if err := c.railedLanes(accounts, ""); err != nil {
		return err
	}
	for _, lane := range slices.Sorted(maps.Keys(c.railed)) {
		if err := b.takeFrom(c, lane); err != nil {
			return err
		}
	}
	return c.days.write(ctx, tx)
}

// takeFrom takes from one lane, and notes what the account's days give for it.
func (b *receiptBatch) takeFrom(c *commitTx, lane overture.LaneID) error {
	g, of := c.railed[lane], map[overture.MessageID][]receiptAttempt{}
	for _, p := range b.proven {
		if p.m.lane == lane {
			g.messages, of[p.m.id] = append(g.messages, p.m.id), append(of[p.m.id], p.attempt)
		}
	}
	var taken spend
	if err := c.spentOn(lane, g, func(id overture.MessageID, one spend) {
		taken.add(one, int64(len(of[id])))
		for _, a := range of[id] {
			switch {
			case !g.campaign:
			case a.token == "":
				c.days.of(g.account, dayOf(b.now)).taken.add(one, 1)
			default:
				c.days.of(g.account, dayOf(a.started)).again.add(one, 1)
			}
		}
	}); err != nil {
		return err
	}
	if _, err := c.tx.ExecContext(c.ctx, `UPDATE lane SET allowance = allowance - $1, budget = budget - $2, money = money - $3 WHERE id = $4`,
		len(g.messages), taken.segments, taken.money, lane); err != nil {
		return fmt.Errorf("rails of lane %s: %w", lane, err)
	}
	return nil
}
