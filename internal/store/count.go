package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// countDeltas collects what one transaction changes in the counters: how many messages of a campaign enter (+) or leave (−) a state, and
// where in time they count as sent (sent.go). The counters are a cache that moves with the rows: verify recounts them (I16).
type countDeltas struct {
	states map[countKey]int
	sent   map[sentKey]sentDelta
}

type countKey struct {
	campaign overture.CampaignID
	state    overture.State
}

func newCountDeltas() countDeltas {
	return countDeltas{states: map[countKey]int{}, sent: map[sentKey]sentDelta{}}
}

// move records one message going from a state to another; messages without a campaign are not counted.
func (c countDeltas) move(campaign overture.CampaignID, from, to overture.State) {
	c.moveAll(campaign, from, to, 1)
}

// moveAll records n messages of a campaign going from a state to another.
func (c countDeltas) moveAll(campaign overture.CampaignID, from, to overture.State, n int) {
	if campaign == 0 || from == to {
		return
	}
	c.states[countKey{campaign, from}] -= n
	c.states[countKey{campaign, to}] += n
}

// enter records n new messages in a state.
func (c countDeltas) enter(campaign overture.CampaignID, state overture.State, n int) {
	if campaign != 0 && n != 0 {
		c.states[countKey{campaign, state}] += n
	}
}

const (
	countRowSQL = `INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, $2, $3)
		ON CONFLICT (campaign_id, state) DO UPDATE SET n = campaign_count.n + excluded.n`
	countRowsSQL = `INSERT INTO campaign_count (campaign_id, state, n) SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bigint[])
		ON CONFLICT (campaign_id, state) DO UPDATE SET n = campaign_count.n + excluded.n`
)

var (
	sentConflict = ` ON CONFLICT (campaign_id, quarter) DO UPDATE SET ` + eachSentColumn(func(_ int, c string) string { return c + ` = sent_count.` + c + ` + excluded.` + c })
	sentInto     = `INSERT INTO sent_count (campaign_id, quarter, ` + eachSentColumn(func(_ int, c string) string { return c }) + `) `
	sentRowSQL   = sentInto + `VALUES ($1, $2, ` + eachSentColumn(func(i int, _ string) string { return fmt.Sprint("$", i+3) }) + `)` + sentConflict
	sentRowsSQL  = sentInto + `SELECT * FROM unnest($1::bigint[], $2::bigint[], ` + eachSentColumn(func(i int, _ string) string { return fmt.Sprintf("$%d::bigint[]", i+3) }) + `)` + sentConflict
)

// countQueries are worth preparing where many messages move.
var countQueries = []string{countRowSQL, sentRowSQL}

// writeCounts writes the deltas, at the end of the transaction and in a fixed order, so that two transactions never wait for each other in a circle.
func (s *Store) writeCounts(ctx context.Context, tx *sql.Tx, c countDeltas) error {
	states := sortedDeltas(c.states, 0, func(a, b countKey) int {
		return cmp.Or(cmp.Compare(a.campaign, b.campaign), cmp.Compare(a.state, b.state))
	})
	sent := sortedDeltas(c.sent, sentDelta{}, func(a, b sentKey) int {
		return cmp.Or(cmp.Compare(a.campaign, b.campaign), cmp.Compare(a.quarter, b.quarter))
	})
	if s.db.Postgres() {
		return writeCountsPostgres(ctx, tx, c, states, sent)
	}
	for _, k := range states {
		if err := s.execPrepared(ctx, tx, countRowSQL, int64(k.campaign), int64(k.state), int64(c.states[k])); err != nil {
			return fmt.Errorf("count messages of %s: %w", k.campaign, err)
		}
	}
	for _, k := range sent {
		args := append(make([]any, 0, 2+len(sentColumns)), int64(k.campaign), k.quarter)
		for _, n := range c.sent[k] {
			args = append(args, n)
		}
		if err := s.execPrepared(ctx, tx, sentRowSQL, args...); err != nil {
			return fmt.Errorf("count what %s sent: %w", k.campaign, err)
		}
	}
	return nil
}

func writeCountsPostgres(ctx context.Context, tx *sql.Tx, c countDeltas, states []countKey, sent []sentKey) error {
	if len(states) > 0 {
		var campaign, n []int64
		var state []int16
		for _, k := range states {
			campaign, state, n = append(campaign, int64(k.campaign)), append(state, int16(k.state)), append(n, int64(c.states[k]))
		}
		if _, err := tx.ExecContext(ctx, countRowsSQL, campaign, state, n); err != nil {
			return fmt.Errorf("count messages: %w", err)
		}
	}
	if len(sent) > 0 {
		columns := make([][]int64, 2+len(sentColumns))
		for _, k := range sent {
			columns[0], columns[1] = append(columns[0], int64(k.campaign)), append(columns[1], k.quarter)
			for i, n := range c.sent[k] {
				columns[2+i] = append(columns[2+i], n)
			}
		}
		args := make([]any, len(columns))
		for i, c := range columns {
			args[i] = c
		}
		if _, err := tx.ExecContext(ctx, sentRowsSQL, args...); err != nil {
			return fmt.Errorf("count what was sent: %w", err)
		}
	}
	return nil
}

// sortedDeltas lists the keys that change something.
func sortedDeltas[K, D comparable](m map[K]D, nothing D, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(maps.Collect(func(yield func(K, D) bool) {
		for k, d := range m {
			if d != nothing && !yield(k, d) {
				return
			}
		}
	})), compare)
}

// execPrepared runs a statement on SQLite, without parsing it again when Prepare has seen it.
func (s *Store) execPrepared(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	stmt, err := s.db.Prepared(ctx, tx, query) //nolint:sqlclosecheck // ends with the transaction
	if errors.Is(err, sqldb.ErrNotPrepared) {
		_, err = tx.ExecContext(ctx, query, args...)
		return err
	}
	if err == nil {
		_, err = stmt.ExecContext(ctx, args...)
	}
	return err
}
