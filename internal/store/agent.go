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

// answering are the roles that may hold conversations.
const answering = `u.role IN ('agent', 'agent_manager', 'administrator') AND u.disabled = FALSE`

// openCount counts what an agent holds.
const openCount = `(SELECT count(*) FROM conversation c WHERE c.agent_id = u.id AND c.state = 'assigned')`

// Agents lists the account's agents and agent managers by id, after the given one, and administrators who have ever been available.
func (s *Store) Agents(ctx context.Context, account overture.AccountID, after overture.UserID, limit int) ([]overture.Agent, error) {
	agents, err := s.agents(ctx, `u.account_id = $2 AND u.id > $3 AND (u.role <> 'administrator' OR g.user_id IS NOT NULL) AND `+answering+` ORDER BY u.id LIMIT $4`,
		account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	return agents, nil
}

// Agent gives one user of the account who may answer. NotFound: there is none, or the role does not answer.
func (s *Store) Agent(ctx context.Context, account overture.AccountID, user overture.UserID) (overture.Agent, error) {
	agents, err := s.agents(ctx, `u.account_id = $2 AND u.id = $3 AND `+answering, account, user)
	if err != nil {
		return overture.Agent{}, fmt.Errorf("read agent: %w", err)
	}
	if len(agents) == 0 {
		return overture.Agent{}, overture.ErrNotFound("agent")
	}
	return agents[0], nil
}

// FreeAgents lists the available agents of all accounts that have room for another conversation.
func (s *Store) FreeAgents(ctx context.Context) ([]overture.Agent, error) {
	agents, err := s.agents(ctx, `g.available = TRUE AND g.capacity > `+openCount+` AND `+answering+` ORDER BY u.id`)
	if err != nil {
		return nil, fmt.Errorf("list free agents: %w", err)
	}
	return agents, nil
}

func (s *Store) agents(ctx context.Context, condition string, args ...any) ([]overture.Agent, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT u.id, u.account_id, u.name, u.role, COALESCE(g.available, FALSE), COALESCE(g.capacity, $1), COALESCE(g.assigned_at, 0), `+openCount+`
		FROM app_user u LEFT JOIN agent g ON g.user_id = u.id WHERE `+condition, append([]any{overture.DefaultCapacity}, args...)...)
	if err != nil {
		return nil, sqldb.Trouble(err)
	}
	defer rows.Close()
	var out []overture.Agent
	var ids []overture.UserID
	for rows.Next() {
		var a overture.Agent
		var assigned int64
		if err := rows.Scan(&a.UserID, &a.AccountID, &a.Name, &a.Role, &a.Available, &a.Capacity, &assigned, &a.Open); err != nil {
			return nil, err
		}
		if assigned > 0 {
			a.AssignedAt = time.UnixMilli(assigned).UTC()
		}
		out, ids = append(out, a), append(ids, a.UserID)
	}
	if err := rows.Err(); err != nil {
		return nil, sqldb.Trouble(err)
	}
	skills, err := s.skillsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Skills = skills[out[i].UserID]
	}
	return out, nil
}

func (s *Store) skillsOf(ctx context.Context, users []overture.UserID) (map[overture.UserID][]overture.SkillID, error) {
	out := map[overture.UserID][]overture.SkillID{}
	if len(users) == 0 {
		return out, nil
	}
	condition, arg := sqldb.In(s.db, "user_id", 1, users)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT user_id, skill_id FROM agent_skill WHERE `+condition+` ORDER BY user_id, skill_id`, arg)
	if err != nil {
		return nil, sqldb.Trouble(err)
	}
	defer rows.Close()
	for rows.Next() {
		var user overture.UserID
		var skill overture.SkillID
		if err := rows.Scan(&user, &skill); err != nil {
			return nil, err
		}
		out[user] = append(out[user], skill)
	}
	return out, sqldb.Trouble(rows.Err())
}

