package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Held is a message of which nobody can prove whether the provider has it.
type Held struct {
	Message      string    `json:"message"`
	Campaign     string    `json:"campaign"`
	CampaignName string    `json:"campaign_name"`
	Address      string    `json:"address"`
	AttemptedAt  time.Time `json:"attempted_at"`
	Doubt        string    `json:"doubt"`
	Lookups      int       `json:"lookups"`
	HTTPStatus   int       `json:"http_status"`
	Code         int       `json:"code"`
}

// HeldOrder is a decision about many held messages and how far it is.
type HeldOrder struct {
	ID         string     `json:"id"`
	Action     string     `json:"action"`
	Matched    int        `json:"matched"`
	Resolved   int        `json:"resolved"`
	Left       int        `json:"left"`
	FinishedAt *time.Time `json:"finished_at"`
}

// HeldChoice selects held messages. Empty fields do not narrow; All must be true when none does.
type HeldChoice struct {
	Campaign       string   `json:"campaign,omitempty"`
	Sender         string   `json:"sender,omitempty"`
	Messages       []string `json:"messages,omitempty"`
	OlderThanHours int      `json:"older_than_hours,omitempty"`
	All            bool     `json:"all,omitempty"`
}

func (h HeldChoice) query() url.Values {
	q := url.Values{}
	if h.Campaign != "" {
		q.Set("campaign", h.Campaign)
	}
	if h.Sender != "" {
		q.Set("sender", h.Sender)
	}
	if h.OlderThanHours > 0 {
		q.Set("older_than_hours", itoa(h.OlderThanHours))
	}
	return q
}

// Held lists held messages, at most limit.
func (c *Client) Held(ctx context.Context, choice HeldChoice, limit int) ([]Held, error) {
	return list[Held](ctx, c, "/v1/held", choice.query(), limit)
}

// ExportHeld writes held messages as CSV.
func (c *Client) ExportHeld(ctx context.Context, choice HeldChoice, w io.Writer) error {
	return c.do(ctx, request{method: http.MethodGet, path: "/v1/held.csv", query: choice.query(), stream: w})
}

// ResolveHeld orders what happens to held messages and waits until it is done.
func (c *Client) ResolveHeld(ctx context.Context, action string, choice HeldChoice) (HeldOrder, error) {
	var o HeldOrder
	body := struct {
		Action string `json:"action"`
		HeldChoice
	}{action, choice}
	if err := c.do(ctx, request{method: http.MethodPost, path: "/v1/held/resolve", body: body, out: &o}); err != nil {
		return o, err
	}
	for o.FinishedAt == nil {
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return o, err
		}
		if err := c.do(ctx, request{method: http.MethodGet, path: "/v1/held/orders/" + url.PathEscape(o.ID), out: &o}); err != nil {
			return o, err
		}
	}
	return o, nil
}
