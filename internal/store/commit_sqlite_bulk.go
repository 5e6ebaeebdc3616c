package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/overture-im/overture"
)

// On SQLite a statement costs about as much as the row it touches, so what nearly all messages go through — a mark, and a first attempt
// that was accepted — takes many rows per statement. Everything else, and every chunk in which one row is not as expected, takes the row
// by row path of commit_sqlite.go; both leave the same rows.

// bulkSizes are the rows per statement that are prepared, largest first.
var bulkSizes = [...]int{64, 16, 4}

// bulkSize is the largest prepared size that n rows fill; 0 when they are too few.
func bulkSize(n int) int {
	for _, size := range bulkSizes {
		if n >= size {
			return size
		}
	}
	return 0
}

func values(row string, n int) string { return "(VALUES " + strings.Repeat(row+",", n-1) + row + ")" }

// Placeholders without numbers: the driver looks up the name of every numbered one each time.
func bulkMarkSQL(n int) string {
	return `INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		SELECT d.message_id, d.lane_id, ?, d.due_at, d.not_after, ?, u.column4, u.column5, ?, 'attempting', 0, u.column6
		FROM ` + values("(?,?,?,?,?,?)", n) + ` u CROSS JOIN dispatch d ON d.lane_id = u.column1 AND d.due_at = u.column2 AND d.message_id = u.column3
		WHERE d.not_after > ? ON CONFLICT DO NOTHING`
}

// bulkAttemptSQL is fenced by epoch and token (R3): what it does not insert is not settled.
func bulkAttemptSQL(n int) string {
	return `INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
		SELECT f.message_id, 1, f.token, f.epoch, f.started_at, ?, 'accepted', 201, 0, u.column3
		FROM ` + values("(?,?,?)", n) + ` u CROSS JOIN inflight f ON f.message_id = u.column1
		WHERE f.token = u.column2 AND f.epoch = ? AND f.attempt = 1 ON CONFLICT DO NOTHING`
}

// The ids stand in the text, not in a subquery: SQLite deletes in one pass only without one.
func ids(n int) string { return "(" + strings.Repeat("?,", n-1) + "?)" }

func bulkAcceptSQL(n int) string {
	return `UPDATE message SET state = 50, attempts = max(attempts, 1), code = 0, reason = '', accepted_at = ?, updated_at = ?,
		provider_id = (SELECT a.provider_id FROM attempt a WHERE a.message_id = message.id AND a.n = 1) WHERE id IN ` + ids(n) + ` AND state < 50`
}

// bulkAcceptUnansweredSQL leaves those whose person answered before the acceptance is written; they are few, and bulkAcceptAnsweredSQL takes them.
func bulkAcceptUnansweredSQL(n int) string { return bulkAcceptSQL(n) + ` AND replied_at IS NULL` }

func bulkAcceptAnsweredSQL(n int) string {
	return bulkAcceptSQL(n) + ` RETURNING stopped_at IS NOT NULL`
}

func bulkUnmarkSQL(n int) string { return `DELETE FROM inflight WHERE message_id IN ` + ids(n) }

// bulkUnqueueSQL takes messages of one lane and due time.
func bulkUnqueueSQL(n int) string {
	return `DELETE FROM dispatch WHERE lane_id = ? AND due_at = ? AND message_id IN ` + ids(n)
}

// The texts by rows per statement, and bulkQueries all that need preparing.
var (
	bulkMark, bulkAttempt, bulkAccept, bulkUnmark = map[int]string{}, map[int]string{}, map[int]string{}, map[int]string{}

	bulkUnqueue = map[int]string{1: bulkUnqueueSQL(1)}
	bulkQueries = []string{bulkUnqueue[1]}
)

func init() { //nolint:gochecknoinits // texts that depend on bulkSizes
	for _, n := range bulkSizes {
		bulkMark[n], bulkAttempt[n], bulkAccept[n] = bulkMarkSQL(n), bulkAttemptSQL(n), bulkAcceptUnansweredSQL(n)
		bulkUnmark[n], bulkUnqueue[n] = bulkUnmarkSQL(n), bulkUnqueueSQL(n)
		bulkQueries = append(bulkQueries, bulkMark[n], bulkAttempt[n], bulkAccept[n], bulkUnmark[n], bulkUnqueue[n])
	}
}

