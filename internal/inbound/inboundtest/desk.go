// Package inboundtest sets up, for tests, what the inbound rooms look at: an account with a brand, two numbers, skills, agents, campaigns
// and messages that went out. It writes rows straight into the tables, so that these tests stand on no other room.
package inboundtest

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
)

// Noon is when things happen in these tests.
var Noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Desk is one account and what belongs to it.
type Desk struct {
	Store   *store.Store
	Tenant  overture.Account
	Brand   overture.BrandID
	Senders [2]overture.Sender
	Skill   overture.SkillID // of campaigns
	Default overture.SkillID // of the account
}

// NewDesk makes an account. Two desks on one store are two tenants.
func NewDesk(t testing.TB, s *store.Store) *Desk {
	t.Helper()
	d := &Desk{Store: s, Brand: overture.BrandID(s.NewID())}
	d.Tenant = overture.Account{ID: overture.AccountID(s.NewID()), Name: "Acme", Enabled: true}
	d.Skill, d.Default = d.NewSkill(t, "sales"), d.NewSkill(t, "everyone")
	d.Tenant.Settings.DefaultSkillID = d.Default
	d.Exec(t, `INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'Acme', TRUE, '{}', 0)`, d.Tenant.ID)
	d.Exec(t, `INSERT INTO brand (id, account_id, name, created_at) VALUES ($1, $2, 'Acme', 0)`, d.Brand, d.Tenant.ID)
	for i := range d.Senders {
		d.Senders[i] = overture.Sender{
			ID: overture.SenderID(s.NewID()), AccountID: d.Tenant.ID, BrandID: d.Brand, Channel: overture.SMS, Provider: "twilio",
			Address: overture.Address(fmt.Sprintf("+1212555010%d", i)), WebhookKey: fmt.Sprintf("key%d", s.NewID()),
		}
		d.Exec(t, `INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid,
			webhook_key, rate, stopped, stop_reason, created_at) VALUES ($1, $2, $3, 'main', 'sms', 'twilio', $4, '', '', '', '', $5, 1, FALSE, '', 0)`,
			d.Senders[i].ID, d.Tenant.ID, d.Brand, string(d.Senders[i].Address), d.Senders[i].WebhookKey)
	}
	return d
}

// Account makes a Desk the source of its own settings.
func (d *Desk) Account(_ context.Context, id overture.AccountID) (overture.Account, error) {
	if id != d.Tenant.ID {
		return overture.Account{}, overture.ErrNotFound("account")
	}
	return d.Tenant, nil
}

// NewSkill adds a skill.
func (d *Desk) NewSkill(t testing.TB, name string) overture.SkillID {
	t.Helper()
	id := overture.SkillID(d.Store.NewID())
	d.Exec(t, `INSERT INTO skill (id, account_id, name) VALUES ($1, $2, $3)`, id, d.Tenant.ID, name)
	return id
}

// NewUser adds a user with a role.
func (d *Desk) NewUser(t testing.TB, name string, role overture.Role) overture.UserID {
	t.Helper()
	id := overture.UserID(d.Store.NewID())
	d.Exec(t, `INSERT INTO app_user (id, account_id, email, name, role, password_hash, disabled, session_version, created_at)
		VALUES ($1, $2, $3, $4, $5, '', FALSE, 1, 0)`, id, d.Tenant.ID, fmt.Sprintf("%s%d@example.com", name, id), name, string(role))
	return id
}

// NewCampaign adds a running campaign of the brand. The text greets by the first variable.
func (d *Desk) NewCampaign(t testing.TB, name string, skill overture.SkillID, lookback time.Duration) overture.CampaignID {
	t.Helper()
	id := overture.CampaignID(d.Store.NewID())
	d.Exec(t, `INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback,
			policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning)
		VALUES ($1, $2, $3, $4, 'sms', $5, $6, 'Hi {{1}} “sale”', 'Reply STOP to stop', TRUE, 'running', '', 1, $7, 'safe', 'skip', '', 0, '', '', 1, 0, 0, 0, FALSE)`,
		id, d.Tenant.ID, d.Brand, name, d.Senders[0].ID, skill, lookback.Milliseconds())
	return id
}

