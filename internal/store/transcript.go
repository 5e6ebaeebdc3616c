package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// cardQuery is read by scanCard. The joins hold for every conversation; skill, campaign and agent may be absent.
const cardQuery = `SELECT c.id, c.account_id, c.brand_id, c.sender_id, c.channel, c.address, c.skill_id, c.agent_id, c.campaign_id, c.message_id, c.source, c.state,
		c.city, c.country, c.unread, c.started_at, c.updated_at, c.closed_at, b.name, COALESCE(k.name, ''), COALESCE(g.name, ''), COALESCE(u.name, ''),
		s.address, COALESCE((SELECT e.text FROM entry e WHERE e.conversation_id = c.id ORDER BY e.id DESC LIMIT 1), ''), x.address IS NOT NULL
	FROM conversation c
	JOIN brand b ON b.id = c.brand_id
	JOIN sender s ON s.id = c.sender_id
	LEFT JOIN skill k ON k.id = c.skill_id
	LEFT JOIN campaign g ON g.id = c.campaign_id
	LEFT JOIN app_user u ON u.id = c.agent_id
	LEFT JOIN opt_out x ON x.brand_id = c.brand_id AND x.channel = c.channel AND x.address = c.address
	WHERE c.account_id = $1 AND `

func scanCard(scan func(...any) error) (overture.ConversationCard, error) {
	var c overture.ConversationCard
	var started, updated int64
	var closed sql.NullInt64
	err := scan(&c.ID, &c.AccountID, &c.BrandID, &c.SenderID, &c.Channel, &c.Address, &c.SkillID, &c.AgentID, &c.CampaignID, &c.MessageID, &c.Source, &c.State,
		&c.City, &c.Country, &c.Unread, &started, &updated, &closed, &c.BrandName, &c.SkillName, &c.CampaignName, &c.AgentName, &c.Number, &c.LastText, &c.OptedOut)
	c.StartedAt, c.UpdatedAt, c.ClosedAt = time.UnixMilli(started).UTC(), time.UnixMilli(updated).UTC(), sqldb.Time(closed)
	return c, err
}

// Conversation gives one conversation with its card; the outbounds are left out.
func (s *Store) Conversation(ctx context.Context, account overture.AccountID, id overture.ConversationID) (overture.ConversationCard, error) {
	c, err := scanCard(s.db.Read.QueryRowContext(ctx, cardQuery+`c.id = $2`, account, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, overture.ErrNotFound("conversation")
	}
	if err != nil {
		return c, sqldb.Trouble(fmt.Errorf("read conversation: %w", err))
	}
	return c, nil
}

// Conversations lists what the viewer sees, newest first.
func (s *Store) Conversations(ctx context.Context, f overture.ConversationFilter) ([]overture.ConversationCard, error) {
	args := []any{f.AccountID, f.Limit}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	where := `c.state <> 'closed'`
	if f.State != "" {
		where = `c.state = ` + arg(string(f.State))
	}
	if f.AgentID != 0 {
		where += ` AND c.agent_id = ` + arg(f.AgentID)
	}
	if f.Before != 0 {
		where += ` AND c.id < ` + arg(f.Before)
	}
	if !f.Viewer.All {
		me := arg(f.Viewer.UserID)
		condition, skills := sqldb.In(s.db, "c.skill_id", len(args)+1, append([]overture.SkillID{0}, f.Viewer.Skills...))
		args = append(args, skills)
		where += ` AND (c.state <> 'waiting' AND c.agent_id = ` + me + ` AND c.agent_id <> 0 OR c.state = 'waiting' AND ` + condition + `)`
	}
	rows, err := s.db.Read.QueryContext(ctx, cardQuery+where+` ORDER BY c.id DESC LIMIT $2`, args...)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list conversations: %w", err))
	}
	defer rows.Close()
	var out []overture.ConversationCard
	for rows.Next() {
		c, err := scanCard(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("list conversations: %w", err)
		}
		out = append(out, c)
	}
	return out, sqldb.Trouble(rows.Err())
}

