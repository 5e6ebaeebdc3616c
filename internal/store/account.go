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

// settings is how overture.Settings lies in the row. Unset fields are left out, so a later default reaches old accounts too.
type settings struct {
	OptOutText       string           `json:"opt_out_text,omitempty"`
	SMSLimit         int              `json:"sms_limit,omitempty"`
	LengthPolicy     string           `json:"length_policy,omitempty"`
	Window           *overture.Window `json:"window,omitempty"`
	SendRate         int              `json:"send_rate,omitempty"`
	LookbackSeconds  int64            `json:"lookback_seconds,omitempty"`
	DefaultSkillID   int64            `json:"default_skill_id,omitempty"`
	HelpText         string           `json:"help_text,omitempty"`
	TimeZone         string           `json:"time_zone,omitempty"`
	OpenConversation string           `json:"open_conversation,omitempty"`
	OrdinaryWords    []string         `json:"ordinary_words,omitempty"`
	Rails            *overture.Rails  `json:"rails,omitempty"`
	Policy           *policyRow       `json:"policy,omitempty"`
}

func encodeSettings(in overture.Settings) (string, error) {
	row := settings{
		OptOutText: in.OptOutText, SMSLimit: in.SMSLimit, LengthPolicy: string(in.LengthPolicy), SendRate: in.SendRate,
		LookbackSeconds: int64(in.Lookback / time.Second), DefaultSkillID: int64(in.DefaultSkillID), HelpText: in.HelpText,
		TimeZone: in.TimeZone, OpenConversation: string(in.OpenConversation), OrdinaryWords: in.OrdinaryWords,
	}
	if in.Rails != (overture.Rails{}) {
		row.Rails = &in.Rails
	}
	if !in.Window.IsZero() || len(in.Window.Holidays) > 0 {
		row.Window = &in.Window
	}
	if !in.Policy.IsZero() {
		p := rowOfPolicy(in.Policy)
		row.Policy = &p
	}
	raw, err := json.Marshal(row)
	if err != nil {
		return "", fmt.Errorf("encode settings: %w", err)
	}
	return string(raw), nil
}

func decodeSettings(raw string) (overture.Settings, error) {
	var row settings
	if err := json.Unmarshal([]byte(raw), &row); err != nil {
		return overture.Settings{}, fmt.Errorf("decode settings: %w", err)
	}
	out := overture.Settings{
		OptOutText: row.OptOutText, SMSLimit: row.SMSLimit, LengthPolicy: overture.LengthPolicy(row.LengthPolicy), SendRate: row.SendRate,
		Lookback: time.Duration(row.LookbackSeconds) * time.Second, DefaultSkillID: overture.SkillID(row.DefaultSkillID),
		HelpText: row.HelpText, TimeZone: row.TimeZone, OpenConversation: overture.OpenConversationPolicy(row.OpenConversation), OrdinaryWords: row.OrdinaryWords,
	}
	if row.Window != nil {
		out.Window = *row.Window
	}
	if row.Rails != nil {
		out.Rails = *row.Rails
	}
	if row.Policy != nil {
		out.Policy = row.Policy.policy()
	}
	return out, nil
}

// CreateAccount writes a new account with its first brand and its first administrator, in one transaction.
// Conflict: the e-mail address belongs to a user already.
func (s *Store) CreateAccount(ctx context.Context, account overture.Account, brand overture.Brand, admin overture.User, passwordHash string) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error { return s.insertAccount(ctx, tx, account, brand, admin, passwordHash) })
}

// CreateFirstAccount does the same on a database without any account; of several callers at once one wins.
// Conflict: there is an account.
func (s *Store) CreateFirstAccount(ctx context.Context, account overture.Account, brand overture.Brand, admin overture.User, passwordHash string) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if s.db.Postgres() { // SQLite has one writer
			if _, err := tx.ExecContext(ctx, `LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE`); err != nil {
				return fmt.Errorf("wait for other set-ups: %w", err)
			}
		}
		exists, err := hasAccounts(ctx, tx)
		if err != nil {
			return err
		}
		if exists {
			return overture.ErrConflict("already_set_up", "this server has an account already; sign in")
		}
		return s.insertAccount(ctx, tx, account, brand, admin, passwordHash)
	})
}

func (s *Store) insertAccount(ctx context.Context, tx *sql.Tx, account overture.Account, brand overture.Brand, admin overture.User, passwordHash string) error {
	raw, err := encodeSettings(account.Settings)
	if err != nil {
		return err
	}
	by := overture.Actor{AccountID: account.ID}
	if _, err := tx.ExecContext(ctx, `INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, $2, $3, $4, $5)`,
		account.ID, account.Name, account.Enabled, raw, account.CreatedAt.UnixMilli()); err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	if err := writeAudit(ctx, tx, s.NewID(), by, "account.created", account.ID.String(), "", account.CreatedAt); err != nil {
		return err
	}
	if err := s.insertBrand(ctx, tx, by, brand); err != nil {
		return err
	}
	return s.insertUser(ctx, tx, by, admin, passwordHash, nil)
}

