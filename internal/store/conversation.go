package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// answerValidity bounds how long an answer waits for its sender, for example while that is stopped. A later answer would only confuse.
const answerValidity = 24 * time.Hour

// openConversation finds the one open conversation of a person with a brand and, on PostgreSQL, keeps it from being closed until the
// transaction ends.
func (s *Store) openConversation(ctx context.Context, q sqldb.Querier, brand overture.BrandID, channel overture.Channel, address overture.Address) (id overture.ConversationID, open bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT id FROM conversation WHERE brand_id = $1 AND channel = $2 AND address = $3 AND state <> 'closed'`+s.db.ForUpdate(),
		brand, string(channel), string(address)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("find open conversation: %w", err)
	}
	return id, true, nil
}

// beginConversation opens a waiting conversation, or gives the one that another node opened in the meantime: the unique index on open
// conversations decides.
func (s *Store) beginConversation(ctx context.Context, tx *sql.Tx, r overture.Reply) (overture.ConversationID, error) {
	in, source := r.Inbound, "inbound"
	if r.Outbound.MessageID != 0 {
		source = "proactive"
	}
	id := overture.ConversationID(s.NewID())
	res, err := tx.ExecContext(ctx, `INSERT INTO conversation (id, account_id, brand_id, sender_id, channel, address, skill_id, agent_id, campaign_id, message_id,
			source, state, city, country, unread, started_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, 'waiting', $11, $12, 0, $13, $13) ON CONFLICT DO NOTHING`,
		id, in.AccountID, r.BrandID, in.SenderID, string(r.Channel), string(in.From), r.SkillID, r.Outbound.CampaignID, r.Outbound.MessageID,
		source, in.City, in.Country, in.ReceivedAt.UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("open conversation: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("open conversation: %w", err)
	}
	if n == 1 {
		return id, nil
	}
	id, open, err := s.openConversation(ctx, tx, r.BrandID, r.Channel, in.From)
	if err == nil && !open {
		return 0, &overture.Error{Kind: overture.Unavailable, Code: "conversation_moved", Message: "the conversation was closed this moment; try again"}
	}
	return id, err
}

func (s *Store) addEntry(ctx context.Context, tx *sql.Tx, e overture.Entry) (overture.EntryID, error) {
	e.ID = overture.EntryID(s.NewID())
	if _, err := tx.ExecContext(ctx, `INSERT INTO entry (id, conversation_id, account_id, author, user_id, message_id, inbound_id, text, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, e.ID, e.ConversationID, e.AccountID, string(e.Author), e.UserID, e.MessageID, e.InboundID, e.Text,
		e.CreatedAt.UnixMilli()); err != nil {
		return 0, fmt.Errorf("write entry: %w", err)
	}
	return e.ID, nil
}

// stringList reads a JSON array of strings; an empty text is an empty list.
func stringList(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	return list, nil
}

// variableNames maps the header of a list to positions in a recipient's values.
func variableNames(columns []string) map[string]int {
	if len(columns) == 0 {
		return nil
	}
	return overture.ColumnsOf(columns).Names
}
