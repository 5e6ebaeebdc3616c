package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// nobodyStopped is the condition on account a under which its lanes may be marked (kill switch).
const nobodyStopped = `a.stopped = FALSE AND NOT EXISTS (SELECT 1 FROM emergency_stop)`

// unbarred is the condition on lane l under which no guard rail has closed it. A budget used up to the last is none: the next mark closes the lane, with a
// barrier the guard sees, and a campaign that just fits comes to its end.
const unbarred = `l.barrier = '' AND (l.allowance IS NULL OR l.allowance > 0)`

// rail bounds the marks of one sender in one transaction; a sender whose lanes have no guard rail has none.
type rail struct {
	limits   overture.Rails
	account  overture.AccountID
	lanes    map[overture.LaneID]*laneRail
	segments map[overture.MessageID]int64
	spent    spend // by the account's campaigns today, with what this transaction admits
	charged  spend // of it, by this transaction
	hour     int64
	touched  map[string]map[overture.Address]int64 // by prefix: the last hour in which a number was written to
	fresh    []overture.Address
	taken    map[overture.MessageID]bool
	late     []overture.Mark // over a prefix limit outside campaigns: they wait for the next hour
}

type laneRail struct {
	campaign                 overture.CampaignID
	allowance, budget, money sql.NullInt64
	barrier                  string
	marks                    int64
	spent                    spend
	prices                   *lanePrices // nil: no limit in money
}

// spend is what marks cost. Money is in millionths of the currency of a lane's prices; zero where no limit in money is set.
type spend struct{ segments, money int64 }

func (s *spend) add(o spend, n int64) {
	s.segments, s.money = s.segments+n*o.segments, s.money+n*o.money
}

const hourMillis = int64(time.Hour / time.Millisecond)

// railOf reads what bounds the lanes of a gate; nil when nothing does. charged is what marks of other senders of the account took in this transaction.
func (s *Store) railOf(ctx context.Context, tx *sql.Tx, w *overture.SenderWork, lanes map[overture.LaneID]*laneRail, settings string, charged spend, now int64) (*rail, error) {
	if len(lanes) == 0 {
		return nil, nil //nolint:nilnil // nothing will be marked
	}
	limits, err := s.railsIn(settings)
	if err != nil {
		return nil, err
	}
	replies, bounded := false, false
	for _, l := range lanes {
		replies = replies || l.campaign == 0
		bounded = bounded || l.allowance.Valid || l.budget.Valid || l.money.Valid || l.campaign != 0 && (spendPerDay(limits) || limits.CampaignPrefixPerDay > 0)
	}
	replies = replies && (limits.PrefixPerHour > 0 || limits.PrefixPerDay > 0)
	if !bounded && !replies {
		return nil, nil //nolint:nilnil // no rail, nothing to ask
	}
	r := &rail{limits: limits, account: w.AccountID, lanes: lanes, segments: map[overture.MessageID]int64{}, hour: now / hourMillis, taken: map[overture.MessageID]bool{}, touched: map[string]map[overture.Address]int64{}}
	if s.db.Postgres() && (spendPerDay(limits) || limits.CampaignPrefixPerDay > 0 || replies) {
		// Nodes that send for the same account count in turn. Commits work through their senders in the order of accounts, so they wait in no circle.
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, w.AccountID); err != nil {
			return nil, fmt.Errorf("lock the rails of %s: %w", w.AccountID, err)
		}
	}
	if bounded {
		if err := r.readSpend(ctx, s, tx, w, now); err != nil {
			return nil, err
		}
		r.spent.add(charged, 1)
	}
	if replies || limits.CampaignPrefixPerDay > 0 {
		return r, r.readPrefixes(ctx, s, tx, w)
	}
	return r, nil
}

// spendPerDay tells whether an account's campaigns are counted per day.
func spendPerDay(limits overture.Rails) bool {
	return limits.SegmentsPerDay > 0 || limits.SpendPerDay > 0
}

// railsIn reads the rails of an account's settings, which rarely change: each text is decoded once.
func (s *Store) railsIn(settings string) (overture.Rails, error) {
	if known, ok := s.rails.Load(settings); ok {
		return known.(overture.Rails), nil //nolint:forcetypeassert // nothing else is stored
	}
	decoded, err := decodeSettings(settings)
	if err != nil {
		return overture.Rails{}, err
	}
	limits := decoded.Rails.WithDefaults()
	if s.railsKnown.Add(1) > 1000 { // accounts are few; their settings change rarely
		s.rails.Clear()
		s.railsKnown.Store(0)
	}
	s.rails.Store(settings, limits)
	return limits, nil
}

