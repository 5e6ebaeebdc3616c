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

// price is how one overture.Price lies in the row of its table. A table is written once and read as a whole.
type price struct {
	Channel  overture.Channel  `json:"channel"`
	Provider string            `json:"provider,omitempty"`
	SenderID overture.SenderID `json:"sender_id,omitempty"`
	Country  string            `json:"country,omitempty"`
	Prefix   string            `json:"prefix,omitempty"`
	Micros   int64             `json:"micros"`
}

// Prices gives the account's newest price table. An account that never had one gets an empty table of version 0.
func (s *Store) Prices(ctx context.Context, account overture.AccountID) (overture.PriceTable, error) {
	return priceTable(ctx, s.db.Read, `SELECT version, currency, prices, created_by, created_at FROM price_table
		WHERE account_id = $1 ORDER BY version DESC LIMIT 1`, account)
}

// PricesOf gives one version, such as the one a campaign was launched with (campaign.price_version). Version 0 is empty.
func (s *Store) PricesOf(ctx context.Context, account overture.AccountID, version int) (overture.PriceTable, error) {
	return priceTable(ctx, s.db.Read, pricesOfVersion, account, version)
}

const pricesOfVersion = `SELECT version, currency, prices, created_by, created_at FROM price_table WHERE account_id = $1 AND version = $2`

// CampaignPrices gives the table that a campaign was launched with; of a draft, the account's newest.
func (s *Store) CampaignPrices(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.PriceTable, error) {
	return priceTable(ctx, s.db.Read, `SELECT p.version, p.currency, p.prices, p.created_by, p.created_at FROM price_table p
		JOIN campaign c ON c.account_id = p.account_id WHERE p.account_id = $1 AND c.id = $2 AND (c.launched_at IS NULL OR p.version = c.price_version)
		ORDER BY p.version DESC LIMIT 1`, account, campaign)
}

func priceTable(ctx context.Context, q sqldb.Querier, query string, account overture.AccountID, args ...any) (overture.PriceTable, error) {
	t := overture.PriceTable{AccountID: account}
	var raw string
	var created sql.NullInt64
	err := q.QueryRowContext(ctx, query, append([]any{account}, args...)...).Scan(&t.Version, &t.Currency, &raw, &t.CreatedBy, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return t, nil
	}
	if err != nil {
		return t, sqldb.Trouble(fmt.Errorf("prices of %s: %w", account, err))
	}
	var rows []price
	if err := json.Unmarshal([]byte(raw), &rows); err != nil {
		return t, fmt.Errorf("prices of %s, version %d: %w", account, t.Version, err)
	}
	t.CreatedAt, t.Prices = sqldb.Time(created), make([]overture.Price, len(rows))
	for i, p := range rows {
		t.Prices[i] = overture.Price(p)
	}
	return t, nil
}

// SetPrices writes the next version of the account's price table. Senders it names must be the account's: NotFound otherwise. was is the
// version it replaces; Conflict when another one was written meanwhile. was -1: whatever there is.
func (s *Store) SetPrices(ctx context.Context, by overture.Actor, currency string, prices []overture.Price, was int, now time.Time) (overture.PriceTable, error) {
	t := overture.PriceTable{AccountID: by.AccountID, Currency: currency, Prices: prices, CreatedBy: by.String(), CreatedAt: now.UTC().Truncate(time.Millisecond)}
	rows := make([]price, len(prices))
	senders := map[overture.SenderID]bool{}
	for i, p := range prices {
		rows[i] = price(p)
		if p.SenderID != 0 {
			senders[p.SenderID] = true
		}
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return t, fmt.Errorf("encode prices: %w", err)
	}
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		// The account's row keeps two administrators apart.
		if _, err := accountFrom(ctx, tx, by.AccountID, s.db.ForUpdate()); err != nil {
			return err
		}
		var current int
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM price_table WHERE account_id = $1`, by.AccountID).Scan(&current); err != nil {
			return fmt.Errorf("version of the prices: %w", err)
		}
		if was >= 0 && was != current {
			return overture.ErrConflict("prices_changed", fmt.Sprintf("somebody has changed the prices meanwhile: version %d is the newest; look at it first", current))
		}
		for id := range senders {
			var known bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sender WHERE id = $1 AND account_id = $2)`, id, by.AccountID).Scan(&known); err != nil {
				return fmt.Errorf("sender of a price: %w", err)
			}
			if !known {
				return overture.ErrNotFound("sender")
			}
		}
		t.Version = current + 1
		if _, err := tx.ExecContext(ctx, `INSERT INTO price_table (account_id, version, currency, prices, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.AccountID, t.Version, t.Currency, string(raw), t.CreatedBy, t.CreatedAt.UnixMilli()); err != nil {
			return fmt.Errorf("write prices: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), by, "prices.changed", by.AccountID.String(),
			fmt.Sprintf("version %d: %d prices in %s", t.Version, len(prices), currency), now)
	})
	return t, err
}
