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

const userColumns = `u.id, u.account_id, u.email, u.name, u.role, u.disabled, u.session_version, u.created_at`

// scanUser reads userColumns and whatever follows them.
func scanUser(scan func(...any) error, u *overture.User, rest ...any) error {
	var created int64
	err := scan(append([]any{&u.ID, &u.AccountID, &u.Email, &u.Name, &u.Role, &u.Disabled, &u.SessionVersion, &created}, rest...)...)
	u.CreatedAt = time.UnixMilli(created).UTC()
	return err
}

// CreateUser adds a user with skills. Conflict: the e-mail address is taken. NotFound: a skill is not the account's.
func (s *Store) CreateUser(ctx context.Context, by overture.Actor, u overture.User, passwordHash string, skills []overture.SkillID) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error { return s.insertUser(ctx, tx, by, u, passwordHash, skills) })
}

func (s *Store) insertUser(ctx context.Context, tx *sql.Tx, by overture.Actor, u overture.User, passwordHash string, skills []overture.SkillID) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO app_user (id, account_id, email, name, role, password_hash, disabled, session_version, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		u.ID, u.AccountID, u.Email, u.Name, u.Role, passwordHash, u.Disabled, u.SessionVersion, u.CreatedAt.UnixMilli())
	if sqldb.IsUnique(err) {
		return overture.ErrConflict("email_taken", "this e-mail address belongs to a user already; use another")
	}
	if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	if err := setAgentSkills(ctx, tx, u.AccountID, u.ID, skills); err != nil {
		return err
	}
	return writeAudit(ctx, tx, s.NewID(), by, "user.created", u.ID.String(), "role "+string(u.Role), u.CreatedAt)
}

// User gives one user of the account.
func (s *Store) User(ctx context.Context, account overture.AccountID, id overture.UserID) (overture.User, error) {
	return userFrom(ctx, s.db.Read, account, id, "")
}

func userFrom(ctx context.Context, q sqldb.Querier, account overture.AccountID, id overture.UserID, lock string) (overture.User, error) {
	var u overture.User
	err := scanUser(q.QueryRowContext(ctx, `SELECT `+userColumns+` FROM app_user u WHERE u.account_id = $1 AND u.id = $2`+lock, account, id).Scan, &u)
	if errors.Is(err, sql.ErrNoRows) {
		return u, overture.ErrNotFound("user")
	}
	if err != nil {
		return u, sqldb.Trouble(fmt.Errorf("read user: %w", err))
	}
	return u, nil
}

// Users lists the account's users by id, after the given one.
func (s *Store) Users(ctx context.Context, account overture.AccountID, after overture.UserID, limit int) ([]overture.User, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+userColumns+` FROM app_user u WHERE u.account_id = $1 AND u.id > $2 ORDER BY u.id LIMIT $3`,
		account, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list users: %w", err))
	}
	defer rows.Close()
	var out []overture.User
	for rows.Next() {
		var u overture.User
		if err := scanUser(rows.Scan, &u); err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("read user: %w", err))
		}
		out = append(out, u)
	}
	return out, sqldb.Trouble(rows.Err())
}

// UserByEmail gives the user with this address (lower case) in whatever account, with the password hash. For sign-in only.
func (s *Store) UserByEmail(ctx context.Context, email string) (u overture.User, passwordHash string, err error) {
	err = scanUser(s.db.Read.QueryRowContext(ctx, `SELECT `+userColumns+`, u.password_hash FROM app_user u WHERE u.email = $1`, email).Scan, &u, &passwordHash)
	if errors.Is(err, sql.ErrNoRows) {
		return u, "", overture.ErrNotFound("user")
	}
	if err != nil {
		return u, "", sqldb.Trouble(fmt.Errorf("read user: %w", err))
	}
	return u, passwordHash, nil
}

// PasswordHash gives the encoded hash of a user's password.
func (s *Store) PasswordHash(ctx context.Context, account overture.AccountID, id overture.UserID) (string, error) {
	var hash string
	err := s.db.Read.QueryRowContext(ctx, `SELECT password_hash FROM app_user WHERE account_id = $1 AND id = $2`, account, id).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", overture.ErrNotFound("user")
	}
	if err != nil {
		return "", sqldb.Trouble(fmt.Errorf("read password hash: %w", err))
	}
	return hash, nil
}

// UpdateUser changes a user and, unless nil, the user's skills. change gets the user as it is and names what it changed; it runs inside
// the transaction: no I/O in it. A change of role, or disabling, ends the user's sessions (T8).
//
// Conflict: the account would be left without an administrator.
func (s *Store) UpdateUser(ctx context.Context, by overture.Actor, id overture.UserID, now time.Time, skills *[]overture.SkillID, change func(*overture.User) (changed string, err error)) (overture.User, error) {
	var u overture.User
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockAdministrators(ctx, tx, by.AccountID); err != nil {
			return err
		}
		var err error
		if u, err = userFrom(ctx, tx, by.AccountID, id, s.db.ForUpdate()); err != nil {
			return err
		}
		before := u
		changed, err := change(&u)
		if err != nil || changed == "" {
			return err
		}
		if skills != nil {
			if err := setAgentSkills(ctx, tx, u.AccountID, u.ID, *skills); err != nil {
				return err
			}
		}
		endsSessions := u.Role != before.Role || u.Disabled && !before.Disabled
		if endsSessions {
			u.SessionVersion++
			if err := keepsAdministrator(ctx, tx, u); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE app_user SET name = $1, role = $2, disabled = $3, session_version = $4 WHERE id = $5`,
			u.Name, u.Role, u.Disabled, u.SessionVersion, u.ID); err != nil {
			return fmt.Errorf("update user: %w", err)
		}
		if endsSessions {
			if err := endSessions(ctx, tx, u.ID); err != nil {
				return err
			}
		}
		return writeAudit(ctx, tx, s.NewID(), by, "user.changed", u.ID.String(), changed, now)
	})
	return u, err
}

// lockAdministrators makes changes of users of one account wait for each other on PostgreSQL, so that two administrators cannot demote
// each other at once.
func (s *Store) lockAdministrators(ctx context.Context, tx *sql.Tx, account overture.AccountID) error {
	if _, err := accountFrom(ctx, tx, account, s.db.ForUpdate()); err != nil {
		return err
	}
	return nil
}

func keepsAdministrator(ctx context.Context, tx *sql.Tx, u overture.User) error {
	if u.Role == overture.Administrator && !u.Disabled {
		return nil
	}
	var others int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM app_user WHERE account_id = $1 AND role = $2 AND disabled = FALSE AND id <> $3`,
		u.AccountID, overture.Administrator, u.ID).Scan(&others); err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if others == 0 {
		return overture.ErrConflict("last_administrator", "this is the account's last administrator; make another user administrator first")
	}
	return nil
}

// SetPassword replaces a password and ends every session of the user.
func (s *Store) SetPassword(ctx context.Context, by overture.Actor, id overture.UserID, passwordHash string, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE app_user SET password_hash = $1, session_version = session_version + 1
			WHERE account_id = $2 AND id = $3`, passwordHash, by.AccountID, id)
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, overture.ErrNotFound("user"))
		}
		if err := endSessions(ctx, tx, id); err != nil {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "user.password_changed", id.String(), "", now)
	})
}
