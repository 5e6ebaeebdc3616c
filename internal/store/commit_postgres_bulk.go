package store

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// acceptSQL ends ordinary attempts of all senders: fenced by epoch and token (R3), and all but the provider's id stands in the marker. The
// markers go in the order of the arrays, because connections of TransactByKey join by index only. Joins are written as sqldb.ByKey does.
const acceptSQL = `WITH f AS (DELETE FROM inflight i USING unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) u (id, epoch, token, provider)
		WHERE i.message_id = ANY(ARRAY[u.id]) AND i.epoch = u.epoch AND i.token = u.token
		RETURNING i.message_id, i.lane_id, i.sender_id, i.due_at, i.epoch, i.attempt, i.token, i.started_at, u.provider),
	h AS (INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
		SELECT f.message_id, f.attempt, f.token, f.epoch, f.started_at, $5, 'accepted', 201, 0, f.provider FROM f
		WHERE NOT EXISTS (SELECT 1 FROM attempt a WHERE a.message_id = ANY(ARRAY[f.message_id]) AND a.n = f.attempt AND a.epoch >= 0)),
	q AS (DELETE FROM dispatch d USING f WHERE d.lane_id = ANY(ARRAY[f.lane_id]) AND d.due_at = f.due_at AND d.message_id = f.message_id),
	m AS (UPDATE message SET state = 50, attempts = greatest(message.attempts, f.attempt), provider_id = f.provider, code = 0, reason = '',
			accepted_at = $5, updated_at = $5
		FROM f WHERE message.id = ANY(ARRAY[f.message_id]) AND message.state < 50 RETURNING message.campaign_id, message.replied_at, message.stopped_at)
	SELECT TRUE, sender_id, COUNT(*), 0, 0 FROM f GROUP BY sender_id
	UNION ALL SELECT FALSE, campaign_id, COUNT(*), COUNT(replied_at), COUNT(stopped_at) FROM m GROUP BY campaign_id`

// accept ends the ordinary attempts of all senders in one statement, and returns the other settlements of each.
//
// It locks the markers in the order of their ids, as receipts do: receipts often come while the answer is being settled, and two transactions
// that waited for each other's markers would hold up all senders of the node until PostgreSQL ends one.
func (c *postgresCommit) accept(work []overture.SenderWork, results []overture.CommitResult) (rest [][]overture.Settlement, err error) {
	type end struct {
		*overture.Settlement
		epoch int64
	}
	all := 0
	for i := range work {
		all += len(work[i].Settlements)
	}
	ends := make([]end, 0, all)
	rest = make([][]overture.Settlement, len(work))
	given := make([]int, len(work))
	others := false
	for i := range work {
		w := &work[i]
		for k := range w.Settlements {
			if x := &w.Settlements[k]; ordinary(x) {
				ends = append(ends, end{x, w.Lease.Epoch})
				given[i]++
			} else {
				rest[i], others = append(rest[i], *x), true
			}
		}
	}
	if others {
		if err := c.lockMarkers(work); err != nil {
			return nil, err
		}
	}
	if len(ends) == 0 {
		return rest, nil
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.MessageID, b.MessageID) })
	id, epoch := make([]int64, len(ends)), make([]int64, len(ends))
	token, provider := make([]string, len(ends)), make([]string, len(ends))
	for i, x := range ends {
		id[i], epoch[i], token[i], provider[i] = int64(x.MessageID), x.epoch, x.Token, x.ProviderID
	}
	settled := map[overture.SenderID]int{}
	rows, err := c.tx.QueryContext(c.ctx, acceptSQL, id, epoch, token, provider, c.now)
	if err != nil {
		return nil, fmt.Errorf("settle: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var ofSender bool
		var of int64
		var n, replied, stopped int
		if err := rows.Scan(&ofSender, &of, &n, &replied, &stopped); err != nil {
			return nil, fmt.Errorf("settle: %w", err)
		}
		if ofSender {
			settled[overture.SenderID(of)] = n
		} else {
			x := sending{campaign: overture.CampaignID(of), state: overture.Accepted, at: c.now}
			c.counts.moveAll(x.campaign, overture.Queued, x.state, n)
			c.counts.send(x, n)
			c.counts.answer(x, true, false, replied)
			c.counts.answer(x, false, true, stopped)
		}
	}
	for i := range work {
		sender := work[i].Lease.SenderID
		n := min(given[i], settled[sender])
		results[i].Superseded, settled[sender] = given[i]-n, settled[sender]-n
	}
	return rest, rows.Err()
}

// lockMarkers locks the markers of all settlements in the order of their ids, for the statements that do not keep to it.
func (c *postgresCommit) lockMarkers(work []overture.SenderWork) error {
	var ids []overture.MessageID
	for _, w := range work {
		for _, x := range w.Settlements {
			ids = append(ids, x.MessageID)
		}
	}
	if len(ids) < 2 {
		return nil
	}
	condition, arg := sqldb.In(c.store.db, "message_id", 1, ids)
	if _, err := c.tx.ExecContext(c.ctx, `SELECT 1 FROM inflight WHERE `+condition+` ORDER BY message_id FOR UPDATE`, arg); err != nil {
		return fmt.Errorf("lock markers: %w", err)
	}
	return nil
}
