package api_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/serve/api"
)

const authorizationGolden = "testdata/authorization.golden"

const authorizationHead = `# Who may call which route (T1). yes: let in; 401: nobody known; 403: known, but may not; 404: not this account's thing; -: does not apply.
# Written by: go test ./internal/serve/api -run Authorization -update. Every line is a decision: read the difference before you commit it.
# "other": an administrator of another account, with this account's ids in the path.
`

// sampleBodies are requests that parse, for routes that take a JSON body. {name} stands for an id of the account that asks. The crawler puts
// each id of another account in its place.
var sampleBodies = map[string]string{
	"POST /v1/session":               `{"email":"x@alpha.example","password":"wrong wrong wrong"}`,
	"POST /v1/server/setup":          `{"code":"x","account":"a","name":"n","email":"x@alpha.example","password":"wrong wrong wrong"}`,
	"PUT /v1/session/password":       `{"old_password":"wrong wrong wrong","new_password":"another long one"}`,
	"POST /v1/users":                 `{"email":"new@beta.example","name":"N","role":"agent","password":"correct horse battery","skills":["{skill}"]}`,
	"PATCH /v1/users/{user}":         `{"name":"M","skills":["{skill}"]}`,
	"POST /v1/api-keys":              `{"name":"k","scopes":["campaigns:read"]}`,
	"PATCH /v1/account":              `{"default_skill":"{skill}"}`,
	"POST /v1/brands":                `{"name":"new brand"}`,
	"POST /v1/skills":                `{"name":"new skill"}`,
	"PATCH /v1/skills/{skill}":       `{"name":"new name"}`,
	"POST /v1/senders/{sender}/stop": `{"reason":"r"}`,
	"POST /v1/senders":               `{"brand":"{brand}","name":"s","channel":"sms","provider":"twilio","address":"+12125550199","account_sid":"AC0123456789abcdef0123456789abcdef","auth_token":"t"}`,
	"PATCH /v1/senders/{sender}":     `{"name":"other name"}`,
	"POST /v1/opt-outs":              `{"address":"+12125550188","brand":"{brand}"}`,
	"POST /v1/opt-ins":               `{"address":"+12125550188","brand":"{brand}","evidence":"signed form"}`,
	"PUT /v1/agents/me":              `{"available":true}`,
	"PUT /v1/prices":                 `{"currency":"USD","prices":[{"channel":"sms","sender":"{sender}","prefix":"1","micros":7900}]}`,

	"PUT /v1/retention":          `{"messages_days":90,"conversations_days":90,"uploads_days":0,"audit_days":0}`,
	"POST /v1/retention/hold":    `{"campaign":"{campaign}","reason":"r"}`,
	"POST /v1/retention/release": `{"campaign":"{campaign}"}`,

	"POST /v1/campaigns":                             `{"name":"n","sender":"{sender}","skill":"{skill}","text":"t"}`,
	"PATCH /v1/campaigns/{campaign}":                 `{"sender":"{sender}","skill":"{skill}"}`,
	"POST /v1/campaigns/{campaign}/test-send":        `{"to":"+12125550123"}`,
	"POST /v1/campaigns/{campaign}/forecast":         `{"rate":5}`,
	"POST /v1/campaigns/{campaign}/launch":           `{"consent":true}`,
	"POST /v1/campaigns/{campaign}/pause":            `{"reason":"r"}`,
	"POST /v1/campaigns/{campaign}/cancel":           `{"reason":"r"}`,
	"POST /v1/campaigns/{campaign}/retry-failed":     `{"all":true}`,
	"POST /v1/campaigns/{campaign}/duplicate":        `{"name":"n"}`,
	"POST /v1/campaigns/{campaign}/archive":          `{"archived":true}`,
	"POST /v1/messages/{message}/resolve":            `{"action":"give_up"}`,
	"POST /v1/account/stop":                          `{"reason":"r"}`,
	"POST /v1/held/resolve":                          `{"action":"give_up","campaign":"{campaign}","sender":"{sender}"}`,
	"POST /v1/campaigns/{campaign}/recipients/typed": `{"lines":"+12125550126"}`,
	"POST /v1/campaigns/{campaign}/recipients/check": `{"lines":"+12125550126"}`,
	"POST /v1/campaigns/{campaign}/problems/fix":     `{"code":"invalid_number","rule":"discard"}`,
	"POST /v1/policy/simulate":                       `{"campaign":"{campaign}","policy":{"packs":[{"name":"us-states"}]}}`,
	"PUT /v1/policy":                                 `{"packs":[{"name":"us-states"}],"cap":{"max":3,"hours":24}}`,
	"POST /v1/lab/phones/{number}/messages":          `{"sender":"{sender}","text":"hi"}`,
	"POST /v1/lab/sender":                            `{"brand":"{brand}"}`,
	"PUT /v1/lab/carrier":                            `{"delay_ms":0,"delivery_ms":0,"undelivered_percent":0,"refused_percent":0,"doubt_percent":0,"lost_percent":0}`,
	"POST /v1/text/measure":                          `{"text":"t"}`,

	"POST /v1/conversations/{conversation}/messages": `{"text":"hi"}`,
	"POST /v1/conversations/{conversation}/transfer": `{"skill":"{skill}"}`,
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// fill replaces {name} by the tenant's ids.
func fill(t testing.TB, route, text string, tn *tenant) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(m string) string {
		id, ok := tn.ids[m[1:len(m)-1]]
		if !ok {
			t.Fatalf("%s: no sample for %s; add one to tenant() in world_test.go", route, m)
		}
		return id
	})
}