// SetPresence keeps whether an agent takes conversations, and how many at once.
func (s *Store) SetPresence(ctx context.Context, account overture.AccountID, user overture.UserID, available bool, capacity int, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.agentRow(ctx, tx, account, user, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE agent SET available = $1, capacity = $2, updated_at = $3 WHERE user_id = $4 AND account_id = $5`,
			available, capacity, now.UnixMilli(), user, account); err != nil {
			return fmt.Errorf("set presence: %w", err)
		}
		return nil
	})
}

// agentRow makes the row of a user who may answer, the first time.
func (s *Store) agentRow(ctx context.Context, tx *sql.Tx, account overture.AccountID, user overture.UserID, now time.Time) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO agent (user_id, account_id, available, capacity, assigned_at, updated_at)
		SELECT u.id, u.account_id, FALSE, $1, 0, $2 FROM app_user u WHERE u.id = $3 AND u.account_id = $4 AND `+answering+` ON CONFLICT (user_id) DO NOTHING`,
		overture.DefaultCapacity, now.UnixMilli(), user, account)
	if err != nil {
		return fmt.Errorf("add agent: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	var one int
	err = tx.QueryRowContext(ctx, `SELECT 1 FROM agent g JOIN app_user u ON u.id = g.user_id WHERE g.user_id = $1 AND g.account_id = $2 AND `+answering, user, account).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return overture.ErrNotFound("agent")
	}
	if err != nil {
		return fmt.Errorf("add agent: %w", err)
	}
	return nil
}

// WaitingConversations lists the oldest conversations of an account that wait for one of the skills or for anybody.
func (s *Store) WaitingConversations(ctx context.Context, account overture.AccountID, skills []overture.SkillID, limit int) ([]overture.WaitingConversation, error) {
	condition, arg := sqldb.In(s.db, "skill_id", 2, append([]overture.SkillID{0}, skills...))
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id, skill_id FROM conversation WHERE account_id = $1 AND state = 'waiting' AND `+condition+
		` ORDER BY id LIMIT $3`, account, arg, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list waiting conversations: %w", err))
	}
	defer rows.Close()
	var out []overture.WaitingConversation
	for rows.Next() {
		var w overture.WaitingConversation
		if err := rows.Scan(&w.ConversationID, &w.SkillID); err != nil {
			return nil, fmt.Errorf("list waiting conversations: %w", err)
		}
		out = append(out, w)
	}
	return out, sqldb.Trouble(rows.Err())
}

// Assign gives a waiting conversation to an agent, if the agent still has room and the conversation still waits: of all who try at once,
// exactly one wins (I19). A planned assignment that lost is no error. One by hand says why: NotFound or Conflict; taking what one has is a success.
func (s *Store) Assign(ctx context.Context, a overture.Assignment, now time.Time) (won bool, err error) {
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		if won, err = s.assign(ctx, tx, a, now); err != nil || won || !a.ByHand {
			return err
		}
		return whyNotAssigned(ctx, tx, a)
	})
	return won && err == nil, err
}

func (s *Store) assign(ctx context.Context, tx *sql.Tx, a overture.Assignment, now time.Time) (bool, error) {
	if a.ByHand {
		if err := s.agentRow(ctx, tx, a.AccountID, a.AgentID, now); err != nil {
			return false, err
		}
	}
	// The agent's row is locked first, so that two assignments to one agent count one after the other.
	var available bool
	var capacity, open int
	err := tx.QueryRowContext(ctx, `SELECT available, capacity FROM agent WHERE user_id = $1 AND account_id = $2`+s.db.ForUpdate(), a.AgentID, a.AccountID).Scan(&available, &capacity)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock agent: %w", err)
	}
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM conversation WHERE agent_id = $1 AND state = 'assigned'`, a.AgentID).Scan(&open); err != nil {
		return false, fmt.Errorf("count conversations of an agent: %w", err)
	}
	if open >= capacity || !available && !a.ByHand {
		return false, nil
	}
	query, args := `UPDATE conversation SET state = 'assigned', agent_id = $1, updated_at = $2 WHERE id = $3 AND account_id = $4 AND state = 'waiting'`,
		[]any{a.AgentID, now.UnixMilli(), a.ConversationID, a.AccountID}
	if !a.ByHand {
		query, args = query+` AND skill_id = $5`, append(args, a.SkillID)
	}
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("assign conversation: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE agent SET assigned_at = $1 WHERE user_id = $2`, now.UnixMilli(), a.AgentID); err != nil {
		return false, fmt.Errorf("note assignment: %w", err)
	}
	return true, nil
}

func whyNotAssigned(ctx context.Context, tx *sql.Tx, a overture.Assignment) error {
	var state overture.ConversationState
	var agent overture.UserID
	err := tx.QueryRowContext(ctx, `SELECT state, agent_id FROM conversation WHERE id = $1 AND account_id = $2`, a.ConversationID, a.AccountID).Scan(&state, &agent)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return overture.ErrNotFound("conversation")
	case err != nil:
		return fmt.Errorf("look at conversation: %w", err)
	case state == overture.ConversationClosed:
		return errClosed()
	case state == overture.ConversationWaiting:
		return overture.ErrConflict("capacity_reached", "you hold as many conversations as your capacity allows; close one or raise the capacity")
	case agent != a.AgentID:
		return overture.ErrConflict("conversation_taken", "another agent has this conversation already")
	}
	return nil
}

func errClosed() error {
	return overture.ErrConflict("conversation_closed", "this conversation is closed; a new one opens when the person writes again")
}
