package client

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// Named is anything with an id and a name.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Sender is a from-number.
type Sender struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Address    string `json:"address"`
	Provider   string `json:"provider"`
	Rate       int    `json:"rate"`
	Stopped    bool   `json:"stopped"`
	StopReason string `json:"stop_reason"`
	InboundURL string `json:"inbound_url"`
}

// NewSender is what it takes to add a from-number.
type NewSender struct {
	Brand      string `json:"brand"`
	Name       string `json:"name"`
	Channel    string `json:"channel"`
	Provider   string `json:"provider"`
	Address    string `json:"address"`
	BaseURL    string `json:"base_url,omitempty"`
	AccountSID string `json:"account_sid"`
	AuthToken  string `json:"auth_token"`
	Rate       int    `json:"rate,omitempty"`
}

// NewUser is what it takes to add a person.
type NewUser struct {
	Email    string   `json:"email"`
	Name     string   `json:"name"`
	Role     string   `json:"role"`
	Password string   `json:"password"`
	Skills   []string `json:"skills,omitempty"`
}

// Me is who is signed in.
type Me struct {
	User    Named  `json:"user"`
	Account Named  `json:"account"`
	Role    string `json:"role"`
}

// Conversation of a consumer with the brand.
type Conversation struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Address  string `json:"address"`
	Campaign string `json:"campaign"`
	Agent    string `json:"agent"`
	Unread   int    `json:"unread"`
	OptedOut bool   `json:"opted_out"`
	LastText string `json:"last_text"`
}

// SignIn begins a session; later calls carry its cookie.
func (c *Client) SignIn(ctx context.Context, email, password string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/session", body: map[string]string{"email": email, "password": password}})
}

// Me tells who the key or session belongs to.
func (c *Client) Me(ctx context.Context) (Me, error) {
	var out Me
	err := c.do(ctx, request{method: http.MethodGet, path: "/v1/session", out: &out})
	return out, err
}

// CreateUser adds a person to the account.
func (c *Client) CreateUser(ctx context.Context, u NewUser) (Named, error) {
	return c.create(ctx, "/v1/users", u)
}

// CreateBrand adds a brand.
func (c *Client) CreateBrand(ctx context.Context, name string) (Named, error) {
	return c.create(ctx, "/v1/brands", map[string]string{"name": name})
}

// CreateSkill adds a skill.
func (c *Client) CreateSkill(ctx context.Context, name string) (Named, error) {
	return c.create(ctx, "/v1/skills", map[string]string{"name": name})
}

// CreateSender adds a from-number.
func (c *Client) CreateSender(ctx context.Context, s NewSender) (Sender, error) {
	var out Sender
	err := c.do(ctx, request{method: http.MethodPost, path: "/v1/senders", body: s, out: &out})
	return out, err
}

// Senders gives the account's from-numbers.
func (c *Client) Senders(ctx context.Context) ([]Sender, error) {
	return list[Sender](ctx, c, "/v1/senders", nil, 10_000)
}

// Skills gives the account's skills.
func (c *Client) Skills(ctx context.Context) ([]Named, error) {
	return list[Named](ctx, c, "/v1/skills", nil, 10_000)
}

// Conversations gives conversations in a state ("waiting", "assigned", "closed" or all with "").
func (c *Client) Conversations(ctx context.Context, state string, mine bool, limit int) ([]Conversation, error) {
	q := url.Values{}
	if state != "" {
		q.Set("state", state)
	}
	if mine {
		q.Set("mine", "true")
	}
	return list[Conversation](ctx, c, "/v1/conversations", q, limit)
}

// Accept takes a waiting conversation.
func (c *Client) Accept(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/conversations/" + url.PathEscape(id) + "/accept", body: struct{}{}})
}

// Answer sends an agent's words to the consumer.
func (c *Client) Answer(ctx context.Context, id, text string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/conversations/" + url.PathEscape(id) + "/messages", body: map[string]string{"text": text}})
}

// MarkRead says that the agent has read a conversation.
func (c *Client) MarkRead(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/conversations/" + url.PathEscape(id) + "/read", body: struct{}{}})
}

// Close ends a conversation.
func (c *Client) Close(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/conversations/" + url.PathEscape(id) + "/close", body: struct{}{}})
}

// Entry is one line of a transcript.
type Entry struct {
	Author   string `json:"author"`
	Text     string `json:"text"`
	Delivery string `json:"delivery"`
}

// Transcript gives the first entries of a conversation.
func (c *Client) Transcript(ctx context.Context, id string) ([]Entry, error) {
	var out struct {
		Entries page[Entry] `json:"entries"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/v1/conversations/" + url.PathEscape(id), query: url.Values{"limit": {"200"}}, out: &out})
	return out.Entries.Items, err
}

// OptOut records that a person stopped a brand.
func (c *Client) OptOut(ctx context.Context, address, brand, evidence string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/opt-outs", body: map[string]string{"address": address, "brand": brand, "evidence": evidence}})
}

// Available sets whether the signed-in agent takes conversations, and how many at once.
func (c *Client) Available(ctx context.Context, available bool, capacity int) error {
	return c.do(ctx, request{method: http.MethodPut, path: "/v1/agents/me", body: map[string]any{"available": available, "capacity": capacity}})
}

func (c *Client) create(ctx context.Context, path string, body any) (Named, error) {
	var out Named
	err := c.do(ctx, request{method: http.MethodPost, path: path, body: body, out: &out})
	return out, err
}

// list follows the cursor until limit items are there or the list ends.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, limit int) ([]T, error) {
	q := url.Values{}
	maps.Copy(q, query)
	out := []T{} // none is a list too
	for len(out) < limit {
		q.Set("limit", itoa(min(limit-len(out), 100)))
		var p page[T]
		if err := c.do(ctx, request{method: http.MethodGet, path: path, query: q, out: &p}); err != nil {
			return nil, err
		}
		out = append(out, p.Items...)
		if p.NextCursor == "" {
			break
		}
		q.Set("cursor", p.NextCursor)
	}
	return out, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
