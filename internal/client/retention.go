package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Retention is how long an account keeps its data, and what is on legal hold.
type Retention struct {
	Version   int              `json:"version"`
	Classes   []RetentionClass `json:"classes"`
	Holds     []LegalHold      `json:"holds"`
	ChangedBy string           `json:"changed_by,omitempty"`
	ChangedAt *time.Time       `json:"changed_at,omitempty"`
	LastRunAt *time.Time       `json:"last_run_at,omitempty"`
}

// RetentionClass is one kind of data.
type RetentionClass struct {
	Class         string     `json:"class"`
	Days          int        `json:"days"` // 0: for ever
	MinimumDays   int        `json:"minimum_days"`
	Deleted       int        `json:"deleted"`
	LastDeletedAt *time.Time `json:"last_deleted_at,omitempty"`
}

// LegalHold keeps the account's data, or that of one campaign.
type LegalHold struct {
	Campaign     string    `json:"campaign,omitempty"` // empty: the whole account
	CampaignName string    `json:"campaign_name,omitempty"`
	Reason       string    `json:"reason"`
	By           string    `json:"by"`
	Since        time.Time `json:"since"`
}

// RetentionPreview is what would be deleted now of one kind of data.
type RetentionPreview struct {
	Class           string `json:"class"`
	Days            int    `json:"days"`
	Items           int    `json:"items"`
	Campaigns       int    `json:"campaigns"`
	WaitingOnHold   int    `json:"waiting_on_hold"`
	WaitingHeld     int    `json:"waiting_held"`
	WaitingLookback int    `json:"waiting_lookback"`
}

const retentionPath = "/v1/retention"

// Retention reads the account's periods and holds.
func (c *Client) Retention(ctx context.Context) (Retention, error) {
	var out Retention
	err := c.do(ctx, request{method: http.MethodGet, path: retentionPath, out: &out})
	return out, err
}

// SetRetention changes the periods, in days by class; version is the one they replace.
func (c *Client) SetRetention(ctx context.Context, days map[string]int, version int) (Retention, error) {
	body := map[string]any{"version": version}
	for class, n := range days {
		body[class+"_days"] = n
	}
	var out Retention
	err := c.do(ctx, request{method: http.MethodPut, path: retentionPath, body: body, out: &out})
	return out, err
}

// PreviewRetention tells what would be deleted now under the periods that days names, the others as they are.
func (c *Client) PreviewRetention(ctx context.Context, days map[string]int) ([]RetentionPreview, error) {
	query := url.Values{}
	for class, n := range days {
		query.Set(class+"_days", strconv.Itoa(n))
	}
	var out struct {
		Classes []RetentionPreview `json:"classes"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: retentionPath + "/preview", query: query, out: &out})
	return out.Classes, err
}

// HoldData puts a campaign on legal hold; empty: the account.
func (c *Client) HoldData(ctx context.Context, campaign, reason string) (Retention, error) {
	return c.holding(ctx, "hold", campaign, map[string]any{"reason": reason})
}

// ReleaseData ends a legal hold.
func (c *Client) ReleaseData(ctx context.Context, campaign string) (Retention, error) {
	return c.holding(ctx, "release", campaign, map[string]any{})
}

func (c *Client) holding(ctx context.Context, what, campaign string, body map[string]any) (Retention, error) {
	if campaign != "" {
		body["campaign"] = campaign
	}
	var out Retention
	err := c.do(ctx, request{method: http.MethodPost, path: retentionPath + "/" + what, body: body, out: &out})
	return out, err
}
