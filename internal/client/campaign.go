package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Draft is what a campaign is composed of.
type Draft struct {
	Name             string         `json:"name"`
	Channel          string         `json:"channel"`
	Sender           string         `json:"sender"`
	Skill            string         `json:"skill"`
	Text             string         `json:"text"`
	OptOutText       string         `json:"opt_out_text,omitempty"`
	SmartEncoding    bool           `json:"smart_encoding,omitempty"`
	LaunchAt         *time.Time     `json:"launch_at,omitempty"`
	Window           map[string]any `json:"window,omitempty"` // mon … sun: ["08:00","21:00"], holidays: ["2026-12-25"]
	Rate             int            `json:"rate,omitempty"`
	LookbackHours    *int           `json:"lookback_hours,omitempty"`
	ExpiresAt        *time.Time     `json:"expires_at,omitempty"`
	UndoSeconds      *int           `json:"undo_seconds,omitempty"`
	Rails            map[string]any `json:"rails,omitempty"` // canary, ramp, segments, spend
	Policy           string         `json:"policy,omitempty"`
	OpenConversation string         `json:"open_conversation,omitempty"`
}

// Campaign as the API shows it; only what the command line uses.
type Campaign struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Channel    string     `json:"channel"`
	State      string     `json:"state"`
	Reason     string     `json:"reason"`
	Recipients int        `json:"recipients"`
	Sender     string     `json:"sender"`
	Skill      string     `json:"skill"`
	Text       string     `json:"text"`
	OptOutText string     `json:"opt_out_text"`
	LaunchedAt *time.Time `json:"launched_at"`
	LaunchAt   *time.Time `json:"launch_at"`
	CreatedAt  time.Time  `json:"created_at"`

	PeopleDeletedAt *time.Time `json:"people_deleted_at,omitempty"`
}

// Progress of a launched campaign.
type Progress struct {
	State            string         `json:"state"`
	Reason           string         `json:"reason"`
	Recipients       int            `json:"recipients"`
	Counts           map[string]int `json:"counts"`
	Accepted         int            `json:"accepted"` // or later
	Delivered        int            `json:"delivered"`
	Failed           int            `json:"failed"` // refused, or not delivered later
	Suppressed       int            `json:"suppressed"`
	Waiting          int            `json:"waiting"` // no outcome yet
	Held             int            `json:"held"`
	Replied          int            `json:"replied"`
	OptedOut         int            `json:"opted_out"`
	ConfiguredRate   float64        `json:"configured_rate"`
	ActualRate       float64        `json:"actual_rate"`
	FinishAt         *time.Time     `json:"finish_at"`
	NextDueAt        *time.Time     `json:"next_due_at"`
	WaitingForWindow int            `json:"waiting_for_window"`
	StalledReason    string         `json:"stalled_reason"`
}

// Import is the outcome of an upload.
type Import struct {
	ID         string `json:"id"`
	State      string `json:"state"`
	Rows       int    `json:"rows"`
	Valid      int    `json:"valid"`
	Rejected   int    `json:"rejected"`
	Duplicates int    `json:"duplicates"`
	OptedOut   int    `json:"opted_out"`
	Error      string `json:"error"`
}

// Problem is one rejected row.
type Problem struct {
	Row    int    `json:"row"`
	Column string `json:"column"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Raw    string `json:"raw"`
}

// Check is one line of the list before launch.
type Check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

// Recipient of a campaign with the text this person gets.
type Recipient struct {
	ID       string `json:"id"`
	Row      int    `json:"row"`
	Address  string `json:"address"`
	Text     string `json:"text"`
	Segments int    `json:"segments"`
	State    string `json:"state"`
	Reason   string `json:"reason"`
}

type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"`
}

const campaigns = "/v1/campaigns"

func campaignPath(id, rest string) string { return campaigns + "/" + url.PathEscape(id) + rest }

// CreateCampaign makes a draft. The key makes a repeated call give the same draft; empty: a random one.
func (c *Client) CreateCampaign(ctx context.Context, d Draft, key string) (Campaign, error) {
	var out Campaign
	err := c.do(ctx, request{method: http.MethodPost, path: campaigns, body: d, key: key, out: &out})
	return out, err
}

// Campaign gives one campaign.
func (c *Client) Campaign(ctx context.Context, id string) (Campaign, error) {
	var out Campaign
	err := c.do(ctx, request{method: http.MethodGet, path: campaignPath(id, ""), out: &out})
	return out, err
}

