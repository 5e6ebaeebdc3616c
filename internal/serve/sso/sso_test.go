package sso_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/kit/sealed"
	"github.com/overture-im/overture/internal/serve/sso"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

const (
	clientID     = "overture-client"
	clientSecret = "client-secret-canary"
)

// issuer is an identity provider over real HTTP. It says yes to whoever comes, as claims tells it.
type issuer struct {
	*httptest.Server

	key, other *rsa.PrivateKey

	mu     sync.Mutex
	claims func(map[string]any) // changes what the next ID token says
	grants map[string]grant

	forged   bool // sign with a key that is not published
	generous bool // take a code twice
}

type grant struct{ nonce, challenge, redirect string }

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{grants: map[string]grant{}, claims: func(map[string]any) {}}
	var err error
	if i.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if i.other, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1",
			"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != clientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || !strings.Contains(q.Get("scope"), "openid") {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.grants[code] = grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	i.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	g, known := i.grants[r.FormValue("code")]
	id, secret, _ := r.BasicAuth()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || id != clientID || secret != clientSecret || encode(sum[:]) != g.challenge || r.FormValue("redirect_uri") != g.redirect {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"error": "invalid_grant"})
		return
	}
	if !i.generous {
		delete(i.grants, r.FormValue("code"))
	}
	now := time.Now()
	claims := map[string]any{
		"iss": i.URL, "sub": "1", "aud": clientID, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": g.nonce,
		"email": "Agent@harbor.example", "email_verified": true,
	}
	i.claims(claims)
	key := i.key
	if i.forged {
		key = i.other
	}
	answer(w, map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": sign(key, claims)})
}

func sign(key *rsa.PrivateKey, claims map[string]any) string {
	header, _ := json.Marshal(map[string]any{"alg": "RS256", "kid": "k1"})
	body, _ := json.Marshal(claims)
	text := encode(header) + "." + encode(body)
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return text + "." + encode(signature)
}

// house is a server with one agent, and a browser in front of it.
type house struct {
	t       *testing.T
	issuer  *issuer
	store   *store.Store
	control *access.Control
	server  *httptest.Server
	browser *http.Client
	sealer  store.Sealer
	admin   overture.Actor
	agent   overture.UserID
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, issuer: newIssuer(t), store: storetest.Open(t)}
	keys, err := sealed.New(make([]byte, sealed.KeySize))
	h.must(err)
	h.sealer = store.SealWith(keys)
	h.control = access.New(access.Deps{Store: h.store})
	now := time.Now()
	account := overture.Account{ID: 1, Name: "Harbor", Enabled: true, CreatedAt: now}
	h.admin, h.agent = overture.Actor{AccountID: 1, UserID: 2}, 4
	h.must(h.store.CreateAccount(t.Context(), account, overture.Brand{ID: 3, AccountID: 1, Name: "b", CreatedAt: now},
		overture.User{ID: 2, AccountID: 1, Email: "admin@harbor.example", Role: overture.Administrator, CreatedAt: now}, "hash"))
	h.must(h.store.CreateUser(t.Context(), h.admin, overture.User{ID: h.agent, AccountID: 1, Email: "agent@harbor.example", Role: overture.AgentRole, CreatedAt: now}, "hash", nil))
	mux := http.NewServeMux()
	h.server = httptest.NewServer(mux)
	t.Cleanup(h.server.Close)
	sso.New(sso.Deps{
		Issuer: h.issuer.URL, ClientID: clientID, ClientSecret: clientSecret, PublicURL: h.server.URL, Sessions: h.control, Sealer: h.sealer,
		SetSession: func(w http.ResponseWriter, token string, _ time.Time) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: token, Path: "/"})
		},
	}).Mount(mux)
	h.freshBrowser()
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// freshBrowser has no cookies and follows no redirect by itself.
func (h *house) freshBrowser() {
	jar, err := cookiejar.New(nil)
	h.must(err)
	h.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// goTo gives where the answer leads.
func (h *house) goTo(address string) *url.URL {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, address, nil)
	h.must(err)
	resp, err := h.browser.Do(req)
	h.must(err)
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		h.t.Fatalf("GET %s: %d, no redirect", address, resp.StatusCode)
	}
	return to
}

// begin leads to our callback, with the provider's yes.
func (h *house) begin(next string) (callback string) {
	h.t.Helper()
	provider := h.goTo(h.server.URL + "/v1/session/oidc?next=" + url.QueryEscape(next))
	if !strings.HasPrefix(provider.String(), h.issuer.URL+"/authorize?") {
		h.t.Fatalf("led to %s", provider)
	}
	return h.goTo(provider.String()).String()
}

func (h *house) signIn(next string) string {
	h.t.Helper()
	return h.goTo(h.begin(next)).RequestURI()
}

