package conversation_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/inbound/conversation"
	"github.com/overture-im/overture/internal/inbound/inboundtest"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/store/storetest"
)

var noon = inboundtest.Noon

const zoe = overture.Address("+12125550123")

type room struct {
	*inboundtest.Desk
	inbox *conversation.Inbox
	bus   *pubsub.Bus
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{Desk: inboundtest.NewDesk(t, storetest.Open(t)), bus: pubsub.New()}
	r.inbox = conversation.New(r.Store, r.Store, r.bus, func() time.Time { return noon })
	return r
}

func (r *room) viewer(t *testing.T, user overture.UserID, all bool) overture.Viewer {
	t.Helper()
	v, err := r.inbox.Viewer(t.Context(), overture.Actor{AccountID: r.Tenant.ID, UserID: user}, all)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func code(err error) string {
	var e *overture.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func (r *room) list(t *testing.T, v overture.Viewer, f overture.ConversationFilter) string {
	t.Helper()
	f.Limit = 50
	page, err := r.inbox.List(t.Context(), v, f)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range page {
		out = append(out, string(c.Address[len(c.Address)-1:])+" "+string(c.State))
	}
	return strings.Join(out, ", ")
}

func TestWhoSeesWhat(t *testing.T) {
	r := newRoom(t)
	support := r.NewSkill(t, "support")
	ann, bob := r.viewer(t, r.NewAgent(t, "ann", 3, r.Skill), false), r.viewer(t, r.NewAgent(t, "bob", 3, support), false)
	boss := r.viewer(t, r.NewUser(t, "boss", overture.AgentManager), true)
	stranger := boss
	stranger.AccountID = 1
	sales := r.Waiting(t, "+12125550121", r.Skill)
	anyone := r.Waiting(t, "+12125550122", 0)
	other := r.Waiting(t, "+12125550123", support)
	if err := r.inbox.Accept(t.Context(), ann, sales); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		who  overture.Viewer
		want string
	}{
		{ann, "2 waiting, 1 assigned"}, {bob, "3 waiting, 2 waiting"}, {boss, "3 waiting, 2 waiting, 1 assigned"}, {stranger, ""},
	} {
		if got := r.list(t, tc.who, overture.ConversationFilter{}); got != tc.want {
			t.Errorf("viewer %v sees %q, want %q", tc.who.UserID, got, tc.want)
		}
	}
	if got := r.list(t, ann, overture.ConversationFilter{AgentID: ann.UserID}); got != "1 assigned" {
		t.Errorf("ann's own: %q", got)
	}
	if got := r.list(t, boss, overture.ConversationFilter{State: overture.ConversationWaiting}); got != "3 waiting, 2 waiting" {
		t.Errorf("waiting: %q", got)
	}
	if got := r.list(t, boss, overture.ConversationFilter{Before: anyone}); got != "1 assigned" {
		t.Errorf("second page: %q", got)
	}
	for name, err := range map[string]error{
		"card of another skill's":      second(r.inbox.Card(t.Context(), ann, other)),
		"transcript of another skill":  second(r.inbox.Transcript(t.Context(), ann, other, 0, 10)),
		"accept of another skill's":    r.inbox.Accept(t.Context(), ann, other),
		"answer to another skill's":    second(r.inbox.Answer(t.Context(), ann, other, "hi")),
		"close of another agent's":     r.inbox.Close(t.Context(), bob, sales),
		"read of another agent's":      r.inbox.Read(t.Context(), bob, sales),
		"transfer of another agent's":  r.inbox.Transfer(t.Context(), bob, sales, support),
		"opt-out in another agent's":   r.inbox.OptOut(t.Context(), bob, sales),
		"another account's manager":    second(r.inbox.Card(t.Context(), stranger, sales)),
		"another account's close":      r.inbox.Close(t.Context(), stranger, sales),
		"another account's transcript": second(r.inbox.Transcript(t.Context(), stranger, sales, 0, 10)),
	} {
		if !errors.Is(err, overture.NotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	if err := r.inbox.Close(t.Context(), bob, anyone); code(err) != "conversation_not_yours" {
		t.Errorf("close without accepting: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAccept(t *testing.T) {
	r := newRoom(t)
	ann, bob := r.viewer(t, r.NewAgent(t, "ann", 1, r.Skill), false), r.viewer(t, r.NewAgent(t, "bob", 1, r.Skill), false)
	id := r.Waiting(t, zoe, r.Skill)
	for range 2 { // the second time it is the own one already
		if err := r.inbox.Accept(t.Context(), ann, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.inbox.Accept(t.Context(), bob, id); code(err) != "conversation_taken" {
		t.Errorf("bob: %v", err)
	}
	next := r.Waiting(t, "+12125550124", r.Skill)
	if err := r.inbox.Accept(t.Context(), ann, next); code(err) != "capacity_reached" {
		t.Errorf("above the capacity: %v", err)
	}
	if err := r.inbox.Accept(t.Context(), overture.Viewer{Actor: overture.Actor{AccountID: r.Tenant.ID, KeyID: 5}, All: true}, next); code(err) != "no_person" {
		t.Errorf("an API key: %v", err)
	}
	// Who is away may still take one by hand.
	r.Exec(t, `UPDATE agent SET available = FALSE WHERE user_id = $1`, bob.UserID)
	if err := r.inbox.Accept(t.Context(), bob, next); err != nil {
		t.Errorf("bob, away: %v", err)
	}
	boss := r.viewer(t, r.NewUser(t, "boss", overture.AgentManager), true)
	if err := r.inbox.Close(t.Context(), boss, id); err != nil {
		t.Fatal(err)
	}
	if err := r.inbox.Accept(t.Context(), boss, id); code(err) != "conversation_closed" {
		t.Errorf("a closed one: %v", err)
	}
	manager := r.viewer(t, r.NewUser(t, "max", overture.CampaignManager), true)
	if err := r.inbox.Accept(t.Context(), manager, r.Waiting(t, "+12125550125", r.Skill)); !errors.Is(err, overture.NotFound) {
		t.Errorf("a role that does not answer: %v", err)
	}
}

func TestAnswerGoesOutOnTheReplyLane(t *testing.T) {
	r := newRoom(t)
	ann := r.viewer(t, r.NewAgent(t, "ann", 3, r.Skill), false)
	woken, unsubscribe := r.bus.Subscribe("dispatch")
	defer unsubscribe()
	id := r.Waiting(t, zoe, r.Skill)
	if _, err := r.inbox.Answer(t.Context(), ann, id, "hi"); code(err) != "conversation_not_yours" {
		t.Errorf("answer before accepting: %v", err)
	}
	if err := r.inbox.Accept(t.Context(), ann, id); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("blue ", 40)
	e, err := r.inbox.Answer(t.Context(), ann, id, "  "+long+"\x00 ")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-woken:
	default:
		t.Error("nobody was woken to send")
	}
	if n := r.Count(t, `SELECT count(*) FROM message m JOIN dispatch d ON d.message_id = m.id AND d.lane_id = m.lane_id JOIN lane l ON l.id = m.lane_id
		WHERE m.id = $1 AND m.entry_id = $2 AND m.sender_id = $3 AND m.address = $4 AND m.body = $5 AND m.segments = 2 AND m.campaign_id = 0 AND m.state = $6
		AND l.kind = 'reply' AND l.campaign_id = 0 AND l.state = 'open' AND d.due_at = $7 AND d.not_after = $8`,
		e.MessageID, e.ID, r.Senders[0].ID, string(zoe), strings.TrimSpace(long), overture.Queued, noon.UnixMilli(), noon.Add(24*time.Hour).UnixMilli()); n != 1 {
		t.Error("the answer's message or dispatch row is not as it must be")
	}
	delivery := func() overture.State {
		t.Helper()
		entries, err := r.inbox.Transcript(t.Context(), ann, id, 0, 50)
		if err != nil || len(entries) != 2 {
			t.Fatalf("transcript %+v, %v", entries, err)
		}
		if entries[1].Author != overture.AuthorAgent || entries[1].UserID != ann.UserID || entries[1].MessageID != e.MessageID {
			t.Fatalf("answer's entry %+v", entries[1])
		}
		return entries[1].State
	}
	if got := delivery(); got != overture.Queued {
		t.Errorf("delivery %v, want queued", got)
	}
	r.Exec(t, `INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		VALUES ($1, 1, 1, 0, 0, 1, 1, 'x', 0, 'unknown', 0, 0)`, e.MessageID)
	if got := delivery(); got != overture.Unknown {
		t.Errorf("delivery %v, want unknown", got)
	}
	r.Exec(t, `DELETE FROM inflight`)
	r.Exec(t, `UPDATE message SET state = $1`, overture.Delivered)
	if got := delivery(); got != overture.Delivered {
		t.Errorf("delivery %v, want delivered", got)
	}
	if n := r.Count(t, `SELECT unread FROM conversation WHERE id = $1`, id); n != 0 {
		t.Error("an answered conversation is still unread")
	}
	for name, text := range map[string]string{"empty_text": " \x00 ", "too_long": strings.Repeat("ä", 1601)} {
		if _, err := r.inbox.Answer(t.Context(), ann, id, text); code(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoAnswerAfterAStop(t *testing.T) {
	r := newRoom(t)
	ann := r.viewer(t, r.NewAgent(t, "ann", 3, r.Skill), false)
	id := r.Waiting(t, zoe, r.Skill)
	if err := r.inbox.Accept(t.Context(), ann, id); err != nil {
		t.Fatal(err)
	}
	if err := r.inbox.OptOut(t.Context(), ann, id); err != nil {
		t.Fatal(err)
	}
	if _, err := r.inbox.Answer(t.Context(), ann, id, "hi"); code(err) != "opted_out" {
		t.Errorf("answer to a person who stopped: %v", err)
	}
	if n := r.Count(t, `SELECT count(*) FROM message`); n != 0 {
		t.Errorf("%d messages were queued", n)
	}
	events, err := r.Store.ConsentEvents(t.Context(), r.Tenant.ID, zoe)
	if err != nil || len(events) != 1 || events[0].Source != overture.OptOutAgent || !strings.Contains(events[0].Evidence, ann.UserID.String()) || !strings.Contains(events[0].Evidence, id.String()) {
		t.Errorf("ledger %+v, %v", events, err)
	}
	if n := r.Count(t, `SELECT count(*) FROM audit WHERE action = 'opt_out.recorded' AND actor = $1`, ann.UserID.String()); n != 1 {
		t.Errorf("%d audit entries", n)
	}
	card, err := r.inbox.Card(t.Context(), ann, id)
	if err != nil || !card.OptedOut {
		t.Errorf("the card does not tell: %+v, %v", card, err)
	}
}

func TestTransferAndClose(t *testing.T) {
	r := newRoom(t)
	support := r.NewSkill(t, "support")
	ann, bob := r.viewer(t, r.NewAgent(t, "ann", 3, r.Skill), false), r.viewer(t, r.NewAgent(t, "bob", 3, support), false)
	id := r.Waiting(t, zoe, r.Skill)
	if err := r.inbox.Accept(t.Context(), ann, id); err != nil {
		t.Fatal(err)
	}
	other := inboundtest.NewDesk(t, r.Store)
	if err := r.inbox.Transfer(t.Context(), ann, id, other.Skill); !errors.Is(err, overture.NotFound) {
		t.Errorf("transfer to another account's skill: %v", err)
	}
	woken, unsubscribe := r.bus.Subscribe("inbound")
	defer unsubscribe()
	if err := r.inbox.Transfer(t.Context(), ann, id, support); err != nil {
		t.Fatal(err)
	}
	select {
	case <-woken:
	default:
		t.Error("nobody was woken to assign")
	}
	if got := r.list(t, ann, overture.ConversationFilter{}); got != "" {
		t.Errorf("ann still sees %q", got)
	}
	if err := r.inbox.Accept(t.Context(), bob, id); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.inbox.Close(t.Context(), bob, id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.inbox.Answer(t.Context(), bob, id, "one more thing"); code(err) != "conversation_closed" {
		t.Errorf("answer to a closed one: %v", err)
	}
	if err := r.inbox.Transfer(t.Context(), bob, id, r.Skill); code(err) != "conversation_closed" {
		t.Errorf("transfer of a closed one: %v", err)
	}
	entries, err := r.inbox.Transcript(t.Context(), bob, id, 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		lines = append(lines, string(e.Author)+": "+e.Text)
	}
	if got, want := strings.Join(lines, "\n"), "consumer: hello\nsystem: Transferred to support.\nsystem: Closed."; got != want {
		t.Errorf("transcript:\n%s\nwant:\n%s", got, want)
	}
	if got := r.list(t, bob, overture.ConversationFilter{State: overture.ConversationClosed}); got != "3 closed" {
		t.Errorf("bob's closed ones: %q", got)
	}
}

func TestCard(t *testing.T) {
	r := newRoom(t)
	boss := r.viewer(t, r.NewUser(t, "boss", overture.AgentManager), true)
	for i := range 7 {
		c := r.NewCampaign(t, fmt.Sprint("campaign ", i), r.Skill, time.Hour)
		r.Sent(t, c, zoe, noon.Add(-time.Duration(7-i)*time.Hour), overture.Delivered)
	}
	r.Sent(t, r.NewCampaign(t, "too old", r.Skill, time.Hour), zoe, noon.Add(-31*24*time.Hour), overture.Delivered)
	r.Sent(t, r.NewCampaign(t, "to another", r.Skill, time.Hour), "+12125550199", noon, overture.Delivered)
	id := r.Waiting(t, zoe, r.Skill)
	r.Exec(t, `UPDATE conversation SET campaign_id = (SELECT id FROM campaign WHERE name = 'campaign 6')`)
	c, err := r.inbox.Card(t.Context(), boss, id)
	if err != nil {
		t.Fatal(err)
	}
	if c.CampaignName != "campaign 6" || c.SkillName != "sales" || c.BrandName != "Acme" || c.Number != r.Senders[0].Address || c.Source != "inbound" ||
		c.Channel != overture.SMS || !c.StartedAt.Equal(noon) || c.City != "Springfield" || c.Country != "US" || c.Unread != 1 || c.LastText != "hello" || c.OptedOut {
		t.Errorf("card %+v", c)
	}
	var names []string
	for _, o := range c.Outbounds {
		names = append(names, o.CampaignName)
		if o.Text != `Hi Ann "sale" Reply STOP to stop` || o.State != overture.Delivered {
			t.Errorf("outbound %q %v", o.Text, o.State)
		}
	}
	if fmt.Sprint(names) != "[campaign 6 campaign 5 campaign 4 campaign 3 campaign 2]" {
		t.Errorf("outbounds %v, want the newest five", names)
	}
	if err := r.inbox.Read(t.Context(), boss, id); err != nil {
		t.Fatal(err)
	}
	if c, err = r.inbox.Card(t.Context(), boss, id); err != nil || c.Unread != 0 {
		t.Errorf("unread %d, %v", c.Unread, err)
	}
}