// Entries reads a transcript in order, after the given entry, with the delivery of what was sent.
func (s *Store) Entries(ctx context.Context, account overture.AccountID, id overture.ConversationID, after overture.EntryID, limit int) ([]overture.Entry, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT e.id, e.author, e.user_id, e.message_id, e.inbound_id, e.text, e.created_at,
			COALESCE(m.state, 0), COALESCE(m.code, 0), COALESCE(m.reason, ''), COALESCE(f.state, ''), e.message_id > 0 AND m.id IS NULL
		FROM entry e LEFT JOIN message m ON m.id = e.message_id LEFT JOIN inflight f ON f.message_id = e.message_id
		WHERE e.account_id = $1 AND e.conversation_id = $2 AND e.id > $3 ORDER BY e.id LIMIT $4`, account, id, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("read transcript: %w", err))
	}
	defer rows.Close()
	var out []overture.Entry
	for rows.Next() {
		e := overture.Entry{ConversationID: id, AccountID: account}
		var at int64
		var marker string
		if err := rows.Scan(&e.ID, &e.Author, &e.UserID, &e.MessageID, &e.InboundID, &e.Text, &at, &e.State, &e.Code, &e.Reason, &marker, &e.MessageDeleted); err != nil {
			return nil, fmt.Errorf("read transcript: %w", err)
		}
		e.State, e.CreatedAt = liveState(e.State, marker), time.UnixMilli(at).UTC()
		out = append(out, e)
	}
	return out, sqldb.Trouble(rows.Err())
}

// holdConversation reads a conversation for a change and keeps others from changing it until the transaction ends (PostgreSQL).
func (s *Store) holdConversation(ctx context.Context, tx *sql.Tx, account overture.AccountID, id overture.ConversationID) (c overture.Conversation, err error) {
	c = overture.Conversation{ID: id, AccountID: account}
	err = tx.QueryRowContext(ctx, `SELECT brand_id, sender_id, channel, address, skill_id, agent_id, state FROM conversation WHERE id = $1 AND account_id = $2`+s.db.ForUpdate(),
		id, account).Scan(&c.BrandID, &c.SenderID, &c.Channel, &c.Address, &c.SkillID, &c.AgentID, &c.State)
	if errors.Is(err, sql.ErrNoRows) {
		return c, overture.ErrNotFound("conversation")
	}
	if err != nil {
		return c, fmt.Errorf("hold conversation: %w", err)
	}
	return c, nil
}

// holdOpen is holdConversation for one that must be open.
func (s *Store) holdOpen(ctx context.Context, tx *sql.Tx, account overture.AccountID, id overture.ConversationID) (overture.Conversation, error) {
	c, err := s.holdConversation(ctx, tx, account, id)
	if err == nil && c.State == overture.ConversationClosed {
		return c, errClosed()
	}
	return c, err
}

// AddAnswer writes an agent's answer into the transcript and queues it ahead of campaign traffic, on the number the person wrote to last,
// in one transaction. Conflict: the conversation is closed or another agent's, or the person has opted out.
func (s *Store) AddAnswer(ctx context.Context, by overture.Actor, a overture.Answer, now time.Time) (entry overture.Entry, err error) {
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		c, err := s.holdOpen(ctx, tx, by.AccountID, a.ConversationID)
		if err != nil {
			return err
		}
		if a.OnlyAssigned && (by.UserID == 0 || c.AgentID != by.UserID) {
			return overture.ErrConflict("conversation_not_yours", "accept this conversation before you answer it")
		}
		out, err := isOptedOut(ctx, tx, c.AccountID, c.BrandID, c.Channel, c.Address)
		if err != nil {
			return err
		}
		if out {
			return overture.ErrConflict("opted_out", "this person has opted out, so nothing can be sent to them")
		}
		entry = overture.Entry{
			ConversationID: c.ID, AccountID: c.AccountID, Author: overture.AuthorAgent, UserID: by.UserID,
			MessageID: overture.MessageID(s.NewID()), Text: a.Text, CreatedAt: now,
		}
		if entry.ID, err = s.addEntry(ctx, tx, entry); err != nil {
			return err
		}
		if _, err := s.enqueueDirect(ctx, tx, overture.Message{
			ID: entry.MessageID, AccountID: c.AccountID, SenderID: c.SenderID, EntryID: entry.ID,
			Address: c.Address, Body: a.Text, Segments: a.Segments,
		}, now, now.Add(answerValidity)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE conversation SET unread = 0, updated_at = $1 WHERE id = $2`, now.UnixMilli(), c.ID)
		return err
	})
	return entry, err
}

