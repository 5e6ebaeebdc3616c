// Package sso is the door for signing in with an identity provider of the operator's own, by OpenID Connect.
//
//	Does:   GET /v1/session/oidc sends the browser to the provider, GET /v1/session/oidc/callback takes what it brings back and begins a session
//	Reads:  the provider's discovery document, keys and token endpoint; what internal/access reads
//	Writes: a session, with its audit entry, through internal/access
//	Wakes:  nobody
//
// Authorization code with PKCE. What must come back unchanged (state, nonce, verifier, and where to go) is sealed into a cookie of ten
// minutes, so that any node can answer the callback. Nobody gets a user here: the provider's verified address must belong to one.
package sso

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/bucket"
)

// Sessions begins a session of the user with this address. Forbidden: there is none, or the user or account is disabled.
type Sessions interface {
	SignInAs(ctx context.Context, email, how, clientAddress string) (token string, session overture.Session, err error)
}

// Sealer keeps what the browser carries from being read or changed.
type Sealer interface {
	Seal(plain overture.Secret, bound string) (string, error)
	Open(sealed, bound string) (overture.Secret, error)
}

// Deps of New.
type Deps struct {
	Issuer       string // of the identity provider
	ClientID     string
	ClientSecret overture.Secret // empty for a client that has none
	PublicURL    string          // of this server
	Sessions     Sessions
	Sealer       Sealer
	SetSession   func(w http.ResponseWriter, token string, expires time.Time) // the same cookie that a password gives
	ClientIP     func(r *http.Request) string                                 // nil: the peer's address
	Log          *slog.Logger
}

const (
	trip       = 10 * time.Minute // from our page to the provider and back
	patience   = 10 * time.Second // with the provider, per request
	tripCookie = "overture_oidc"
	tripPath   = "/v1/session/oidc"
	boundTo    = "oidc sign-in"
	maxNext    = 1000
)

// perAddress bounds how often one client address may begin.
var perAddress = bucket.Rate{PerSecond: 0.5, Burst: 30}

// Door signs people in.
type Door struct {
	deps    Deps
	client  *http.Client
	callers *bucket.Set

	mu       sync.Mutex
	provider *oidc.Provider       // once it was reached
	used     map[string]time.Time // states that came back, and when they would have ended
}

// New makes the door. The provider is asked when the first person comes, so that it may be down when the server starts.
func New(d Deps) *Door {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Door{deps: d, client: &http.Client{Timeout: patience}, callers: bucket.New(10_000), used: map[string]time.Time{}}
}

// Mount adds the routes.
func (d *Door) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+tripPath, d.leave)
	mux.HandleFunc("GET "+tripPath+"/callback", d.comeBack)
}

// journey is what must come back unchanged.
type journey struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Next     string `json:"t"`
	Until    int64  `json:"u"` // Unix seconds
}

// leave sends the browser to the provider.
func (d *Door) leave(w http.ResponseWriter, r *http.Request) {
	head(w)
	if _, wait := d.callers.Take(d.addressOf(r), perAddress, time.Now()); wait > 0 {
		http.Error(w, "too many tries to sign in; wait a minute and try again", http.StatusTooManyRequests)
		return
	}
	config, _, err := d.reach(r.Context())
	if err != nil {
		d.deps.Log.ErrorContext(r.Context(), "the identity provider cannot be reached; nobody can sign in through it", "error", err)
		d.fail(w, r, "oidc")
		return
	}
	j := journey{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: ownPath(r.URL.Query().Get("next")), Until: time.Now().Add(trip).Unix(),
	}
	raw, _ := json.Marshal(j) // texts and a number always marshal
	sealed, err := d.deps.Sealer.Seal(overture.Secret(raw), boundTo)
	if err != nil {
		d.deps.Log.ErrorContext(r.Context(), "sign-in could not begin", "error", err)
		d.fail(w, r, "oidc")
		return
	}
	d.setTrip(w, sealed, int(trip/time.Second))
	http.Redirect(w, r, config.AuthCodeURL(j.State, oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier)), http.StatusFound)
}

// comeBack takes what the provider sent the browser back with.
func (d *Door) comeBack(w http.ResponseWriter, r *http.Request) {
	head(w)
	d.setTrip(w, "", -1)
	j, err := d.journeyOf(r)
	if err == nil {
		var email string
		if email, err = d.verify(r.Context(), j, r.URL.Query()); err == nil {
			d.enter(w, r, email, j.Next)
			return
		}
	}
	d.deps.Log.WarnContext(r.Context(), "a sign-in through the identity provider was refused", "error", err)
	d.fail(w, r, "oidc")
}

