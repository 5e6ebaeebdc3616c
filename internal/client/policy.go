package client

import (
	"context"
	"net/http"
	"time"
)

// PackRef names a policy pack; without a version the newest.
type PackRef struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// Cap is a frequency cap.
type Cap struct {
	Max   int `json:"max"`
	Hours int `json:"hours"`
}

// Policy is an account's choice of packs and its cap.
type Policy struct {
	Packs         []PackRef `json:"packs"`
	MinConfidence string    `json:"min_confidence,omitempty"`
	Cap           *Cap      `json:"cap,omitempty"`
	OverCap       string    `json:"over_cap,omitempty"`
}

// Pack is one version of a policy pack.
type Pack struct {
	PackRef
	Title      string `json:"title"`
	Disclaimer string `json:"disclaimer"`
	AsOf       string `json:"as_of"`
	Rules      []struct {
		ID             string         `json:"id"`
		Area           string         `json:"area"`
		Hours          map[string]any `json:"hours"`
		HolidaysBanned bool           `json:"holidays_banned"`
		Gap            string         `json:"gap,omitempty"`
		Cap            *Cap           `json:"cap,omitempty"`
		Confidence     string         `json:"confidence"`
		Cite           string         `json:"cite,omitempty"`
		Source         string         `json:"source,omitempty"`
		Note           string         `json:"note,omitempty"`
	} `json:"rules"`
}

// Effect counts what a policy does to recipients.
type Effect struct {
	Recipients int        `json:"recipients"`
	Shifted    int        `json:"shifted"`
	Until      *time.Time `json:"until,omitempty"`
	Blocked    int        `json:"blocked"`
	Capped     int        `json:"capped"`
}

// Simulation is what a policy would do to a campaign's list.
type Simulation struct {
	Total  Effect    `json:"total"`
	Policy Policy    `json:"policy"`
	Start  time.Time `json:"start"`
	Rules  []struct {
		Effect     Effect `json:"effect"`
		Rule       string `json:"rule"`
		Area       string `json:"area"`
		Confidence string `json:"confidence,omitempty"`
		Cite       string `json:"cite,omitempty"`
		Note       string `json:"note,omitempty"`
	} `json:"rules"`
	Gaps []string `json:"gaps"`
}

// Packs lists the policy packs of the server.
func (c *Client) Packs(ctx context.Context) ([]Pack, error) {
	var out struct {
		Items []Pack `json:"items"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/v1/policy/packs", out: &out})
	return out.Items, err
}

// Policy gives the account's policy.
func (c *Client) Policy(ctx context.Context) (Policy, error) {
	var out Policy
	err := c.do(ctx, request{method: http.MethodGet, path: "/v1/policy", out: &out})
	return out, err
}

// SimulatePolicy tries a policy on a campaign's list, as it would be at a launch time (RFC 3339, or "now") instead of its own.
func (c *Client) SimulatePolicy(ctx context.Context, campaign string, p Policy, launchAt string) (Simulation, error) {
	var out Simulation
	body := map[string]any{"campaign": campaign, "policy": p}
	if launchAt != "" {
		body["launch_at"] = launchAt
	}
	err := c.do(ctx, request{method: http.MethodPost, path: "/v1/policy/simulate", body: body, out: &out})
	return out, err
}

// ActivatePolicy replaces the account's policy.
func (c *Client) ActivatePolicy(ctx context.Context, p Policy) (Policy, error) {
	var out Policy
	err := c.do(ctx, request{method: http.MethodPut, path: "/v1/policy", body: p, out: &out})
	return out, err
}
