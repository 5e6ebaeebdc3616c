package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/consent"
	"github.com/overture-im/overture/internal/inbound/agent"
	"github.com/overture-im/overture/internal/inbound/conversation"
	"github.com/overture-im/overture/internal/insight/analytics"
	"github.com/overture-im/overture/internal/insight/export"
	"github.com/overture-im/overture/internal/kit/bucket"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/outbound/forecast"
	"github.com/overture-im/overture/internal/outbound/policy"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/retention"
	"github.com/overture-im/overture/internal/serve/api"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files")

// world is the API over a real store, with two accounts that look alike.
type world struct {
	t       testing.TB
	store   *store.Store
	control *access.Control
	api     *api.API
	handler http.Handler
	a, b    *tenant
	n       int
}

// tenant is one account with a user per role and one of each thing that has an id in a path or body.
type tenant struct {
	id    overture.AccountID
	admin overture.UserID
	users map[overture.Role]overture.User
	ids   map[string]string // by the name a path or a body template uses: {user} {key} {skill} {brand} {sender} …
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, storetest.Open(t))
}

func newWorldOn(t testing.TB, s *store.Store) *world {
	t.Helper()
	w := newServer(t, s)
	w.a, w.b = w.tenant("Alpha"), w.tenant("Beta")
	return w
}

const setupCode = "the-code-of-this-start"

// newServer is a world that nobody has set up.
func newServer(t testing.TB, s *store.Store) *world {
	t.Helper()
	w := &world{t: t, store: s, control: access.New(access.Deps{Store: s, SetupCode: setupCode})}
	w.open(api.Limits{PerCaller: bucket.Rate{PerSecond: 1e6, Burst: 1e6}, PerAddress: bucket.Rate{PerSecond: 1e6, Burst: 1e6}})
	return w
}

func (w *world) forecasts() *forecast.Service {
	return forecast.New(forecast.Deps{Store: w.store, Lists: w.people(), Windows: schedule.NewCalendar()})
}

// noPhones is a server without a carrier lab; internal/app tests the one with.
type noPhones struct{}

var errNoLab = &overture.Error{Kind: overture.NotFound, Code: "no_lab", Message: "no carrier lab stands behind this"}

func (noPhones) Phone(context.Context, overture.AccountID, overture.SenderID, overture.Address) (api.VirtualPhone, error) {
	return api.VirtualPhone{}, errNoLab
}

func (noPhones) Write(context.Context, overture.AccountID, overture.SenderID, overture.Address, string) error {
	return errNoLab
}

func (noPhones) Carrier(context.Context, overture.AccountID, overture.SenderID) (api.Carrier, error) {
	return api.Carrier{}, errNoLab
}

func (noPhones) SetCarrier(context.Context, overture.AccountID, overture.SenderID, api.Carrier) error {
	return errNoLab
}

func (noPhones) LabSender(context.Context, overture.Actor, overture.BrandID) (overture.Sender, error) {
	return overture.Sender{}, errNoLab
}

// open makes the door. A resource that lands wires its room here.
func (w *world) open(limits api.Limits) {
	w.api = api.New(api.Deps{
		PublicURL: "http://overture.example", Limits: limits, Idempotency: w.store,
		Setup: w.control, Product: api.Product{Version: "v1.2.3", Lab: true},
		Door: w.control, Sessions: w.control, Users: w.control, Keys: w.control, Accounts: w.control, Senders: w.control, Health: still{w.store},
		Consent:       consent.New(w.store, time.Now),
		Conversations: conversation.New(w.store, w.store, pubsub.New(), time.Now),
		Agents:        agent.NewRoster(w.store, pubsub.New(), time.Now),
		Campaigns:     campaign.New(campaign.Deps{Store: w.store, Lists: w.people(), Windows: schedule.NewCalendar(), ParsePhone: parsePhone, Recheck: w.recheck}),
		Recipients:    w.people(), MaxUploadRows: 1500,
		Forecasts: w.forecasts(),
		Figures:   analytics.New(w.store),
		Exports:   export.New(w.store),
		Phones:    noPhones{},
		Retention: retention.New(w.store, time.Now),
		Policy:    policy.New(policy.Deps{Store: w.store, Decide: decide(schedule.NewCalendar()), Log: slog.New(slog.DiscardHandler), Now: time.Now}),
	})
	w.handler = w.api.Handler()
}

const (
	goodPassword = "correct horse battery"
	goodHash     = "$argon2id$v=19$m=19456,t=2,p=1$kL1SCDHZ5ig0KE4tNVRJhA$EDLMyzM9PBAx/HUjqkR4BhYCLVsW7sdf89NYI2dD2nU"
)