func (r *rail) readSpend(ctx context.Context, s *Store, tx *sql.Tx, w *overture.SenderWork, now int64) error {
	ids := make([]overture.MessageID, len(w.Marks))
	for i, m := range w.Marks {
		ids[i] = m.MessageID
	}
	condition, arg := sqldb.In(s.db, "id", 1, ids)
	if err := eachRow(ctx, plain(tx, `SELECT id, segments FROM message WHERE `+condition), func(rows *sql.Rows) error {
		var id overture.MessageID
		var n int64
		err := rows.Scan(&id, &n)
		r.segments[id] = max(n, 1)
		return err
	}, arg); err != nil {
		return fmt.Errorf("segments: %w", err)
	}
	for id, l := range r.lanes {
		if l.campaign == 0 || !l.money.Valid && r.limits.SpendPerDay == 0 {
			continue
		}
		var err error
		if l.prices, err = s.pricesOfLane(ctx, tx, id); err != nil {
			return err
		}
	}
	if !spendPerDay(r.limits) {
		return nil
	}
	if err := eachRow(ctx, plain(tx, `SELECT spent, money FROM account_spend WHERE account_id = $1 AND day = $2`), func(rows *sql.Rows) error {
		return rows.Scan(&r.spent.segments, &r.spent.money)
	}, w.AccountID, dayOf(now)); err != nil {
		return fmt.Errorf("spent today: %w", err)
	}
	return nil
}

// dayOf is the number of the UTC day.
func dayOf(millis int64) int64 { return millis / (24 * hourMillis) }

func (r *rail) readPrefixes(ctx context.Context, s *Store, tx *sql.Tx, w *overture.SenderWork) error {
	var prefixes []string
	for _, m := range w.Marks {
		p := r.limits.Prefix(m.Address)
		if r.touched[p] == nil {
			r.touched[p] = map[overture.Address]int64{}
			prefixes = append(prefixes, p)
		}
	}
	condition, arg := sqldb.In(s.db, "prefix", 3, prefixes)
	return eachRow(ctx, plain(tx, `SELECT prefix, address, MAX(hour) FROM prefix_touch WHERE account_id = $1 AND hour > $2 AND address <> '' AND `+condition+` GROUP BY prefix, address`),
		func(rows *sql.Rows) error {
			var p string
			var a overture.Address
			var hour int64
			err := rows.Scan(&p, &a, &hour)
			r.touched[p][a] = hour
			return err
		}, r.account, r.hour-24, arg)
}

// admit says whether a mark that passed every other check stays inside the rails, and takes its share when it does.
func (r *rail) admit(m overture.Mark) overture.Verdict {
	l := r.lanes[m.LaneID]
	if l == nil || l.barrier != "" || l.allowance.Valid && l.allowance.Int64 <= l.marks {
		return overture.LaneClosed
	}
	if l.campaign != 0 {
		cost, priced := r.cost(l, m)
		switch {
		case l.budget.Valid && l.spent.segments+cost.segments > l.budget.Int64:
			l.barrier = overture.BarrierCampaignSpend
		case r.limits.SegmentsPerDay > 0 && r.spent.segments+cost.segments > r.limits.SegmentsPerDay:
			l.barrier = overture.BarrierDaySpend
		case !priced:
			l.barrier = overture.BarrierUnpriced
		case l.money.Valid && l.spent.money+cost.money > l.money.Int64:
			l.barrier = overture.BarrierCampaignMoney
		case r.limits.SpendPerDay > 0 && r.spent.money+cost.money > r.limits.SpendPerDay:
			l.barrier = overture.BarrierDayMoney
		case !r.touch(m.Address, 0, r.limits.CampaignPrefixPerDay):
			l.barrier = overture.BarrierPrefix
		}
		if l.barrier != "" {
			return overture.LaneClosed
		}
	} else if !r.touch(m.Address, r.limits.PrefixPerHour, r.limits.PrefixPerDay) {
		r.late = append(r.late, m)
		return overture.Gone
	}
	r.taken[m.MessageID] = true
	r.take(m, 1)
	return overture.Marked
}

// take counts a mark that is admitted, or with -1 one that came to nothing.
func (r *rail) take(m overture.Mark, n int64) {
	l := r.lanes[m.LaneID]
	cost, _ := r.cost(l, m)
	l.marks += n
	l.spent.add(cost, n)
	if l.campaign != 0 && spendPerDay(r.limits) {
		r.spent.add(cost, n)
		r.charged.add(cost, n)
	}
}