// Sent adds a recipient and the message it got: in state accepted or later, held, or with state Unknown or Attempting as an in-flight marker.
func (d *Desk) Sent(t testing.TB, campaign overture.CampaignID, to overture.Address, at time.Time, state overture.State) overture.MessageID {
	t.Helper()
	recipient, id := overture.RecipientID(d.Store.NewID()), overture.MessageID(d.Store.NewID())
	d.Exec(t, `INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
		VALUES ($1, $2, $3, 0, 1, $4, '', 'unknown', '', '["Ann"]', 1)`, recipient, d.Tenant.ID, campaign, string(to))
	d.Exec(t, `INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, string(to), campaign, recipient)
	stored, accepted := state, any(nil)
	switch {
	case state == overture.Attempting || state == overture.Unknown:
		stored = overture.Queued
		d.Exec(t, `INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
			VALUES ($1, 1, $2, 0, 0, 1, 1, 'x', $3, $4, 0, 0)`, id, d.Senders[0].ID, at.UnixMilli(), state.String())
	case state.WasAccepted():
		accepted = at.UnixMilli()
	}
	d.Exec(t, `INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code,
			reason, accepted_at, updated_at) VALUES ($1, $2, $3, $4, 0, $5, 1, 0, $6, '', $7, 1, 1, '', 0, '', $8, $9)`,
		id, d.Tenant.ID, campaign, recipient, d.Senders[0].ID, string(to), stored, accepted, at.UnixMilli())
	return id
}

// From is an inbound message of a person, with a provider id of its own.
func (d *Desk) From(address overture.Address, body string, at time.Time) overture.Inbound {
	return overture.Inbound{ProviderID: fmt.Sprintf("SM%d", d.Store.NewID()), From: address, To: d.Senders[0].Address, Body: body, City: "Springfield", Country: "US", ReceivedAt: at}
}

// NewAgent adds a user who answers, available with a capacity, with skills.
func (d *Desk) NewAgent(t testing.TB, name string, capacity int, skills ...overture.SkillID) overture.UserID {
	t.Helper()
	id := d.NewUser(t, name, overture.AgentRole)
	d.Exec(t, `INSERT INTO agent (user_id, account_id, available, capacity, assigned_at, updated_at) VALUES ($1, $2, TRUE, $3, 0, 0)`, id, d.Tenant.ID, capacity)
	for _, k := range skills {
		d.Exec(t, `INSERT INTO agent_skill (user_id, skill_id) VALUES ($1, $2)`, id, k)
	}
	return id
}

// Waiting opens a conversation with a person who wrote, routed to a skill.
func (d *Desk) Waiting(t testing.TB, from overture.Address, skill overture.SkillID) overture.ConversationID {
	t.Helper()
	in := d.From(from, "hello", Noon)
	in.AccountID, in.SenderID, in.Provider = d.Tenant.ID, d.Senders[0].ID, "twilio"
	if err := d.Store.StoreInbound(t.Context(), []overture.Reply{{Inbound: in, BrandID: d.Brand, Channel: overture.SMS}}); err != nil {
		t.Fatal(err)
	}
	pending, err := d.Store.PendingReplies(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range pending {
		pending[i].SkillID = skill
	}
	if _, err := d.Store.ApplyReplies(t.Context(), pending, Noon); err != nil {
		t.Fatal(err)
	}
	var id overture.ConversationID
	if err := d.Store.DB().Read.QueryRowContext(t.Context(), `SELECT id FROM conversation WHERE account_id = $1 AND address = $2 AND state <> 'closed'`,
		d.Tenant.ID, string(from)).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// Exec writes straight into the database.
func (d *Desk) Exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := d.Store.DB().Write.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// Count reads one number.
func (d *Desk) Count(t testing.TB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := d.Store.DB().Read.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Words reads one column, top to bottom.
func (d *Desk) Words(t testing.TB, query string, args ...any) []string {
	t.Helper()
	rows, err := d.Store.DB().Read.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Silence is a log for tests.
func Silence() *slog.Logger { return slog.New(slog.DiscardHandler) }
