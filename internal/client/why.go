package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/overture-im/overture"
)

// Story is what happened to one recipient, and why.
type Story struct {
	Recipient Recipient `json:"recipient"`
	Timeline  []struct {
		At      time.Time `json:"at"`
		Kind    string    `json:"kind"`
		Message string    `json:"message"`
		Code    int       `json:"code,omitempty"`
	} `json:"timeline"`
	Why []struct {
		Check   string            `json:"check"`
		Verdict string            `json:"verdict"`
		Message string            `json:"message"`
		Input   map[string]string `json:"input"`
		Rule    string            `json:"rule"`
		Pack    string            `json:"pack,omitempty"`
		TZData  string            `json:"tzdata,omitempty"`
		At      time.Time         `json:"at"`
	} `json:"why"`
}

// Why tells one recipient's story; number is the person's, as it stands in the list.
func (c *Client) Why(ctx context.Context, campaign, number string) (Story, error) {
	var out Story
	found, err := c.Recipients(ctx, campaign, url.Values{"q": {number}}, 2)
	if err != nil {
		return out, err
	}
	switch len(found) {
	case 0:
		if of, err := c.Campaign(ctx, campaign); err == nil && of.PeopleDeletedAt != nil {
			return out, overture.ErrPeopleDeleted(overture.Conflict, *of.PeopleDeletedAt)
		}
		return out, overture.ErrNotFound("recipient")
	case 2:
		return out, overture.ErrConflict("several_recipients", "several numbers of the list have these digits; give the whole number")
	}
	err = c.do(ctx, request{method: http.MethodGet, path: "/v1/campaigns/" + url.PathEscape(campaign) + "/recipients/" + url.PathEscape(found[0].ID), out: &out})
	return out, err
}