func bodyOf(t testing.TB, rt api.Route, tn *tenant) string {
	t.Helper()
	return fill(t, rt.String(), sampleBodies[rt.String()], tn)
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	routes := slices.Clone(w.api.Routes())
	slices.SortFunc(routes, func(x, y api.Route) int { return strings.Compare(x.Path+x.Method, y.Path+y.Method) })
	var out strings.Builder
	out.WriteString(authorizationHead)
	line := func(cells ...string) {
		fmt.Fprintf(&out, "%-64s %-20s %-9s %-13s %-16s %-13s %-5s %-8s %-11s %s\n",
			cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7], cells[8], cells[9])
	}
	line("route", "permission", "anonymous", "administrator", "campaign_manager", "agent_manager", "agent", "key with", "key without", "other")
	for _, rt := range routes {
		cells := []string{rt.String(), string(rt.Permission), w.verdict(rt, caller{})}
		for _, role := range overture.Roles() {
			cells = append(cells, w.verdict(rt, w.as(w.a, role)))
		}
		cells = append(cells, w.verdict(rt, w.keyWith(rt.Permission)), w.verdict(rt, w.keyWithout(rt.Permission)), w.other(rt))
		line(cells...)
	}
	compareGolden(t, authorizationGolden, out.String())
}

// verdict calls the route with a body that does not parse, so that nothing happens but the decision.
func (w *world) verdict(rt api.Route, who caller) string {
	path := placeholder.ReplaceAllString(rt.Path, "none")
	got := w.do(who, rt.Method, path, "")
	switch got.status {
	case 401, 403:
		return fmt.Sprint(got.status)
	}
	return "yes"
}

func (w *world) keyWith(p access.Permission) caller { return w.key(w.a, p) }

func (w *world) keyWithout(p access.Permission) caller {
	return w.key(w.a, slices.DeleteFunc(access.Permissions(), func(q access.Permission) bool {
		return q == p || p == access.ConversationsOwn && q == access.ConversationsAll
	})...)
}