// cost is what a mark takes of the limits. priced is false where a limit in money needs a price and there is none, or one in another currency.
func (r *rail) cost(l *laneRail, m overture.Mark) (cost spend, priced bool) {
	cost.segments = max(r.segments[m.MessageID], 1)
	if l.prices == nil {
		return cost, true
	}
	cost.money, priced = l.prices.cost(m.Address, cost.segments)
	return cost, priced && (r.limits.SpendPerDay == 0 || r.limits.SpendCurrency == l.prices.currency)
}

// touch counts a number towards its prefix. One that was written to within the hour, or the day, is no new one.
func (r *rail) touch(a overture.Address, perHour, perDay int) bool {
	if perHour == 0 && perDay == 0 {
		return true
	}
	p := r.limits.Prefix(a)
	known := r.touched[p]
	last, seen := known[a]
	if seen && last == r.hour {
		return true
	}
	inHour := 0
	for _, hour := range known {
		if hour == r.hour {
			inHour++
		}
	}
	if perHour > 0 && inHour >= perHour || perDay > 0 && !seen && len(known) >= perDay {
		return false
	}
	known[a] = r.hour
	r.fresh = append(r.fresh, a)
	return true
}

// write records what the marks of this transaction used up, and moves to the next hour what has to wait. It does nothing on a nil rail.
func (r *rail) write(c *commitTx, w *overture.SenderWork, verdicts []overture.Verdict) error {
	if r == nil {
		return nil
	}
	for i, m := range w.Marks {
		if r.taken[m.MessageID] && verdicts[i] != overture.Marked {
			r.take(m, -1)
		}
	}
	lanes := make([]overture.LaneID, 0, len(r.lanes))
	for id := range r.lanes {
		lanes = append(lanes, id)
	}
	slices.Sort(lanes)
	for _, id := range lanes {
		l := r.lanes[id]
		if l.barrier == "" && (l.marks == 0 || !l.allowance.Valid && !l.budget.Valid && !l.money.Valid) {
			continue
		}
		if _, err := c.tx.ExecContext(c.ctx, `UPDATE lane SET allowance = allowance - $1, budget = budget - $2, money = money - $3, barrier = $4 WHERE id = $5`,
			l.marks, l.spent.segments, l.spent.money, l.barrier, id); err != nil {
			return fmt.Errorf("rails of lane %s: %w", id, err)
		}
	}
	if r.charged.segments > 0 {
		c.days.of(r.account, dayOf(c.now)).taken.add(r.charged, 1)
	}
	for _, a := range r.fresh {
		if _, err := c.tx.ExecContext(c.ctx, touchSQL, r.account, r.limits.Prefix(a), a, r.hour); err != nil {
			return fmt.Errorf("count a prefix: %w", err)
		}
	}
	for _, m := range r.late {
		if err := r.wait(c, m, w); err != nil {
			return err
		}
	}
	return nil
}

const touchSQL = `INSERT INTO prefix_touch (account_id, prefix, address, hour) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

// wait moves a message that is over a prefix limit to the next hour, and raises the alarm once per prefix and hour. Past its validity it
// expires there, in sight.
func (r *rail) wait(c *commitTx, m overture.Mark, w *overture.SenderWork) error {
	if _, err := c.tx.ExecContext(c.ctx, `UPDATE dispatch SET due_at = $1 WHERE lane_id = $2 AND due_at = $3 AND message_id = $4
		AND NOT EXISTS (SELECT 1 FROM inflight f WHERE f.message_id = $4)`, (r.hour+1)*hourMillis, m.LaneID, m.Due.UnixMilli(), m.MessageID); err != nil {
		return fmt.Errorf("wait for the next hour: %w", err)
	}
	prefix := r.limits.Prefix(m.Address)
	res, err := c.tx.ExecContext(c.ctx, touchSQL, r.account, prefix, "", r.hour)
	if err != nil {
		return fmt.Errorf("note a prefix limit: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return writeAudit(c.ctx, c.tx, c.store.NewID(), overture.Actor{AccountID: w.AccountID}, "guard.prefix_limit", w.Lease.SenderID.String(),
		fmt.Sprintf("more than %d different numbers within an hour, or %d within a day, begin with +%s; the others wait", r.limits.PrefixPerHour, r.limits.PrefixPerDay, prefix),
		time.UnixMilli(c.now))
}
