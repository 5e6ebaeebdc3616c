package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/kit/bucket"
	"github.com/overture-im/overture/internal/serve/api"
)

func signIn(w *world, email, password string) answer {
	return w.do(caller{}, "POST", "/v1/session", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
}

// cookieOf reads the session cookie of an answer.
func cookieOf(t testing.TB, a answer) *http.Cookie {
	t.Helper()
	r := http.Response{Header: a.header}
	for _, c := range r.Cookies() {
		if c.Name == "overture_session" {
			return c
		}
	}
	t.Fatalf("no session cookie in %d %s", a.status, a.body)
	return nil
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := signIn(w, " Admin@Alpha.example", goodPassword)
	if got.status != 201 || got.field(t, "role") != "administrator" {
		t.Fatalf("sign in: %d %s", got.status, got.body)
	}
	c := cookieOf(t, got)
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || len(c.Value) < 43 {
		t.Errorf("cookie = %+v", c)
	}
	who := caller{cookie: c.Value}
	if me := w.do(who, "GET", "/v1/session", ""); me.status != 200 || !strings.Contains(me.body, `"admin@alpha.example"`) {
		t.Errorf("me: %d %s", me.status, me.body)
	}
	if n := w.count(`SELECT COUNT(*) FROM session WHERE token_hash = $1`, c.Value); n != 0 {
		t.Error("the token itself is in the database")
	}
	out := w.do(who, "DELETE", "/v1/session", "")
	if out.status != 204 || cookieOf(t, out).MaxAge > 0 || cookieOf(t, out).Expires.After(time.Now()) {
		t.Errorf("sign out: %d, cookie %v", out.status, cookieOf(t, out))
	}
	if me := w.do(who, "GET", "/v1/session", ""); me.status != 401 {
		t.Errorf("after sign-out: %d %s", me.status, me.body)
	}
}

func TestWrongCredentialsLookAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	disabled := signIn(w, "admin@beta.example", goodPassword)
	if disabled.status != 201 {
		t.Fatal(disabled.body)
	}
	if _, err := w.store.DB().Write.ExecContext(t.Context(), `UPDATE account SET enabled = FALSE WHERE id = $1`, w.b.id); err != nil {
		t.Fatal(err)
	}
	if got := w.do(caller{cookie: cookieOf(t, disabled).Value}, "GET", "/v1/session", ""); got.status != 401 {
		t.Errorf("a session of a disabled account (A3): %d", got.status)
	}
	if got := w.do(w.key(w.b, access.SkillsRead), "GET", "/v1/skills", ""); got.status != 401 {
		t.Errorf("a key of a disabled account (A3): %d", got.status)
	}
	w.want(200, w.do(w.as(w.a, overture.Administrator), "PATCH", "/v1/users/"+w.a.admin.String(), `{"disabled":true}`))
	var bodies []string
	for name, got := range map[string]answer{
		"unknown address":  signIn(w, "nobody@alpha.example", goodPassword),
		"disabled user":    signIn(w, "admin@alpha.example", goodPassword),
		"wrong password":   signIn(w, "admin@alpha.example", "wrong horse battery"),
		"empty":            signIn(w, "", ""),
		"disabled account": signIn(w, "admin@beta.example", goodPassword),
	} {
		if got.status != 401 || got.field(t, "code") != "wrong_credentials" || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		bodies = append(bodies, got.field(t, "detail"))
	}
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("answers differ: %q, %q", b, bodies[0])
		}
	}
}