// other calls the route as another account's administrator with this account's ids: the answer must be that of ids nobody has.
func (w *world) other(rt api.Route) string {
	if !strings.Contains(rt.Path, "{") {
		return "-"
	}
	w.t.Helper()
	body := bodyOf(w.t, rt, w.b)
	got := w.do(w.as(w.b, overture.Administrator), rt.Method, fill(w.t, rt.String(), rt.Path, w.a), body)
	nobodys := placeholder.ReplaceAllStringFunc(rt.Path, func(m string) string {
		prefix, _, _ := strings.Cut(w.a.ids[m[1:len(m)-1]], "_")
		return prefix + "_zzzzzzzz"
	})
	want := w.do(w.as(w.b, overture.Administrator), rt.Method, nobodys, body)
	if got.status != want.status || got.field(w.t, "code") != want.field(w.t, "code") || got.field(w.t, "detail") != want.field(w.t, "detail") {
		w.t.Errorf("%s tells another account's id from nobody's: %d %s, %d %s", rt, got.status, got.body, want.status, want.body)
	}
	return fmt.Sprint(got.status)
}

func TestEveryRouteRefusesOtherAccountsThings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.rowsOf(w.a)
	swaps := 0
	for _, rt := range w.api.Routes() {
		body := sampleBodies[rt.String()]
		if body == "" && rt.TakesJSON() {
			t.Errorf("%s takes a body: add one to sampleBodies", rt)
		}
		// Each id in the path, alone.
		for _, name := range placeholders(rt.Path) {
			if name == "number" {
				continue // a phone number is no id; the sender beside it is what belongs to an account
			}
			path := fill(t, rt.String(), strings.Replace(rt.Path, "{"+name+"}", w.a.ids[name], 1), w.b)
			got := w.do(w.as(w.b, overture.Administrator), rt.Method, path, fill(t, rt.String(), body, w.b))
			swaps++
			if got.status != 404 {
				t.Errorf("%s with another account's %s in the path: %d %s, want 404", rt, name, got.status, got.body)
			}
		}
		// Each id in the body, alone.
		for _, name := range placeholders(body) {
			foreign := fill(t, rt.String(), strings.Replace(body, "{"+name+"}", w.a.ids[name], 1), w.b)
			got := w.do(w.as(w.b, overture.Administrator), rt.Method, fill(t, rt.String(), rt.Path, w.b), foreign)
			swaps++
			if got.status != 404 {
				t.Errorf("%s with another account's %s in the body: %d %s, want 404", rt, name, got.status, got.body)
			}
		}
	}
	if swaps == 0 {
		t.Fatal("nothing was swapped")
	}
	// Refused is not enough: nothing of the other account may have changed on the way.
	for table, rows := range w.rowsOf(w.a) {
		if rows != before[table] {
			t.Errorf("rows of the other account in %s changed:\nbefore %s\nafter  %s", table, before[table], rows)
		}
	}
}

func TestNoAnswerShowsOtherAccountsThings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	foreign := []string{w.a.id.String(), w.a.admin.String()}
	for name, id := range w.a.ids {
		if name != "number" { // a phone number is no id: both accounts have it in their lists
			foreign = append(foreign, id)
		}
	}
	for _, u := range w.a.users {
		foreign = append(foreign, u.ID.String())
	}
	for _, rt := range w.api.Routes() {
		if rt.Method != "GET" {
			continue
		}
		got := w.do(w.as(w.b, overture.Administrator), rt.Method, fill(t, rt.String(), rt.Path, w.b), "")
		if got.status >= 500 || got.status == 404 {
			t.Errorf("%s: %d %s", rt, got.status, got.body)
		}
		for _, id := range foreign {
			if strings.Contains(got.body, `"`+id+`"`) {
				t.Errorf("%s shows %s of another account: %s", rt, id, got.body)
			}
		}
	}
}

// tables with rows of accounts. agent_skill, session and the like hang on these.
var tables = []string{
	"account", "brand", "app_user", "api_key", "audit", "skill", "agent", "sender", "campaign", "list_import", "recipient", "message",
	"price_table", "inbound", "opt_out", "consent_event", "conversation", "entry", "idempotency",
}