// journeyOf opens the cookie, once.
func (d *Door) journeyOf(r *http.Request) (journey, error) {
	var j journey
	c, err := r.Cookie(tripCookie)
	if err != nil {
		return j, errors.New("the browser brought no cookie of ours: it began elsewhere, long ago, or this was answered already")
	}
	raw, err := d.deps.Sealer.Open(c.Value, boundTo)
	if err != nil {
		return j, fmt.Errorf("cookie of the sign-in: %w", err)
	}
	if err := json.Unmarshal([]byte(raw.Reveal()), &j); err != nil {
		return j, errors.New("cookie of the sign-in: not ours")
	}
	now := time.Now()
	if now.Unix() >= j.Until {
		return j, errors.New("the sign-in took too long")
	}
	if subtle.ConstantTimeCompare([]byte(j.State), []byte(r.URL.Query().Get("state"))) != 1 {
		return j, errors.New("the state is not that of this browser")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for state, until := range d.used {
		if now.After(until) {
			delete(d.used, state)
		}
	}
	if _, again := d.used[j.State]; again {
		return j, errors.New("the state was used already")
	}
	d.used[j.State] = time.Unix(j.Until, 0)
	return j, nil
}

// verify exchanges the code for the provider's word, and gives the verified e-mail address in it.
func (d *Door) verify(ctx context.Context, j journey, query url.Values) (string, error) {
	if query.Get("error") != "" || query.Get("code") == "" {
		return "", errors.New("the provider sent no code")
	}
	config, provider, err := d.reach(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, d.client), 2*patience)
	defer cancel()
	tokens, err := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(j.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) { // its text would hold the provider's whole answer
			return "", fmt.Errorf("the provider refused the code: %q", refused.ErrorCode)
		}
		return "", fmt.Errorf("exchange the code: %w", err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return "", errors.New("the provider gave no ID token")
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: d.deps.ClientID}).Verify(ctx, raw) // signature, issuer, audience, expiry
	if err != nil {
		return "", fmt.Errorf("ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(j.Nonce)) != 1 {
		return "", errors.New("ID token: it was made for another sign-in")
	}
	var claims struct {
		Email    string `json:"email"`
		Verified any    `json:"email_verified"` // some providers write "true"
		Party    string `json:"azp"`
	}
	if err := token.Claims(&claims); err != nil {
		return "", errors.New("ID token: its claims cannot be read")
	}
	switch {
	case len(token.Audience) > 1 && claims.Party != d.deps.ClientID:
		return "", errors.New("ID token: made for another program")
	case claims.Email == "" || claims.Verified != true && claims.Verified != "true":
		return "", errors.New("ID token: without a verified e-mail address")
	}
	return claims.Email, nil
}

// enter begins the session of the person whom the provider vouches for.
func (d *Door) enter(w http.ResponseWriter, r *http.Request, email, next string) {
	token, session, err := d.deps.Sessions.SignInAs(r.Context(), email, "single sign-on", d.addressOf(r))
	switch {
	case overture.KindOf(err) == overture.Forbidden:
		d.fail(w, r, "unknown_user")
	case err != nil:
		d.deps.Log.ErrorContext(r.Context(), "a sign-in through the identity provider failed", "error", err)
		d.fail(w, r, "oidc")
	default:
		d.deps.SetSession(w, token, session.ExpiresAt)
		http.Redirect(w, r, next, http.StatusFound) //nolint:gosec // ownPath made sure that it is a path of ours, and the cookie is sealed
	}
}

func (d *Door) fail(w http.ResponseWriter, r *http.Request, why string) {
	http.Redirect(w, r, "/login?failed="+why, http.StatusFound)
}

// reach knows the provider, or gets to know it.
func (d *Door) reach(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	d.mu.Lock()
	provider := d.provider
	d.mu.Unlock()
	if provider == nil {
		var err error
		if provider, err = oidc.NewProvider(oidc.ClientContext(ctx, d.client), d.deps.Issuer); err != nil {
			return nil, nil, fmt.Errorf("discover the identity provider: %w", err)
		}
		d.mu.Lock()
		d.provider = provider
		d.mu.Unlock()
	}
	return &oauth2.Config{
		ClientID: d.deps.ClientID, ClientSecret: d.deps.ClientSecret.Reveal(), Endpoint: provider.Endpoint(),
		RedirectURL: strings.TrimSuffix(d.deps.PublicURL, "/") + tripPath + "/callback", Scopes: []string{oidc.ScopeOpenID, "email"},
	}, provider, nil
}

func (d *Door) setTrip(w http.ResponseWriter, value string, maxAge int) {
	//nolint:gosec // Secure only where the public URL is https: on plain http a browser would drop the cookie
	http.SetCookie(w, &http.Cookie{
		Name: tripCookie, Value: value, Path: tripPath, MaxAge: maxAge, HttpOnly: true,
		Secure: strings.HasPrefix(d.deps.PublicURL, "https://"), SameSite: http.SameSiteLaxMode, // Lax: the provider's page leads back to us
	})
}

// ownPath lets nobody be sent to another site: a path of this server, or its first page.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > maxNext || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/"
	}
	return next
}

func (d *Door) addressOf(r *http.Request) string {
	if d.deps.ClientIP != nil {
		return d.deps.ClientIP(r)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func head(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}
