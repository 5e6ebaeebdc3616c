package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// Census is how things stand, for an operator's gauges: counted from counters, markers and first rows of an index, never from all messages.
type Census struct {
	Queued, Attempting, Unknown, Held int
	OldestDue                         time.Time // of what is due and may be sent; zero: nothing is
	OldestUnknown                     time.Time
	Orphans                           int // receipts without a message
	OptOuts                           int
	Inbound                           int // answers that wait to be matched
	Planning                          int // campaigns whose messages are being written
	Leases                            int // senders this owner holds
	StoppedSenders                    int
	StoppedAccounts                   int // by their kill switch
	EmergencyStop                     bool
	Quarantine                        bool
	LastBackup                        time.Time
	Jobs                              map[string]int
}

// Census counts. owner is whose leases are counted.
func (s *Store) Census(ctx context.Context, owner string, now time.Time) (Census, error) {
	c := Census{Jobs: map[string]int{}}
	var due, unknown sql.NullInt64
	states := map[overture.State]*int{overture.Queued: &c.Queued, overture.Held: &c.Held}
	one := func(to any, query string, args ...any) func() error {
		return func() error { return s.db.Read.QueryRowContext(ctx, query, args...).Scan(to) }
	}
	for _, ask := range []func() error{
		func() error {
			return eachRow(ctx, plain(s.db.Read, `SELECT state, SUM(n) FROM campaign_count WHERE state IN (0, 40) GROUP BY state`), func(rows *sql.Rows) error {
				var state overture.State
				var n int
				err := rows.Scan(&state, &n)
				if to := states[state]; to != nil {
					*to = n
				}
				return err
			})
		},
		func() error { // answers and test sends have no campaign to count them
			var n int
			// Not as a join: SQLite would go through the whole queue and ask for the lane of each row.
			err := s.db.Read.QueryRowContext(ctx, `SELECT COALESCE(SUM(n), 0) FROM
				(SELECT (SELECT COUNT(*) FROM dispatch d WHERE d.lane_id = l.id) AS n FROM lane l WHERE l.campaign_id = 0) q`).Scan(&n)
			c.Queued += n
			return err
		},
		func() error {
			m, err := sparingly(ctx, &s.markers, 0, s.countMarkers)
			c.Attempting, c.Unknown, unknown = m.attempting, m.unknown, m.oldestUnknown
			return err
		},
		one(&due, `SELECT MIN(f.due) FROM (SELECT (SELECT MIN(d.due_at) FROM dispatch d WHERE d.lane_id = l.id) AS due
			FROM lane l JOIN sender sd ON sd.id = l.sender_id WHERE l.state = 'open' AND sd.stopped = FALSE) f`),
		func() (err error) {
			c.Orphans, err = sparingly(ctx, &s.orphans, 0, s.counter(`SELECT COUNT(*) FROM orphan_receipt`))
			return err
		},
		func() (err error) {
			c.OptOuts, err = sparingly(ctx, &s.optOuts, time.Minute, s.counter(`SELECT COUNT(*) FROM opt_out`)) // they only grow
			return err
		},
		one(&c.Inbound, `SELECT COUNT(*) FROM inbound WHERE processed_at IS NULL`),
		one(&c.Planning, `SELECT COUNT(*) FROM campaign WHERE launched_at IS NOT NULL AND completed_at IS NULL AND planning = TRUE`),
		one(&c.Leases, `SELECT COUNT(*) FROM sender_lease WHERE owner = $1 AND expires_at >= $2`, owner, now.UnixMilli()),
		one(&c.StoppedSenders, `SELECT COUNT(*) FROM sender WHERE stopped = TRUE`),
		one(&c.StoppedAccounts, `SELECT COUNT(*) FROM account WHERE stopped = TRUE`),
		one(&c.EmergencyStop, `SELECT EXISTS (SELECT 1 FROM emergency_stop)`),
		one(&c.Quarantine, `SELECT NOT (`+noQuarantine+`)`),
		func() (err error) { c.LastBackup, err = s.LastBackup(ctx); return err },
		func() error {
			return eachRow(ctx, plain(s.db.Read, `SELECT state, COUNT(*) FROM job GROUP BY state`), func(rows *sql.Rows) error {
				var state string
				var n int
				err := rows.Scan(&state, &n)
				c.Jobs[state] = n
				return err
			})
		},
	} {
		if err := ask(); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return c, sqldb.Trouble(fmt.Errorf("count for the gauges: %w", err))
		}
	}
	if due.Valid && due.Int64 <= now.UnixMilli() {
		c.OldestDue = sqldb.Time(due)
	}
	c.OldestUnknown = sqldb.Time(unknown)
	return c, nil
}

// counted is a number that takes long to count when there is much: all markers of a quarantine, all opt-outs.
type counted[T any] struct {
	value T
	next  time.Time // not counted anew before
}

// sparingly counts at most every so often, and at most a hundredth of the time: a million markers every half minute, a few each time.
func sparingly[T any](ctx context.Context, last *atomic.Pointer[counted[T]], every time.Duration, count func(context.Context) (T, error)) (T, error) {
	began := time.Now()
	if l := last.Load(); l != nil && began.Before(l.next) {
		return l.value, nil
	}
	v, err := count(ctx)
	if err != nil {
		return v, err
	}
	last.Store(&counted[T]{v, began.Add(max(every, 100*time.Since(began)))})
	return v, nil
}

func (s *Store) counter(query string) func(context.Context) (int, error) {
	return func(ctx context.Context) (n int, err error) {
		err = s.db.Read.QueryRowContext(ctx, query).Scan(&n)
		return n, err
	}
}

type markerCensus struct {
	attempting, unknown int
	oldestUnknown       sql.NullInt64
}

func (s *Store) countMarkers(ctx context.Context) (m markerCensus, err error) {
	err = eachRow(ctx, plain(s.db.Read, `SELECT state, COUNT(*), MIN(started_at) FROM inflight GROUP BY state`), func(rows *sql.Rows) error {
		var state string
		var n int
		var first sql.NullInt64
		if err := rows.Scan(&state, &n, &first); err != nil {
			return err
		}
		switch state {
		case "attempting":
			m.attempting = n
		case "unknown":
			m.unknown, m.oldestUnknown = n, first
		}
		return nil
	})
	return m, err
}