// Transfer sends an open conversation back to the queue of a skill.
func (s *Store) Transfer(ctx context.Context, by overture.Actor, id overture.ConversationID, skill overture.SkillID, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := s.holdOpen(ctx, tx, by.AccountID, id); err != nil {
			return err
		}
		to, err := openSkillFrom(ctx, tx, by.AccountID, skill)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE conversation SET state = 'waiting', agent_id = 0, skill_id = $1, updated_at = $2 WHERE id = $3`,
			skill, now.UnixMilli(), id); err != nil {
			return fmt.Errorf("transfer conversation: %w", err)
		}
		_, err = s.addEntry(ctx, tx, overture.Entry{
			ConversationID: id, AccountID: by.AccountID, Author: overture.AuthorSystem, UserID: by.UserID,
			Text: "Transferred to " + to.Name + ".", CreatedAt: now,
		})
		return err
	})
}

// CloseConversation ends a conversation. Closing a closed one is no error.
func (s *Store) CloseConversation(ctx context.Context, by overture.Actor, id overture.ConversationID, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		c, err := s.holdConversation(ctx, tx, by.AccountID, id)
		if err != nil || c.State == overture.ConversationClosed {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE conversation SET state = 'closed', unread = 0, updated_at = $1, closed_at = $1 WHERE id = $2`, now.UnixMilli(), id); err != nil {
			return fmt.Errorf("close conversation: %w", err)
		}
		_, err = s.addEntry(ctx, tx, overture.Entry{ConversationID: id, AccountID: by.AccountID, Author: overture.AuthorSystem, UserID: by.UserID, Text: "Closed.", CreatedAt: now})
		return err
	})
}

// MarkRead forgets what was unread.
func (s *Store) MarkRead(ctx context.Context, account overture.AccountID, id overture.ConversationID) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := s.holdConversation(ctx, tx, account, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE conversation SET unread = 0 WHERE id = $1`, id)
		return err
	})
}

// OptOutPerson records that the person in a conversation asked the agent to stop. The brand is locked before the message that opened the
// conversation, and that before the conversation, as everywhere.
func (s *Store) OptOutPerson(ctx context.Context, by overture.Actor, c overture.Conversation, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockBrand(ctx, tx, by.AccountID, c.BrandID); err != nil {
			return err
		}
		counts := newCountDeltas()
		if c.MessageID != 0 {
			if err := markStopped(ctx, tx, counts, by.AccountID, c.MessageID, now.UnixMilli()); err != nil {
				return err
			}
		}
		held, err := s.holdConversation(ctx, tx, by.AccountID, c.ID)
		if err != nil {
			return err
		}
		if _, err := s.applyOptOut(ctx, tx, overture.OptOut{
			AccountID: held.AccountID, BrandID: held.BrandID, Channel: held.Channel, Address: held.Address,
			Source: overture.OptOutAgent, Evidence: by.String() + " in " + c.ID.String(), CreatedAt: now,
		}); err != nil {
			return err
		}
		if _, err := s.addEntry(ctx, tx, overture.Entry{
			ConversationID: c.ID, AccountID: by.AccountID, Author: overture.AuthorSystem, UserID: by.UserID,
			Text: wishNote(overture.WishStop), CreatedAt: now,
		}); err != nil {
			return err
		}
		if err := s.writeCounts(ctx, tx, counts); err != nil {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "opt_out.recorded", held.BrandID.String(), string(overture.OptOutAgent), now)
	})
}