func TestSessionsDieWithWhatTheyStoodOn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world, admin caller, user string){
		"role": func(w *world, admin caller, user string) {
			w.want(200, w.do(admin, "PATCH", "/v1/users/"+user, `{"role":"campaign_manager"}`))
		},
		"disabled": func(w *world, admin caller, user string) {
			w.want(200, w.do(admin, "PATCH", "/v1/users/"+user, `{"disabled":true}`))
		},
		"password by administrator": func(w *world, admin caller, user string) {
			w.want(200, w.do(admin, "PATCH", "/v1/users/"+user, `{"password":"another horse battery"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			one, two, bystander := w.as(w.a, overture.AgentRole), w.as(w.a, overture.AgentRole), w.as(w.a, overture.AgentManager)
			w.want(200, w.do(one, "GET", "/v1/session", ""))
			change(w, w.as(w.a, overture.Administrator), w.a.ids["user"])
			w.want(401, w.do(one, "GET", "/v1/session", ""))
			w.want(401, w.do(two, "GET", "/v1/session", ""))
			if n := w.count(`SELECT COUNT(*) FROM session WHERE user_id = $1`, w.a.users[overture.AgentRole].ID); n != 0 {
				t.Errorf("%d sessions were left", n)
			}
			// A sign-in that was under way meanwhile gives a session of the time before.
			w.want(401, w.do(w.as(w.a, overture.AgentRole), "GET", "/v1/session", ""))
			w.want(200, w.do(bystander, "GET", "/v1/session", ""))
		})
	}
	t.Run("name only", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		agent := w.as(w.a, overture.AgentRole)
		w.want(200, w.do(w.as(w.a, overture.Administrator), "PATCH", "/v1/users/"+w.a.ids["user"], `{"name":"New name"}`))
		w.want(200, w.do(agent, "GET", "/v1/session", ""))
	})
	t.Run("own password", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		one := caller{cookie: cookieOf(t, signIn(w, "admin@alpha.example", goodPassword)).Value}
		two := caller{cookie: cookieOf(t, signIn(w, "admin@alpha.example", goodPassword)).Value}
		const change = `{"old_password":%q,"new_password":%q}`
		w.want(422, w.do(one, "PUT", "/v1/session/password", fmt.Sprintf(change, "not the old one!", "another horse battery")))
		w.want(422, w.do(one, "PUT", "/v1/session/password", fmt.Sprintf(change, goodPassword, "too short")))
		w.want(200, w.do(one, "GET", "/v1/session", ""))
		w.want(204, w.do(one, "PUT", "/v1/session/password", fmt.Sprintf(change, goodPassword, "another horse battery")))
		w.want(401, w.do(one, "GET", "/v1/session", ""))
		w.want(401, w.do(two, "GET", "/v1/session", ""))
		w.want(401, signIn(w, "admin@alpha.example", goodPassword))
		w.want(201, signIn(w, "admin@alpha.example", "another horse battery"))
	})
	t.Run("age", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for _, q := range []string{`UPDATE session SET expires_at = $1`, `UPDATE session SET last_seen_at = $1`} {
			agent := w.as(w.a, overture.AgentRole)
			w.want(200, w.do(agent, "GET", "/v1/session", ""))
			_, err := w.store.DB().Write.ExecContext(t.Context(), q, time.Now().Add(-13*time.Hour).UnixMilli())
			w.must(err)
			w.want(401, w.do(agent, "GET", "/v1/session", ""))
		}
		w.must(w.control.SweepSessions(t.Context()))
		if n := w.count(`SELECT COUNT(*) FROM session`); n != 0 {
			t.Errorf("%d old sessions were left", n)
		}
	})
}

func (w *world) want(status int, got answer) {
	w.t.Helper()
	if got.status != status {
		w.t.Errorf("got %d %s, want %d", got.status, got.body, status)
	}
}

func TestAnAccountKeepsAnAdministrator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	w.want(200, w.do(admin, "PATCH", "/v1/users/"+w.a.admin.String(), `{"disabled":true}`))
	got := w.do(admin, "PATCH", "/v1/users/"+w.a.users[overture.Administrator].ID.String(), `{"role":"agent"}`)
	if got.status != 409 || got.field(t, "code") != "last_administrator" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	w.want(200, w.do(admin, "GET", "/v1/session", "")) // nothing of it happened
}

func TestAPIKeysEndAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	made := w.do(admin, "POST", "/v1/api-keys", `{"name":"k","scopes":["skills:read"]}`)
	key := caller{key: made.field(t, "secret")}
	w.want(200, w.do(key, "GET", "/v1/skills", ""))
	w.want(403, w.do(key, "GET", "/v1/brands", ""))
	w.want(204, w.do(admin, "DELETE", "/v1/api-keys/"+made.field(t, "id"), ""))
	w.want(401, w.do(key, "GET", "/v1/skills", ""))
	w.want(204, w.do(admin, "DELETE", "/v1/api-keys/"+made.field(t, "id"), "")) // again: nothing to do
	w.want(422, w.do(admin, "POST", "/v1/api-keys", `{"name":"k","scopes":["skills:read"],"expires_at":"2001-01-01T00:00:00Z"}`))
	for _, scope := range []string{"users:write", "keys:write", "signed_in", "public", "everything"} {
		w.want(422, w.do(admin, "POST", "/v1/api-keys", fmt.Sprintf(`{"name":"k","scopes":[%q]}`, scope)))
	}
	short := w.do(admin, "POST", "/v1/api-keys", fmt.Sprintf(`{"name":"k","scopes":["skills:read"],"expires_at":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339)))
	w.want(200, w.do(caller{key: short.field(t, "secret")}, "GET", "/v1/skills", ""))
	_, err := w.store.DB().Write.ExecContext(t.Context(), `UPDATE api_key SET expires_at = $1`, time.Now().Add(-time.Second).UnixMilli())
	w.must(err)
	w.want(401, w.do(caller{key: short.field(t, "secret")}, "GET", "/v1/skills", ""))
}

func TestEveryChangeIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	sender := "/v1/senders/" + w.a.ids["sender"]
	for _, c := range []struct{ method, path, body, action string }{
		{"POST", "/v1/users", fill(t, "", sampleBodies["POST /v1/users"], w.a), "user.created"},
		{"PATCH", "/v1/users/" + w.a.ids["user"], `{"role":"agent_manager"}`, "user.changed"},
		{"PATCH", "/v1/users/" + w.a.ids["user"], `{"password":"another horse battery"}`, "user.password_changed"},
		{"POST", "/v1/api-keys", sampleBodies["POST /v1/api-keys"], "api_key.created"},
		{"DELETE", "/v1/api-keys/" + w.a.ids["key"], "", "api_key.revoked"},
		{"PATCH", "/v1/account", `{"send_rate":5}`, "account.changed"},
		{"POST", "/v1/brands", `{"name":"b"}`, "brand.created"},
		{"POST", "/v1/skills", `{"name":"s"}`, "skill.created"},
		{"POST", "/v1/senders", fill(t, "", sampleBodies["POST /v1/senders"], w.a), "sender.created"},
		{"PATCH", sender, `{"auth_token":"secret-canary"}`, "sender.changed"},
		{"POST", sender + "/stop", "", "sender.stopped"},
		{"POST", sender + "/start", "", "sender.started"},
	} {
		before := w.count(`SELECT COUNT(*) FROM audit WHERE account_id = $1`, w.a.id)
		got := w.do(admin, c.method, c.path, c.body)
		if got.status >= 300 {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
			continue
		}
		var page struct {
			Items []struct{ Action, Actor, Detail, RequestID string }
		}
		log := w.do(admin, "GET", "/v1/audit?limit=1", "")
		if err := json.Unmarshal([]byte(strings.ReplaceAll(log.body, "request_id", "RequestID")), &page); err != nil {
			t.Fatal(err)
		}
		e := page.Items[0]
		if n := w.count(`SELECT COUNT(*) FROM audit WHERE account_id = $1`, w.a.id); n != before+1 || e.Action != c.action ||
			e.Actor != w.a.users[overture.Administrator].ID.String() || e.RequestID != got.header.Get("X-Request-Id") {
			t.Errorf("%s %s: %d new entries, newest %+v, want one %s", c.method, c.path, n-before, e, c.action)
		}
		if strings.Contains(e.Detail, "canary") || strings.Contains(e.Detail, "@") || strings.Contains(e.Detail, "horse") {
			t.Errorf("%s: the entry says too much: %s", c.action, e.Detail)
		}
	}
	// What changes nothing is not in it.
	before := w.count(`SELECT COUNT(*) FROM audit WHERE account_id = $1`, w.a.id)
	w.want(200, w.do(admin, "PATCH", "/v1/account", `{"send_rate":5}`))
	w.want(409, w.do(admin, "POST", "/v1/brands", `{"name":"b"}`))
	if n := w.count(`SELECT COUNT(*) FROM audit WHERE account_id = $1`, w.a.id); n != before {
		t.Errorf("%d entries about nothing", n-before)
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open(api.Limits{PerCaller: bucket.Rate{PerSecond: 0.01, Burst: 3}, PerAddress: bucket.Rate{PerSecond: 0.01, Burst: 2}})
	one, two := w.key(w.a, access.SkillsRead), w.key(w.a, access.SkillsRead)
	for i := range 3 {
		got := w.do(one, "GET", "/v1/skills", "")
		if want := fmt.Sprintf(`"requests";r=%d;t=100`, 2-i); got.status != 200 || got.header.Get("RateLimit") != want || got.header.Get("RateLimit-Policy") != `"requests";q=3;w=300` {
			t.Errorf("request %d: %d, RateLimit %q, want %q (%q)", i, got.status, got.header.Get("RateLimit"), want, got.header.Get("RateLimit-Policy"))
		}
	}
	got := w.do(one, "GET", "/v1/skills", "")
	if got.status != 429 || got.field(t, "code") != "rate_limited" || got.header.Get("Retry-After") != "100" {
		t.Errorf("over the limit: %d %s, Retry-After %q", got.status, got.body, got.header.Get("Retry-After"))
	}
	w.want(200, w.do(two, "GET", "/v1/skills", "")) // another key has its own
	w.want(401, w.do(caller{key: "wrong"}, "GET", "/v1/skills", ""))
	w.want(404, w.do(caller{}, "GET", "/v1/nothing", ""))
	w.want(429, w.do(caller{key: "wrong"}, "GET", "/v1/skills", "")) // the address has used up its own
	w.want(429, w.do(caller{}, "GET", "/v1/nothing", ""))
}

func TestSignInIsThrottled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		throttle access.Throttle
		try      func(i int) string // e-mail address of try i
	}{
		"per address of the known user":   {access.Throttle{PerEmail: bucket.Rate{PerSecond: 0.01, Burst: 3}}, func(int) string { return "admin@alpha.example" }},
		"per address of an unknown user":  {access.Throttle{PerEmail: bucket.Rate{PerSecond: 0.01, Burst: 3}}, func(int) string { return "nobody@alpha.example" }},
		"per address in another spelling": {access.Throttle{PerEmail: bucket.Rate{PerSecond: 0.01, Burst: 3}}, func(i int) string { return strings.Repeat(" ", i) + "Admin@Alpha.example" }},
		"per client":                      {access.Throttle{PerAddress: bucket.Rate{PerSecond: 0.01, Burst: 3}}, func(i int) string { return fmt.Sprintf("u%d@alpha.example", i) }},
		"altogether":                      {access.Throttle{Global: bucket.Rate{PerSecond: 0.01, Burst: 3}}, func(i int) string { return fmt.Sprintf("u%d@alpha.example", i) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.control = access.New(access.Deps{Store: w.store, Throttle: tt.throttle})
			w.open(api.Limits{})
			for i := range 3 {
				w.want(401, signIn(w, tt.try(i), "wrong horse battery"))
			}
			got := signIn(w, tt.try(3), goodPassword)
			if got.status != 429 || got.field(t, "code") != "too_many_tries" || got.header.Get("Retry-After") == "" {
				t.Errorf("fourth try: %d %s, Retry-After %q", got.status, got.body, got.header.Get("Retry-After"))
			}
		})
	}
	t.Run("a success gives the tries back", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.control = access.New(access.Deps{Store: w.store, Throttle: access.Throttle{PerEmail: bucket.Rate{PerSecond: 0.01, Burst: 3}}})
		w.open(api.Limits{})
		for range 5 {
			w.want(401, signIn(w, "admin@alpha.example", "wrong horse battery"))
			w.want(201, signIn(w, "admin@alpha.example", goodPassword))
		}
	})
}

func TestOtherSitesCannotWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	for name, header := range map[string][]string{
		"fetch metadata":     {"Sec-Fetch-Site", "cross-site"},
		"another site":       {"Sec-Fetch-Site", "same-site"},
		"origin":             {"Origin", "https://evil.example"},
		"null origin":        {"Origin", "null"},
		"origin of the path": {"Origin", "http://overture.example.evil.example"},
	} {
		got := w.do(admin, "POST", "/v1/skills", `{"name":"stolen"}`, header...)
		if got.status != 403 || got.field(t, "code") != "cross_origin" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if n := w.skillsNamed("stolen"); n != 0 {
		t.Errorf("%d writes by other sites", n)
	}
	w.want(201, w.do(admin, "POST", "/v1/skills", `{"name":"own"}`, "Sec-Fetch-Site", "same-origin"))
}

func TestUnknownFieldsAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, rt := range w.api.Routes() {
		if !rt.TakesJSON() || rt.Permission == access.Public {
			continue
		}
		body := bodyOf(t, rt, w.b)
		for _, field := range []string{"account_id", "id", "tenant", "created_at", "session_version", "webhook_key", "state"} {
			got := w.do(w.as(w.b, overture.Administrator), rt.Method, fill(t, rt.String(), rt.Path, w.b), strings.Replace(body, "{", fmt.Sprintf(`{%q:1,`, field), 1))
			if got.status != 422 || !strings.Contains(got.body, `"body.`+field+`"`) {
				t.Errorf("%s with %s: %d %s, want 422 that names it", rt, field, got.status, got.body)
			}
		}
	}
}

func TestTheLogNamesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	w.control = access.New(access.Deps{Store: w.store, Log: logger})
	a := api.New(api.Deps{Log: logger, Idempotency: w.store, Door: w.control, Sessions: w.control, Users: w.control, Keys: w.control, Accounts: w.control})
	w.handler = a.Handler()
	admin := w.as(w.a, overture.Administrator)
	w.do(admin, "POST", "/v1/users", `{"email":"canary@example.org","name":"Canary","role":"agent","password":"canary canary canary"}`, "Idempotency-Key", "canary-key")
	w.do(admin, "GET", "/v1/skills?q=canary", "")
	w.do(admin, "GET", "/v1/nothing/canary", "")
	w.do(admin, "CANARY", "/v1/skills", "")
	w.do(caller{key: "ovk_canary"}, "GET", "/v1/skills", "")
	w.do(admin, "GET", "/v1/senders/snd_5", "") // its room is missing: a panic
	signIn(w, "canary@example.org", "canary canary canary")
	signIn(w, "canary@example.org", "wrong canary canary")
	text := log.String()
	if strings.Contains(strings.ToLower(text), "canary") {
		t.Errorf("the log knows too much:\n%s", text)
	}
	for _, want := range []string{`"route":"/v1/users"`, `"status":201`, `"request_id":"req_`, `"account_id":"acc_`, `"actor":"usr_`, `"status":500`, `"level":"ERROR"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
}

func TestHTTPSMakesCookiesSecure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler = api.New(api.Deps{PublicURL: "https://overture.example", Door: w.control, Sessions: w.control}).Handler()
	got := signIn(w, "admin@alpha.example", goodPassword)
	if !cookieOf(t, got).Secure || got.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("cookie %v, headers %v", cookieOf(t, got), got.header)
	}
}
