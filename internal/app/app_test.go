package app_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/store/storetest"
)

func options(t *testing.T) app.Options {
	t.Helper()
	db := storetest.Options(t)
	o := app.Options{DataDir: db.DataDir, DatabaseURL: db.DatabaseURL, Listen: "127.0.0.1:0"}
	if o.DataDir == "" {
		o.DataDir = t.TempDir() // for the master key
	}
	return o
}

func begin(t *testing.T, o app.Options) *app.App {
	t.Helper()
	a, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func get(t *testing.T, url string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

func TestEveryDoorIsMounted(t *testing.T) {
	a := begin(t, options(t))
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/livez", 200, "alive"},
		{"/readyz", 200, "ready"},
		{"/metrics", 200, "overture_http_requests_total"},
		{"/", 200, "<title>Overture"},
		{"/campaigns", 200, "<title>Overture"},
		{"/nothing.js", 404, "no such file"},
		{"/v1/live", 403, "another site"},
		{"/v1/server", 200, `"setup_needed":true`},
		{"/openapi.json", 200, `"openapi": "3.1`},
		{"/v1/campaigns", 401, "not_signed_in"},
		{"/v1/nothing", 404, "route_not_found"},
	} {
		status, body, err := get(t, a.URL()+c.path)
		if err != nil || status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("GET %s: %d, %v, want %d and %q in:\n%.300s", c.path, status, err, c.status, c.says, body)
		}
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Errorf("second stop: %v", err)
	}
	if _, _, err := get(t, a.URL()+"/livez"); err == nil {
		t.Error("it answers after its stop")
	}
}

func TestRunEndsWithItsContextAndCanStartAgain(t *testing.T) {
	o := options(t)
	for range 2 {
		a, err := app.New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("run: %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("run does not end")
		}
	}
}

func TestStartThatFailsLeavesNothingBehind(t *testing.T) {
	first := begin(t, options(t))
	defer func() { _ = first.Stop(context.WithoutCancel(t.Context())) }()

	taken := options(t)
	taken.Listen = first.Addr()
	a, err := app.New(taken)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a taken port: got %v", err)
	}
	taken.Listen = "127.0.0.1:0"
	second := begin(t, taken) // the failed start holds neither lock nor database
	if err := second.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMasterKeyOfAnotherDatabaseIsNoKeyAtAll(t *testing.T) {
	o := options(t)
	o.MasterKey = "c2hvcnQ="
	a, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); overture.KindOf(err) != overture.Invalid || !strings.Contains(err.Error(), "32") {
		t.Errorf("a short master key: got %v", err)
	}
}

func TestAccountIsMadeOnce(t *testing.T) {
	o := options(t)
	made, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Harbor", Email: "a@example.com", Password: "a long enough password", WithAPIKey: true})
	if err != nil || !strings.HasPrefix(made.APIKey.Reveal(), "ovk_") {
		t.Fatalf("got %+v, %v", made, err)
	}
	if _, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Other", Email: "a@example.com", Password: "a long enough password"}); overture.KindOf(err) != overture.Conflict {
		t.Errorf("the same email address again: got %v, want Conflict", err)
	}
	if _, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Third", Email: "c@example.com", Password: "short"}); overture.KindOf(err) != overture.Invalid {
		t.Errorf("a short password: got %v, want Invalid", err)
	}
}

func TestWhoStartsAnEmptyServerIsInvitedToSetItUp(t *testing.T) {
	o := options(t)
	o.PublicURL = "http://127.0.0.1:9/"
	var links []string
	o.SetupLink = func(link string) { links = append(links, link) }
	run := func() {
		t.Helper()
		a, err := app.New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	run()
	run()
	if len(links) != 2 || links[0] == links[1] || !strings.HasPrefix(links[0], "http://127.0.0.1:9/setup#code=") || len(links[0]) < 50 {
		t.Errorf("links = %q, want another code at each start", links)
	}
	if _, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Harbor", Email: "a@example.com", Password: "a long enough password"}); err != nil {
		t.Fatal(err)
	}
	if run(); len(links) != 2 {
		t.Error("a server with an account invites strangers")
	}
}

func TestSignInWithAnIdentityProviderIsMounted(t *testing.T) {
	o := options(t)
	o.SingleSignOn = app.SingleSignOn{Issuer: "http://127.0.0.1:1", ClientID: "c"} // nobody listens there: the way begins, and ends at our own page
	a := begin(t, o)
	defer func() { _ = a.Stop(t.Context()) }()
	if _, body, err := get(t, a.URL()+"/v1/server"); err != nil || !strings.Contains(body, `"single_sign_on":"127.0.0.1"`) {
		t.Errorf("got %s, %v", body, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/v1/session/oidc?next=/campaigns", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || to != "/login?failed=oidc" {
		t.Errorf("led to %q with %d", to, resp.StatusCode)
	}
	off := options(t)
	without := begin(t, off)
	defer func() { _ = without.Stop(t.Context()) }()
	if status, _, err := get(t, without.URL()+"/v1/session/oidc"); err != nil || status != http.StatusNotFound {
		t.Errorf("without a provider: %d, %v", status, err)
	}
}
