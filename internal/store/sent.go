package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// sent_count tells for every campaign and quarter of an hour how many messages were sent and what became of them, one column for each state
// and for answers: a message counts, with its state of now, in the quarter in which the provider accepted it, else in the one in which it was refused or held. A quarter of an hour,
// because the hours of some zones begin at :15, :30 or :45 of UTC.

// countedAt is that moment, of messages that were sent (State.WasSent), in milliseconds. It is a function of the row alone, so that a recount finds it.
const countedAt = `CASE WHEN state >= 50 THEN COALESCE(accepted_at, updated_at) ELSE updated_at END`

// countedColumns are what scanSending reads.
const countedColumns = `campaign_id, state, ` + countedAt + `, replied_at IS NOT NULL, stopped_at IS NOT NULL`

const quarterMillis = 15 * 60 * 1000

// sentStates are the states that have a column, in the order of sentColumns; the answers follow.
var sentStates = [...]overture.State{overture.Failed, overture.Held, overture.Accepted, overture.Sent, overture.Undelivered, overture.Delivered, overture.Read}

// sentColumns names the counters of sent_count.
var sentColumns = [...]string{"failed", "held", "accepted", "sent", "undelivered", "delivered", "read", "replied", "answered", "stopped"}

const (
	sentReplied  = len(sentStates)
	sentAnswered = sentReplied + 1 // replied, and accepted
	sentStopped  = sentReplied + 2
)

// eachSentColumn writes one piece of SQL for each counter, with commas between.
func eachSentColumn(piece func(i int, column string) string) string {
	var pieces []string
	for i, c := range sentColumns {
		pieces = append(pieces, piece(i, c))
	}
	return strings.Join(pieces, ", ")
}

type sentKey struct {
	campaign overture.CampaignID
	quarter  int64 // quarters of an hour since 1970
}

type sentDelta [len(sentColumns)]int64

// sending is where a message counts, and how its person answered.
type sending struct {
	campaign         overture.CampaignID
	state            overture.State
	at               int64 // Unix ms
	replied, stopped bool
}

func scanSending(row scanner, before ...any) (x sending, err error) {
	err = row.Scan(append(before, &x.campaign, &x.state, &x.at, &x.replied, &x.stopped)...)
	return x, err
}

// send records n messages (−1: one less) that count like x. What was not sent counts nowhere.
func (c countDeltas) send(x sending, n int) {
	if x.campaign == 0 || !x.state.WasSent() {
		return
	}
	key := x.key()
	d := c.sent[key]
	d[slices.Index(sentStates[:], x.state)] += int64(n)
	c.sent[key] = d
	c.answer(x, x.replied, x.stopped, n)
}

// answer records n answers to messages that count like x.
func (c countDeltas) answer(x sending, replied, stopped bool, n int) {
	if x.campaign == 0 || !x.state.WasSent() || !replied && !stopped {
		return
	}
	key := x.key()
	d := c.sent[key]
	if replied {
		d[sentReplied] += int64(n)
		if x.state.WasAccepted() {
			d[sentAnswered] += int64(n)
		}
	}
	if stopped {
		d[sentStopped] += int64(n)
	}
	c.sent[key] = d
}

func (x sending) key() sentKey { return sentKey{x.campaign, x.at / quarterMillis} }

// sendings locks messages in a state and tells where they count, in the order of their ids.
func (s *Store) sendings(ctx context.Context, tx *sql.Tx, ids []overture.MessageID, state overture.State) (map[overture.MessageID]sending, error) {
	condition, arg := sqldb.In(s.db, "id", 1, ids)
	out := make(map[overture.MessageID]sending, len(ids))
	err := eachRow(ctx, plain(tx, `SELECT id, `+countedColumns+` FROM message WHERE `+condition+` AND state = $2 ORDER BY id`+s.db.ForUpdate()), func(rows *sql.Rows) error {
		var id overture.MessageID
		x, err := scanSending(rows, &id)
		out[id] = x
		return err
	}, arg, state)
	if err != nil {
		return nil, fmt.Errorf("where messages count: %w", err)
	}
	return out, nil
}

// markStopped notes that the person of a message stopped the brand in answer to it, once.
func markStopped(ctx context.Context, tx *sql.Tx, counts countDeltas, account overture.AccountID, id overture.MessageID, at int64) error {
	return markAnswer(ctx, tx, counts, `stopped_at`, account, id, at)
}

// markReplied notes the first answer to a message.
func markReplied(ctx context.Context, tx *sql.Tx, counts countDeltas, account overture.AccountID, id overture.MessageID, at int64) error {
	return markAnswer(ctx, tx, counts, `replied_at`, account, id, at)
}

func markAnswer(ctx context.Context, tx *sql.Tx, counts countDeltas, column string, account overture.AccountID, id overture.MessageID, at int64) error {
	err := eachRow(ctx, plain(tx, `UPDATE message SET `+column+` = $1 WHERE id = $2 AND account_id = $3 AND `+column+` IS NULL RETURNING `+countedColumns), func(rows *sql.Rows) error {
		x, err := scanSending(rows)
		counts.answer(x, column == `replied_at`, column == `stopped_at`, 1)
		return err
	}, at, id, account)
	if err != nil {
		return fmt.Errorf("note the answer to %s: %w", id, err)
	}
	return nil
}