// rowsOf writes down every row of the account, table by table.
func (w *world) rowsOf(tn *tenant) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, table := range tables {
		all[table] = w.rowsOfTable(tn, table)
	}
	return all
}

func (w *world) rowsOfTable(tn *tenant, table string) string {
	w.t.Helper()
	column := "account_id"
	if table == "account" {
		column = "id"
	}
	rows, err := w.store.DB().Read.QueryContext(w.t.Context(), `SELECT * FROM `+table+` WHERE `+column+` = $1 ORDER BY 1, 2, 3`, tn.id)
	w.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	w.must(err)
	var out strings.Builder
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		w.must(rows.Scan(targets...))
		fmt.Fprintf(&out, "%v\n", values)
	}
	w.must(rows.Err())
	return out.String()
}

func placeholders(text string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	a := api.New(api.Deps{})
	spec, err := a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	describesEveryRoute(t, a, spec)
	for _, bad := range []string{`"null"`, `$schema`, `ErrorModel`} {
		if strings.Contains(string(spec), bad) {
			t.Errorf("the description contains %s", bad)
		}
	}
	compareGolden(t, "../../../api/openapi.json", string(spec))
}

// What the description promises about rates is what the room accepts: the account's default and a sender's own.
func TestRatesHaveOneBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	for path, field := range map[string]string{"/v1/account": "send_rate", "/v1/senders/" + w.a.ids["sender"]: "rate"} {
		for rate, want := range map[int]int{0: 422, 1: 200, access.MaxRate: 200, access.MaxRate + 1: 422} {
			w.want(want, w.do(admin, "PATCH", path, fmt.Sprintf(`{%q:%d}`, field, rate)))
		}
	}
	spec, err := api.New(api.Deps{}).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Maximum int }
			}
		}
	}
	if err := json.Unmarshal(spec, &doc); err != nil {
		t.Fatal(err)
	}
	for schema, field := range map[string]string{"UpdateAccountRequest": "send_rate", "UpdateSenderRequest": "rate", "CreateSenderRequest": "rate"} {
		if most := doc.Components.Schemas[schema].Properties[field].Maximum; most != access.MaxRate {
			t.Errorf("%s.%s is at most %d, and the room takes %d", schema, field, most, access.MaxRate)
		}
	}
}

// describesEveryRoute: no route is left out, none is described that does not exist, names are unique, and every reference leads somewhere.
func describesEveryRoute(t *testing.T, a *api.API, spec []byte) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string `json:"summary"`
			Permission  string `json:"x-permission"`
			Parameters  []struct{ Name, In string }
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(spec, &doc); err != nil {
		t.Fatal(err)
	}
	described, ids := map[string]string{}, map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			name := strings.ToUpper(method) + " " + path
			described[name] = op.Permission
			if op.OperationID == "" || op.Summary == "" || ids[op.OperationID] {
				t.Errorf("%s: operation id %q and summary %q must be there, and the id once", name, op.OperationID, op.Summary)
			}
			ids[op.OperationID] = true
			for _, want := range placeholders(path) {
				if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == want && p.In == "path" }) {
					t.Errorf("%s: {%s} is not described", name, want)
				}
			}
		}
	}
	for _, rt := range a.Routes() {
		if described[rt.String()] != string(rt.Permission) {
			t.Errorf("%s asks for %s and is described with %q", rt, rt.Permission, described[rt.String()])
		}
		delete(described, rt.String())
	}
	for name := range described {
		t.Errorf("%s is described and does not exist", name)
	}
	for _, m := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(string(spec), -1) {
		if doc.Components.Schemas[m[1]] == nil {
			t.Errorf("schema %s is referred to and missing", m[1])
		}
	}
}

func compareGolden(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		g, x := lineAt(gotLines, i), lineAt(wantLines, i)
		if g != x {
			t.Fatalf("%s is not what the code says; if the change is meant, run the test with -update and review the file.\nline %d:\n got %s\nwant %s", path, i+1, g, x)
		}
	}
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(no line)"
}
