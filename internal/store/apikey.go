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

const keyColumns = `k.id, k.account_id, k.name, k.prefix, k.scopes, k.created_by, k.created_at, k.expires_at, k.revoked_at, k.last_used_at`

// scanKey reads keyColumns and whatever follows them.
func scanKey(scan func(...any) error, k *overture.APIKey, rest ...any) error {
	var scopes string
	var created int64
	var expires, revoked, used sql.NullInt64
	err := scan(append([]any{&k.ID, &k.AccountID, &k.Name, &k.Prefix, &scopes, &k.CreatedBy, &created, &expires, &revoked, &used}, rest...)...)
	k.Scopes = strings.Fields(scopes)
	k.CreatedAt = time.UnixMilli(created).UTC()
	k.ExpiresAt, k.RevokedAt, k.LastUsedAt = sqldb.Time(expires), sqldb.Time(revoked), sqldb.Time(used)
	return err
}

// CreateAPIKey keeps a key under the hash of its secret.
func (s *Store) CreateAPIKey(ctx context.Context, by overture.Actor, k overture.APIKey, secretHash string) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO api_key (id, account_id, name, prefix, secret_hash, scopes, created_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, k.ID, k.AccountID, k.Name, k.Prefix, secretHash, strings.Join(k.Scopes, " "),
			k.CreatedBy, k.CreatedAt.UnixMilli(), sqldb.Millis(k.ExpiresAt)); err != nil {
			return fmt.Errorf("create API key: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "api_key.created", k.ID.String(), strings.Join(k.Scopes, " "), k.CreatedAt)
	})
}

// APIKeyBySecret gives the key with this hash, and whether its account is enabled. NotFound: there is none; whether it still lives is
// for the caller.
func (s *Store) APIKeyBySecret(ctx context.Context, secretHash string) (k overture.APIKey, accountEnabled bool, err error) {
	err = scanKey(s.db.Read.QueryRowContext(ctx, `SELECT `+keyColumns+`, a.enabled FROM api_key k JOIN account a ON a.id = k.account_id
		WHERE k.secret_hash = $1`, secretHash).Scan, &k, &accountEnabled)
	if errors.Is(err, sql.ErrNoRows) {
		return k, false, errNoKey()
	}
	if err != nil {
		return k, false, sqldb.Trouble(fmt.Errorf("read API key: %w", err))
	}
	return k, accountEnabled, nil
}

// APIKeys lists the account's keys by id, after the given one, revoked ones too.
func (s *Store) APIKeys(ctx context.Context, account overture.AccountID, after overture.APIKeyID, limit int) ([]overture.APIKey, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+keyColumns+` FROM api_key k WHERE k.account_id = $1 AND k.id > $2 ORDER BY k.id LIMIT $3`,
		account, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list API keys: %w", err))
	}
	defer rows.Close()
	var out []overture.APIKey
	for rows.Next() {
		var k overture.APIKey
		if err := scanKey(rows.Scan, &k); err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("read API key: %w", err))
		}
		out = append(out, k)
	}
	return out, sqldb.Trouble(rows.Err())
}

// RevokeAPIKey ends a key at once. Revoking again changes nothing.
func (s *Store) RevokeAPIKey(ctx context.Context, by overture.Actor, id overture.APIKeyID, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		var revoked sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT revoked_at FROM api_key WHERE account_id = $1 AND id = $2`+s.db.ForUpdate(), by.AccountID, id).Scan(&revoked)
		if errors.Is(err, sql.ErrNoRows) {
			return errNoKey()
		}
		if err != nil || revoked.Valid {
			return err //nolint:wrapcheck // nil, or wrapped below by Trouble
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_key SET revoked_at = $1 WHERE id = $2`, now.UnixMilli(), id); err != nil {
			return fmt.Errorf("revoke API key: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "api_key.revoked", id.String(), "", now)
	})
}

// TouchAPIKey notes that the key was used.
func (s *Store) TouchAPIKey(ctx context.Context, id overture.APIKeyID, now time.Time) error {
	if _, err := s.db.Write.ExecContext(ctx, `UPDATE api_key SET last_used_at = $1 WHERE id = $2`, now.UnixMilli(), id); err != nil {
		return sqldb.Trouble(fmt.Errorf("touch API key: %w", err))
	}
	return nil
}

func errNoKey() error {
	return &overture.Error{Kind: overture.NotFound, Code: "api_key_not_found", Message: "there is no such API key in this account"}
}
