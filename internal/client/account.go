package client

import (
	"context"
	"net/http"
)

const account = "/v1/account"

// Limits are the guard rails of an account as they apply; 0: off.
type Limits struct {
	UndoSeconds          int64  `json:"undo_seconds"`
	SegmentsPerDay       int64  `json:"segments_per_day"`
	SpendPerDay          int64  `json:"spend_per_day"` // millionths of SpendCurrency
	SpendCurrency        string `json:"spend_currency,omitempty"`
	PrefixDigits         int64  `json:"prefix_digits"`
	PrefixPerHour        int64  `json:"prefix_per_hour"`
	PrefixPerDay         int64  `json:"prefix_per_day"`
	CampaignPrefixPerDay int64  `json:"campaign_prefix_per_day"`
	FailedPercent        int64  `json:"failed_percent"`
	OptedOutPercent      int64  `json:"opted_out_percent"`
	UnknownPercent       int64  `json:"unknown_percent"`
	Sample               int64  `json:"sample"`
}

type accountLimits struct {
	Rails Limits `json:"rails"`
}

// Limits gives the account's guard rails.
func (c *Client) Limits(ctx context.Context) (Limits, error) {
	var out accountLimits
	err := c.do(ctx, request{method: http.MethodGet, path: account, out: &out})
	return out.Rails, err
}

// SetLimits changes those that are named, by the names of the API; 0 switches one off.
func (c *Client) SetLimits(ctx context.Context, change map[string]int64) (Limits, error) {
	var out accountLimits
	err := c.do(ctx, request{method: http.MethodPatch, path: account, body: map[string]any{"rails": change}, out: &out})
	return out.Rails, err
}

// StopAccount turns the account's kill switch: action is stop or start.
func (c *Client) StopAccount(ctx context.Context, action, reason string) error {
	body := map[string]string{}
	if reason != "" {
		body["reason"] = reason
	}
	r := request{method: http.MethodPost, path: account + "/" + action}
	if action == "stop" {
		r.body = body
	}
	return c.do(ctx, r)
}
