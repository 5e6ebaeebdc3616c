package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/flake"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// oldTalk is the condition on a conversation c that it was closed before the period's beginning and nothing keeps it: no legal hold on the account
// or its campaign, and no answer that is not over. $1 account, $2 period's beginning, $3 an id that younger conversations are above of.
const oldTalk = `c.account_id = $1 AND c.id <= $3 AND c.state = 'closed' AND c.closed_at <= $2
	AND NOT EXISTS (SELECT 1 FROM legal_hold h WHERE h.account_id = c.account_id AND h.campaign_id IN (0, c.campaign_id))
	AND NOT EXISTS (SELECT 1 FROM entry e JOIN message m ON m.id = e.message_id AND m.campaign_id = 0
		WHERE e.conversation_id = c.id AND e.message_id > 0 AND (m.state = 0 OR m.state = 40))`

// talksAtOnce is how many conversations are looked at in one transaction.
const talksAtOnce = 40

// DeleteConversations deletes the next closed conversations of an account that are old enough, with their answers and inbound messages; those that stopped or
// started the brand stay, as evidence. after is the last one that was looked at, zero to begin. It can be interrupted and repeated at any moment.
func (s *Store) DeleteConversations(ctx context.Context, account overture.AccountID, after overture.ConversationID, now time.Time) (n int, last overture.ConversationID, more bool, err error) {
	err = s.db.TransactByKey(ctx, func(tx *sql.Tx) error {
		n, last, more = 0, after, false
		d, before, ok, err := s.beginDeleting(ctx, tx, account, overture.RetainConversations, now)
		if err != nil || !ok {
			return err
		}
		var ids []overture.ConversationID
		if err := each(ctx, plain(tx, `SELECT c.id FROM conversation c WHERE c.id > $4 AND `+oldTalk+` ORDER BY c.id LIMIT $5`+s.db.ForUpdate()),
			func(id overture.ConversationID) { ids = append(ids, id) }, account, before.UnixMilli(), flake.Before(before), after, talksAtOnce); err != nil {
			return fmt.Errorf("old conversations: %w", err)
		}
		if more = len(ids) > 0; !more {
			return nil
		}
		talks, err := d.transcripts(ids)
		if err != nil {
			return err
		}
		if long := &talks[0]; long.rows > deleteAtOnce { // the newest entries first: what is left begins with what was sent
			return d.shorten(long)
		}
		n = fitting(len(talks), func(i int) int { return talks[i].rows })
		last = talks[n-1].id
		return d.deleteTalks(talks[:n])
	})
	if err != nil {
		return 0, after, false, fmt.Errorf("delete conversations: %w", err)
	}
	return n, last, more, nil
}

