package campaign_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// house is an account with a sender, a skill and the room, on a real store.
type house struct {
	t      *testing.T
	store  *store.Store
	room   *campaign.Service
	by     overture.Actor
	brand  overture.BrandID
	sender overture.SenderID
	skill  overture.SkillID
	woken  map[string]int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return joinHouse(t, storetest.Open(t), "one")
}

// joinHouse adds one more account to a store.
func joinHouse(t *testing.T, s *store.Store, name string) *house {
	t.Helper()
	h := &house{t: t, store: s, woken: map[string]int{}}
	now := time.Now()
	account := overture.Account{ID: overture.AccountID(s.NewID()), Name: name, Enabled: true, CreatedAt: now}
	h.brand = overture.BrandID(s.NewID())
	user := overture.User{
		ID: overture.UserID(s.NewID()), AccountID: account.ID, Email: name + "@example.com", Name: "Manager " + name,
		Role: overture.Administrator, SessionVersion: 1, CreatedAt: now,
	}
	h.by = overture.Actor{AccountID: account.ID, UserID: user.ID, RequestID: "req"}
	h.must(s.CreateAccount(t.Context(), account, overture.Brand{ID: h.brand, AccountID: account.ID, Name: "Brand", CreatedAt: now}, user, "hash"))
	h.sender, h.skill = overture.SenderID(s.NewID()), overture.SkillID(s.NewID())
	h.must(s.CreateSkill(t.Context(), h.by, overture.Skill{ID: h.skill, AccountID: account.ID, Name: "Support"}, now))
	h.must(s.CreateSender(t.Context(), h.by, overture.Sender{
		ID: h.sender, AccountID: account.ID, BrandID: h.brand, Name: "Main number", Channel: overture.SMS,
		Provider: "twilio", Address: "+12125550100", BaseURL: "http://127.0.0.1:1", AccountSID: "AC0", AuthToken: "x", WebhookKey: name, Rate: 10, CreatedAt: now,
	}))
	h.room = campaign.New(campaign.Deps{
		Store: s, Lists: lists{s}, Windows: schedule.NewCalendar(), ParsePhone: parse,
		Wake: func(topic string) { h.woken[topic]++ }, Log: slog.New(slog.DiscardHandler),
	})
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// draft makes a valid draft that may be sent at any hour.
func (h *house) draft(change func(*campaign.Change)) overture.Campaign {
	h.t.Helper()
	ch := h.change()
	if change != nil {
		change(&ch)
	}
	c, err := h.room.Create(h.t.Context(), h.by, ch)
	h.must(err)
	return c
}

func (h *house) change() campaign.Change {
	return campaign.Change{Name: new("Renewal"), SenderID: &h.sender, SkillID: &h.skill, Text: new("Your plan ends soon."), Window: new(overture.AlwaysOpen())}
}

// launched makes a campaign with n recipients and launches it.
func (h *house) launched(n int) overture.Campaign {
	h.t.Helper()
	c := h.draft(nil)
	h.list(c, n)
	c, err := h.room.Launch(h.t.Context(), h.by, c.ID, campaign.Order{Consent: true})
	h.must(err)
	return c
}

// list stores a done import of n valid recipients.
func (h *house) list(c overture.Campaign, n int) []overture.RecipientID {
	h.t.Helper()
	tx := h.begin()
	imp, ids := h.store.NewID(), make([]overture.RecipientID, n)
	tx.exec(`INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid, rejected,
			duplicates, opted_out, worst_row, worst_segments, segments, list_hash, content_hash, error, created_at, finished_at)
		VALUES ($1, $2, $3, 'done', 'typed', '', 'utf-8', ',', '', $4, $4, 0, 0, 0, 1, 1, $4, $5, $6, '', 1, 1)`,
		imp, c.AccountID, c.ID, n, overture.ListHash{1, 2, 3, uint64(imp)}.String(), c.Content.Hash())
	for i := range n {
		ids[i] = overture.RecipientID(h.store.NewID())
		address := fmt.Sprintf("+1212555%04d", i)
		tx.exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
			VALUES ($1, $2, $3, $4, $5, $6, 'America/New_York', 'number', '', '', 1)`, ids[i], c.AccountID, c.ID, imp, i+1, address)
		tx.exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, address, c.ID, ids[i])
	}
	tx.exec(`UPDATE campaign SET recipient_count = recipient_count + $1 WHERE id = $2`, n, c.ID)
	h.must(tx.Commit())
	return ids
}

// plan does what the planner does: one queued message per recipient, due at a time, and planning is over.
func (h *house) plan(c overture.Campaign, due time.Time) []overture.MessageID {
	h.t.Helper()
	recipients := h.recipients(c)
	var ids []overture.MessageID
	lane := h.lane(c)
	tx := h.begin()
	for _, r := range recipients {
		id := overture.MessageID(h.store.NewID())
		tx.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
				provider_id, code, reason, updated_at)
			SELECT $1, account_id, campaign_id, id, 0, $2, $3, 0, address, '', 0, 0, 1, '', 0, '', $4 FROM recipient WHERE id = $5`,
			id, c.SenderID, lane, due.UnixMilli(), r)
		tx.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`, lane, due.UnixMilli(), id, due.Add(12*time.Hour).UnixMilli())
		ids = append(ids, id)
	}
	tx.exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, 0, $2)`, c.ID, len(ids))
	tx.exec(`UPDATE campaign SET planning = FALSE WHERE id = $1`, c.ID)
	h.must(tx.Commit())
	return ids
}