func (w *world) tenant(name string) *tenant {
	w.t.Helper()
	ctx := w.t.Context()
	now := time.Now()
	tn := &tenant{id: overture.AccountID(w.store.NewID()), admin: overture.UserID(w.store.NewID()), users: map[overture.Role]overture.User{}, ids: map[string]string{}}
	brand := overture.Brand{ID: overture.BrandID(w.store.NewID()), AccountID: tn.id, Name: name, CreatedAt: now}
	// Not by Bootstrap: hashing a password for every world would take most of the suite's time.
	w.must(w.store.CreateAccount(ctx, overture.Account{ID: tn.id, Name: name, Enabled: true, CreatedAt: now}, brand, overture.User{
		ID: tn.admin, AccountID: tn.id,
		Email: "admin@" + strings.ToLower(name) + ".example", Name: "Administrator", Role: overture.Administrator, CreatedAt: now,
	}, goodHash))
	tn.ids["number"] = "+12125550123"
	by := overture.Actor{AccountID: tn.id, UserID: tn.admin}
	skill := overture.Skill{ID: overture.SkillID(w.store.NewID()), AccountID: tn.id, Name: "support"}
	w.must(w.store.CreateSkill(ctx, by, skill, time.Now()))
	for _, role := range overture.Roles() {
		u := overture.User{
			ID: overture.UserID(w.store.NewID()), AccountID: tn.id, Role: role, Name: string(role),
			Email: string(role) + "@" + strings.ToLower(name) + ".example", CreatedAt: time.Now(),
		}
		w.must(w.store.CreateUser(ctx, by, u, "no password", []overture.SkillID{skill.ID}))
		tn.users[role] = u
	}
	sender := overture.Sender{
		ID: overture.SenderID(w.store.NewID()), AccountID: tn.id, BrandID: brand.ID, Name: "main", Channel: overture.SMS,
		Provider: "twilio", Address: "+12125550100", BaseURL: "https://api.twilio.com", AccountSID: "AC0123456789abcdef0123456789abcdef",
		AuthToken: "token-canary", WebhookKey: name, Rate: 10, CreatedAt: time.Now(),
	}
	w.must(w.store.CreateSender(ctx, by, sender))
	key := overture.APIKey{ID: overture.APIKeyID(w.store.NewID()), AccountID: tn.id, Name: "sample", CreatedBy: tn.admin, CreatedAt: time.Now()}
	w.must(w.store.CreateAPIKey(ctx, by, key, "hash of "+name))
	tn.ids["user"] = tn.users[overture.AgentRole].ID.String()
	tn.ids["skill"] = skill.ID.String()
	tn.ids["brand"] = brand.ID.String()
	tn.ids["sender"] = sender.ID.String()
	tn.ids["key"] = key.ID.String()
	w.campaign(tn, by, sender, skill.ID)
	tn.ids["conversation"] = w.conversation(sender, skill.ID).String()
	return tn
}

// conversation makes a person write to the account, so that a conversation waits.
func (w *world) conversation(sender overture.Sender, skill overture.SkillID) overture.ConversationID {
	w.t.Helper()
	w.n++
	from := overture.Address(fmt.Sprintf("+1212555%04d", 120+w.n))
	in := overture.Inbound{
		AccountID: sender.AccountID, SenderID: sender.ID, Provider: "twilio", ProviderID: fmt.Sprintf("SM%d", w.n), From: from, To: sender.Address,
		Body: "hello", ReceivedAt: time.Now(),
	}
	w.must(w.store.StoreInbound(w.t.Context(), []overture.Reply{{Inbound: in, BrandID: sender.BrandID, Channel: overture.SMS}}))
	pending, err := w.store.PendingReplies(w.t.Context(), 10)
	w.must(err)
	for i := range pending {
		pending[i].SkillID = skill
	}
	_, err = w.store.ApplyReplies(w.t.Context(), pending, time.Now())
	w.must(err)
	list, err := w.store.Conversations(w.t.Context(), overture.ConversationFilter{AccountID: sender.AccountID, Viewer: overture.Viewer{All: true}, Limit: 1})
	w.must(err)
	return list[0].ID
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// caller is who makes a request: a cookie, a key, or nobody.
type caller struct{ cookie, key string }

// as gives a fresh session of the account's user with this role.
func (w *world) as(tn *tenant, role overture.Role) caller {
	w.t.Helper()
	w.n++
	token := fmt.Sprintf("token-%d", w.n)
	now := time.Now()
	u := tn.users[role]
	w.must(w.store.CreateSession(w.t.Context(), overture.Actor{AccountID: tn.id}, overture.Session{
		ID: overture.SessionID(w.store.NewID()), User: u,
		SessionVersion: u.SessionVersion, CreatedAt: now, ExpiresAt: now.Add(time.Hour), LastSeenAt: now,
	}, hash(token)))
	return caller{cookie: token}
}

// key gives an API key of the account with these scopes.
func (w *world) key(tn *tenant, scopes ...access.Permission) caller {
	w.t.Helper()
	w.n++
	secret := fmt.Sprintf("ovk_%d", w.n)
	k := overture.APIKey{ID: overture.APIKeyID(w.store.NewID()), AccountID: tn.id, Name: "test", CreatedBy: tn.admin, CreatedAt: time.Now()}
	for _, s := range scopes {
		k.Scopes = append(k.Scopes, string(s))
	}
	w.must(w.store.CreateAPIKey(w.t.Context(), overture.Actor{AccountID: tn.id}, k, hash(secret)))
	return caller{key: secret}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) field(t testing.TB, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("answer is not JSON: %v: %s", err, a.body)
	}
	return fmt.Sprint(m[name])
}

func (w *world) do(who caller, method, path, body string, header ...string) answer {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if who.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "overture_session", Value: who.cookie})
	}
	if who.key != "" {
		r.Header.Set("Authorization", "Bearer "+who.key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

// decide is what app wires: the planner's decision.
func decide(calendar *schedule.Calendar) func(time.Time, overture.Recipient, []time.Time, overture.Campaign, *overture.Rules) policy.Slot {
	return func(now time.Time, r overture.Recipient, contacts []time.Time, c overture.Campaign, rules *overture.Rules) policy.Slot {
		d := calendar.Decide(now, schedule.Person{Address: r.Address, Zones: r.Zones, Contacts: contacts},
			schedule.Frame{Window: c.Window, Rules: rules, LaunchAt: c.LaunchAt, ExpiresAt: c.ExpiresAt})
		return policy.Slot{Due: d.Due, Skip: d.Skip, Rule: d.Rule}
	}
}
