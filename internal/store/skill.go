package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// CreateSkill adds a skill. Conflict: the name is taken.
func (s *Store) CreateSkill(ctx context.Context, by overture.Actor, k overture.Skill, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO skill (id, account_id, name) VALUES ($1, $2, $3)`, k.ID, k.AccountID, k.Name)
		if sqldb.IsUnique(err) {
			return overture.ErrConflict("name_taken", "there is a skill of this name already; choose another")
		}
		if err != nil {
			return fmt.Errorf("create skill: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "skill.created", k.ID.String(), "", now)
	})
}

// Skill gives one skill of the account.
func (s *Store) Skill(ctx context.Context, account overture.AccountID, id overture.SkillID) (overture.Skill, error) {
	return skillFrom(ctx, s.db.Read, account, id)
}

func skillFrom(ctx context.Context, q sqldb.Querier, account overture.AccountID, id overture.SkillID) (overture.Skill, error) {
	k := overture.Skill{ID: id, AccountID: account}
	var archived sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT name, archived_at FROM skill WHERE account_id = $1 AND id = $2`, account, id).Scan(&k.Name, &archived)
	if errors.Is(err, sql.ErrNoRows) {
		return k, overture.ErrNotFound("skill")
	}
	if err != nil {
		return k, sqldb.Trouble(fmt.Errorf("read skill: %w", err))
	}
	k.ArchivedAt = sqldb.Time(archived)
	return k, nil
}

// UpdateSkill changes name and archiving. change gets the skill as it is and names what it changed; an empty text means nothing changed.
// Conflict: the name is taken, or it is the account's default skill, to which replies without another one go.
func (s *Store) UpdateSkill(ctx context.Context, by overture.Actor, id overture.SkillID, now time.Time, change func(*overture.Skill) (changed string, err error)) (overture.Skill, error) {
	var k overture.Skill
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		a, err := accountFrom(ctx, tx, by.AccountID, s.db.ForUpdate()) // the default skill must not change meanwhile
		if err != nil {
			return err
		}
		if k, err = skillFrom(ctx, tx, by.AccountID, id); err != nil {
			return err
		}
		changed, err := change(&k)
		if err != nil || changed == "" {
			return err
		}
		if k.Archived() && a.Settings.DefaultSkillID == id {
			return overture.ErrConflict("skill_is_default", "replies outside the lookback go to this skill; choose another default skill first")
		}
		archived := sql.NullInt64{Int64: k.ArchivedAt.UnixMilli(), Valid: k.Archived()}
		_, err = tx.ExecContext(ctx, `UPDATE skill SET name = $1, archived_at = $2 WHERE id = $3`, k.Name, archived, id)
		if sqldb.IsUnique(err) {
			return overture.ErrConflict("name_taken", "there is a skill of this name already; choose another")
		}
		if err != nil {
			return fmt.Errorf("update skill: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "skill.changed", id.String(), changed, now)
	})
	return k, err
}

// openSkillFrom is skillFrom for what is to come. Conflict: the skill is archived.
func openSkillFrom(ctx context.Context, q sqldb.Querier, account overture.AccountID, id overture.SkillID) (overture.Skill, error) {
	k, err := skillFrom(ctx, q, account, id)
	if err == nil && k.Archived() {
		err = overture.ErrSkillArchived()
	}
	return k, err
}

// Skills lists the account's skills by id, after the given one. search narrows to names that contain it, in any case (ASCII).
func (s *Store) Skills(ctx context.Context, f overture.SkillFilter) ([]overture.Skill, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id, name, archived_at FROM skill WHERE account_id = $1 AND id > $2
		AND LOWER(name) LIKE $3 ESCAPE '\' AND ($4 OR archived_at IS NULL) ORDER BY id LIMIT $5`,
		f.AccountID, f.After, "%"+escapeLike(strings.ToLower(f.Search))+"%", f.Archived, f.Limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list skills: %w", err))
	}
	defer rows.Close()
	var out []overture.Skill
	for rows.Next() {
		k := overture.Skill{AccountID: f.AccountID}
		var archived sql.NullInt64
		if err := rows.Scan(&k.ID, &k.Name, &archived); err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("read skill: %w", err))
		}
		k.ArchivedAt = sqldb.Time(archived)
		out = append(out, k)
	}
	return out, sqldb.Trouble(rows.Err())
}

// UserSkills gives the skills of users of the account, by user.
func (s *Store) UserSkills(ctx context.Context, account overture.AccountID, users []overture.UserID) (map[overture.UserID][]overture.SkillID, error) {
	out := map[overture.UserID][]overture.SkillID{}
	if len(users) == 0 {
		return out, nil
	}
	condition, arg := sqldb.In(s.db, "a.user_id", 1, users)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT a.user_id, a.skill_id FROM agent_skill a JOIN app_user u ON u.id = a.user_id
		WHERE `+condition+` AND u.account_id = $2 ORDER BY a.user_id, a.skill_id`, arg, account)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list skills of users: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		var user overture.UserID
		var skill overture.SkillID
		if err := rows.Scan(&user, &skill); err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("read skill of a user: %w", err))
		}
		out[user] = append(out[user], skill)
	}
	return out, sqldb.Trouble(rows.Err())
}

// setAgentSkills replaces the skills of a user. NotFound: a skill is not the account's.
func setAgentSkills(ctx context.Context, tx *sql.Tx, account overture.AccountID, user overture.UserID, skills []overture.SkillID) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM agent_skill WHERE user_id = $1`, user); err != nil {
		return fmt.Errorf("clear skills of a user: %w", err)
	}
	for _, id := range skills {
		if _, err := skillFrom(ctx, tx, account, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO agent_skill (user_id, skill_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, user, id); err != nil {
			return fmt.Errorf("set skill of a user: %w", err)
		}
	}
	return nil
}
