package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// driftedLimits recounts what attempts and markers took from canaries, spend limits and days (F2). What a lane has left is certain: it was granted so
// much, and every attempt took its share but those that were given back as certainly not sent. What an account spent on a day never exceeds its
// attempts of that day; it equals them where a limit counted all of them: no change of the account since the day's first, and no quarantine, which
// books on its own day what may have gone out on another.
func (s *Store) driftedLimits(ctx context.Context) ([]Finding, error) {
	lanes := Finding{Rule: "F2", Says: "what is left of a campaign's canary and spend limits is what was granted less what its attempts took"}
	days := Finding{Rule: "F2", Says: "what an account's campaigns spent in a day is what their attempts of the day took"}
	o := &sql.TxOptions{ReadOnly: true}
	if s.db.Postgres() {
		o.Isolation = sql.LevelRepeatableRead // all statements see one moment
	}
	tx, err := s.db.Read.BeginTx(ctx, o)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("recount limits: %w", err))
	}
	defer func() { _ = tx.Rollback() }()
	r := &recount{s: s, tx: tx, lanes: map[overture.LaneID]*laneRecount{}, days: map[accountDay]*dayRecount{}, limits: map[overture.AccountID]overture.Rails{}, changed: map[overture.AccountID]int64{}}
	if err := r.run(ctx); err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("recount limits: %w", err))
	}
	for _, id := range slices.Sorted(maps.Keys(r.lanes)) {
		if r.lanes[id].drifted() {
			lanes.offender(int64(r.lanes[id].campaign))
		}
	}
	if err := r.compareDays(ctx, func(on accountDay) { days.offender(int64(on.account)) }); err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("recount days: %w", err))
	}
	var out []Finding
	for _, f := range []Finding{lanes, days} {
		if f.Count > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

// recount is one verification of the limits, in one moment of the database.
type recount struct {
	s       *Store
	tx      *sql.Tx
	lanes   map[overture.LaneID]*laneRecount
	days    map[accountDay]*dayRecount
	limits  map[overture.AccountID]overture.Rails // of accounts whose days are counted
	changed map[overture.AccountID]int64          // when their settings changed last
}

type dayRecount struct {
	took  spend
	first int64 // attempt, given back or not
}

func (r *recount) day(on accountDay) *dayRecount {
	if r.days[on] == nil {
		r.days[on] = &dayRecount{first: math.MaxInt64}
	}
	return r.days[on]
}

type laneRecount struct {
	campaign                 overture.CampaignID
	account                  overture.AccountID
	allowance, budget, money sql.NullInt64
	granted, grantedMoney    int64
	canary                   int64
	messages                 int64
	took                     spend
	prices                   *lanePrices
}

func (l *laneRecount) drifted() bool {
	return l.allowance.Valid && l.canary-l.allowance.Int64 != l.messages ||
		l.budget.Valid && l.granted-l.budget.Int64 != l.took.segments ||
		l.money.Valid && l.grantedMoney-l.money.Int64 != l.took.money
}

func (r *recount) run(ctx context.Context) error {
	if err := r.readAccounts(ctx); err != nil {
		return err
	}
	if err := r.readLanes(ctx); err != nil || len(r.lanes) == 0 {
		return err
	}
	for id, l := range r.lanes {
		var err error
		if l.money.Valid || r.limits[l.account].SpendPerDay > 0 {
			if l.prices, err = r.s.pricesOfLane(ctx, r.tx, id); err != nil {
				return err
			}
		}
	}
	if err := r.readDeleted(ctx); err != nil {
		return err
	}
	condition, arg := sqldb.In(r.s.db, "m.lane_id", 1, slices.Sorted(maps.Keys(r.lanes)))
	return eachRow(ctx, plain(r.tx, `SELECT m.lane_id, m.address, m.segments, a.started_at, a.outcome IN (`+givenBack+`) FROM message m JOIN attempt a ON a.message_id = m.id
			WHERE `+condition+`
		UNION ALL SELECT m.lane_id, m.address, m.segments, CASE WHEN f.since > 0 AND f.token <> '' THEN f.since ELSE f.started_at END, FALSE FROM message m JOIN inflight f ON f.message_id = m.id WHERE `+condition), func(rows *sql.Rows) error {
		var lane overture.LaneID
		var to overture.Address
		var one spend
		var started int64
		var back bool
		if err := rows.Scan(&lane, &to, &one.segments, &started, &back); err != nil {
			return err
		}
		l := r.lanes[lane]
		day := r.day(accountDay{l.account, dayOf(started)})
		if day.first = min(day.first, started); back {
			return nil
		}
		if one.segments = max(one.segments, 1); l.prices != nil {
			one.money, _ = l.prices.cost(to, one.segments)
		}
		l.messages++
		l.took.add(one, 1)
		day.took.add(one, 1)
		return nil
	}, arg)
}

// readDeleted counts what attempts took that retention deleted since.
func (r *recount) readDeleted(ctx context.Context) error {
	return eachRow(ctx, plain(r.tx, `SELECT lane_id, day, messages, segments, money, first_at FROM deleted_spend`), func(rows *sql.Rows) error {
		var lane overture.LaneID
		var on, messages, first int64
		var took spend
		if err := rows.Scan(&lane, &on, &messages, &took.segments, &took.money, &first); err != nil {
			return err
		}
		l := r.lanes[lane]
		if l == nil {
			return nil
		}
		if l.prices == nil {
			took.money = 0 // as with the attempts that are there
		}
		day := r.day(accountDay{l.account, on})
		day.first = min(day.first, first)
		day.took.add(took, 1)
		l.messages += messages
		l.took.add(took, 1)
		return nil
	})
}

// readAccounts finds the accounts whose days are counted, and since when each has been as it is.
func (r *recount) readAccounts(ctx context.Context) error {
	rows, err := r.tx.QueryContext(ctx, `SELECT a.id, a.settings, EXISTS (SELECT 1 FROM account_spend s WHERE s.account_id = a.id),
		COALESCE((SELECT MAX(u.at) FROM audit u WHERE u.account_id = a.id AND u.action = 'account.changed'), 0) FROM account a`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id overture.AccountID
		var settings string
		var counted bool
		var changed int64
		if err := rows.Scan(&id, &settings, &counted, &changed); err != nil {
			return err
		}
		limits, err := r.s.railsIn(settings)
		if err != nil {
			return err
		}
		if counted || spendPerDay(limits) {
			r.limits[id], r.changed[id] = limits, changed
		}
	}
	return rows.Err()
}

// readLanes finds the campaigns' lanes that have limits of their own or count towards a day.
func (r *recount) readLanes(ctx context.Context) error {
	return eachRow(ctx, plain(r.tx, `SELECT l.id, l.account_id, l.campaign_id, l.allowance, l.budget, l.money, l.granted, l.granted_money, c.watch
		FROM lane l JOIN campaign c ON c.id = l.campaign_id`), func(rows *sql.Rows) error {
		var id overture.LaneID
		var watch overture.Watch
		var raw string
		l := &laneRecount{}
		if err := rows.Scan(&id, &l.account, &l.campaign, &l.allowance, &l.budget, &l.money, &l.granted, &l.grantedMoney, &raw); err != nil {
			return err
		}
		if _, counted := r.limits[l.account]; !counted && !l.allowance.Valid && !l.budget.Valid && !l.money.Valid {
			return nil
		}
		if err := unpack(raw, &watch); err != nil {
			return fmt.Errorf("guard of %s: %w", l.campaign, err)
		}
		l.canary = int64(watch.CanarySize)
		r.lanes[id] = l
		return nil
	})
}

func (r *recount) compareDays(ctx context.Context, drifted func(accountDay)) error {
	booked := map[accountDay]spend{}
	if err := eachRow(ctx, plain(r.tx, `SELECT account_id, day, spent, money FROM account_spend`), func(rows *sql.Rows) error {
		var on accountDay
		var x spend
		err := rows.Scan(&on.account, &on.day, &x.segments, &x.money)
		booked[on] = x
		r.day(on)
		return err
	}); err != nil {
		return err
	}
	today := dayOf(time.Now().UnixMilli())
	blurred := map[int64]bool{}
	if err := eachRow(ctx, plain(r.tx, `SELECT since, COALESCE(released_at, 0) FROM quarantine`), func(rows *sql.Rows) error {
		var since, released int64
		err := rows.Scan(&since, &released)
		last := today
		if released > 0 {
			last = dayOf(released)
		}
		for day := dayOf(since); day <= last; day++ {
			blurred[day] = true
		}
		return err
	}); err != nil {
		return err
	}
	for _, on := range slices.SortedFunc(maps.Keys(r.days), accountDay.compare) {
		limits, counted := r.limits[on.account]
		if !counted || blurred[on.day] {
			continue
		}
		is, took := booked[on], r.days[on].took
		exact := spendPerDay(limits) && r.days[on].first > r.changed[on.account]+afterAct && on.day > today-spendKept
		switch {
		case is.segments > took.segments, exact && is.segments != took.segments:
			drifted(on)
		case limits.SpendPerDay > 0 && (is.money > took.money || exact && is.money != took.money):
			drifted(on)
		}
	}
	return nil
}