// Account gives an account with its settings as they were set; use Settings.WithDefaults for what applies.
func (s *Store) Account(ctx context.Context, id overture.AccountID) (overture.Account, error) {
	return accountFrom(ctx, s.db.Read, id, "")
}

func accountFrom(ctx context.Context, q sqldb.Querier, id overture.AccountID, lock string) (overture.Account, error) {
	a := overture.Account{ID: id}
	var raw string
	var created int64
	var stoppedAt sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT name, enabled, settings, created_at, stopped, stop_reason, stopped_at FROM account WHERE id = $1`+lock, id).
		Scan(&a.Name, &a.Enabled, &raw, &created, &a.Stopped, &a.StopReason, &stoppedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return a, overture.ErrNotFound("account")
	}
	if err != nil {
		return a, sqldb.Trouble(fmt.Errorf("read account: %w", err))
	}
	a.CreatedAt, a.StoppedAt = time.UnixMilli(created).UTC(), sqldb.Time(stoppedAt)
	a.Settings, err = decodeSettings(raw)
	return a, err
}

// UpdateAccount changes name and settings. change gets the account as it is and names what it changed, for the audit log; an empty text
// means nothing changed. It runs inside the transaction: no I/O in it.
func (s *Store) UpdateAccount(ctx context.Context, by overture.Actor, now time.Time, change func(*overture.Account) (changed string, err error)) (overture.Account, error) {
	var a overture.Account
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		if a, err = accountFrom(ctx, tx, by.AccountID, s.db.ForUpdate()); err != nil {
			return err
		}
		changed, err := change(&a)
		if err != nil || changed == "" {
			return err
		}
		if a.Settings.DefaultSkillID != 0 {
			if _, err := openSkillFrom(ctx, tx, by.AccountID, a.Settings.DefaultSkillID); err != nil {
				return err
			}
		}
		raw, err := encodeSettings(a.Settings)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE account SET name = $1, settings = $2 WHERE id = $3`, a.Name, raw, a.ID); err != nil {
			return fmt.Errorf("update account: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "account.changed", a.ID.String(), changed, now)
	})
	return a, err
}

// HasAccounts tells whether anybody was set up yet.
func (s *Store) HasAccounts(ctx context.Context) (bool, error) {
	exists, err := hasAccounts(ctx, s.db.Read)
	return exists, sqldb.Trouble(err)
}

func hasAccounts(ctx context.Context, q sqldb.Querier) (bool, error) {
	var n int
	if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT id FROM account LIMIT 1) AS one`).Scan(&n); err != nil {
		return false, fmt.Errorf("look for accounts: %w", err)
	}
	return n > 0, nil
}

// CreateBrand adds a brand. Conflict: the name is taken.
func (s *Store) CreateBrand(ctx context.Context, by overture.Actor, b overture.Brand) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error { return s.insertBrand(ctx, tx, by, b) })
}

func (s *Store) insertBrand(ctx context.Context, tx *sql.Tx, by overture.Actor, b overture.Brand) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO brand (id, account_id, name, created_at) VALUES ($1, $2, $3, $4)`,
		b.ID, b.AccountID, b.Name, b.CreatedAt.UnixMilli())
	if sqldb.IsUnique(err) {
		return overture.ErrConflict("name_taken", "there is a brand of this name already; choose another")
	}
	if err != nil {
		return fmt.Errorf("create brand: %w", err)
	}
	return writeAudit(ctx, tx, s.NewID(), by, "brand.created", b.ID.String(), "", b.CreatedAt)
}

// Brand gives one brand of the account.
func (s *Store) Brand(ctx context.Context, account overture.AccountID, id overture.BrandID) (overture.Brand, error) {
	return brandFrom(ctx, s.db.Read, account, id)
}

func brandFrom(ctx context.Context, q sqldb.Querier, account overture.AccountID, id overture.BrandID) (overture.Brand, error) {
	b := overture.Brand{ID: id, AccountID: account}
	var created int64
	err := q.QueryRowContext(ctx, `SELECT name, created_at FROM brand WHERE account_id = $1 AND id = $2`, account, id).Scan(&b.Name, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return b, overture.ErrNotFound("brand")
	}
	if err != nil {
		return b, sqldb.Trouble(fmt.Errorf("read brand: %w", err))
	}
	b.CreatedAt = time.UnixMilli(created).UTC()
	return b, nil
}

// Brands lists the account's brands by id, after the given one.
func (s *Store) Brands(ctx context.Context, account overture.AccountID, after overture.BrandID, limit int) ([]overture.Brand, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id, name, created_at FROM brand WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
		account, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list brands: %w", err))
	}
	defer rows.Close()
	var out []overture.Brand
	for rows.Next() {
		b := overture.Brand{AccountID: account}
		var created int64
		if err := rows.Scan(&b.ID, &b.Name, &created); err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("read brand: %w", err))
		}
		b.CreatedAt = time.UnixMilli(created).UTC()
		out = append(out, b)
	}
	return out, sqldb.Trouble(rows.Err())
}
