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

// deleteAtOnce is how many rows one transaction of retention deletes: the SQLite writer is free again within milliseconds.
const deleteAtOnce = 500

// oldCampaign is the condition on a campaign c and its account's holds under which its people may go: it is over, for longer than the period, and no
// reply belongs to it any more. $1 account, $2 period's beginning, $3 now.
const oldCampaign = `c.account_id = $1 AND c.state IN ('completed', 'canceled') AND c.completed_at <= $2 AND c.completed_at + c.lookback <= $3`

// nothingOpen is the condition on a campaign c that none of its messages is held, on its way or queued, that nobody copies a list into it, and that
// no legal hold keeps it.
const (
	noneHeld    = `NOT EXISTS (SELECT 1 FROM held h WHERE h.campaign_id = c.id)`
	notOnHold   = `NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.account_id = c.account_id AND h.campaign_id IN (0, c.id))`
	nothingOpen = noneHeld + ` AND ` + notOnHold + ` AND c.planning = FALSE
		AND NOT EXISTS (SELECT 1 FROM lane l JOIN dispatch d ON d.lane_id = l.id WHERE l.sender_id = c.sender_id AND l.campaign_id = c.id)`
	peopleLeft = `NOT EXISTS (SELECT 1 FROM deletion d WHERE d.account_id = c.account_id AND d.campaign_id = c.id AND d.finished_at IS NOT NULL)`
)

// OldCampaigns lists the campaigns of an account whose people may be deleted, oldest first.
func (s *Store) OldCampaigns(ctx context.Context, r overture.Retention, now time.Time) ([]overture.CampaignID, error) {
	before, ok := r.Cutoff(overture.RetainMessages, now)
	if !ok {
		return nil, nil
	}
	var out []overture.CampaignID
	err := each(ctx, plain(s.db.Read, `SELECT c.id FROM campaign c WHERE `+oldCampaign+` AND `+nothingOpen+` AND `+peopleLeft+` ORDER BY c.id`),
		func(id overture.CampaignID) { out = append(out, id) }, r.AccountID, before.UnixMilli(), now.UnixMilli())
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("old campaigns: %w", err))
	}
	return out, nil
}