// beginDeleting takes the account's lock; ok is false where nothing of the class may be deleted now.
func (s *Store) beginDeleting(ctx context.Context, tx *sql.Tx, account overture.AccountID, class overture.RetentionClass, now time.Time) (d *deleting, before time.Time, ok bool, err error) {
	r, err := s.lockRetention(ctx, tx, account)
	if err != nil {
		return nil, before, false, err
	}
	if before, ok = r.Cutoff(class, now); !ok {
		return nil, before, false, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT `+noQuarantine+` AND NOT EXISTS (SELECT 1 FROM legal_hold WHERE account_id = $1 AND campaign_id = 0)`, account).Scan(&ok)
	return &deleting{store: s, ctx: ctx, tx: tx, account: account, now: now}, before, ok, err
}

// oldTranscript is a conversation that is about to be deleted.
type oldTranscript struct {
	id       overture.ConversationID
	entries  []overture.EntryID
	inbounds []overture.InboundID
	answers  []overture.MessageID
	rows     int // with about what the answers have
}

func (d *deleting) transcripts(ids []overture.ConversationID) ([]oldTranscript, error) {
	out := make([]oldTranscript, len(ids))
	place := map[overture.ConversationID]*oldTranscript{}
	for i, id := range ids {
		out[i] = oldTranscript{id: id, rows: 1}
		place[id] = &out[i]
	}
	condition, arg := sqldb.In(d.store.db, "e.conversation_id", 1, ids)
	err := eachRow(d.ctx, plain(d.tx, `SELECT e.conversation_id, e.id, e.inbound_id, COALESCE(m.id, 0), COALESCE(m.attempts, 0) FROM entry e
		LEFT JOIN message m ON m.id = e.message_id AND m.campaign_id = 0 WHERE `+condition+` ORDER BY e.conversation_id, e.id`), func(rows *sql.Rows) error {
		var of overture.ConversationID
		var entry overture.EntryID
		var inbound overture.InboundID
		var answer overture.MessageID
		var attempts int
		err := rows.Scan(&of, &entry, &inbound, &answer, &attempts)
		t := place[of]
		t.entries, t.rows = append(t.entries, entry), t.rows+1
		if inbound != 0 {
			t.inbounds, t.rows = append(t.inbounds, inbound), t.rows+1
		}
		if answer != 0 {
			const receipts = 3 // sent, delivered, read
			t.answers, t.rows = append(t.answers, answer), t.rows+1+attempts+receipts
		}
		return err
	}, arg)
	if err != nil {
		return nil, fmt.Errorf("transcripts: %w", err)
	}
	return out, nil
}

// shorten deletes the end of a conversation that is too long for one transaction.
func (d *deleting) shorten(t *oldTranscript) error {
	const entries = 60 // of eight rows each
	condition, arg := sqldb.In(d.store.db, "id", 1, t.entries[max(0, len(t.entries)-entries):])
	end := oldTranscript{}
	err := eachRow(d.ctx, plain(d.tx, `SELECT e.id, e.inbound_id, COALESCE(m.id, 0) FROM (SELECT * FROM entry WHERE `+condition+`) e
		LEFT JOIN message m ON m.id = e.message_id AND m.campaign_id = 0`), func(rows *sql.Rows) error {
		var entry overture.EntryID
		var inbound overture.InboundID
		var answer overture.MessageID
		err := rows.Scan(&entry, &inbound, &answer)
		end.entries = append(end.entries, entry)
		if inbound != 0 {
			end.inbounds = append(end.inbounds, inbound)
		}
		if answer != 0 {
			end.answers = append(end.answers, answer)
		}
		return err
	}, arg)
	if err != nil {
		return fmt.Errorf("end of %s: %w", t.id, err)
	}
	return d.deleteEntries([]oldTranscript{end})
}

func (d *deleting) deleteTalks(talks []oldTranscript) error {
	if err := d.deleteEntries(talks); err != nil {
		return err
	}
	ids := make([]overture.ConversationID, len(talks))
	for i, t := range talks {
		ids[i] = t.id
	}
	condition, arg := sqldb.In(d.store.db, "id", 1, ids)
	if err := d.exec(`DELETE FROM conversation WHERE `+condition, arg); err != nil {
		return fmt.Errorf("delete conversations: %w", err)
	}
	return d.tally(overture.RetainConversations, len(talks))
}

// deleteEntries deletes what was said, what the person sent and the answers that went out.
func (d *deleting) deleteEntries(talks []oldTranscript) error {
	var all oldTranscript
	for _, t := range talks {
		all.entries, all.inbounds, all.answers = append(all.entries, t.entries...), append(all.inbounds, t.inbounds...), append(all.answers, t.answers...)
	}
	condition, arg := sqldb.In(d.store.db, "id", 1, all.answers)
	answers, err := d.messages(condition+` AND campaign_id = 0`, arg)
	if err != nil {
		return err
	}
	if err := d.deleteSingles(answers); err != nil {
		return err
	}
	condition, arg = sqldb.In(d.store.db, "id", 1, all.inbounds)
	if err := d.exec(`DELETE FROM inbound WHERE `+condition+` AND wish <> 'stop' AND wish <> 'start'`, arg); err != nil {
		return fmt.Errorf("delete inbound messages: %w", err)
	}
	condition, arg = sqldb.In(d.store.db, "id", 1, all.entries)
	if err := d.exec(`DELETE FROM entry WHERE `+condition, arg); err != nil {
		return fmt.Errorf("delete entries: %w", err)
	}
	return nil
}

// deleteSingles deletes messages outside campaigns, and records them.
func (d *deleting) deleteSingles(list []oldMessage) error {
	if len(list) == 0 {
		return nil
	}
	if err := d.begin(); err != nil {
		return err
	}
	if err := d.deleteMessages(list); err != nil {
		return err
	}
	return d.note(nil, list)
}

// loneInbound is the condition on an inbound message i that is in no conversation and that nothing keeps. It repeats the condition of the index
// inbound_deletable: what stopped or started the brand is evidence. $1 account, $2 period's beginning, $3 an id that younger ones are above of.
const loneInbound = `i.account_id = $1 AND i.id <= $3 AND i.wish <> 'stop' AND i.wish <> 'start' AND i.processed_at IS NOT NULL AND i.received_at <= $2
	AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.inbound_id = i.id AND e.inbound_id > 0)
	AND NOT EXISTS (SELECT 1 FROM message m JOIN legal_hold h ON h.account_id = m.account_id AND h.campaign_id = m.campaign_id WHERE m.id = i.message_id AND m.campaign_id > 0)`

// DeleteInbounds deletes the next inbound messages that no conversation took, like DeleteConversations.
func (s *Store) DeleteInbounds(ctx context.Context, account overture.AccountID, after overture.InboundID, now time.Time) (n int, last overture.InboundID, more bool, err error) {
	err = s.db.TransactByKey(ctx, func(tx *sql.Tx) error {
		n, last, more = 0, after, false
		d, before, ok, err := s.beginDeleting(ctx, tx, account, overture.RetainConversations, now)
		if err != nil || !ok {
			return err
		}
		var ids []overture.InboundID
		if err := each(ctx, plain(tx, `SELECT i.id FROM inbound i WHERE i.id > $4 AND `+loneInbound+` ORDER BY i.id LIMIT $5`), func(id overture.InboundID) { ids = append(ids, id) },
			account, before.UnixMilli(), flake.Before(before), after, deleteAtOnce); err != nil {
			return fmt.Errorf("old inbound messages: %w", err)
		}
		if n = len(ids); n == 0 {
			return nil
		}
		last, more = ids[n-1], true
		condition, arg := sqldb.In(s.db, "id", 1, ids)
		if err := d.exec(`DELETE FROM inbound WHERE `+condition, arg); err != nil {
			return fmt.Errorf("delete inbound messages: %w", err)
		}
		return d.tally(overture.RetainConversations, n)
	})
	return n, last, more, err
}

// oldSingle is the condition on a message m outside campaigns and conversations, such as a test, that it is old and over. It repeats the condition of the
// index message_single. $1 account, $2 period's beginning, $3 an id that younger ones are above of.
const oldSingle = `m.account_id = $1 AND m.id <= $3 AND m.campaign_id = 0 AND m.entry_id = 0 AND m.state >= 20 AND m.state <> 40 AND m.updated_at <= $2`

// DeleteSingles deletes the next messages outside campaigns and conversations, like DeleteConversations.
func (s *Store) DeleteSingles(ctx context.Context, account overture.AccountID, after overture.MessageID, now time.Time) (n int, last overture.MessageID, more bool, err error) {
	const about = 100 // messages of some five rows each
	err = s.db.TransactByKey(ctx, func(tx *sql.Tx) error {
		n, last, more = 0, after, false
		d, before, ok, err := s.beginDeleting(ctx, tx, account, overture.RetainMessages, now)
		if err != nil || !ok {
			return err
		}
		var ids []overture.MessageID
		if err := each(ctx, plain(tx, `SELECT m.id FROM message m WHERE m.id > $4 AND `+oldSingle+` ORDER BY m.id LIMIT $5`), func(id overture.MessageID) { ids = append(ids, id) },
			account, before.UnixMilli(), flake.Before(before), after, about); err != nil {
			return fmt.Errorf("old single messages: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		condition, arg := sqldb.In(s.db, "id", 1, ids)
		list, err := d.messages(condition, arg)
		if err != nil {
			return err
		}
		n = fitting(len(list), func(i int) int { return list[i].rows })
		last, more = list[n-1].id, true
		if err := d.deleteSingles(list[:n]); err != nil {
			return err
		}
		return d.tally(overture.RetainMessages, n)
	})
	return n, last, more, err
}
