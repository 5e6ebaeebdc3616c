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

const senderColumns = `id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, messaging_service_sid, webhook_key,
	rate, stopped, stop_reason, created_at`

// scanSender reads senderColumns and whatever follows them.
func scanSender(scan func(...any) error, x *overture.Sender, rest ...any) error {
	var created int64
	err := scan(append([]any{
		&x.ID, &x.AccountID, &x.BrandID, &x.Name, &x.Channel, &x.Provider, &x.Address, &x.BaseURL, &x.AccountSID,
		&x.MessagingServiceSID, &x.WebhookKey, &x.Rate, &x.Stopped, &x.StopReason, &created,
	}, rest...)...)
	x.CreatedAt = time.UnixMilli(created).UTC()
	return err
}

// credentials are what is sealed of a sender.
type credentials struct {
	AuthToken       string `json:"auth_token"`
	SecondAuthToken string `json:"second_auth_token,omitempty"`
}

func boundSender(id overture.SenderID) string { return "sender/" + id.String() + "/credentials" }

func (s *Store) sealCredentials(x overture.Sender) (string, error) {
	raw, err := json.Marshal(credentials{AuthToken: x.AuthToken.Reveal(), SecondAuthToken: x.SecondAuthToken.Reveal()})
	if err != nil {
		return "", fmt.Errorf("encode credentials: %w", err)
	}
	sealed, err := s.seal.Seal(overture.Secret(raw), boundSender(x.ID))
	if err != nil {
		return "", fmt.Errorf("seal credentials of %s: %w", x.ID, err)
	}
	return sealed, nil
}

func (s *Store) openCredentials(x *overture.Sender, sealed string) error {
	raw, err := s.seal.Open(sealed, boundSender(x.ID))
	if err != nil {
		return fmt.Errorf("open credentials of %s: %w", x.ID, err)
	}
	var c credentials
	if err := json.Unmarshal([]byte(raw.Reveal()), &c); err != nil {
		return fmt.Errorf("decode credentials of %s: not JSON", x.ID) // the error of json could quote them
	}
	x.AuthToken, x.SecondAuthToken = overture.Secret(c.AuthToken), overture.Secret(c.SecondAuthToken)
	return nil
}

// CreateSender adds a sender; its credentials are sealed. Conflict: the account has a sender with this address. NotFound: the brand is not
// the account's.
func (s *Store) CreateSender(ctx context.Context, by overture.Actor, x overture.Sender) error {
	sealed, err := s.sealCredentials(x)
	if err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := brandFrom(ctx, tx, x.AccountID, x.BrandID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid,
				messaging_service_sid, webhook_key, rate, stopped, stop_reason, created_at, sealed_credentials)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
			x.ID, x.AccountID, x.BrandID, x.Name, x.Channel, x.Provider, x.Address, x.BaseURL, x.AccountSID,
			x.MessagingServiceSID, x.WebhookKey, x.Rate, x.Stopped, x.StopReason, x.CreatedAt.UnixMilli(), sealed)
		if sqldb.IsUnique(err) {
			return overture.ErrConflict("address_taken", "this account has a sender with this address already; change that one")
		}
		if err != nil {
			return fmt.Errorf("create sender: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "sender.created", x.ID.String(), "provider "+x.Provider, x.CreatedAt)
	})
}

// Sender gives one sender of the account, without credentials.
func (s *Store) Sender(ctx context.Context, account overture.AccountID, id overture.SenderID) (overture.Sender, error) {
	var x overture.Sender
	err := scanSender(s.db.Read.QueryRowContext(ctx, `SELECT `+senderColumns+` FROM sender WHERE account_id = $1 AND id = $2`, account, id).Scan, &x)
	return x, senderError(err)
}

// SenderForDispatch gives a sender with its credentials, whatever the account. It decrypts: callers on hot paths keep it for a few seconds.
func (s *Store) SenderForDispatch(ctx context.Context, id overture.SenderID) (overture.Sender, error) {
	return s.senderWithCredentials(ctx, `id = $1`, id)
}

// SenderByWebhookKey gives the sender whose webhooks carry this key in their path, with its credentials.
func (s *Store) SenderByWebhookKey(ctx context.Context, key string) (overture.Sender, error) {
	return s.senderWithCredentials(ctx, `webhook_key = $1`, key)
}