// DeletePeople deletes the next people of a campaign with their messages, attempts and receipts, and after the last of them the rejected rows of
// its lists. Every call decides anew whether it may, under the account's lock, and changes the rows and the record of the deletion together: it can
// be interrupted and repeated at any moment. more is false when nothing is left, or nothing may be deleted any more.
func (s *Store) DeletePeople(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, now time.Time) (people int, more bool, err error) {
	err = s.db.TransactByKey(ctx, func(tx *sql.Tx) error {
		people, more = 0, false
		r, err := s.lockRetention(ctx, tx, account)
		if err != nil {
			return err
		}
		before, ok := r.Cutoff(overture.RetainMessages, now)
		if !ok {
			return nil
		}
		// The lock first, so that the conditions are read after it: a retry locks the campaign too.
		if _, err := s.campaignIn(ctx, tx, account, campaign, s.db.ForUpdate()); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM campaign c WHERE `+oldCampaign+` AND c.id = $4 AND `+nothingOpen+` AND `+peopleLeft+` AND `+noQuarantine+`)`,
			account, before.UnixMilli(), now.UnixMilli(), campaign).Scan(&more); err != nil || !more {
			return err
		}
		d := &deleting{store: s, ctx: ctx, tx: tx, account: account, campaign: campaign, now: now}
		if err := d.begin(); err != nil {
			return err
		}
		if people, err = d.people(); err != nil {
			return err
		}
		if people == 0 {
			more, err = d.problems()
		}
		if err == nil && people == 0 && !more {
			err = d.finish()
		}
		if err != nil {
			return err
		}
		return d.tally(overture.RetainMessages, people)
	})
	if err != nil {
		return 0, false, fmt.Errorf("delete people of %s: %w", campaign, err)
	}
	return people, more, nil
}

// deleting is one transaction of retention.
type deleting struct {
	store    *Store
	ctx      context.Context
	tx       *sql.Tx
	account  overture.AccountID
	campaign overture.CampaignID // zero: outside campaigns
	now      time.Time
}

func (d *deleting) exec(query string, args ...any) error {
	_, err := d.tx.ExecContext(d.ctx, query, args...)
	return err
}

// begin writes the record of the deletion, and on the campaign that it began: from now on nothing of it is sent again or copied.
func (d *deleting) begin() error {
	if err := d.exec(`INSERT INTO deletion (account_id, campaign_id, people, messages, accepted, by_person, replied, stopped, resent, last_message_id, list_hash, began_at)
		VALUES ($1, $2, 0, 0, 0, 0, 0, 0, 0, 0, '', $3) ON CONFLICT DO NOTHING`, d.account, d.campaign, d.now.UnixMilli()); err != nil {
		return fmt.Errorf("record the deletion: %w", err)
	}
	if d.campaign == 0 {
		return nil
	}
	return d.exec(`UPDATE campaign SET people_deleted_at = $1 WHERE id = $2 AND people_deleted_at IS NULL`, d.now.UnixMilli(), d.campaign)
}

// people deletes the next of them.
func (d *deleting) people() (int, error) {
	const about = 120 // people of four rows each
	var list []overture.Recipient
	err := eachRow(d.ctx, plain(d.tx, `SELECT `+recipientFields+` FROM recipient r WHERE r.campaign_id = $1 AND r.account_id = $2 ORDER BY r.id LIMIT $3`), func(rows *sql.Rows) error {
		r, err := scanListed(rows)
		list = append(list, r)
		return err
	}, d.campaign, d.account, about)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	ids := make([]overture.RecipientID, len(list))
	addresses := make([]string, len(list))
	rows := map[overture.RecipientID]int{}
	for i, r := range list {
		ids[i], addresses[i], rows[r.ID] = r.ID, string(r.Address), 2 // with its address
	}
	condition, arg := sqldb.In(d.store.db, "recipient_id", 2, ids)
	messages, err := d.messages(`campaign_id = $1 AND campaign_id > 0 AND `+condition, d.campaign, arg)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		rows[m.recipient] += m.rows
	}
	n := fitting(len(list), func(i int) int { return rows[list[i].ID] })
	last := list[n-1].ID
	messages = slices.DeleteFunc(messages, func(m oldMessage) bool { return m.recipient > last })
	if err := d.deleteMessages(messages); err != nil {
		return 0, err
	}
	condition, arg = sqldb.In(d.store.db, "address", 2, addresses[:n])
	if err := d.exec(`DELETE FROM recipient_address WHERE campaign_id = $1 AND `+condition, d.campaign, arg); err != nil {
		return 0, fmt.Errorf("delete addresses: %w", err)
	}
	condition, arg = sqldb.In(d.store.db, "id", 1, ids[:n])
	if err := d.exec(`DELETE FROM recipient WHERE `+condition, arg); err != nil {
		return 0, fmt.Errorf("delete recipients: %w", err)
	}
	return n, d.note(list[:n], messages)
}

// fitting is how many of n things have at most deleteAtOnce rows together; at least one.
func fitting(n int, rows func(i int) int) int {
	sum := 0
	for i := range n {
		if sum += rows(i); sum > deleteAtOnce && i > 0 {
			return i
		}
	}
	return n
}

// oldMessage is a message that is about to be deleted.
type oldMessage struct {
	id        overture.MessageID
	recipient overture.RecipientID
	leg       int
	byPerson  bool
	counted   sending
	lane      overture.LaneID
	address   overture.Address
	segments  int64
	attempts  []oldAttempt
	rows      int // with its attempts and receipts
}

type oldAttempt struct {
	started int64
	back    bool // given back: it took nothing from a guard rail
	resent  bool // without proof
}

// messages locks those that a condition selects, in the order of ids like everybody else.
func (d *deleting) messages(condition string, args ...any) ([]oldMessage, error) {
	var out []oldMessage
	place := map[overture.MessageID]int{}
	err := eachRow(d.ctx, plain(d.tx, `SELECT id, recipient_id, leg, reason, lane_id, address, segments, `+countedColumns+` FROM message WHERE `+condition+` ORDER BY id`+d.store.db.ForUpdate()), func(rows *sql.Rows) error {
		m := oldMessage{rows: 1}
		var reason string
		var err error
		m.counted, err = scanSending(rows, &m.id, &m.recipient, &m.leg, &reason, &m.lane, &m.address, &m.segments)
		m.byPerson = reason == overture.ReasonSettledByPerson
		place[m.id] = len(out)
		out = append(out, m)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("old messages: %w", err)
	}
	in, ids := sqldb.In(d.store.db, "message_id", 1, messageIDsOf(out))
	if err := eachRow(d.ctx, plain(d.tx, `SELECT message_id, started_at, outcome IN (`+givenBack+`), outcome = 'resent_without_proof' FROM attempt WHERE `+in), func(rows *sql.Rows) error {
		var id overture.MessageID
		var a oldAttempt
		err := rows.Scan(&id, &a.started, &a.back, &a.resent)
		m := &out[place[id]]
		m.attempts, m.rows = append(m.attempts, a), m.rows+1
		return err
	}, ids); err != nil {
		return nil, fmt.Errorf("attempts: %w", err)
	}
	if err := eachRow(d.ctx, plain(d.tx, `SELECT message_id, COUNT(*) FROM receipt WHERE `+in+` GROUP BY message_id`), func(rows *sql.Rows) error {
		var id overture.MessageID
		var n int
		err := rows.Scan(&id, &n)
		out[place[id]].rows += n
		return err
	}, ids); err != nil {
		return nil, fmt.Errorf("receipts: %w", err)
	}
	return out, nil
}

func messageIDsOf(list []oldMessage) []overture.MessageID {
	ids := make([]overture.MessageID, len(list))
	for i, m := range list {
		ids[i] = m.id
	}
	return ids
}

// deleteMessages deletes messages with their attempts and receipts. One that is not over is never deleted: the caller left it out, and this is
// where that would show.
func (d *deleting) deleteMessages(list []oldMessage) error {
	for _, m := range list {
		if !m.counted.state.Final() || m.counted.state == overture.Held {
			return fmt.Errorf("%s is %s, which retention must not delete", m.id, m.counted.state)
		}
	}
	condition, ids := sqldb.In(d.store.db, "message_id", 1, messageIDsOf(list))
	for _, query := range []string{`DELETE FROM receipt WHERE ` + condition, `DELETE FROM attempt WHERE ` + condition} {
		if err := d.exec(query, ids); err != nil {
			return fmt.Errorf("delete attempts and receipts: %w", err)
		}
	}
	condition, ids = sqldb.In(d.store.db, "id", 1, messageIDsOf(list))
	if err := d.exec(`DELETE FROM message WHERE `+condition, ids); err != nil {
		return fmt.Errorf("delete messages: %w", err)
	}
	return nil
}

// note adds what was deleted to the record: with it the counters can be proven when the rows are gone.
func (d *deleting) note(people []overture.Recipient, messages []oldMessage) error {
	var text string
	if err := d.tx.QueryRowContext(d.ctx, `SELECT list_hash FROM deletion WHERE account_id = $1 AND campaign_id = $2`, d.account, d.campaign).Scan(&text); err != nil {
		return fmt.Errorf("record the deletion: %w", err)
	}
	hash, err := overture.ParseListHash(text)
	if err != nil {
		return err
	}
	for i := range people {
		hash = hash.Plus(overture.RowHash(&people[i]))
	}
	gone := newCountDeltas()
	var first, accepted, byPerson, replied, stopped, resent int
	var last overture.MessageID
	for _, m := range messages {
		gone.enter(d.campaign, m.counted.state, 1)
		gone.send(m.counted, 1)
		first += one(m.leg == 0)
		accepted += one(m.counted.state.WasAccepted() && !m.byPerson)
		byPerson += one(m.byPerson)
		replied += one(m.counted.replied)
		stopped += one(m.counted.stopped && m.counted.replied)
		for _, a := range m.attempts {
			resent += one(a.resent)
		}
		last = max(last, m.id)
	}
	if err := d.exec(`UPDATE deletion SET people = people + $3, messages = messages + $4, accepted = accepted + $5, by_person = by_person + $6,
			replied = replied + $7, stopped = stopped + $8, resent = resent + $9, last_message_id = CASE WHEN last_message_id < $10 THEN $10 ELSE last_message_id END,
			list_hash = $11 WHERE account_id = $1 AND campaign_id = $2`, d.account, d.campaign, len(people), first, accepted, byPerson, replied, stopped, resent, last,
		hash.String()); err != nil {
		return fmt.Errorf("record the deletion: %w", err)
	}
	if err := d.writeGone(gone); err != nil || d.campaign == 0 {
		return err
	}
	return d.writeSpent(messages)
}

// writeSpent adds what the attempts took from guard rails, by day: canaries, spend limits and days stay proven (verify_spend.go).
func (d *deleting) writeSpent(messages []oldMessage) error {
	type spent struct {
		messages, first int64
		took            spend
	}
	type key struct {
		lane overture.LaneID
		day  int64
	}
	days := map[key]*spent{}
	for _, m := range messages {
		prices, err := d.store.pricesOfLane(d.ctx, d.tx, m.lane)
		if err != nil {
			return err
		}
		for _, a := range m.attempts {
			k := key{m.lane, dayOf(a.started)}
			on := days[k]
			if on == nil {
				on = &spent{first: a.started}
				days[k] = on
			}
			if on.first = min(on.first, a.started); a.back {
				continue
			}
			x := spend{segments: max(m.segments, 1)}
			if prices != nil {
				x.money, _ = prices.cost(m.address, x.segments)
			}
			on.messages++
			on.took.add(x, 1)
		}
	}
	for k, x := range days {
		if err := d.exec(`INSERT INTO deleted_spend (lane_id, day, messages, segments, money, first_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (lane_id, day) DO UPDATE SET messages = deleted_spend.messages + excluded.messages, segments = deleted_spend.segments + excluded.segments,
				money = deleted_spend.money + excluded.money, first_at = CASE WHEN excluded.first_at < deleted_spend.first_at THEN excluded.first_at ELSE deleted_spend.first_at END`,
			k.lane, k.day, x.messages, x.took.segments, x.took.money, x.first); err != nil {
			return fmt.Errorf("record what was spent: %w", err)
		}
	}
	return nil
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

var (
	goneCountSQL = `INSERT INTO deleted_count (campaign_id, state, n) VALUES ($1, $2, $3)
		ON CONFLICT (campaign_id, state) DO UPDATE SET n = deleted_count.n + excluded.n`
	goneSentSQL = `INSERT INTO deleted_sent (campaign_id, quarter, ` + eachSentColumn(func(_ int, c string) string { return c }) + `) VALUES ($1, $2, ` +
		eachSentColumn(func(i int, _ string) string { return fmt.Sprint("$", i+3) }) + `) ON CONFLICT (campaign_id, quarter) DO UPDATE SET ` +
		eachSentColumn(func(_ int, c string) string { return c + ` = deleted_sent.` + c + ` + excluded.` + c })
)

// writeGone adds to the counters of what was deleted, which never move otherwise.
func (d *deleting) writeGone(gone countDeltas) error {
	for k, n := range gone.states {
		if err := d.exec(goneCountSQL, k.campaign, k.state, n); err != nil {
			return fmt.Errorf("count what was deleted: %w", err)
		}
	}
	for k, delta := range gone.sent {
		args := []any{k.campaign, k.quarter}
		for _, n := range delta {
			args = append(args, n)
		}
		if err := d.exec(goneSentSQL, args...); err != nil {
			return fmt.Errorf("count what was deleted: %w", err)
		}
	}
	return nil
}

// problems deletes the next rejected rows of the campaign's lists; more tells whether there may be others.
func (d *deleting) problems() (more bool, err error) {
	res, err := d.tx.ExecContext(d.ctx, `DELETE FROM problem WHERE (import_id, row_number) IN (SELECT p.import_id, p.row_number FROM list_import i JOIN problem p ON p.import_id = i.id
		WHERE i.campaign_id = $1 LIMIT $2)`, d.campaign, deleteAtOnce)
	if err != nil {
		return false, fmt.Errorf("delete rejected rows: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// finish closes the record.
func (d *deleting) finish() error {
	var people int
	if err := d.tx.QueryRowContext(d.ctx, `UPDATE deletion SET finished_at = $3 WHERE account_id = $1 AND campaign_id = $2 RETURNING people`,
		d.account, d.campaign, d.now.UnixMilli()).Scan(&people); err != nil {
		return fmt.Errorf("close the record: %w", err)
	}
	return writeAudit(d.ctx, d.tx, d.store.NewID(), overture.Actor{AccountID: d.account}, "retention.people_deleted", d.campaign.String(), fmt.Sprintf("%d people", people), d.now)
}

// tally adds to what an account reads about itself.
func (d *deleting) tally(class overture.RetentionClass, n int) error {
	if n == 0 {
		return nil
	}
	return d.exec(`INSERT INTO retention_tally (account_id, class, deleted, last_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id, class) DO UPDATE SET deleted = retention_tally.deleted + excluded.deleted, last_at = excluded.last_at`,
		d.account, string(class), n, d.now.UnixMilli())
}