// end does what the engine does: a queued message ends in a state.
func (h *house) end(id overture.MessageID, state overture.State, reason string) {
	h.t.Helper()
	h.exec(`DELETE FROM dispatch WHERE message_id = $1`, id)
	accepted := any(nil)
	if state.WasAccepted() {
		accepted = time.Now().UnixMilli()
	}
	h.exec(`UPDATE message SET state = $1, reason = $2, attempts = attempts + 1, accepted_at = $3 WHERE id = $4`, state, reason, accepted, id)
	h.exec(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
		SELECT id, attempts, '', 1, $1, $1, 'refused', 400, 0, '' FROM message WHERE id = $2`, time.Now().UnixMilli(), id)
	h.exec(`UPDATE campaign_count SET n = n - 1 WHERE state = 0 AND campaign_id = (SELECT campaign_id FROM message WHERE id = $1)`, id)
	h.exec(`INSERT INTO campaign_count (campaign_id, state, n) SELECT campaign_id, state, 1 FROM message WHERE id = $1
		ON CONFLICT (campaign_id, state) DO UPDATE SET n = campaign_count.n + 1`, id)
}

// fly does what a mark does: a send may have happened.
func (h *house) fly(id overture.MessageID, state string) {
	h.t.Helper()
	h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		SELECT m.id, m.lane_id, m.sender_id, d.due_at, d.not_after, 1, 1, 't', d.due_at, $1, 0, 0
		FROM message m JOIN dispatch d ON d.message_id = m.id WHERE m.id = $2`, state, id)
}

// batch is a transaction of test statements: one commit instead of thousands.
type batch struct {
	*sql.Tx
	h *house
}

func (h *house) begin() batch {
	h.t.Helper()
	tx, err := h.store.DB().Write.BeginTx(h.t.Context(), nil)
	h.must(err)
	return batch{tx, h}
}

func (b batch) exec(query string, args ...any) {
	b.h.t.Helper()
	if _, err := b.ExecContext(b.h.t.Context(), query, args...); err != nil {
		b.h.t.Fatalf("%s: %v", query, err)
	}
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.store.DB().Write.ExecContext(h.t.Context(), query, args...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

func (h *house) number(query string, args ...any) (n int64) {
	h.t.Helper()
	if err := h.store.DB().Write.QueryRowContext(h.t.Context(), query, args...).Scan(&n); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (h *house) word(query string, args ...any) (w string) {
	h.t.Helper()
	if err := h.store.DB().Write.QueryRowContext(h.t.Context(), query, args...).Scan(&w); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return w
}

func (h *house) lane(c overture.Campaign) int64 {
	h.t.Helper()
	return h.number(`SELECT id FROM lane WHERE campaign_id = $1 AND sender_id = $2`, c.ID, c.SenderID)
}

// counters holds the stored counters against a recount of the rows.
func (h *house) counters(c overture.Campaign, want map[overture.State]int) {
	h.t.Helper()
	for _, state := range overture.States() {
		rows := h.number(`SELECT COUNT(*) FROM message WHERE campaign_id = $1 AND state = $2`, c.ID, state)
		stored := h.number(`SELECT COALESCE(SUM(n), 0) FROM campaign_count WHERE campaign_id = $1 AND state = $2`, c.ID, state)
		if rows != stored || int(rows) != want[state] {
			h.t.Errorf("%s: %d rows, counter %d, want %d", state, rows, stored, want[state])
		}
	}
	queued := h.number(`SELECT COUNT(*) FROM message WHERE campaign_id = $1 AND state = 0`, c.ID)
	waiting := h.number(`SELECT COUNT(*) FROM dispatch d JOIN message m ON m.id = d.message_id WHERE m.campaign_id = $1`, c.ID)
	if queued != waiting {
		h.t.Errorf("%d queued messages and %d rows in the queue", queued, waiting)
	}
}

func kind(err error) overture.Kind {
	if err == nil {
		return ""
	}
	return overture.KindOf(err)
}

func code(err error) string {
	var e *overture.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// lists is the recipient room's share, straight from the rows.
type lists struct{ s *store.Store }

func (l lists) Summary(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.ListSummary, error) {
	return l.s.ListSummary(ctx, account, id)
}

func (l lists) Clear(ctx context.Context, _ overture.AccountID, id overture.CampaignID) error {
	for _, table := range []string{"recipient", "recipient_address", "list_import"} {
		if _, err := l.s.DB().Write.ExecContext(ctx, `DELETE FROM `+table+` WHERE campaign_id = $1`, id); err != nil {
			return err
		}
	}
	return nil
}

func parse(text string) (string, []string, error) {
	if !strings.HasPrefix(text, "+1") {
		return "", nil, overture.ErrInvalid("invalid_number", "begin with the country code")
	}
	return text, nil, nil
}
