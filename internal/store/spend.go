package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/overture-im/overture"
)

// accountDay is one row of account_spend: what an account's campaigns spent on a UTC day.
type accountDay struct {
	account overture.AccountID
	day     int64
}

func (a accountDay) compare(b accountDay) int {
	return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.day, b.day))
}

// spendDays gathers what one transaction changes in account_spend. Its rows are the last but the counters that a transaction locks, and every one
// locks them in the order of accounts and days, so that no two wait for each other.
type spendDays map[accountDay]*daySpend

// daySpend is what is taken from a day's limits, what they get back, and what of that is taken again because it was sent after all. The last two have
// an effect only where the day is counted at all.
type daySpend struct{ taken, back, again spend }

func (d spendDays) of(account overture.AccountID, day int64) *daySpend {
	on := accountDay{account, day}
	if d[on] == nil {
		d[on] = &daySpend{}
	}
	return d[on]
}

// accounts gives those from whose days something is taken, and whether money is.
func (d spendDays) accounts() (ids []overture.AccountID, money map[overture.AccountID]bool) {
	ids, money = []overture.AccountID{}, map[overture.AccountID]bool{}
	for on, x := range d {
		if x.taken.segments > 0 {
			ids = append(ids, on.account)
			money[on.account] = money[on.account] || x.taken.money > 0
		}
	}
	return ids, money
}

func (d spendDays) write(ctx context.Context, tx *sql.Tx) error {
	for _, on := range slices.SortedFunc(maps.Keys(d), accountDay.compare) {
		x := d[on]
		if x.taken.segments > 0 {
			if _, err := tx.ExecContext(ctx, `INSERT INTO account_spend (account_id, day, spent, money) VALUES ($1, $2, $3, $4)
				ON CONFLICT (account_id, day) DO UPDATE SET spent = account_spend.spent + excluded.spent, money = account_spend.money + excluded.money`,
				on.account, on.day, x.taken.segments, x.taken.money); err != nil {
				return fmt.Errorf("spend of %s: %w", on.account, err)
			}
		}
		if x.again.segments > 0 {
			if _, err := tx.ExecContext(ctx, `UPDATE account_spend SET spent = spent + $1, money = money + $2 WHERE account_id = $3 AND day = $4`,
				x.again.segments, x.again.money, on.account, on.day); err != nil {
				return fmt.Errorf("spend of %s: %w", on.account, err)
			}
		}
		if x.back.segments > 0 {
			if _, err := tx.ExecContext(ctx, `UPDATE account_spend SET spent = CASE WHEN spent < $1 THEN 0 ELSE spent - $1 END,
				money = CASE WHEN money < $2 THEN 0 ELSE money - $2 END WHERE account_id = $3 AND day = $4`,
				x.back.segments, x.back.money, on.account, on.day); err != nil {
				return fmt.Errorf("give back to %s: %w", on.account, err)
			}
		}
	}
	return nil
}

// spendKept is for how many days what an account spent is kept.
const spendKept = 40

// forgetSpendDays removes days that no limit and no give-back needs any more.
func (s *Store) forgetSpendDays(ctx context.Context, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM account_spend WHERE (account_id, day) IN
			(SELECT account_id, day FROM account_spend WHERE day < $1 ORDER BY account_id, day`+s.db.ForUpdate()+`)`, dayOf(now.UnixMilli())-spendKept); err != nil {
			return fmt.Errorf("forget old days: %w", err)
		}
		return nil
	})
}
