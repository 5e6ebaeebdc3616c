package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// capGate is what the attempt's transaction knows about the people whose messages have a frequency cap (E6).
type capGate struct {
	now      time.Time
	contacts map[overture.Address][]time.Time
}

func capped(m overture.Mark) bool { return m.Ruling != nil && len(m.Ruling.Caps) > 0 }

func asksAboutCaps(work []overture.SenderWork) bool {
	return slices.ContainsFunc(work, func(w overture.SenderWork) bool { return slices.ContainsFunc(w.Marks, capped) })
}

// capGateOf counts what the people of the capped marks have had. Marks that this transaction has made for other senders are rows by now.
// Nil without caps, at no cost.
func (s *Store) capGateOf(ctx context.Context, tx *sql.Tx, w *overture.SenderWork, now int64) (*capGate, error) {
	var people []overture.Address
	var stretch time.Duration
	for _, m := range w.Marks {
		if capped(m) {
			people = append(people, m.Address)
			stretch = max(stretch, m.Ruling.Longest())
		}
	}
	if len(people) == 0 {
		return nil, nil //nolint:nilnil // no cap, and a nil gate says so
	}
	g := &capGate{now: time.UnixMilli(now)}
	var err error
	if g.contacts, err = s.contacts(ctx, s.prepared(tx, s.contactsQuery()), w.AccountID, people, now-stretch.Milliseconds()); err != nil {
		return nil, fmt.Errorf("check caps: %w", err)
	}
	return g, nil
}

// over tells whether the message would be over a cap now, and until when.
func (g *capGate) over(m overture.Mark) (until time.Time, over bool) {
	if g == nil || !capped(m) {
		return time.Time{}, false
	}
	_, until, over = m.Ruling.Over(g.contacts[m.Address], g.now)
	return until, over
}

// count remembers a mark of a campaign that is about to be made, with a cap of its own or not: two messages to one person may stand in one batch.
func (g *capGate) count(m overture.Mark) {
	if g != nil {
		g.contacts[m.Address] = append(g.contacts[m.Address], g.now)
	}
}

// holdCapped moves a message to the moment at which the cap lets one more through. Its not_after stays: when that is over by then, the
// engine finds the next window. The caller holds the lease.
func (c *commitTx) holdCapped(m overture.Mark, until time.Time) error {
	var notAfter []int64
	err := each(c.ctx, plain(c.tx, `DELETE FROM dispatch WHERE lane_id = $1 AND due_at = $2 AND message_id = $3
		AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = $3) RETURNING not_after`),
		func(at int64) { notAfter = append(notAfter, at) }, m.LaneID, m.Due.UnixMilli(), m.MessageID)
	if err != nil {
		return fmt.Errorf("hold behind a cap: %w", err)
	}
	for _, at := range notAfter {
		if _, err := c.tx.ExecContext(c.ctx, `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`,
			m.LaneID, until.UnixMilli(), m.MessageID, at); err != nil {
			return fmt.Errorf("hold behind a cap: %w", err)
		}
	}
	return nil
}

// lockCapped makes sure that no other node marks messages to the same people of an account at once: each would count without the other's. In an
// account that ever launched under a policy all people are locked, also those whose own message has no cap: the other node's may have one, and this
// one counts towards it. The first such launch comes before the commits that it concerns: its list is planned and read in between.
// It comes before every other lock, and takes its own in one order, so that two transactions never wait for each other.
func (c *postgresCommit) lockCapped(work []overture.SenderWork) error {
	policied, err := c.policied(work)
	if err != nil {
		return err
	}
	var keys []int64
	for _, w := range work {
		for _, m := range w.Marks {
			if policied[w.AccountID] || capped(m) {
				h := fnv.New64a()
				fmt.Fprintf(h, "%d %s", w.AccountID, m.Address)
				keys = append(keys, int64(h.Sum64())) //nolint:gosec // any 64 bits will do
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	// Row by row in the order of the array; OFFSET 0 keeps the planner from doing it in another.
	if _, err := c.tx.ExecContext(c.ctx, `SELECT pg_advisory_xact_lock(k) FROM (SELECT k FROM unnest($1::bigint[]) WITH ORDINALITY u (k, n) ORDER BY n OFFSET 0) o`,
		slices.Compact(keys)); err != nil {
		return fmt.Errorf("lock people with caps: %w", err)
	}
	return nil
}

// policied tells which accounts ever launched under a policy, which may cap. Rules are never forgotten, so a yes is asked for once.
func (c *postgresCommit) policied(work []overture.SenderWork) (map[overture.AccountID]bool, error) {
	out := map[overture.AccountID]bool{}
	var ask []overture.AccountID
	for _, w := range work {
		if _, asked := out[w.AccountID]; asked || len(w.Marks) == 0 {
			continue
		}
		if _, known := c.store.policied.Load(w.AccountID); known {
			out[w.AccountID] = true
			continue
		}
		out[w.AccountID], ask = false, append(ask, w.AccountID)
	}
	if len(ask) == 0 {
		return out, nil
	}
	condition, arg := sqldb.In(c.store.db, "account_id", 1, ask)
	err := each(c.ctx, plain(c.tx, `SELECT DISTINCT account_id FROM rules WHERE `+condition+` AND policy <> '{}'`), func(id overture.AccountID) {
		out[id] = true
		c.store.policied.Store(id, true)
	}, arg)
	if err != nil {
		return nil, fmt.Errorf("accounts with a policy: %w", err)
	}
	return out, nil
}
