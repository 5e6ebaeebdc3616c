package client

import (
	"context"
	"net/http"
	"time"
)

// Price of one segment. What is left out means any.
type Price struct {
	Channel  string `json:"channel"`
	Provider string `json:"provider,omitempty"`
	Sender   string `json:"sender,omitempty"`
	Country  string `json:"country,omitempty"`
	Prefix   string `json:"prefix,omitempty"`
	Micros   int64  `json:"micros"` // millionths of the currency
}

// Prices of an account. Currency, Prices and Version are what SetPrices takes.
type Prices struct {
	Version   int        `json:"version"`
	Currency  string     `json:"currency"`
	Prices    []Price    `json:"prices"`
	ChangedBy string     `json:"changed_by,omitempty"`
	ChangedAt *time.Time `json:"changed_at,omitempty"`
}

const prices = "/v1/prices"

// Prices gives the account's price table.
func (c *Client) Prices(ctx context.Context) (Prices, error) {
	var out Prices
	err := c.do(ctx, request{method: http.MethodGet, path: prices, out: &out})
	return out, err
}

// SetPrices replaces the account's price table. version is the one it replaces; nil: whatever there is.
func (c *Client) SetPrices(ctx context.Context, currency string, table []Price, version *int) (Prices, error) {
	body := map[string]any{"currency": currency, "prices": table}
	if version != nil {
		body["version"] = *version
	}
	var out Prices
	err := c.do(ctx, request{method: http.MethodPut, path: prices, body: body, out: &out})
	return out, err
}