func (s *Store) senderWithCredentials(ctx context.Context, condition string, arg any) (overture.Sender, error) {
	var x overture.Sender
	var sealed string
	err := scanSender(s.db.Read.QueryRowContext(ctx, `SELECT `+senderColumns+`, sealed_credentials FROM sender WHERE `+condition, arg).Scan, &x, &sealed)
	if err != nil {
		return x, senderError(err)
	}
	return x, s.openCredentials(&x, sealed)
}

func senderError(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return overture.ErrNotFound("sender")
	}
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("read sender: %w", err))
	}
	return nil
}

// Senders lists the account's senders by id, after the given one, without credentials.
func (s *Store) Senders(ctx context.Context, account overture.AccountID, after overture.SenderID, limit int) ([]overture.Sender, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+senderColumns+` FROM sender WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
		account, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("list senders: %w", err))
	}
	defer rows.Close()
	var out []overture.Sender
	for rows.Next() {
		var x overture.Sender
		if err := scanSender(rows.Scan, &x); err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("read sender: %w", err))
		}
		out = append(out, x)
	}
	return out, sqldb.Trouble(rows.Err())
}

// UpdateSender changes a sender and its credentials. change gets the sender with its credentials as they are and names what it changed;
// an empty text means nothing changed. It runs inside the transaction: no I/O in it.
func (s *Store) UpdateSender(ctx context.Context, by overture.Actor, id overture.SenderID, now time.Time, change func(*overture.Sender) (changed string, err error)) (overture.Sender, error) {
	var x overture.Sender
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var sealed string
		err := scanSender(tx.QueryRowContext(ctx, `SELECT `+senderColumns+`, sealed_credentials FROM sender
			WHERE account_id = $1 AND id = $2`+s.db.ForUpdate(), by.AccountID, id).Scan, &x, &sealed)
		if err != nil {
			return senderError(err)
		}
		if err := s.openCredentials(&x, sealed); err != nil {
			return err
		}
		changed, err := change(&x)
		if err != nil || changed == "" {
			return err
		}
		if sealed, err = s.sealCredentials(x); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE sender SET name = $1, base_url = $2, account_sid = $3, messaging_service_sid = $4, rate = $5,
				sealed_credentials = $6 WHERE id = $7`,
			x.Name, x.BaseURL, x.AccountSID, x.MessagingServiceSID, x.Rate, sealed, x.ID); err != nil {
			return fmt.Errorf("update sender: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "sender.changed", x.ID.String(), changed, now)
	})
	x.AuthToken, x.SecondAuthToken = "", ""
	return x, err
}

// StopSender stops a sender whose provider refuses it (R5): no message of it can go. A stopped sender keeps its first reason.
func (s *Store) StopSender(ctx context.Context, id overture.SenderID, reason string) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		var account overture.AccountID
		err := tx.QueryRowContext(ctx, `SELECT account_id FROM sender WHERE id = $1`, id).Scan(&account)
		if err != nil {
			return senderError(err)
		}
		return s.setStopped(ctx, tx, overture.Actor{AccountID: account}, id, true, reason, time.Now())
	})
}

// SetSenderStopped stops or starts a sender for a person. What is so already stays as it is.
func (s *Store) SetSenderStopped(ctx context.Context, by overture.Actor, id overture.SenderID, stopped bool, reason string, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error { return s.setStopped(ctx, tx, by, id, stopped, reason, now) })
}

func (s *Store) setStopped(ctx context.Context, tx *sql.Tx, by overture.Actor, id overture.SenderID, stopped bool, reason string, now time.Time) error {
	var was bool
	err := tx.QueryRowContext(ctx, `SELECT stopped FROM sender WHERE account_id = $1 AND id = $2`+s.db.ForUpdate(), by.AccountID, id).Scan(&was)
	if err != nil {
		return senderError(err)
	}
	if was == stopped {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE sender SET stopped = $1, stop_reason = $2 WHERE id = $3`, stopped, reason, id); err != nil {
		return fmt.Errorf("stop or start sender: %w", err)
	}
	action := "sender.started"
	if stopped {
		action = "sender.stopped"
	}
	return writeAudit(ctx, tx, s.NewID(), by, action, id.String(), reason, now)
}