// Campaigns gives the newest campaigns of the account, at most limit.
func (c *Client) Campaigns(ctx context.Context, limit int) ([]Campaign, error) {
	return list[Campaign](ctx, c, campaigns, nil, limit)
}

// Upload streams a CSV file into the draft's list; sent is told the bytes that went out.
func (c *Client) Upload(ctx context.Context, id string, file io.ReadSeeker, name string, query url.Values, sent func(n int64)) (Import, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("file_name", name)
	var out Import
	err := c.do(ctx, request{method: http.MethodPost, path: campaignPath(id, "/recipients/csv"), query: query, file: file, sent: sent, out: &out})
	return out, err
}

// ClearRecipients empties the list of a draft.
func (c *Client) ClearRecipients(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: campaignPath(id, "/recipients")})
}

// Problems gives rejected rows, at most limit, and how many there are of each cause.
func (c *Client) Problems(ctx context.Context, id, code string, limit int) ([]Problem, map[string]int, error) {
	var out struct {
		Items  []Problem `json:"items"`
		Groups []struct {
			Code  string `json:"code"`
			Count int    `json:"count"`
		} `json:"groups"`
	}
	q := url.Values{"limit": {itoa(limit)}}
	if code != "" {
		q.Set("code", code)
	}
	err := c.do(ctx, request{method: http.MethodGet, path: campaignPath(id, "/problems"), query: q, out: &out})
	groups := map[string]int{}
	for _, g := range out.Groups {
		groups[g.Code] = g.Count
	}
	return out.Items, groups, err
}

// Checklist gives what must hold before launch.
func (c *Client) Checklist(ctx context.Context, id string) ([]Check, error) {
	var out struct {
		Items []Check `json:"items"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: campaignPath(id, "/checklist"), out: &out})
	return out.Items, err
}

// Launch freezes text and list and lets the campaign go. consent is the caller's word that every recipient agreed to be messaged.
func (c *Client) Launch(ctx context.Context, id string, consent bool, at *time.Time, key string) (Campaign, error) {
	body := map[string]any{"consent": consent}
	if at != nil {
		body["launch_at"] = at
	}
	var out Campaign
	err := c.do(ctx, request{method: http.MethodPost, path: campaignPath(id, "/launch"), body: body, key: key, out: &out})
	return out, err
}

// Retried tells what RetryFailed did.
type Retried struct {
	State   string `json:"state"`
	Retried int    `json:"retried"`
	TooLate int    `json:"too_late"`
}

// RetryFailed queues failed messages again: those that may go well another time, or all of them.
func (c *Client) RetryFailed(ctx context.Context, id string, all bool) (Retried, error) {
	var out Retried
	err := c.do(ctx, request{method: http.MethodPost, path: campaignPath(id, "/retry-failed"), body: map[string]bool{"all": all}, out: &out})
	return out, err
}

// Act does one of pause, resume, cancel, duplicate, archive.
func (c *Client) Act(ctx context.Context, id, action string, body any) (Campaign, error) {
	if body == nil {
		body = struct{}{}
	}
	var out Campaign
	err := c.do(ctx, request{method: http.MethodPost, path: campaignPath(id, "/"+action), body: body, out: &out})
	return out, err
}

// Progress tells how far a campaign is.
func (c *Client) Progress(ctx context.Context, id string) (Progress, error) {
	var out Progress
	err := c.do(ctx, request{method: http.MethodGet, path: campaignPath(id, "/progress"), out: &out})
	return out, err
}

// Recipients gives people of the list with their text and state, at most limit.
func (c *Client) Recipients(ctx context.Context, id string, query url.Values, limit int) ([]Recipient, error) {
	return list[Recipient](ctx, c, campaignPath(id, "/recipients"), query, limit)
}

// Export writes all campaigns, or with an id one campaign's recipients, as CSV.
func (c *Client) Export(ctx context.Context, id string, w io.Writer) error {
	path := campaigns + ".csv"
	if id != "" {
		path = campaignPath(id, "/recipients.csv")
	}
	return c.do(ctx, request{method: http.MethodGet, path: path, stream: w})
}

// DeleteDraft removes a campaign that was never launched.
func (c *Client) DeleteDraft(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: campaignPath(id, "")})
}