func (h *house) session() string {
	u, _ := url.Parse(h.server.URL)
	for _, c := range h.browser.Jar.Cookies(u) {
		if c.Name == "session" {
			return c.Value
		}
	}
	return ""
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if to := h.signIn("/campaigns?state=running"); to != "/campaigns?state=running" {
		t.Errorf("led to %s", to)
	}
	who, err := h.control.Session(t.Context(), h.session())
	if err != nil || who.UserID != h.agent || who.Role != overture.AgentRole {
		t.Fatalf("session of %+v, %v", who, err)
	}
	entries, err := h.store.AuditEntries(t.Context(), overture.AuditFilter{AccountID: 1, Limit: 1})
	if err != nil || len(entries) != 1 || entries[0].Action != "user.signed_in" || entries[0].Detail != "single sign-on" || entries[0].Subject != h.agent.String() {
		t.Errorf("audit: %+v, %v", entries, err)
	}
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "", "javascript:alert(1)", "/" + strings.Repeat("x", 2000)} {
		h.freshBrowser()
		if to := h.signIn(next); to != "/" {
			t.Errorf("next=%.30s led to %.60s", next, to)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		why    string
		claims func(map[string]any)
		change func(h *house)
	}{
		"wrong nonce":           {"oidc", func(c map[string]any) { c["nonce"] = "another" }, nil},
		"no nonce":              {"oidc", func(c map[string]any) { delete(c, "nonce") }, nil},
		"wrong audience":        {"oidc", func(c map[string]any) { c["aud"] = "another program" }, nil},
		"another's among two":   {"oidc", func(c map[string]any) { c["aud"] = []string{clientID, "another"}; c["azp"] = "another" }, nil},
		"expired":               {"oidc", func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() }, nil},
		"another issuer":        {"oidc", func(c map[string]any) { c["iss"] = "https://another.example" }, nil},
		"unverified":            {"oidc", func(c map[string]any) { c["email_verified"] = false }, nil},
		"not said to be":        {"oidc", func(c map[string]any) { delete(c, "email_verified") }, nil},
		"no address":            {"oidc", func(c map[string]any) { delete(c, "email") }, nil},
		"forged signature":      {"oidc", nil, func(h *house) { h.issuer.forged = true }},
		"nobody here":           {"unknown_user", func(c map[string]any) { c["email"] = "stranger@harbor.example" }, nil},
		"user disabled":         {"unknown_user", nil, func(h *house) { h.exec(`UPDATE app_user SET disabled = TRUE WHERE id = 4`) }},
		"account disabled":      {"unknown_user", nil, func(h *house) { h.exec(`UPDATE account SET enabled = FALSE WHERE id = 1`) }},
		"the provider is wrong": {"oidc", nil, func(h *house) { h.issuer.grants = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			if tt.claims != nil {
				h.issuer.claims = tt.claims
			}
			callback := h.begin("/campaigns")
			h.issuer.mu.Lock()
			if tt.change != nil {
				tt.change(h)
			}
			h.issuer.mu.Unlock()
			if to := h.goTo(callback).RequestURI(); to != "/login?failed="+tt.why {
				t.Errorf("led to %s, want failed=%s", to, tt.why)
			}
			if h.session() != "" {
				t.Error("it began a session")
			}
		})
	}
}

func (h *house) exec(query string) {
	h.t.Helper()
	_, err := h.store.DB().Write.ExecContext(context.Background(), query)
	h.must(err)
}

func TestWhatComesBackMustBeOurs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.issuer.generous = true
	refused := func(name, callback string) {
		t.Helper()
		if to := h.goTo(callback).RequestURI(); to != "/login?failed=oidc" || h.session() != "" {
			t.Errorf("%s: led to %s", name, to)
		}
	}
	refused("another browser", func() string { c := h.begin("/"); h.freshBrowser(); return c }())
	refused("another state", h.begin("/")+"x")
	refused("the provider said no", strings.Replace(h.begin("/"), "code=", "error=access_denied&x=", 1))
	first := h.begin("/") // a second tab begins anew: the first one's way back is closed
	h.begin("/")
	refused("an older state", first)

	callback := h.begin("/")
	at, _ := url.Parse(h.server.URL + "/v1/session/oidc")
	kept := h.browser.Jar.Cookies(at)
	if len(kept) != 1 {
		t.Fatalf("cookies: %v", kept)
	}
	if to := h.goTo(callback).RequestURI(); to != "/" || h.session() == "" {
		t.Fatalf("led to %s", to)
	}
	if left := h.browser.Jar.Cookies(at); len(left) != 1 || left[0].Name != "session" {
		t.Errorf("the cookie of the way stays: %v", left)
	}
	h.freshBrowser()
	h.browser.Jar.SetCookies(at, kept) // whoever copied cookie and address comes too late
	refused("a replay", callback)
	callback = h.begin("/")
	kept = h.browser.Jar.Cookies(at)
	inside, err := h.sealer.Open(kept[0].Value, "oidc sign-in")
	h.must(err)
	kept[0].Value, err = h.sealer.Seal(inside, "something else")
	h.must(err)
	h.freshBrowser()
	h.browser.Jar.SetCookies(at, kept)
	refused("a cookie sealed for something else", callback)
}

func TestTheProviderMayBeDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.issuer.Close()
	if to := h.goTo(h.server.URL + "/v1/session/oidc").RequestURI(); to != "/login?failed=oidc" {
		t.Errorf("led to %s", to)
	}
}

func TestTooManyTries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 40 {
		resp, err := h.browser.Get(h.server.URL + "/v1/session/oidc")
		h.must(err)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusTooManyRequests {
			if i < 10 {
				t.Errorf("try %d was refused", i)
			}
			return
		}
	}
	t.Error("nobody counts the tries")
}