// run executes a prepared statement and tells how many rows it changed.
func (c *sqliteCommit) run(query string, args ...any) (int, error) {
	stmt, err := c.store.db.Prepared(c.ctx, c.tx, query) //nolint:sqlclosecheck // ends with the transaction
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(c.ctx, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// markBulk marks the marks at the positions and returns those it could not vouch for: the caller tries them one by one.
func (c *sqliteCommit) markBulk(w *overture.SenderWork, r *overture.CommitResult, positions []int) (left []int, err error) {
	for size := bulkSize(len(positions)); size > 0; size = bulkSize(len(positions)) {
		chunk := positions[:size]
		positions = positions[size:]
		args := append(make([]any, 0, 6*size+4), int64(w.Lease.SenderID), w.Lease.Epoch, c.now)
		for _, i := range chunk {
			m := &w.Marks[i]
			args = append(args, int64(m.LaneID), m.Due.UnixMilli(), int64(m.MessageID), int64(m.Attempt), m.Token, m.LookupAt.UnixMilli())
		}
		n, err := c.run(bulkMark[size], append(args, c.now)...)
		if err != nil {
			return nil, fmt.Errorf("mark: %w", err)
		}
		if n != size {
			if err := c.markedOf(w, r, chunk); err != nil {
				return nil, err
			}
			continue
		}
		for _, i := range chunk {
			r.Verdicts[i] = overture.Marked
		}
	}
	return positions, nil
}

// markedOf finds out which marks of a chunk were made: those whose token is in the table.
func (c *sqliteCommit) markedOf(w *overture.SenderWork, r *overture.CommitResult, chunk []int) error {
	for _, i := range chunk {
		r.Verdicts[i] = overture.Gone
		err := each(c.ctx, plain(c.tx, `SELECT 1 FROM inflight WHERE message_id = $1 AND token = $2 AND epoch = $3`),
			func(int) { r.Verdicts[i] = overture.Marked }, w.Marks[i].MessageID, w.Marks[i].Token, w.Lease.Epoch)
		if err != nil {
			return fmt.Errorf("mark: %w", err)
		}
	}
	return nil
}

// ordinary tells whether a settlement is the end that nearly all attempts have.
func ordinary(x *overture.Settlement) bool {
	return x.State == overture.Accepted && x.Outcome == "accepted" && x.Attempt == 1 && x.HTTPStatus == 201 && x.Code == 0 && x.Reason == "" &&
		x.ProviderID != "" && !x.OptOut
}

// settleBulk settles ordinary ends lane by lane and returns what it left for the row by row path.
func (c *sqliteCommit) settleBulk(w *overture.SenderWork) (left []overture.Settlement, err error) {
	lanes := map[overture.LaneID][]overture.Settlement{}
	for i := range w.Settlements {
		if x := &w.Settlements[i]; ordinary(x) {
			lanes[x.LaneID] = append(lanes[x.LaneID], *x)
		} else {
			left = append(left, *x)
		}
	}
	for lane, xs := range lanes {
		campaign, err := c.store.campaignOfLane(c.ctx, c, lane)
		if err != nil {
			return nil, err
		}
		for size := bulkSize(len(xs)); size > 0; size = bulkSize(len(xs)) {
			done, err := c.settleChunk(w, campaign, xs[:size])
			if err != nil {
				return nil, err
			}
			if !done {
				left = append(left, xs[:size]...)
			}
			xs = xs[size:]
		}
		left = append(left, xs...)
	}
	return left, nil
}

// settleChunk settles attempts of one campaign together. It is not done when one of them carries another epoch or token, or has its
// history already: then the row by row path, which repeats nothing, sorts them out.
func (c *sqliteCommit) settleChunk(w *overture.SenderWork, campaign overture.CampaignID, xs []overture.Settlement) (done bool, err error) {
	args := append(make([]any, 0, 3*len(xs)+2), c.now)
	list := append(make([]any, 0, len(xs)+2), c.now, c.now)
	for i := range xs {
		id := any(int64(xs[i].MessageID))
		args, list = append(args, id, xs[i].Token, xs[i].ProviderID), append(list, id)
	}
	n, err := c.run(bulkAttempt[len(xs)], append(args, w.Lease.Epoch)...)
	if err != nil {
		return false, fmt.Errorf("write attempts: %w", err)
	}
	if n != len(xs) {
		return false, nil
	}
	if n, err = c.run(bulkAccept[len(xs)], list...); err != nil {
		return false, fmt.Errorf("record outcomes: %w", err)
	}
	c.counts.moveAll(campaign, overture.Queued, overture.Accepted, n)
	c.counts.send(sending{campaign: campaign, state: overture.Accepted, at: c.now}, n)
	if n < len(xs) {
		if err := each(c.ctx, plain(c.tx, bulkAcceptAnsweredSQL(len(xs))), func(stopped bool) {
			c.counts.move(campaign, overture.Queued, overture.Accepted)
			c.counts.send(sending{campaign: campaign, state: overture.Accepted, at: c.now, replied: true, stopped: stopped}, 1)
		}, list...); err != nil {
			return false, fmt.Errorf("record outcomes: %w", err)
		}
	}
	if _, err := c.run(bulkUnmark[len(xs)], list[2:]...); err != nil {
		return false, fmt.Errorf("settle: %w", err)
	}
	return true, c.unqueueBulk(xs)
}

// unqueueBulk takes settled messages of one lane out of the queue, those with the same due time together. It puts xs in the queue's order.
func (c *sqliteCommit) unqueueBulk(xs []overture.Settlement) error {
	slices.SortFunc(xs, func(a, b overture.Settlement) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.MessageID, b.MessageID))
	})
	args := make([]any, 0, bulkSizes[0]+2)
	for len(xs) > 0 {
		same := 1
		for same < len(xs) && xs[same].Due.Equal(xs[0].Due) {
			same++
		}
		size := max(bulkSize(same), 1)
		args = append(args[:0], int64(xs[0].LaneID), xs[0].Due.UnixMilli())
		for i := range size {
			args = append(args, int64(xs[i].MessageID))
		}
		if _, err := c.run(bulkUnqueue[size], args...); err != nil {
			return fmt.Errorf("take out of the queue: %w", err)
		}
		xs = xs[size:]
	}
	return nil
}

// campaignOfLane is asked once per lane and process: a lane never changes its campaign.
func (s *Store) campaignOfLane(ctx context.Context, c *sqliteCommit, lane overture.LaneID) (overture.CampaignID, error) {
	if known, ok := s.laneCampaigns.Load(lane); ok {
		return known.(overture.CampaignID), nil //nolint:forcetypeassert // nothing else is stored
	}
	var campaign overture.CampaignID
	if err := c.tx.QueryRowContext(ctx, `SELECT campaign_id FROM lane WHERE id = $1`, lane).Scan(&campaign); err != nil {
		return 0, fmt.Errorf("campaign of %s: %w", lane, err)
	}
	s.laneCampaigns.Store(lane, campaign)
	return campaign, nil
}
