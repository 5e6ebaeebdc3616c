package api_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/overture-im/overture"
)

// decode reads an answer's body.
func decode[T any](t *testing.T, got answer, status int) T {
	t.Helper()
	var v T
	if got.status != status {
		t.Fatalf("status %d, want %d: %s", got.status, status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), &v); err != nil {
		t.Fatalf("%v: %s", err, got.body)
	}
	return v
}

type conversationJSON struct {
	ID, State, Address, Number, Agent string
	SkillName                         string `json:"skill_name"`
	OptedOut                          bool   `json:"opted_out"`
	Unread                            int
}

type transcriptJSON struct {
	Conversation conversationJSON
	Outbounds    []struct{ Text string }
	Entries      struct {
		Items      []struct{ Author, Text, Delivery, User string }
		NextCursor string `json:"next_cursor"`
	}
}

func TestAnAgentsDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, boss := w.as(w.a, overture.AgentRole), w.as(w.a, overture.AgentManager)
	one := "/v1/conversations/" + w.a.ids["conversation"]

	me := decode[struct {
		Available bool
		Capacity  int
	}](t, w.do(agent, "PUT", "/v1/agents/me", `{"available":true,"capacity":5}`), 200)
	if !me.Available || me.Capacity != 5 {
		t.Errorf("presence %+v", me)
	}
	if got := w.do(agent, "PUT", "/v1/agents/me", `{"available":true,"capacity":500}`); got.status != 422 {
		t.Errorf("capacity 500: %d %s", got.status, got.body)
	}
	list := decode[struct{ Items []conversationJSON }](t, w.do(agent, "GET", "/v1/conversations?state=waiting", ""), 200)
	if len(list.Items) != 1 || list.Items[0].ID != w.a.ids["conversation"] || list.Items[0].SkillName != "support" || list.Items[0].Unread != 1 {
		t.Fatalf("waiting %+v", list)
	}
	if got := w.do(agent, "POST", one+"/messages", `{"text":"hi"}`); got.status != 409 || got.field(t, "code") != "conversation_not_yours" {
		t.Errorf("answer before accepting: %d %s", got.status, got.body)
	}
	if got := w.do(agent, "POST", one+"/accept", ""); got.status != 204 {
		t.Fatalf("accept: %d %s", got.status, got.body)
	}
	if got := w.do(boss, "POST", one+"/accept", ""); got.status != 409 || got.field(t, "code") != "conversation_taken" {
		t.Errorf("second accept: %d %s", got.status, got.body)
	}
	for range 2 { // a page that sends again after a lost connection
		e := decode[struct{ Author, Text, Delivery string }](t, w.do(agent, "POST", one+"/messages", `{"text":"Hello, yes."}`, "Idempotency-Key", "k1"), 201)
		if e.Author != "agent" || e.Delivery != "queued" {
			t.Errorf("answer %+v", e)
		}
	}
	full := decode[transcriptJSON](t, w.do(agent, "GET", one, ""), 200)
	if n := len(full.Entries.Items); n != 2 || full.Entries.Items[1].Text != "Hello, yes." || full.Conversation.State != "assigned" || full.Conversation.Unread != 0 {
		t.Fatalf("transcript %+v", full)
	}
	first := decode[transcriptJSON](t, w.do(agent, "GET", one+"?limit=1", ""), 200)
	rest := decode[transcriptJSON](t, w.do(agent, "GET", one+"?limit=1&cursor="+url.QueryEscape(first.Entries.NextCursor), ""), 200)
	if len(rest.Entries.Items) != 1 || rest.Entries.Items[0].Author != "agent" || rest.Entries.NextCursor != "" {
		t.Errorf("second page %+v", rest)
	}
	if got := w.do(agent, "POST", one+"/opt-out", ""); got.status != 204 {
		t.Fatalf("opt-out: %d %s", got.status, got.body)
	}
	if got := w.do(agent, "POST", one+"/messages", `{"text":"sorry"}`); got.status != 409 || got.field(t, "code") != "opted_out" {
		t.Errorf("answer after the stop: %d %s", got.status, got.body)
	}
	if got := w.do(agent, "POST", one+"/transfer", `{"skill":"`+w.a.ids["skill"]+`"}`); got.status != 204 {
		t.Errorf("transfer: %d %s", got.status, got.body)
	}
	if got := w.do(boss, "POST", one+"/close", ""); got.status != 204 {
		t.Errorf("close: %d %s", got.status, got.body)
	}
	if got := w.do(agent, "GET", one, ""); got.status != 404 {
		t.Errorf("another's closed conversation: %d %s", got.status, got.body)
	}
	if got := w.do(w.key(w.a, "conversations:all"), "GET", "/v1/conversations?mine=true", ""); got.status != 422 {
		t.Errorf("a key's own conversations: %d %s", got.status, got.body)
	}
	agents := decode[struct {
		Items []struct {
			Role   string
			Skills []string
		}
	}](t, w.do(boss, "GET", "/v1/agents", ""), 200)
	if len(agents.Items) != 2 || len(agents.Items[0].Skills) != 1 {
		t.Errorf("agents %+v", agents)
	}
}

func TestOptOutRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, manager := w.as(w.a, overture.Administrator), w.as(w.a, overture.CampaignManager)
	changed := func(path, body string) bool {
		t.Helper()
		return decode[struct{ Changed bool }](t, w.do(admin, "POST", path, body), 200).Changed
	}
	if !changed("/v1/opt-outs", `{"address":"1 (212) 555-0188","evidence":"asked by phone"}`) || changed("/v1/opt-outs", `{"address":"+12125550188"}`) {
		t.Error("only the first opt-out changes something")
	}
	type row struct{ Address, Brand, Source, Evidence string }
	list := decode[struct{ Items []row }](t, w.do(manager, "GET", "/v1/opt-outs?q=0188", ""), 200)
	if len(list.Items) != 1 || list.Items[0] != (row{"+12125550188", w.a.ids["brand"], "api", "asked by phone"}) {
		t.Errorf("opt-outs %+v", list)
	}
	if got := w.do(manager, "GET", "/v1/opt-outs?review=true", ""); !strings.Contains(got.body, `"items":[]`) {
		t.Errorf("nothing is to review: %s", got.body)
	}
	for _, tc := range []struct{ path, body, code string }{
		{"/v1/opt-ins", `{"address":"+12125550188","evidence":"  "}`, "evidence_missing"},
		{"/v1/opt-outs", `{"address":"nonsense"}`, "invalid_number"},
	} {
		if got := w.do(admin, "POST", tc.path, tc.body); got.status != 422 || got.field(t, "code") != tc.code {
			t.Errorf("%s %s: %d %s, want %s", tc.path, tc.body, got.status, got.body, tc.code)
		}
	}
	if got := w.do(manager, "GET", "/v1/opt-outs?cursor=bm8", ""); got.status != 422 || got.field(t, "code") != "bad_cursor" {
		t.Errorf("a foreign cursor: %d %s", got.status, got.body)
	}
	if !changed("/v1/opt-ins", `{"address":"+12125550188","evidence":"signed form of March 3"}`) {
		t.Error("the opt-in changed nothing")
	}
	events := decode[struct {
		Items []struct{ Kind, Evidence string }
	}](t, w.do(manager, "GET", "/v1/consent-events?address="+url.QueryEscape("+12125550188"), ""), 200)
	if len(events.Items) != 3 || events.Items[2].Kind != "opt_in" || events.Items[2].Evidence != "signed form of March 3" {
		t.Errorf("ledger %+v", events)
	}
	if got := w.do(admin, "POST", "/v1/brands", `{"name":"Second"}`); got.status != 201 {
		t.Fatalf("second brand: %d %s", got.status, got.body)
	}
	if got := w.do(admin, "POST", "/v1/opt-outs", `{"address":"+12125550188"}`); got.status != 422 || got.field(t, "code") != "brand_missing" {
		t.Errorf("no brand named: %d %s", got.status, got.body)
	}
}

func TestOrdinaryWordsAreASetting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	type settings struct {
		OrdinaryWords []string `json:"ordinary_words"`
	}
	if got := decode[settings](t, w.do(admin, "GET", "/v1/account", ""), 200); got.OrdinaryWords == nil || len(got.OrdinaryWords) != 0 {
		t.Errorf("before: %+v", got)
	}
	got := decode[settings](t, w.do(admin, "PATCH", "/v1/account", `{"ordinary_words":["CANCEL","END"]}`), 200)
	if strings.Join(got.OrdinaryWords, " ") != "CANCEL END" {
		t.Errorf("after: %+v", got)
	}
}
